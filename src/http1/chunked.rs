//! The chunked transfer coding (RFC 9112 section 7.1), read byte by byte between the data, so that no split of the
//! input matters and no line is ever held. Extensions and trailers are checked, counted and dropped.

use bytes::{Buf, BytesMut};

use super::body::take;
use super::grammar::{is_field_value, is_token};
use super::{BadBody, Step};

/// A size is kept below 2^63; 16 digits also bound a run of leading zeros.
const MOST_SIZE_DIGITS: u8 = 16;

/// Where in a chunked body the next byte lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size {
        digits: u8,
    },
    /// After `;`, before the extension's name.
    ExtensionStart,
    Extension,
    SizeLineFeed,
    Data,
    DataCarriageReturn,
    DataLineFeed,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    LastLineFeed,
    Done,
    Failed(BadBody),
}

/// A chunked body being read.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    /// In `Size`, the size so far; in `Data`, what is left of it.
    size: u64,
    /// Bytes of extensions and trailers that may still come.
    overhead: usize,
}

impl Chunked {
    pub(super) fn new(overhead: usize) -> Chunked {
        Chunked { state: State::Size { digits: 0 }, size: 0, overhead }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    pub(super) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Step, BadBody> {
        let mut used = 0;
        for &byte in buffer.iter() {
            if matches!(self.state, State::Data | State::Done | State::Failed(_)) {
                break;
            }
            self.state = self.next(byte).unwrap_or_else(State::Failed);
            used += 1;
        }
        buffer.advance(used);
        match self.state {
            State::Failed(fault) => Err(fault),
            State::Done => Ok(Step::End),
            State::Data => Ok(self.data(buffer)),
            _ => Ok(Step::More),
        }
    }

    fn data(&mut self, buffer: &mut BytesMut) -> Step {
        let step = take(buffer, &mut self.size);
        if self.size == 0 {
            self.state = State::DataCarriageReturn;
        }
        step
    }

    fn next(&mut self, byte: u8) -> Result<State, BadBody> {
        match self.state {
            State::Size { digits } => self.size(digits, byte),
            State::ExtensionStart | State::Extension => self.extension(byte),
            State::SizeLineFeed => match byte {
                b'\n' if self.size == 0 => Ok(State::TrailerStart),
                b'\n' => Ok(State::Data),
                _ => Err(BadBody::ChunkSize),
            },
            State::DataCarriageReturn if byte == b'\r' => Ok(State::DataLineFeed),
            State::DataLineFeed if byte == b'\n' => Ok(State::Size { digits: 0 }),
            State::DataCarriageReturn | State::DataLineFeed => Err(BadBody::ChunkEnd),
            State::TrailerStart if byte == b'\r' => Ok(State::LastLineFeed),
            State::LastLineFeed if byte == b'\n' => Ok(State::Done),
            State::TrailerStart | State::TrailerName | State::TrailerValue | State::TrailerLineFeed => {
                self.trailer(byte)
            }
            State::LastLineFeed => Err(BadBody::Trailer),
            // Left to `decode`, which takes no framing byte in these.
            State::Data | State::Done | State::Failed(_) => Ok(self.state),
        }
    }

    fn size(&mut self, digits: u8, byte: u8) -> Result<State, BadBody> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' if digits > 0 => return Ok(State::SizeLineFeed),
            b';' if digits > 0 => return Ok(State::ExtensionStart),
            _ => return Err(BadBody::ChunkSize),
        };
        if digits == MOST_SIZE_DIGITS {
            return Err(BadBody::ChunkSize);
        }
        let before = if digits == 0 { 0 } else { self.size };
        self.size = before.checked_mul(16).ok_or(BadBody::ChunkSize)? + u64::from(digit);
        i64::try_from(self.size).map_err(|_| BadBody::ChunkSize)?;
        Ok(State::Size { digits: digits + 1 })
    }

    fn extension(&mut self, byte: u8) -> Result<State, BadBody> {
        self.spend()?;
        match (self.state, byte) {
            (State::ExtensionStart, b' ' | b'\t') => Ok(State::ExtensionStart),
            (State::ExtensionStart, _) if is_token(byte) => Ok(State::Extension),
            (State::Extension, b'\r') => Ok(State::SizeLineFeed),
            (State::Extension, b'\t' | b' '..=b'~') => Ok(State::Extension),
            _ => Err(BadBody::ChunkExtension),
        }
    }

    fn trailer(&mut self, byte: u8) -> Result<State, BadBody> {
        self.spend()?;
        match (self.state, byte) {
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerStart | State::TrailerName, _) if is_token(byte) => Ok(State::TrailerName),
            (State::TrailerValue, b'\r') => Ok(State::TrailerLineFeed),
            (State::TrailerValue, _) if is_field_value(byte) => Ok(State::TrailerValue),
            (State::TrailerLineFeed, b'\n') => Ok(State::TrailerStart),
            _ => Err(BadBody::Trailer),
        }
    }

    fn spend(&mut self) -> Result<(), BadBody> {
        self.overhead = self.overhead.checked_sub(1).ok_or(BadBody::TooMuchOverhead)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole body, and what is left of the input.
    fn decode(input: &str) -> Result<(Vec<u8>, usize), BadBody> {
        let mut buffer = BytesMut::from(input);
        let mut chunked = Chunked::new(64);
        let mut body = Vec::new();
        loop {
            match chunked.decode(&mut buffer)? {
                Step::Data(data) => body.extend_from_slice(&data),
                Step::More => return Err(BadBody::Truncated),
                Step::End => return Ok((body, buffer.len())),
            }
        }
    }

    #[test]
    fn chunks_are_joined_and_the_next_message_is_left() {
        assert_eq!(decode("5\r\nhello\r\n00A\r\n, chunked!\r\n0\r\n\r\nGET"), Ok((b"hello, chunked!".to_vec(), 3)));
        assert_eq!(decode("0\r\n\r\n"), Ok((Vec::new(), 0)));
        assert_eq!(decode("000\r\n\r\n"), Ok((Vec::new(), 0)));
        assert_eq!(decode("1\r\na\r\n1\r\nb\r\n0\r\n\r\n"), Ok((b"ab".to_vec(), 0)));
    }

    #[test]
    fn a_chunk_size_is_hex_digits_alone() {
        let sizes = [
            "",
            "+5",
            "-5",
            "0x5",
            "0_5",
            " 5",
            "\t5",
            "5 ",
            "5\t",
            "5 ;a",
            "g",
            "\r",
            "5\r",
            "\u{a0}5",
            "8000000000000000",
            "FFFFFFFFFFFFFFFF",
            "10000000000000000",
            "00000000000000005",
        ];
        for size in sizes {
            assert_eq!(decode(&format!("{size}\r\nhello\r\n0\r\n\r\n")), Err(BadBody::ChunkSize), "{size:?}");
        }
        assert_eq!(decode("5\nhello\r\n0\r\n\r\n"), Err(BadBody::ChunkSize));
        assert_eq!(decode("7fffffffffffffff\r\nh"), Err(BadBody::Truncated));
        assert_eq!(decode("0000000000000001\r\nh\r\n0\r\n\r\n"), Ok((b"h".to_vec(), 0)));
    }

    #[test]
    fn the_data_must_be_followed_by_crlf() {
        for data in ["helloZZ\r\n", "hello\n", "hello\n\n", "hello\r\r\n", "hellox", "hellox\n", "hello0\r\n"] {
            assert_eq!(decode(&format!("5\r\n{data}0\r\n\r\n")), Err(BadBody::ChunkEnd), "{data:?}");
        }
    }

    #[test]
    fn an_extension_is_dropped() {
        for extension in [";name=val", ";a", "; a = \"b;c\"", ";a;b=c "] {
            let input = format!("5{extension}\r\nhello\r\n0{extension}\r\n\r\n");
            assert_eq!(decode(&input), Ok((b"hello".to_vec(), 0)), "{extension:?}");
        }
    }

    #[test]
    fn an_extension_without_a_name_or_with_control_bytes_is_refused() {
        for extension in [";", ";=a", "; ", ";;a", ";a=\nb", ";a\0", ";a\u{7f}", ";a=\u{e9}", ";a=\u{b}"] {
            let input = format!("5{extension}\r\nhello\r\n0\r\n\r\n");
            assert_eq!(decode(&input), Err(BadBody::ChunkExtension), "{extension:?}");
        }
        assert_eq!(decode("5;a=\rb\r\nhello\r\n0\r\n\r\n"), Err(BadBody::ChunkSize));
    }

    #[test]
    fn trailers_are_dropped() {
        assert_eq!(decode("0\r\nContent-Length: 99\r\nX-A:\r\n\r\nGET"), Ok((Vec::new(), 3)));
    }

    #[test]
    fn a_malformed_trailer_is_refused() {
        for trailer in
            ["X-A: b\n", "X A: b\r\n", " X-A: b\r\n", ": b\r\n", "X-A\r\n", "X-A: \0\r\n", "X-A: b\rc\r\n", "\n"]
        {
            assert_eq!(decode(&format!("0\r\n{trailer}\r\n")), Err(BadBody::Trailer), "{trailer:?}");
        }
        assert_eq!(decode("0\r\n\rx"), Err(BadBody::Trailer));
        assert_eq!(decode("0\n\n"), Err(BadBody::ChunkSize));
    }

    #[test]
    fn extensions_and_trailers_share_one_budget() {
        let long = "a".repeat(40);
        assert_eq!(decode(&format!("0\r\nx:{long}\r\n\r\n")), Ok((Vec::new(), 0)));
        assert_eq!(decode(&format!("1;{long}\r\nx\r\n0\r\nx:{long}\r\n\r\n")), Err(BadBody::TooMuchOverhead));
        assert_eq!(decode(&format!("1;{long}{long}\r\nx\r\n0\r\n\r\n")), Err(BadBody::TooMuchOverhead));
    }

    #[test]
    fn a_failed_body_stays_failed() {
        let mut chunked = Chunked::new(64);
        assert_eq!(chunked.decode(&mut BytesMut::from("x")), Err(BadBody::ChunkSize));
        assert_eq!(chunked.decode(&mut BytesMut::from("0\r\n\r\n")), Err(BadBody::ChunkSize));
        assert!(!chunked.is_done());
    }
}
