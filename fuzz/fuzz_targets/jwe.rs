//! Encrypted tokens: arbitrary bytes as a whole token, as the header over good content, and as content under a good header. None
//! may panic, and only a signed token inside is ever believed.
#![no_main]

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::{
    authenticate::jwt::{ClaimRules, Decryption, Glimpse, Settings, Verifier},
    jose::{Algorithm, DecryptionKey, Key, KeyManagement},
    secret::Secret,
};
use jsonwebtoken::{EncodingKey, crypto};
use libfuzzer_sys::fuzz_target;

const NOW: i64 = 1_800_000_000;
const HEADER: &[u8] = br#"{"alg":"dir","enc":"A256GCM","cty":"JWT"}"#;
const SECRET: [u8; 32] = [7; 32];

fn verifier() -> Verifier {
    let key = Key::secret(None, Algorithm::Hs256, &Secret::new(b"fuzz".to_vec())).expect("a secret");
    let opens = |kid: Option<&str>, algorithm| {
        DecryptionKey::secret(kid.map(str::to_owned), algorithm, &Secret::new(SECRET.to_vec())).expect("a secret")
    };
    let keys = vec![opens(None, KeyManagement::Direct), opens(Some("w"), KeyManagement::A256Kw)];
    Verifier::new(Settings {
        name: "fuzz".to_owned(),
        keys: vec![key].into(),
        decryption: Some(Decryption { keys, required: true }),
        issuer: None,
        audience: Vec::new(),
        leeway: Duration::from_secs(60),
        require_exp: false,
        claims: ClaimRules::default(),
    })
    .expect("good settings")
}

fn seal(header: &[u8], content: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(header);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &SECRET).expect("a key"));
    let mut sealed = content.to_vec();
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header.as_bytes()), &mut sealed).expect("sealed");
    let [nonce, sealed, tag] = [&[0; 12], &sealed[..], tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}..{nonce}.{sealed}.{tag}")
}

fn signed() -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(b"{}"));
    let key = EncodingKey::from_secret(b"fuzz");
    let signature = crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).expect("a signature");
    format!("{message}.{signature}")
}

fuzz_target!(|bytes: &[u8]| {
    let (verifier, signed) = (verifier(), signed());
    let _ = Glimpse::of(bytes);
    assert!(verifier.verify(bytes, NOW).is_err(), "nobody has the key");
    let _ = verifier.verify(seal(bytes, signed.as_bytes()).as_bytes(), NOW);
    let believed = verifier.verify(seal(HEADER, bytes).as_bytes(), NOW).is_ok();
    assert!(!believed || bytes == signed.as_bytes(), "only what is signed");
});
