//! Encrypted tokens for tests: what a sender does, which the gateway never is.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    encoding::{AsDer, Pkcs8V1Der},
    key_wrap::{AES_256, AesKek, KeyWrap},
    rsa::{
        KeySize, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPublicEncryptingKey, PrivateDecryptingKey,
        PublicEncryptingKey,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{DecryptionKey, KeyManagement};
use crate::secret::Secret;

/// What a sender has.
pub(crate) enum Sender {
    Direct([u8; 32]),
    Wrapping([u8; 32]),
    Rsa(PublicEncryptingKey, &'static OaepAlgorithm),
}

impl Sender {
    /// One for each algorithm, each with the key of whom it sends to.
    pub(crate) fn of_each() -> Vec<(Sender, DecryptionKey)> {
        let secret = |algorithm| DecryptionKey::secret(None, algorithm, &Secret::new(vec![7; 32])).unwrap();
        let (rsa, pem) = Sender::rsa();
        vec![
            (Sender::Direct([7; 32]), secret(KeyManagement::Direct)),
            (Sender::Wrapping([7; 32]), secret(KeyManagement::A256Kw)),
            (rsa, DecryptionKey::from_pem(None, pem.as_bytes()).unwrap()),
        ]
    }

    fn rsa() -> (Sender, String) {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = private.as_der().unwrap();
        let body = base64::prelude::BASE64_STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        (Sender::Rsa(private.public_key(), &OAEP_SHA256_MGF1SHA256), pem)
    }

    /// A compact token with `content` in it, under this header.
    pub(crate) fn seal(&self, header: &str, content: &[u8]) -> String {
        let (key, encrypted_key) = self.content_key(&[9; 32]);
        let header = BASE64_URL_SAFE_NO_PAD.encode(header);
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
        let (nonce, mut sealed) = ([3; 12], content.to_vec());
        let tag = key.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(header.as_bytes()),
            &mut sealed,
        );
        let [encrypted_key, nonce, sealed, tag] = [&encrypted_key[..], &nonce, &sealed, tag.unwrap().as_ref()]
            .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        format!("{header}.{encrypted_key}.{nonce}.{sealed}.{tag}")
    }

    /// The content's key and how it is sent; `wanted` but where there is no choice.
    pub(crate) fn content_key(&self, wanted: &[u8]) -> (Vec<u8>, Vec<u8>) {
        match self {
            Sender::Direct(key) => (key.to_vec(), Vec::new()),
            Sender::Wrapping(key) => {
                let mut room = vec![0; wanted.len() + 8];
                AesKek::new(&AES_256, key).unwrap().wrap(wanted, &mut room).unwrap();
                (wanted.to_vec(), room)
            }
            Sender::Rsa(key, algorithm) => {
                let key = OaepPublicEncryptingKey::new(key.clone()).unwrap();
                let mut room = vec![0; key.ciphertext_size()];
                key.encrypt(algorithm, wanted, &mut room, None).unwrap();
                (wanted.to_vec(), room)
            }
        }
    }

    /// The value of `alg`.
    pub(crate) fn alg(&self) -> &'static str {
        match self {
            Sender::Direct(_) => KeyManagement::Direct.name(),
            Sender::Wrapping(_) => KeyManagement::A256Kw.name(),
            Sender::Rsa(..) => KeyManagement::RsaOaep256.name(),
        }
    }
}
