//! Reading a file of the journal again: all of its records, up to an end that may be torn.
//!
//! What a process was writing when it was killed may be there in part, and after a power cut the last blocks may be zeros:
//! that is a torn end, and nothing that was answered is in it. A damaged record with good ones behind it is another thing: it
//! was a claim once, and a request could be accepted again because of it. So nothing is guessed, and the file is refused.

use super::record::{Record, SIZE};

/// Why a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It does not begin as a journal does.
    #[error("it is no replay journal")]
    NoJournal,
    /// A record is damaged, and others after it are not.
    #[error("the record at byte {at} is damaged, and those after it are not")]
    Middle {
        /// Where, in bytes from the file's beginning.
        at: usize,
    },
}

/// Hands over every record of `bytes` in order. How many bytes are good; what follows them is a torn end.
///
/// # Errors
/// [`Damage`]; the records before it were handed over.
pub fn read(bytes: &[u8], mut take: impl FnMut(Record)) -> Result<usize, Damage> {
    let (records, rest) = bytes.as_chunks::<SIZE>();
    let Some((first, others)) = records.split_first() else { return torn_start(rest) };
    if Record::decode(first) != Some(Record::Start) {
        return torn_start(bytes);
    }
    for (index, bytes) in others.iter().enumerate() {
        let at = (index + 1) * SIZE;
        match Record::decode(bytes) {
            Some(Record::Start) => return Err(Damage::Middle { at }),
            Some(record) => take(record),
            None if others.iter().skip(index).any(|bytes| Record::decode(bytes).is_some()) => {
                return Err(Damage::Middle { at });
            }
            None => return Ok(at),
        }
    }
    Ok(records.len() * SIZE)
}

/// Less than a first record, or blocks that were never written.
fn torn_start(bytes: &[u8]) -> Result<usize, Damage> {
    let start = Record::Start.encode();
    let is_torn = bytes.iter().all(|byte| *byte == 0) || start.starts_with(bytes);
    if is_torn { Ok(0) } else { Err(Damage::NoJournal) }
}

#[cfg(test)]
mod tests {
    use super::{super::super::ClaimKey, *};

    fn records(count: u8) -> Vec<Record> {
        (0..count).map(|number| Record::Claim(ClaimKey([number; 32]), i64::from(number))).collect()
    }

    fn file(records: &[Record]) -> Vec<u8> {
        std::iter::once(&Record::Start).chain(records).flat_map(Record::encode).collect()
    }

    fn read_all(bytes: &[u8]) -> (Result<usize, Damage>, Vec<Record>) {
        let mut records = Vec::new();
        (read(bytes, |record| records.push(record)), records)
    }

    #[test]
    fn what_was_written_is_read() {
        let records = records(9);
        let bytes = file(&records);
        assert_eq!(read_all(&bytes), (Ok(bytes.len()), records));
    }

    #[test]
    fn an_end_torn_at_any_byte_loses_the_torn_record_alone() {
        let records = records(3);
        let bytes = file(&records);
        for length in 0..bytes.len() {
            let (good, read) = read_all(&bytes[..length]);
            let whole = length / SIZE;
            assert_eq!(good, Ok(whole * SIZE), "{length}");
            assert_eq!(read, records[..whole.saturating_sub(1)], "{length}");
        }
    }

    #[test]
    fn an_end_of_zeros_is_a_torn_end() {
        let records = records(3);
        let mut bytes = file(&records);
        bytes.extend([0; 5 * SIZE + 7]);
        assert_eq!(read_all(&bytes), (Ok(4 * SIZE), records));
        assert_eq!(read_all(&[0; 4096]).0, Ok(0));
    }

    #[test]
    fn a_damaged_record_before_a_good_one_refuses_the_file() {
        let mut bytes = file(&records(5));
        bytes[2 * SIZE + 20] ^= 1;
        assert_eq!(read_all(&bytes).0, Err(Damage::Middle { at: 2 * SIZE }));
        let joined = [file(&records(1)), file(&records(1))].concat();
        assert_eq!(read_all(&joined).0, Err(Damage::Middle { at: 2 * SIZE }));
    }

    #[test]
    fn a_file_that_is_something_else_is_refused() {
        for text in [&b"#!/bin/sh"[..], &[b'x'; 100], &[1; 48]] {
            assert_eq!(read_all(text).0, Err(Damage::NoJournal));
        }
    }
}
