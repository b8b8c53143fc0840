//! Public keys: each algorithm with its own kind of key, and what must never pass for a signature.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
        RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};

use super::*;
use crate::jose::{KeyFault, KeyType, PublicKey, ShortRsa};

/// One key of each kind.
struct Pairs {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

const PUBLIC: [Algorithm; 9] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
];

impl Pairs {
    fn new() -> Pairs {
        let ecdsa = |algorithm: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::generate(algorithm).unwrap();
        Pairs {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            p256: ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            p384: ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            ed25519: Ed25519KeyPair::generate().unwrap(),
        }
    }

    fn public(&self, key_type: KeyType) -> PublicKey {
        let der: PublicKeyX509Der<'_> = match key_type {
            KeyType::Secret => panic!("no public key"),
            KeyType::Rsa => self.rsa.public_key().as_der(),
            KeyType::P256 => self.p256.public_key().as_der(),
            KeyType::P384 => self.p384.public_key().as_der(),
            KeyType::Ed25519 => self.ed25519.public_key().as_der(),
        }
        .unwrap();
        PublicKey::from_der(der.as_ref(), ShortRsa::Refuse).unwrap()
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.rsa.public_modulus_len()];
            self.rsa.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
            signature
        };
        match algorithm {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => panic!("no public key"),
            Algorithm::Rs256 => rsa(&RSA_PKCS1_SHA256),
            Algorithm::Rs384 => rsa(&RSA_PKCS1_SHA384),
            Algorithm::Rs512 => rsa(&RSA_PKCS1_SHA512),
            Algorithm::Ps256 => rsa(&RSA_PSS_SHA256),
            Algorithm::Ps384 => rsa(&RSA_PSS_SHA384),
            Algorithm::Ps512 => rsa(&RSA_PSS_SHA512),
            Algorithm::Es256 => self.p256.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Algorithm::Es384 => self.p384.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Algorithm::EdDsa => self.ed25519.sign(message).as_ref().to_vec(),
        }
    }

    /// Signed with `signed`'s key and method, under a header that says `stated`.
    fn token(&self, stated: &str, signed: Algorithm) -> String {
        let message = message(stated);
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.sign(signed, message.as_bytes())))
    }

    fn verifier(&self, algorithm: Algorithm) -> Verifier {
        let key = Key::public(None, algorithm, &self.public(algorithm.key_type())).unwrap();
        verifier(Settings { keys: vec![key].into(), ..settings() })
    }
}

fn message(alg: &str) -> String {
    let header = format!(r#"{{"alg":"{alg}"}}"#);
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"))
}

#[test]
fn a_token_verifies_under_the_algorithm_of_its_key_and_no_other() {
    let pairs = Pairs::new();
    for ours in PUBLIC {
        let verifier = pairs.verifier(ours);
        for theirs in PUBLIC {
            let honest = verifier.verify(pairs.token(theirs.name(), theirs).as_bytes(), NOW);
            assert_eq!(honest.err(), (ours != theirs).then_some(TokenError::WrongAlgorithm), "{ours:?} {theirs:?}");
            let lying = verifier.verify(pairs.token(ours.name(), theirs).as_bytes(), NOW);
            assert_eq!(lying.err(), (ours != theirs).then_some(TokenError::WrongSignature), "{ours:?} {theirs:?}");
        }
        for alg in ["none", "HS256", "NONE", ""] {
            let token = pairs.token(alg, ours);
            assert_eq!(verifier.verify(token.as_bytes(), NOW).err(), Some(TokenError::WrongAlgorithm), "{alg}");
        }
    }
}

#[test]
fn ed25519_has_two_names() {
    let pairs = Pairs::new();
    assert!(pairs.verifier(Algorithm::EdDsa).verify(pairs.token("Ed25519", Algorithm::EdDsa).as_bytes(), NOW).is_ok());
}

#[test]
fn a_key_is_made_only_for_algorithms_of_its_kind() {
    let pairs = Pairs::new();
    for key_type in [KeyType::Rsa, KeyType::P256, KeyType::P384, KeyType::Ed25519] {
        let public = pairs.public(key_type);
        assert_eq!(public.key_type(), key_type);
        for algorithm in Algorithm::ALL {
            let fits = algorithm.key_type() == key_type;
            let fault = Key::public(None, algorithm, &public).err();
            assert_eq!(fault, (!fits).then_some(KeyFault::Unfit(algorithm)), "{key_type:?} {algorithm:?}");
        }
    }
    let secret = Secret::new(KEY.to_vec());
    for algorithm in PUBLIC {
        assert_eq!(Key::secret(None, algorithm, &secret).err(), Some(KeyFault::Unfit(algorithm)));
    }
}

/// CVE-2022-21449 and its kin.
#[test]
fn zeros_der_and_wrong_lengths_are_no_signature() {
    let pairs = Pairs::new();
    let der =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pairs.p256.to_pkcs8v1().unwrap().as_ref()).unwrap();
    for algorithm in PUBLIC {
        let (verifier, message) = (pairs.verifier(algorithm), message(algorithm.name()));
        let good = pairs.sign(algorithm, message.as_bytes());
        let (half, mut one_more) = (good.len() / 2, good.clone());
        one_more.push(0);
        let zero_r = [&vec![0; half], &good[half..]].concat();
        let zero_s = [&good[..half], &vec![0; good.len() - half]].concat();
        let leading = [&[0], good.as_slice()].concat();
        let mut forged = vec![vec![0; good.len()], vec![255; good.len()], Vec::new(), good[1..].to_vec()];
        forged.extend([one_more, zero_r, zero_s, leading]);
        forged.push(der.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec());
        for signature in forged {
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature));
            assert_eq!(refusal(&verifier, &token), TokenError::WrongSignature, "{algorithm:?} {signature:?}");
        }
        let padded = format!("{message}.{}=", URL_SAFE_NO_PAD.encode(&good));
        assert_eq!(refusal(&verifier, &padded), TokenError::WrongSignature);
    }
}

/// CVE-2016-10555: the public key, which everyone has, as the secret.
#[test]
fn a_key_document_is_never_a_secret() {
    let documents: [&[u8]; 4] = [
        b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----",
        b"\n  -----BEGIN CERTIFICATE-----",
        br#"{"kty":"RSA","n":"AQ","e":"AQAB"}"#,
        br#" {"keys":[]} "#,
    ];
    for document in documents {
        let fault = Key::secret(None, Algorithm::Hs256, &Secret::new(document.to_vec())).err();
        assert_eq!(fault, Some(KeyFault::Document(Algorithm::Hs256)));
    }
    assert_eq!(Key::secret(None, Algorithm::Hs256, &Secret::new(Vec::new())).err(), Some(KeyFault::EmptySecret));
    assert!(Key::secret(None, Algorithm::Hs256, &Secret::new(b"{not a key}".to_vec())).is_ok());
}
