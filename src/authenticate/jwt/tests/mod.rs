//! The rules one by one: `verify` for header, signature and claims, `cache` and `carrier` for the rest.

mod algorithms;
mod cache;
mod carrier;
mod encrypted;
mod proof;
mod verify;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, crypto};

use super::*;
use crate::{
    jose::{Algorithm, Key},
    secret::Secret,
};

const NOW: i64 = 1_800_000_000;
const KEY: &[u8] = b"my_super_secret_key";
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn key(kid: Option<&str>, algorithm: Algorithm, secret: &[u8]) -> Key {
    Key::secret(kid.map(str::to_owned), algorithm, &Secret::new(secret.to_vec())).expect("a good key")
}

/// The laxest rules there are.
pub(super) fn settings() -> Settings {
    Settings {
        name: "api".to_owned(),
        keys: vec![key(None, Algorithm::Hs256, KEY)].into(),
        decryption: None,
        issuer: None,
        audience: Vec::new(),
        leeway: Duration::ZERO,
        require_exp: false,
        claims: ClaimRules::default(),
    }
}

fn verifier(settings: Settings) -> Verifier {
    Verifier::new(settings).expect("good settings")
}

fn sign(header: &str, payload: &str, algorithm: Algorithm, secret: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = EncodingKey::from_secret(secret);
    let signature = crypto::sign(message.as_bytes(), &key, library_algorithm(algorithm)).expect("a signature");
    format!("{message}.{signature}")
}

/// What the library that makes the tokens calls it.
fn library_algorithm(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    algorithm.name().parse().expect("a name that it knows")
}

fn token(payload: &str) -> String {
    sign(HEADER, payload, Algorithm::Hs256, KEY)
}

fn refusal(verifier: &Verifier, token: &str) -> TokenError {
    verifier.verify(token.as_bytes(), NOW).expect_err(token)
}
