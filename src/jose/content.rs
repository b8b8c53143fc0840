//! Content encryption of JWE (RFC 7518 section 5.3): AES-256 in GCM, and nothing else.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// The value of `enc`.
pub(super) const NAME: &str = "A256GCM";
/// Bytes of a content encryption key.
pub(super) const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// A content encryption key, wiped when it is dropped.
pub(super) type ContentKey = Zeroizing<[u8; KEY_BYTES]>;

/// The parts of a compact JWE (RFC 7516 section 3.1), decoded, of which nothing is known to be genuine.
pub struct Sealed<'t> {
    /// The protected header as it came, in base64url: the tag vouches for that.
    pub header: &'t [u8],
    /// The content's key, encrypted.
    pub encrypted_key: Vec<u8>,
    /// The initialization vector.
    pub nonce: Vec<u8>,
    /// The content, encrypted.
    pub ciphertext: Vec<u8>,
    /// What vouches for all of it.
    pub tag: Vec<u8>,
}

/// The content, if it and the header are whole under `key`. Other lengths than the algorithm's own are refused: a shorter
/// tag is easier to guess.
pub(super) fn open(key: &ContentKey, sealed: Sealed<'_>) -> Option<Vec<u8>> {
    let Sealed { header, nonce, mut ciphertext, tag, .. } = sealed;
    let nonce = Nonce::assume_unique_for_key(<[u8; NONCE_BYTES]>::try_from(nonce).ok()?);
    let tag = <[u8; TAG_BYTES]>::try_from(tag).ok()?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice()).ok()?);
    ciphertext.extend_from_slice(&tag);
    let length = key.open_in_place(nonce, Aad::from(header), &mut ciphertext).ok()?.len();
    ciphertext.truncate(length);
    Some(ciphertext)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    const HEADER: &[u8] = b"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";

    /// RFC 7516 appendix A.1, whose key's encryption is not one of ours, but whose content's is.
    const KEY: [u8; 32] = [
        177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91, 112, 46, 34, 105,
        47, 130, 203, 46, 122, 234, 64, 252,
    ];

    fn example() -> Sealed<'static> {
        let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        Sealed {
            header: HEADER,
            encrypted_key: Vec::new(),
            nonce: decode("48V1_ALb6US04U3b"),
            ciphertext: decode("5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A"),
            tag: decode("XFBoMYUZodetZdvTiFvSkQ"),
        }
    }

    #[test]
    fn the_example_of_rfc_7516_appendix_a_1_opens() {
        let content = open(&Zeroizing::new(KEY), example()).unwrap();
        assert_eq!(content, b"The true sign of intelligence is not knowledge but imagination.");
    }

    #[test]
    fn nothing_of_it_may_be_altered_or_shortened() {
        let altered: [fn(&mut Sealed<'_>); 9] = [
            |sealed| sealed.header = b"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifP",
            |sealed| sealed.header = b"",
            |sealed| sealed.nonce[0] ^= 1,
            |sealed| sealed.nonce.truncate(11),
            |sealed| sealed.ciphertext[0] ^= 1,
            |sealed| sealed.ciphertext.clear(),
            |sealed| sealed.tag[15] ^= 1,
            |sealed| sealed.tag.truncate(12),
            |sealed| sealed.tag.push(0),
        ];
        for (number, alter) in altered.into_iter().enumerate() {
            let mut sealed = example();
            alter(&mut sealed);
            assert!(open(&Zeroizing::new(KEY), sealed).is_none(), "{number}");
        }
        let other = std::array::from_fn(|place| KEY[place] ^ u8::from(place == 31));
        assert!(open(&Zeroizing::new(other), example()).is_none());
    }
}
