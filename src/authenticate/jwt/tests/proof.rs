//! DPoP proofs: what RFC 9449 prints, and each of its rules broken by itself.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;
use crate::{
    jose::{Jwk, JwkFault, SigningKey},
    json::Document,
};

const TOKEN: &[u8] = b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

struct Sender(SigningKey);

impl Sender {
    fn new() -> Sender {
        let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
        Sender(SigningKey::from_pem(None, None, pem.as_bytes()).unwrap())
    }

    fn jwk(&self) -> Value {
        let mut jwk = self.0.public_jwk().unwrap();
        jwk.as_object_mut().unwrap().retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        jwk
    }

    fn thumbprint(&self) -> Thumbprint {
        let text = self.jwk().to_string();
        let document = Document::parse(text.as_bytes()).unwrap();
        Jwk::new(document.root()).unwrap().thumbprint().unwrap()
    }

    fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() })
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.0.sign(message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn wanted(&self) -> ProofWanted<'static> {
        ProofWanted { key: self.thumbprint(), ..wanted() }
    }

    fn verified(&self, header: &Value, claims: &Value) -> Result<Proof, ProofError> {
        Proof::verify(self.signed(header, claims).as_bytes(), &self.wanted())
    }
}

fn wanted() -> ProofWanted<'static> {
    ProofWanted {
        method: "GET",
        scheme: "https",
        authority: "resource.example.org",
        path: "/protectedresource",
        token: TOKEN,
        key: [0; 32],
        now_unix: NOW,
        past: Duration::from_secs(60),
        future: Duration::from_secs(10),
    }
}

fn claims() -> Value {
    json!({
        "jti": "e1j3V_bKic8-LAEB",
        "htm": "GET",
        "htu": "https://resource.example.org/protectedresource",
        "iat": NOW,
        "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(TOKEN)),
    })
}

/// Sections 6.1 and 7.1.
#[test]
fn the_proof_that_the_rfc_prints_holds_for_its_request() {
    let proof = concat!(
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscE",
        "JoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19",
        ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0",
        "ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9",
        ".2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
    );
    let key = URL_SAFE_NO_PAD.decode("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I").unwrap().try_into().unwrap();
    let wanted = ProofWanted { key, now_unix: 1_562_262_618, ..wanted() };
    let proof = Proof::verify(proof.as_bytes(), &wanted).unwrap();
    assert_eq!((proof.id.as_str(), proof.issued), ("e1j3V_bKic8-LAEB", 1_562_262_618));
}

#[test]
fn a_proof_holds_for_its_method_address_token_and_time_alone() {
    let sender = Sender::new();
    assert!(sender.verified(&sender.header(), &claims()).is_ok());
    for (name, value, error) in [
        ("htm", json!("POST"), ProofError::OtherMethod),
        ("htm", json!("get"), ProofError::OtherMethod),
        ("htm", json!(["GET"]), ProofError::Claim("htm")),
        ("htu", json!("https://resource.example.org/protectedresource/"), ProofError::OtherAddress),
        ("htu", json!("https://resource.example.org/Protectedresource"), ProofError::OtherAddress),
        ("htu", json!("http://resource.example.org/protectedresource"), ProofError::OtherAddress),
        ("htu", json!("https://resource.example.org:8443/protectedresource"), ProofError::OtherAddress),
        ("htu", json!("https://resource.example.org.evil/protectedresource"), ProofError::OtherAddress),
        ("htu", json!("https://evil@resource.example.org/protectedresource"), ProofError::OtherAddress),
        ("htu", json!("https:///protectedresource"), ProofError::OtherAddress),
        ("htu", json!("/protectedresource"), ProofError::OtherAddress),
        ("htu", json!(1), ProofError::Claim("htu")),
        ("iat", json!(NOW - 61), ProofError::Stale),
        ("iat", json!(NOW + 11), ProofError::Stale),
        ("exp", json!(NOW - 11), ProofError::Form(Box::new(TokenError::ExpiresBeforeIssued))),
        ("nbf", json!(NOW + 11), ProofError::Stale),
        ("iat", json!(NOW.to_string()), ProofError::Form(Box::new(TokenError::MalformedClaim("iat")))),
        ("ath", json!(URL_SAFE_NO_PAD.encode(Sha256::digest(b"another"))), ProofError::OtherToken),
        ("ath", json!(""), ProofError::OtherToken),
        ("jti", json!(""), ProofError::Claim("jti")),
        ("jti", json!("j".repeat(257)), ProofError::Claim("jti")),
        ("jti", json!(7), ProofError::Form(Box::new(TokenError::MalformedClaim("jti")))),
    ] {
        let mut changed = claims();
        changed[name] = value.clone();
        assert_eq!(sender.verified(&sender.header(), &changed).unwrap_err(), error, "{name} {value}");
    }
    for name in ["jti", "htm", "htu", "iat", "ath"] {
        let mut less = claims();
        less.as_object_mut().unwrap().remove(name);
        assert_eq!(sender.verified(&sender.header(), &less).unwrap_err(), ProofError::Claim(name), "{name}");
    }
}

#[test]
fn an_address_is_the_same_in_each_of_its_spellings() {
    let sender = Sender::new();
    for address in [
        "HTTPS://Resource.Example.ORG/protectedresource",
        "https://resource.example.org:443/protectedresource",
        "https://resource.example.org/protectedresource?a=1",
        "https://resource.example.org/protectedresource#part",
    ] {
        let mut claims = claims();
        claims["htu"] = address.into();
        assert!(sender.verified(&sender.header(), &claims).is_ok(), "{address}");
    }
    let root = ProofWanted { path: "/", ..sender.wanted() };
    let mut claims = claims();
    claims["htu"] = "https://resource.example.org".into();
    assert!(Proof::verify(sender.signed(&sender.header(), &claims).as_bytes(), &root).is_ok());
}

#[test]
fn a_key_is_public_whole_and_the_one_that_the_token_names() {
    let (sender, thief) = (Sender::new(), Sender::new());
    // The thief's own proof, and one that only shows the sender's key.
    let stolen = thief.signed(&thief.header(), &claims());
    assert_eq!(Proof::verify(stolen.as_bytes(), &sender.wanted()).unwrap_err(), ProofError::OtherKey);
    let stolen = thief.signed(&sender.header(), &claims());
    assert_eq!(Proof::verify(stolen.as_bytes(), &sender.wanted()).unwrap_err(), ProofError::WrongSignature);
    let with = |name: &str, value: Value| {
        let mut header = sender.header();
        header["jwk"][name] = value;
        sender.verified(&header, &claims()).unwrap_err()
    };
    assert_eq!(with("d", json!("AAAA")), ProofError::Key(JwkFault::Private));
    assert_eq!(with("kty", json!("oct")), ProofError::Key(JwkFault::Secret));
    assert_eq!(with("crv", json!("P-521")), ProofError::Key(JwkFault::Type));
    assert_eq!(with("alg", json!("ES384")), ProofError::Key(JwkFault::Algorithm));
    assert_eq!(with("use", json!("enc")), ProofError::Key(JwkFault::Purpose("use")));
    assert_eq!(with("x", json!("AA")), ProofError::Key(JwkFault::Member("x")));
    let mut header = sender.header();
    header["jwk"] = json!({ "kty": "oct", "k": "AAAA", "alg": "HS256" });
    assert_eq!(sender.verified(&header, &claims()).unwrap_err(), ProofError::Key(JwkFault::Secret));
    // What a thumbprint leaves out changes nothing of it.
    let mut named = sender.header();
    named["jwk"]["kid"] = "mine".into();
    assert!(sender.verified(&named, &claims()).is_ok());
}

#[test]
fn a_proof_is_of_its_type_and_of_an_algorithm_that_no_secret_signs() {
    let sender = Sender::new();
    for (name, value, error) in [
        ("typ", json!("JWT"), ProofError::WrongType),
        ("typ", json!("at+jwt"), ProofError::WrongType),
        ("typ", json!(null), ProofError::HeaderMember("typ")),
        ("alg", json!("none"), ProofError::WrongAlgorithm),
        ("alg", json!("HS256"), ProofError::WrongAlgorithm),
        ("alg", json!("es256"), ProofError::WrongAlgorithm),
        ("alg", json!("RS256"), ProofError::Key(JwkFault::NotAccepted)),
        ("alg", json!(["ES256"]), ProofError::HeaderMember("alg")),
        ("jwk", json!("key"), ProofError::Key(JwkFault::NotAnObject)),
        ("jwk", json!({}), ProofError::Key(JwkFault::Member("kty"))),
        ("jku", json!("https://evil.test"), ProofError::HeaderMember("jku")),
        ("x5u", json!("https://evil.test"), ProofError::HeaderMember("x5u")),
        ("crit", json!(["b64"]), ProofError::HeaderMember("crit")),
        ("b64", json!(false), ProofError::HeaderMember("b64")),
    ] {
        let mut header = sender.header();
        header[name] = value.clone();
        assert_eq!(sender.verified(&header, &claims()).unwrap_err(), error, "{name} {value}");
    }
    // An access token is no proof, and a proof no access token.
    let token = sender.signed(&json!({ "typ": "at+jwt", "alg": "ES256" }), &claims());
    assert_eq!(Proof::verify(token.as_bytes(), &sender.wanted()).unwrap_err(), ProofError::WrongType);
    let proof = sender.signed(&sender.header(), &claims());
    assert!(verifier(settings()).verify(proof.as_bytes(), NOW).is_err());
}

#[test]
fn a_proof_has_one_spelling_and_a_bounded_length() {
    let sender = Sender::new();
    let proof = sender.signed(&sender.header(), &claims());
    let refused = |text: &str| Proof::verify(text.as_bytes(), &sender.wanted()).unwrap_err();
    for odd in
        [format!("{proof}="), format!("{proof}."), format!(" {proof}"), format!("{proof},{proof}"), String::new()]
    {
        refused(&odd);
    }
    let (message, signature) = proof.rsplit_once('.').unwrap();
    for odd in ["", "AAAA", &"A".repeat(86), signature.trim_end_matches(char::is_alphanumeric)] {
        assert_eq!(refused(&format!("{message}.{odd}")), ProofError::WrongSignature);
    }
    assert_eq!(refused(&"a".repeat(MAX_PROOF_BYTES + 1)), ProofError::TooLong);
    let twice = r#"{"jti":"a","jti":"b"}"#;
    let header = URL_SAFE_NO_PAD.encode(sender.header().to_string());
    let odd = format!("{header}.{}.AAAA", URL_SAFE_NO_PAD.encode(twice));
    assert!(matches!(refused(&odd), ProofError::Form(error) if matches!(*error, TokenError::Json(..))));
}

#[test]
fn a_token_is_bound_by_what_is_known_here_or_refused() {
    let bound = |cnf: &str| verifier(settings()).verify(token(&format!(r#"{{"cnf":{cnf}}}"#)).as_bytes(), NOW);
    let thumbprint = URL_SAFE_NO_PAD.encode([7; 32]);
    let key = bound(&format!(r#"{{"jkt":"{thumbprint}"}}"#)).unwrap();
    assert_eq!((key.bound_key(), key.bound_certificate()), (Some([7; 32]), None));
    let both = bound(&format!(r#"{{"jkt":"{thumbprint}","x5t#S256":"{thumbprint}"}}"#)).unwrap();
    assert_eq!((both.bound_key(), both.bound_certificate()), (Some([7; 32]), Some([7; 32])));
    for malformed in ["null", "[]", "{}", "\"x\"", r#"{"jkt":1}"#, r#"{"jkt":""}"#, r#"{"x5t#S256":"AAAA"}"#] {
        assert_eq!(bound(malformed).unwrap_err(), TokenError::MalformedClaim("cnf"), "{malformed}");
    }
    for unknown in [r#"{"jwk":{}}"#.to_owned(), format!(r#"{{"jkt":"{thumbprint}","kid":"a"}}"#)] {
        assert_eq!(bound(&unknown).unwrap_err(), TokenError::UnknownBinding, "{unknown}");
    }
}
