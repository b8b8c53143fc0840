//! An issuer of the tests: keys of its own, the set of their public halves, and tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
        RsaPublicKeyComponents,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A key that signs, and what it is called.
pub(super) struct SigningKey {
    pub(super) kid: String,
    pair: Pair,
}

enum Pair {
    Rs256(RsaKeyPair),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl SigningKey {
    pub(super) fn rs256(kid: &str) -> SigningKey {
        SigningKey { kid: kid.to_owned(), pair: Pair::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()) }
    }

    pub(super) fn es256(kid: &str) -> SigningKey {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        SigningKey { kid: kid.to_owned(), pair: Pair::Es256(pair) }
    }

    pub(super) fn ed25519(kid: &str) -> SigningKey {
        SigningKey { kid: kid.to_owned(), pair: Pair::EdDsa(Ed25519KeyPair::generate().unwrap()) }
    }

    /// Its public half as a JWK.
    pub(super) fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Rs256(pair) => {
                let public: RsaPublicKeyComponents<Vec<u8>> = pair.public_key().into();
                json!({"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": text(&public.n),
                    "e": text(&public.e)})
            }
            Pair::Es256(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": self.kid, "x": text(&point[1..33]), "y": text(&point[33..])})
            }
            Pair::EdDsa(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": text(pair.public_key().as_ref())})
            }
        }
    }

    /// A token that says `claims` and expires in an hour.
    pub(super) fn token(&self, claims: &Value) -> String {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().entry("exp").or_insert_with(|| (now() + 3600).into());
        self.signed(&json!({"alg": self.algorithm(), "kid": self.kid, "typ": "JWT"}), &claims)
    }

    /// A token with this very header and payload.
    pub(super) fn signed(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn algorithm(&self) -> &'static str {
        match &self.pair {
            Pair::Rs256(_) => "RS256",
            Pair::Es256(_) => "ES256",
            Pair::EdDsa(_) => "EdDSA",
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
            Pair::Es256(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Pair::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// The set of these keys, as an issuer publishes it.
pub(super) fn key_set<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> String {
    json!({"keys": keys.into_iter().map(SigningKey::jwk).collect::<Vec<Value>>()}).to_string()
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
