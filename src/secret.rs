//! Secret bytes: a type that does not print and is wiped when dropped; and comparing what must not be guessed at.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Key material. It has no `Display`, its `Debug` shows nothing, and its memory is wiped on drop.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Secret {
        Secret(Zeroizing::new(bytes))
    }

    /// The bytes themselves, for the one place that computes with them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes; what warnings about short keys speak of.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all; such a key is refused at load.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// In constant time.
impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        are_equal(&self.0, &other.0)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Whether both are the same, in a time that depends on the lengths alone. Eight bytes at a time, and only whether there was
/// any difference is looked at.
pub fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let number = |word: &[u8; 8]| u64::from_ne_bytes(*word);
    let pairs = words.iter().zip(other_words);
    let differences = pairs.fold(0, |differences, (word, other)| differences | (number(word) ^ number(other)));
    one.len() == other.len() && bool::from(differences.ct_eq(&0) & rest.ct_eq(other_rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equal_is_what_has_the_same_bytes(one: Vec<u8>, at: usize, bit in 0..8_u8, other: Vec<u8>) {
            prop_assert!(are_equal(&one, &one.clone()));
            prop_assert_eq!(are_equal(&one, &other), one == other);
            let mut changed = one.clone();
            if let Some(place) = at.checked_rem(one.len()) {
                changed[place] ^= 1_u8 << bit;
                prop_assert!(!are_equal(&one, &changed));
            }
        }
    }
}
