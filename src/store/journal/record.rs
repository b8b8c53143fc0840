//! How a claim is written: one record of 48 bytes, which is whole or is not.
//!
//! `kind` (1 byte), version (1), zero (2), CRC-32C of all the rest (4), time in milliseconds since 1970 (8), key (32); numbers
//! are little-endian. Records are all of one length, so that what follows a damaged one can still be read.

use super::super::ClaimKey;

/// Bytes of a record.
pub(super) const SIZE: usize = 48;

const VERSION: u8 = 1;
/// What stands where a key would in the first record of a file.
const MAGIC: &[u8; 32] = b"countersign replay journal\0\0\0\0\0\0";

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// This is a journal. The first record of each file, and no other.
    Start,
    /// The key is claimed until then.
    Claim(ClaimKey, i64),
    /// That claim was given back.
    Release(ClaimKey, i64),
}

impl Record {
    /// Its bytes.
    pub fn encode(&self) -> [u8; SIZE] {
        let (kind, key, until_millis) = match self {
            Record::Start => (b'S', MAGIC, 0),
            Record::Claim(key, until_millis) => (b'C', &key.0, *until_millis),
            Record::Release(key, until_millis) => (b'R', &key.0, *until_millis),
        };
        let mut bytes = [0; SIZE];
        bytes[0] = kind;
        bytes[1] = VERSION;
        bytes[8..16].copy_from_slice(&until_millis.to_le_bytes());
        bytes[16..].copy_from_slice(key);
        let sum = sum(&bytes);
        bytes[4..8].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// What `bytes` say; `None` where they are no record.
    pub fn decode(bytes: &[u8; SIZE]) -> Option<Record> {
        let [kind, VERSION, 0, 0, s0, s1, s2, s3, rest @ ..] = bytes else { return None };
        if u32::from_le_bytes([*s0, *s1, *s2, *s3]) != sum(bytes) {
            return None;
        }
        let (time, key) = rest.split_first_chunk::<8>()?;
        let (key, until_millis) = (ClaimKey(key.try_into().ok()?), i64::from_le_bytes(*time));
        match kind {
            b'S' if key.0 == *MAGIC && until_millis == 0 => Some(Record::Start),
            b'C' => Some(Record::Claim(key, until_millis)),
            b'R' => Some(Record::Release(key, until_millis)),
            _ => None,
        }
    }
}

/// The checksum of a record, over everything but itself.
fn sum(bytes: &[u8; SIZE]) -> u32 {
    let covered = bytes.iter().take(4).chain(bytes.iter().skip(8));
    !covered.fold(u32::MAX, |sum, byte| (sum >> 8) ^ TABLE[usize::from(sum.to_le_bytes()[0] ^ byte)])
}

/// CRC-32C (Castagnoli), a byte at a time.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0_u32;
    while index < 256 {
        let (mut value, mut bit) = (index, 0);
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0x82F6_3B78 } else { value >> 1 };
            bit += 1;
        }
        table[index as usize] = value;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_is_that_of_the_published_checksum() {
        // RFC 3720 appendix B.4, which iSCSI has it from: 32 bytes of zeros.
        let checksum = !(0..32).fold(u32::MAX, |sum, _| (sum >> 8) ^ TABLE[usize::from(sum.to_le_bytes()[0])]);
        assert_eq!(checksum, 0x8A91_36AA);
    }

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written_and_never_with_a_bit_changed(
            key: [u8; 32], until: i64, release: bool, bit in 0..SIZE * 8,
        ) {
            let record = if release { Record::Release(ClaimKey(key), until) } else { Record::Claim(ClaimKey(key), until) };
            let mut bytes = record.encode();
            prop_assert_eq!(Record::decode(&bytes), Some(record));
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Record::decode(&bytes), None);
        }
    }
}
