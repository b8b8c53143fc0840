//! Encrypted tokens: what is inside is judged as ever, and whatever is wrong with the encryption is one refusal.

use super::*;
use crate::jose::{DecryptionKey, KeyManagement, sealing::Sender};

fn header(alg: &str) -> String {
    format!(r#"{{"alg":"{alg}","enc":"A256GCM","cty":"JWT"}}"#)
}

fn opening(keys: Vec<DecryptionKey>, required: bool) -> Verifier {
    verifier(Settings { decryption: Some(Decryption { keys, required }), ..settings() })
}

fn shared(kid: Option<&str>, algorithm: KeyManagement) -> DecryptionKey {
    DecryptionKey::secret(kid.map(str::to_owned), algorithm, &Secret::new(vec![7; 32])).expect("a good key")
}

/// As `header` has it, for a shared secret that is the content's key.
fn direct(header: &str, content: &str) -> String {
    Sender::Direct([7; 32]).seal(header, content.as_bytes())
}

#[test]
fn a_signed_token_inside_is_judged_as_if_it_had_come_alone() {
    for (sender, key) in Sender::of_each() {
        let verifier = opening(vec![key], true);
        let seal = |inside: &str| sender.seal(&header(sender.alg()), inside.as_bytes());
        let good = verifier.verify(seal(&token(r#"{"sub":"alice"}"#)).as_bytes(), NOW).expect("genuine");
        assert_eq!(good.subject(), Some("alice"));
        let forged = sign(HEADER, "{}", Algorithm::Hs256, b"another");
        for (inside, rule) in [
            (token(r#"{"exp":1}"#), TokenError::Expired),
            (token(r#"{"sub":1}"#), TokenError::MalformedClaim("sub")),
            (forged, TokenError::WrongSignature),
            (sign(r#"{"alg":"none"}"#, "{}", Algorithm::Hs256, KEY), TokenError::WrongAlgorithm),
            (seal(&token("{}")), TokenError::SegmentCount),
        ] {
            assert_eq!(refusal(&verifier, &seal(&inside)), rule, "{}", sender.alg());
        }
    }
}

/// Whoever has the public key can encrypt, and a shared secret may be had by many.
#[test]
fn claims_that_are_only_encrypted_are_believed_with_no_key() {
    for (sender, key) in Sender::of_each() {
        let verifier = opening(vec![key], true);
        let claims = br#"{"sub":"admin"}"#;
        let bare = format!(r#"{{"alg":"{}","enc":"A256GCM"}}"#, sender.alg());
        assert_eq!(refusal(&verifier, &sender.seal(&bare, claims)), TokenError::NotNested);
        assert_eq!(refusal(&verifier, &sender.seal(&header(sender.alg()), claims)), TokenError::SegmentCount);
    }
}

#[test]
fn whatever_is_altered_is_one_refusal() {
    for (sender, key) in Sender::of_each() {
        let verifier = opening(vec![key], true);
        let good = sender.seal(&header(sender.alg()), token("{}").as_bytes());
        let parts: Vec<&str> = good.split('.').collect();
        for place in 1..5 {
            let with = |part: String| {
                let mut parts: Vec<&str> = parts.clone();
                parts[place] = &part;
                parts.join(".")
            };
            let bytes = URL_SAFE_NO_PAD.decode(parts[place]).expect("base64url");
            let mut altered =
                vec![with(format!("{}!", parts[place])), with(URL_SAFE_NO_PAD.encode([&bytes[..], &[0]].concat()))];
            if let Some(cut) = bytes.len().checked_sub(1) {
                let flipped = [&bytes[..cut], &[bytes[cut] ^ 1]].concat();
                altered.extend(
                    [URL_SAFE_NO_PAD.encode(flipped), URL_SAFE_NO_PAD.encode(&bytes[..cut]), String::new()].map(with),
                );
            }
            for token in altered {
                assert_eq!(refusal(&verifier, &token), TokenError::NotDecrypted, "{} {place}", sender.alg());
            }
        }
    }
}

/// A key that decrypts to other bytes than a key has is as wrong as one that does not decrypt (RFC 7516 section 11.5).
#[test]
fn a_content_key_of_another_length_is_told_from_nothing_else() {
    for (sender, key) in Sender::of_each() {
        let verifier = opening(vec![key], true);
        let good = sender.seal(&header(sender.alg()), token("{}").as_bytes());
        let parts: Vec<&str> = good.split('.').collect();
        for length in [16, 24, 40] {
            let (_, encrypted) = sender.content_key(&vec![9; length]);
            let encrypted = URL_SAFE_NO_PAD.encode(encrypted);
            if encrypted.is_empty() {
                continue;
            }
            let token = [parts[0], &encrypted, parts[2], parts[3], parts[4]].join(".");
            assert_eq!(refusal(&verifier, &token), TokenError::NotDecrypted, "{} {length}", sender.alg());
        }
    }
}

#[test]
fn a_header_chooses_nothing_and_brings_nothing() {
    let verifier = opening(vec![shared(None, KeyManagement::Direct)], true);
    let refused = |header: &str| refusal(&verifier, &direct(header, &token("{}")));
    for name in ["crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "epk", "apu", "apv", "p2s", "p2c", "iv", "tag"] {
        let header = format!(r#"{{"alg":"dir","enc":"A256GCM","cty":"JWT","{name}":"DEF"}}"#);
        assert_eq!(refused(&header), TokenError::ForbiddenHeader(name));
    }
    for (header, rule) in [
        (r#"{"alg":"A256KW","enc":"A256GCM","cty":"JWT"}"#, TokenError::WrongAlgorithm),
        (r#"{"alg":"RSA1_5","enc":"A256GCM","cty":"JWT"}"#, TokenError::WrongAlgorithm),
        (r#"{"alg":"none","enc":"A256GCM","cty":"JWT"}"#, TokenError::WrongAlgorithm),
        (r#"{"alg":"DIR","enc":"A256GCM","cty":"JWT"}"#, TokenError::WrongAlgorithm),
        (r#"{"alg":"dir","enc":"A128GCM","cty":"JWT"}"#, TokenError::WrongAlgorithm),
        (r#"{"alg":"dir","enc":"A256CBC-HS512","cty":"JWT"}"#, TokenError::WrongAlgorithm),
        (r#"{"alg":"dir","enc":["A256GCM"],"cty":"JWT"}"#, TokenError::MalformedHeader("enc")),
        (r#"{"alg":"dir","cty":"JWT"}"#, TokenError::MalformedHeader("enc")),
        (r#"{"enc":"A256GCM","cty":"JWT"}"#, TokenError::MalformedHeader("alg")),
        (r#"{"alg":"dir","enc":"A256GCM","cty":1}"#, TokenError::MalformedHeader("cty")),
        (r#"{"alg":"dir","enc":"A256GCM","cty":"text/plain"}"#, TokenError::NotNested),
        (r#"{"alg":"dir","enc":"A256GCM","cty":"JWT","typ":"dpop+jwt"}"#, TokenError::WrongType),
        (r#"{"alg":"dir","enc":"A256GCM","cty":"JWT","kid":"k"}"#, TokenError::UnknownKid),
        (r#"{"alg":"dir","enc":"A256GCM","cty":"JWT","kid":7}"#, TokenError::MalformedHeader("kid")),
    ] {
        assert_eq!(refused(header), rule, "{header}");
    }
    let twice = refused(r#"{"alg":"dir","alg":"dir","enc":"A256GCM","cty":"JWT"}"#);
    assert!(matches!(twice, TokenError::Json(Segment::Header, _)), "{twice:?}");
}

/// RFC 7516 appendix A and RFC 7520 sections 5.1 to 5.9: none of their forms is one of ours.
#[test]
fn the_forms_of_the_standards_examples_are_refused_whichever_key_there_is() {
    for (alg, enc) in [
        ("RSA-OAEP", "A256GCM"),
        ("RSA1_5", "A128CBC-HS256"),
        ("A128KW", "A128CBC-HS256"),
        ("PBES2-HS512+A256KW", "A128CBC-HS256"),
        ("ECDH-ES+A128KW", "A128GCM"),
        ("ECDH-ES", "A128CBC-HS256"),
        ("dir", "A128GCM"),
        ("A256GCMKW", "A128CBC-HS256"),
        ("A128KW", "A128GCM"),
    ] {
        for management in [KeyManagement::Direct, KeyManagement::A256Kw] {
            let verifier = opening(vec![shared(None, management)], true);
            let header = format!(r#"{{"alg":"{alg}","enc":"{enc}","cty":"JWT"}}"#);
            assert_eq!(refusal(&verifier, &direct(&header, &token("{}"))), TokenError::WrongAlgorithm, "{alg} {enc}");
        }
    }
}

#[test]
fn a_key_is_chosen_by_its_kid_and_used_with_its_algorithm_alone() {
    let keys = vec![shared(Some("a"), KeyManagement::Direct), shared(Some("b"), KeyManagement::A256Kw)];
    let verifier = opening(keys, true);
    let header = |alg: &str, kid: &str| format!(r#"{{"alg":"{alg}","enc":"A256GCM","cty":"JWT","kid":"{kid}"}}"#);
    let wrapping = Sender::Wrapping([7; 32]);
    let seal = |sender: &Sender, alg: &str, kid: &str| sender.seal(&header(alg, kid), token("{}").as_bytes());
    let direct = Sender::Direct([7; 32]);
    for good in [seal(&direct, "dir", "a"), seal(&wrapping, "A256KW", "b")] {
        assert!(verifier.verify(good.as_bytes(), NOW).is_ok());
    }
    // The same bytes as a key, under the other's algorithm.
    assert_eq!(refusal(&verifier, &seal(&direct, "dir", "b")), TokenError::WrongAlgorithm);
    assert_eq!(refusal(&verifier, &seal(&wrapping, "A256KW", "a")), TokenError::WrongAlgorithm);
    let nameless = direct.seal(r#"{"alg":"dir","enc":"A256GCM","cty":"JWT"}"#, token("{}").as_bytes());
    assert_eq!(refusal(&verifier, &nameless), TokenError::UnknownKid);
}

#[test]
fn whether_a_token_must_be_encrypted_is_said() {
    let (signed, sealed) = (token("{}"), direct(&header("dir"), &token("{}")));
    let key = || vec![shared(None, KeyManagement::Direct)];
    assert_eq!(refusal(&opening(key(), true), &signed), TokenError::NotEncrypted);
    assert!(opening(key(), false).verify(signed.as_bytes(), NOW).is_ok());
    assert!(opening(key(), false).verify(sealed.as_bytes(), NOW).is_ok());
    assert_eq!(refusal(&verifier(settings()), &sealed), TokenError::SegmentCount);
}

#[test]
fn keys_that_cannot_be_told_apart_are_refused_at_load() {
    let key = |kid| shared(kid, KeyManagement::Direct);
    let built = |keys| Verifier::new(Settings { decryption: Some(Decryption { keys, required: true }), ..settings() });
    assert_eq!(built(Vec::new()).expect_err("none"), SettingsError::NoKeys);
    assert_eq!(built(vec![key(Some("a")), key(Some("a"))]).expect_err("twice"), SettingsError::TooManyKeys);
    assert!(built(vec![key(Some("a")), key(None)]).is_ok());
}

#[test]
fn an_encrypted_token_is_remembered_whole_and_expires_as_ever() {
    let verifier = opening(vec![shared(None, KeyManagement::Direct)], true);
    let sealed = direct(&header("dir"), &token(&format!(r#"{{"exp":{}}}"#, NOW + 10)));
    let mut cache = TokenCache::new(4, 1 << 16);
    assert!(cache.verify(&verifier, sealed.as_bytes(), NOW).is_ok());
    assert_eq!(cache.len(), 1);
    assert_eq!(cache.verify(&verifier, sealed.as_bytes(), NOW + 10).expect_err("late"), TokenError::Expired);
}
