//! Key documents: which are taken for which algorithm, and which are refused.

use std::{env, fs, path::Path};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::*;
use crate::scheme::KeyFault;

const PUBLIC_KEY_ALGORITHMS: [Algorithm; 5] = [
    Algorithm::Ed25519,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::RsaPssSha512,
    Algorithm::RsaV15Sha256,
];

/// 1024 bits.
const SHORT_RSA: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC9L2VkRZo0h/vCfpTYYKqXVjqY
Fu0tHJU6j5XfXXkOyZ0/ShsYow2uVGDgIXVzlgt6ieYB87AKp9Yy1YHGYE5N3ZCI
7TVG3KCzx4V2XjmTxe/8bJyus5YKdIiJfllOYPPddqdMKPOgKwL3pKZfLSctmImI
i2Efh/QsoL0U2jDAIQIDAQAB
-----END PUBLIC KEY-----";

fn pem(kind: &str, der: &[u8]) -> Secret {
    let text = format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", BASE64_STANDARD.encode(der));
    Secret::new(text.into_bytes())
}

fn document(value: &Value) -> Secret {
    Secret::new(value.to_string().into_bytes())
}

fn text(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn recipe(algorithms: &[Algorithm]) -> KeyRecipe {
    KeyRecipe::of_documents(algorithms.iter().copied())
}

fn rsa() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).unwrap()
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> (Vec<u8>, Vec<u8>) {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), public.as_ref().to_vec())
}

/// A private key and its public one, as PEM.
fn pems(algorithm: Algorithm) -> (Secret, Secret) {
    let (private, public) = match algorithm {
        Algorithm::Ed25519 => {
            let pair = Ed25519KeyPair::generate().unwrap();
            let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
            (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), public.as_ref().to_vec())
        }
        Algorithm::EcdsaP256Sha256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::EcdsaP384Sha384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
        _ => {
            let pair = rsa();
            let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
            let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
            (private.as_ref().to_vec(), public.as_ref().to_vec())
        }
    };
    (pem("PRIVATE KEY", &private), pem("PUBLIC KEY", &public))
}

#[test]
fn a_private_pem_signs_what_its_public_pem_verifies_under_its_own_algorithm_alone() {
    for algorithm in PUBLIC_KEY_ALGORITHMS.into_iter().filter(|algorithm| *algorithm != Algorithm::RsaV15Sha256) {
        let scheme = scheme(&definition(algorithm));
        let (private, public) = pems(algorithm);
        let signer = scheme.key_recipe().signing(&private).unwrap();
        let verifier = scheme.key_recipe().verifying(&public).unwrap();
        let emitted = scheme.sign(&request().view(), &signer, Some("p-1"), NOW, "n").unwrap();
        let request = request().signed(emitted);
        let claimed = scheme.read(&request.view(), NOW).unwrap();
        assert_eq!(scheme.verify(&claimed, &request.view(), &[&verifier]), Ok(0), "{algorithm:?}");
        assert_eq!(scheme.verify(&claimed, &request.view(), &[&signer]), Ok(0), "{algorithm:?}");
        let other = scheme.key_recipe().verifying(&pems(algorithm).1).unwrap();
        assert_eq!(scheme.verify(&claimed, &request.view(), &[&other]), Err(Failure::Mismatch), "{algorithm:?}");
        let is_its_own = |own: &Algorithm| recipe(&[*own]).verifying(&public).is_ok();
        let taken: Vec<Algorithm> = PUBLIC_KEY_ALGORITHMS.into_iter().filter(is_its_own).collect();
        match algorithm {
            Algorithm::RsaPssSha512 => assert_eq!(taken, [Algorithm::RsaPssSha512, Algorithm::RsaV15Sha256]),
            _ => assert_eq!(taken, [algorithm]),
        }
    }
}

#[test]
fn a_public_key_cannot_sign_and_a_private_one_that_verifies_does_not() {
    let (private, public) = pems(Algorithm::Ed25519);
    let recipe = recipe(&[Algorithm::Ed25519]);
    assert_eq!(recipe.signing(&public).unwrap_err(), KeyFault::NotPrivate);
    let signature = recipe.signing(&private).unwrap().signature(Algorithm::Ed25519, b"m").unwrap();
    for verifier in [recipe.verifying(&private).unwrap(), recipe.verifying(&public).unwrap()] {
        assert!(verifier.accepts(Algorithm::Ed25519, b"m", &signature));
        assert_eq!(verifier.signature(Algorithm::Ed25519, b"m"), None);
    }
}

#[test]
fn an_rsa_key_below_2048_bits_is_refused_when_it_is_loaded() {
    let recipe = recipe(&[Algorithm::RsaPssSha512, Algorithm::RsaV15Sha256]);
    let fault = recipe.verifying(&Secret::new(SHORT_RSA.as_bytes().to_vec())).unwrap_err();
    assert_eq!(fault, KeyFault::Unfit);
}

#[test]
fn a_key_document_is_no_hmac_secret_and_a_secret_no_key_document() {
    let hmac = recipe(&[Algorithm::HmacSha256]);
    let jwk = document(&json!({ "kty": "OKP", "crv": "Ed25519", "x": text(&[7; 32]) }));
    for document in [pems(Algorithm::Ed25519).1, jwk] {
        assert_eq!(hmac.verifying(&document).unwrap_err(), KeyFault::Document);
        assert_eq!(hmac.signing(&document).unwrap_err(), KeyFault::Document);
    }
    // A brace is nothing special in a secret.
    assert!(hmac.verifying(&Secret::new(b"{0123456789abcdef".to_vec())).is_ok());
    for bytes in [&[7_u8; 32][..], b"0123456789abcdef", b"-----BEGIN PUBLIC KEY-----\n"] {
        let fault = recipe(&PUBLIC_KEY_ALGORITHMS).verifying(&Secret::new(bytes.to_vec())).unwrap_err();
        assert_eq!(fault, KeyFault::NoDocument);
    }
}

#[test]
fn jwks_are_read_as_what_they_say_they_are() {
    let okp = Ed25519KeyPair::generate().unwrap().public_key().as_ref().to_vec();
    let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": text(&okp) });
    let point = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().public_key().as_ref().to_vec();
    let ec = json!({ "kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..]) });
    let n = rsa().public_key().modulus().big_endian_without_leading_zero().to_vec();
    let rsa = json!({ "kty": "RSA", "n": text(&n), "e": "AQAB" });
    let taken = |jwk: &Value| -> Vec<Algorithm> {
        let key = recipe(&PUBLIC_KEY_ALGORITHMS).verifying(&document(jwk));
        key.map(|key| key.algorithms().collect()).unwrap_or_default()
    };
    assert_eq!(taken(&okp), [Algorithm::Ed25519]);
    assert_eq!(taken(&ec), [Algorithm::EcdsaP256Sha256]);
    assert_eq!(taken(&rsa), [Algorithm::RsaPssSha512, Algorithm::RsaV15Sha256]);
    let with = |jwk: &Value, name: &str, value: &str| {
        let mut jwk = jwk.clone();
        jwk[name] = json!(value);
        jwk
    };
    assert_eq!(taken(&with(&rsa, "alg", "RS256")), [Algorithm::RsaV15Sha256]);
    assert_eq!(taken(&with(&rsa, "use", "sig")).len(), 2);
    for broken in [
        with(&rsa, "alg", "HS256"),
        with(&rsa, "use", "enc"),
        with(&rsa, "n", &text(&n[..128])),
        with(&rsa, "n", &text(&[&[0], &n[..]].concat())),
        with(&ec, "crv", "P-384"),
        with(&ec, "x", &text(&point[1..32])),
        with(&ec, "y", &text(&[1; 32])),
        with(&okp, "crv", "X25519"),
        with(&okp, "x", &text(&[7; 31])),
        json!({ "kty": "oct", "k": text(&[7; 32]) }),
    ] {
        assert!(taken(&broken).is_empty(), "{broken}");
    }
}

#[test]
fn private_jwks_sign() {
    let seed = [7; 32];
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()), "d": text(&seed) });
    let key = recipe(&[Algorithm::Ed25519]).signing(&document(&jwk)).unwrap();
    let signature = key.signature(Algorithm::Ed25519, b"m").unwrap();
    assert_eq!(signature, pair.sign(b"m").as_ref());
    assert!(key.accepts(Algorithm::Ed25519, b"m", &signature) && !key.accepts(Algorithm::Ed25519, b"n", &signature));
    let other = json!({ "kty": "OKP", "crv": "Ed25519", "x": text(&[9; 32]), "d": text(&seed) });
    assert!(recipe(&[Algorithm::Ed25519]).signing(&document(&other)).is_err());
}

#[test]
fn an_rsa_key_allowed_two_paddings_needs_to_be_told_which() {
    let both = vec![Algorithm::RsaPssSha512, Algorithm::RsaV15Sha256];
    let scheme = scheme(&MessageSignaturesDefinition::new("test", both));
    let pair = rsa();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let key = scheme.key_recipe().verifying(&pem("PUBLIC KEY", public.as_ref())).unwrap();
    let request = request().with("Content-Digest", digest::write(&request().view().body).unwrap());
    let with = |input: &str, signature: &[u8]| {
        let signature = format!("s=:{}:", BASE64_STANDARD.encode(signature));
        request.clone().with("Signature-Input", format!("s={input}")).with("Signature", signature)
    };
    let judged = |alg: &str| {
        let input = format!("(\"@method\" \"@target-uri\" \"content-digest\");created={}{alg}", NOW / 1000);
        let unsigned = with(&input, b"?");
        let base = scheme.message(&scheme.read(&unsigned.view(), NOW)?, &unsigned.view())?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &base, &mut signature).unwrap();
        let signed = with(&input, &signature);
        scheme.verify(&scheme.read(&signed.view(), NOW)?, &signed.view(), &[&key])
    };
    assert_eq!(judged(";alg=\"rsa-v1_5-sha256\""), Ok(0));
    assert_eq!(judged(";alg=\"rsa-pss-sha512\""), Err(Failure::Mismatch));
    assert_eq!(judged(""), Err(Failure::Algorithm));
    assert_eq!(judged(";alg=\"hmac-sha256\""), Err(Failure::Algorithm));
}

#[test]
fn wycheproof_agrees_whether_its_keys_are_pem_or_jwk() {
    let Ok(vectors) = env::var("COUNTERSIGN_VECTORS") else { return };
    for (file, algorithm, least) in [
        ("ed25519_test.json", Algorithm::Ed25519, 150),
        ("ecdsa_secp256r1_sha256_p1363_test.json", Algorithm::EcdsaP256Sha256, 250),
        ("rsa_signature_2048_sha256_test.json", Algorithm::RsaV15Sha256, 250),
    ] {
        let text = fs::read(Path::new(&vectors).join("wycheproof").join(file)).unwrap();
        let file: Value = serde_json::from_slice(&text).unwrap();
        let checked: usize = file["testGroups"].as_array().unwrap().iter().map(|group| check(group, algorithm)).sum();
        assert!(checked >= least, "{algorithm:?}: {checked}");
    }
}

/// How many signatures of the group were judged as it says.
fn check(group: &Value, algorithm: Algorithm) -> usize {
    let pem = Secret::new(group["publicKeyPem"].as_str().unwrap().as_bytes().to_vec());
    let jwks = ["publicKeyJwk", "keyJwk"].into_iter().filter_map(|name| group.get(name)).map(document);
    let keys = [pem].into_iter().chain(jwks).map(|key| recipe(&[algorithm]).verifying(&key).unwrap());
    let keys: Vec<PreparedKey> = keys.collect();
    let bytes = |test: &Value, name: &str| hex::decode(test[name].as_str().unwrap()).unwrap();
    let tests = group["tests"].as_array().unwrap().iter().filter(|test| test["result"] != "acceptable");
    let mut checked = 0;
    for test in tests {
        for key in &keys {
            let accepted = key.accepts(algorithm, &bytes(test, "msg"), &bytes(test, "sig"));
            assert_eq!(accepted, test["result"] == "valid", "{algorithm:?} {}", test["tcId"]);
        }
        checked += 1;
    }
    checked
}
