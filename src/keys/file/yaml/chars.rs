//! The characters of a text, one after the other, as many as one record may have.

use std::{cell::Cell, io::BufRead, rc::Rc};

use serde_yaml::granit_parser::{ErrorKind, InputIoError};

/// Most characters of one record, with what stands before it.
pub(super) const LONGEST_RECORD: usize = 1 << 20;

/// The characters of a text in UTF-8, within the bound of a record.
pub(super) struct Chars<R> {
    pub(super) from: R,
    pub(super) left: Rc<Cell<usize>>,
}

impl<R: BufRead> Chars<R> {
    fn byte(&mut self) -> Result<Option<u8>, ErrorKind> {
        let failed = |error| ErrorKind::InputIo { error: InputIoError::from_io(error) };
        let byte = self.from.fill_buf().map_err(failed)?.first().copied();
        self.from.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    fn character(&mut self) -> Result<Option<char>, ErrorKind> {
        let not_text = || ErrorKind::InputDecoding { message: String::new() };
        let Some(first) = self.byte()? else { return Ok(None) };
        let length = match first {
            0..=0x7f => return Ok(Some(char::from(first))),
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return Err(not_text()),
        };
        let mut bytes = [first, 0, 0, 0];
        for place in bytes.iter_mut().take(length).skip(1) {
            *place = self.byte()?.ok_or_else(not_text)?;
        }
        let text = bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.and_then(|text| text.chars().next()).ok_or_else(not_text).map(Some)
    }
}

impl<R: BufRead> Iterator for Chars<R> {
    type Item = Result<char, ErrorKind>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => return Some(Err(ErrorKind::InputByteLimitExceeded { limit: LONGEST_RECORD })),
        }
        self.character().transpose()
    }
}
