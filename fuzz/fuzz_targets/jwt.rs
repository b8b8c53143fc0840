//! Tokens: arbitrary bytes as a whole token, and as the claims and the header under a right signature. None may panic;
//! what the cache says must be what the verifier says, but of what can be no token by its characters.
#![no_main]

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::{
    authenticate::jwt::{ClaimRules, Settings, TokenCache, TokenError, Verifier},
    jose::{Algorithm, Key, PublicKey, ShortRsa},
    secret::Secret,
};
use jsonwebtoken::{EncodingKey, crypto};
use libfuzzer_sys::fuzz_target;

const NOW: i64 = 1_800_000_000;
const HEADER: &[u8] = br#"{"alg":"HS256"}"#;

fn verifier() -> Verifier {
    let secret = Secret::new(b"fuzz".to_vec());
    let shared = Key::secret(None, Algorithm::Hs256, &secret).expect("a secret");
    let pem = include_bytes!("../../tests/config/rsa.pem");
    let rsa = PublicKey::from_pem(pem, ShortRsa::Refuse).expect("a public key");
    let rsa = Key::public(Some("rsa".to_owned()), Algorithm::Ps256, &rsa).expect("a key");
    Verifier::new(Settings {
        name: "fuzz".to_owned(),
        keys: vec![shared, rsa].into(),
        decryption: None,
        issuer: None,
        audience: Vec::new(),
        leeway: Duration::from_secs(60),
        require_exp: false,
        claims: ClaimRules::default(),
    })
    .expect("good settings")
}

fn sign(header: &[u8], payload: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = EncodingKey::from_secret(b"fuzz");
    let signature = crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).expect("a signature");
    format!("{message}.{signature}")
}

fuzz_target!(|bytes: &[u8]| {
    let (verifier, mut cache) = (verifier(), TokenCache::new(4, 1 << 16));
    for token in [bytes, sign(HEADER, bytes).as_bytes(), sign(bytes, b"{}").as_bytes()] {
        let fresh = verifier.verify(token, NOW);
        for _ in 0..2 {
            let cached = cache.verify(&verifier, token, NOW);
            match cached {
                // The cache looks at the characters first.
                Err(TokenError::CarrierMalformed) => assert!(fresh.is_err()),
                cached => assert_eq!(cached.as_ref().err(), fresh.as_ref().err()),
            }
        }
        if let Ok(verified) = fresh {
            let _ = (verified.claim("sub"), verified.claim("/a/0"), verified.claim(""));
            assert!(verified.subject().is_none_or(|subject| !subject.chars().any(char::is_control)));
        }
    }
});
