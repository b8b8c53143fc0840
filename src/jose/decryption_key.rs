//! A key that decrypts tokens (JWE, RFC 7516), with the one algorithm it is used with.
//!
//! What is wrong with an encrypted key cannot be told from what is wrong with the content: a key that cannot be had is
//! replaced by a random one, and the content refuses that (RFC 7516 section 11.5).

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    key_wrap::{AES_256, AesKek, KeyWrap},
    rsa::{KeyPair as RsaKeyPair, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey},
    signature::KeyPair,
};
use zeroize::Zeroizing;

use super::{
    PublicKey, PublicKeyFault, ShortRsa, SigningKeyFault,
    content::{self, ContentKey, KEY_BYTES, Sealed},
    pem,
};
use crate::secret::Secret;

/// Bits of the longest RSA key: anyone can send what has to be decrypted, and twice the bits take seven times as long.
const LONGEST_RSA: usize = 4096;
/// Bytes that wrapping adds (RFC 3394 section 2.2.1).
const WRAPPING: usize = 8;

/// How the content's key is had (RFC 7518 section 4.1). `RSA1_5`, `RSA-OAEP` over SHA-1 and passwords are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyManagement {
    /// The shared secret is the content's key.
    Direct,
    /// AES key wrap with a shared secret of 256 bits.
    A256Kw,
    /// RSAES-OAEP with SHA-256 and MGF1 over it.
    RsaOaep256,
}

impl KeyManagement {
    /// All of them.
    pub const ALL: [KeyManagement; 3] = [KeyManagement::Direct, KeyManagement::A256Kw, KeyManagement::RsaOaep256];

    /// The value of `alg`.
    pub fn name(self) -> &'static str {
        match self {
            KeyManagement::Direct => "dir",
            KeyManagement::A256Kw => "A256KW",
            KeyManagement::RsaOaep256 => "RSA-OAEP-256",
        }
    }

    /// Whether its key is a shared secret.
    pub fn is_symmetric(self) -> bool {
        match self {
            KeyManagement::Direct | KeyManagement::A256Kw => true,
            KeyManagement::RsaOaep256 => false,
        }
    }
}

/// A key and its algorithm, ready for use. Clones share the key itself.
#[derive(Clone)]
pub struct DecryptionKey {
    kid: Option<String>,
    algorithm: KeyManagement,
    material: Arc<Material>,
}

enum Material {
    Direct(ContentKey),
    Wrapping(ContentKey),
    Rsa(OaepPrivateDecryptingKey),
}

/// Why there is no key to decrypt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecryptionKeyFault {
    /// A secret of another length, or an RSA key where a secret is wanted.
    #[error("a key of {} is a secret of {KEY_BYTES} bytes", .0.name())]
    Secret(KeyManagement),
    /// Not the one PEM section of a private key.
    #[error("{0}")]
    Document(#[from] SigningKeyFault),
    /// The numbers are weak.
    #[error("{0}")]
    Weak(#[from] PublicKeyFault),
    /// A key of another kind.
    #[error("this is no private key of RSA")]
    Unfit,
    /// A key that is too costly.
    #[error("an RSA key for decryption has {LONGEST_RSA} bits or less, and this one has {0}: anyone can make it work")]
    Long(usize),
}

/// The token was not encrypted for this key, or altered since. No more is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undecryptable;

impl DecryptionKey {
    /// A shared secret.
    ///
    /// # Errors
    /// It has not the length of its algorithm.
    pub fn secret(
        kid: Option<String>,
        algorithm: KeyManagement,
        secret: &Secret,
    ) -> Result<DecryptionKey, DecryptionKeyFault> {
        let fault = DecryptionKeyFault::Secret(algorithm);
        let bytes = <[u8; KEY_BYTES]>::try_from(secret.expose()).map_err(|_| fault)?;
        let material = match algorithm {
            KeyManagement::Direct => Material::Direct(Zeroizing::new(bytes)),
            KeyManagement::A256Kw => Material::Wrapping(Zeroizing::new(bytes)),
            KeyManagement::RsaOaep256 => return Err(DecryptionKeyFault::Unfit),
        };
        Ok(DecryptionKey { kid, algorithm, material: Arc::new(material) })
    }

    /// The private key of RSA in a PEM text: PKCS #8, or RSA's own older form.
    ///
    /// # Errors
    /// [`DecryptionKeyFault`]
    pub fn from_pem(kid: Option<String>, text: &[u8]) -> Result<DecryptionKey, DecryptionKeyFault> {
        let der = pem::private_der(text)?;
        let pair = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der));
        let pair = pair.map_err(|_| DecryptionKeyFault::Unfit)?;
        let public = PublicKey::from_der(pair.public_key().as_ref(), ShortRsa::Refuse)?;
        if let Some(bits) = public.rsa_bits().filter(|bits| *bits > LONGEST_RSA) {
            return Err(DecryptionKeyFault::Long(bits));
        }
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| DecryptionKeyFault::Unfit)?;
        let key = PrivateDecryptingKey::from_pkcs8(der.as_ref()).map_err(|_| DecryptionKeyFault::Unfit)?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| DecryptionKeyFault::Unfit)?;
        let algorithm = KeyManagement::RsaOaep256;
        Ok(DecryptionKey { kid, algorithm, material: Arc::new(Material::Rsa(key)) })
    }

    /// The `kid` of tokens that are encrypted for it.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> KeyManagement {
        self.algorithm
    }

    /// Whether `enc` names the one content encryption that is known here.
    pub fn knows_content_encryption(enc: &str) -> bool {
        enc == content::NAME
    }

    /// What was encrypted. With RSA it takes about a millisecond, whatever is sent.
    ///
    /// # Errors
    /// [`Undecryptable`], whichever part is not what it should be.
    pub fn open(&self, sealed: Sealed<'_>) -> Result<Vec<u8>, Undecryptable> {
        let key = self.content_key(&sealed.encrypted_key)?;
        content::open(&key, sealed).ok_or(Undecryptable)
    }

    /// An encrypted key of a wrong length is refused: that much everyone sees. Any other gives a key.
    fn content_key(&self, encrypted: &[u8]) -> Result<ContentKey, Undecryptable> {
        let of_length = |bytes: usize| if encrypted.len() == bytes { Ok(()) } else { Err(Undecryptable) };
        match &*self.material {
            Material::Direct(key) => of_length(0).map(|()| key.clone()),
            Material::Wrapping(secret) => {
                of_length(KEY_BYTES + WRAPPING)?;
                let kek = AesKek::new(&AES_256, secret.as_slice()).map_err(|_| Undecryptable)?;
                let mut room = Zeroizing::new([0; KEY_BYTES + WRAPPING]);
                let unwrapped = kek.unwrap(encrypted, room.as_mut_slice());
                or_a_random_one(unwrapped.ok().as_deref())
            }
            Material::Rsa(key) => {
                of_length(key.key_size_bytes())?;
                let mut room = Zeroizing::new(vec![0; key.min_output_size()]);
                let decrypted = key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut room, None);
                or_a_random_one(decrypted.ok().as_deref())
            }
        }
    }
}

/// Whoever sends altered keys must not learn from the time or the kind of refusal which of them decrypted to something.
fn or_a_random_one(found: Option<&[u8]>) -> Result<ContentKey, Undecryptable> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut_slice()).map_err(|_| Undecryptable)?;
    if let Some(found) = found.filter(|found| found.len() == KEY_BYTES) {
        key.copy_from_slice(found);
    }
    Ok(key)
}

/// Shows no key material.
impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey({:?}, {})", self.kid, self.algorithm.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(algorithm: KeyManagement, secret: Vec<u8>) -> Result<DecryptionKey, DecryptionKeyFault> {
        DecryptionKey::secret(None, algorithm, &Secret::new(secret))
    }

    /// RFC 3394 section 4.6: 256 bits wrapped with 256 bits.
    #[test]
    fn the_key_of_rfc_3394_is_unwrapped() {
        let wrapped = "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21";
        let wrapped = hex::decode(wrapped).unwrap();
        let key = key(KeyManagement::A256Kw, (0..32).collect()).unwrap();
        let found = key.content_key(&wrapped).unwrap();
        let expected = "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F";
        assert_eq!(hex::encode_upper(found.as_slice()), expected);
    }

    #[test]
    fn an_altered_key_gives_another_and_no_refusal_of_its_own() {
        let key = key(KeyManagement::A256Kw, (0..32).collect()).unwrap();
        let (one, other) = (key.content_key(&[7; 40]).unwrap(), key.content_key(&[7; 40]).unwrap());
        assert_ne!(one, other, "random, so that nobody can encrypt for it");
        for length in [0, 24, 39, 41, 48] {
            assert_eq!(key.content_key(&vec![7; length]).unwrap_err(), Undecryptable, "{length}");
        }
    }

    #[test]
    fn a_secret_has_the_length_of_its_algorithm() {
        for length in [0, 16, 31, 33, 64] {
            for algorithm in [KeyManagement::Direct, KeyManagement::A256Kw] {
                let fault = key(algorithm, vec![1; length]).unwrap_err();
                assert_eq!(fault, DecryptionKeyFault::Secret(algorithm));
            }
        }
        assert_eq!(key(KeyManagement::RsaOaep256, vec![1; 32]).unwrap_err(), DecryptionKeyFault::Unfit);
        let shown = format!("{:?}", key(KeyManagement::Direct, vec![b'a'; 32]).unwrap());
        assert_eq!(shown, "DecryptionKey(None, dir)");
    }

    #[test]
    fn only_a_private_key_of_rsa_decrypts() {
        let public = include_bytes!("../../tests/config/rsa.pem");
        let fault = DecryptionKey::from_pem(None, public).unwrap_err();
        assert_eq!(fault, DecryptionKeyFault::Document(SigningKeyFault::Public));
        let of_a_curve = include_bytes!("../../tests/config/key.pem");
        assert_eq!(DecryptionKey::from_pem(None, of_a_curve).unwrap_err(), DecryptionKeyFault::Unfit);
    }
}
