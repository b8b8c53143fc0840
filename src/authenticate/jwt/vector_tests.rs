//! Published vectors. RFC 7515's own stands here; the large files are read where `COUNTERSIGN_VECTORS` says they are.

use std::{env, fs, path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::*;
use crate::secret::Secret;

/// Marks in Wycheproof's json_web_signature file that this verifier contradicts, and why.
const DISPUTED: [(u64, bool, &str); 4] = [
    (367, true, "byte for byte the token of the valid test 357: the padding it is named after is not there"),
    (370, true, "byte for byte the token of the valid test 357: the padding it is named after is not there"),
    (372, false, "marked valid with a '?' inside the header; RFC 7515 section 2 knows no such character"),
    (373, false, "marked valid with a '?' inside the payload; RFC 7515 section 2 knows no such character"),
];

fn vectors(path: &str) -> Option<Value> {
    let file = PathBuf::from(env::var_os("COUNTERSIGN_VECTORS")?).join(path);
    Some(serde_json::from_slice(&fs::read(file).expect("the vectors")).expect("JSON"))
}

/// A verifier for a JWK of type `oct` (RFC 7518 section 6.4).
fn verifier(jwk: &Value) -> Verifier {
    let algorithm = match jwk["alg"].as_str() {
        Some("HS256") | None => Algorithm::Hs256,
        Some("HS384") => Algorithm::Hs384,
        Some("HS512") => Algorithm::Hs512,
        other => panic!("{other:?}"),
    };
    let secret = URL_SAFE_NO_PAD.decode(jwk["k"].as_str().expect("a key")).expect("base64url");
    let kid = jwk["kid"].as_str().map(str::to_owned);
    Verifier::new(Settings {
        name: "vectors".to_owned(),
        keys: vec![VerificationKey { kid, algorithm, secret: Secret::new(secret) }],
        issuer: None,
        audience: Vec::new(),
        leeway: Duration::ZERO,
        require_exp: false,
        required_claims: Vec::new(),
        equal_claims: Vec::new(),
    })
    .expect("good settings")
}

#[test]
fn the_example_of_rfc_7515_appendix_a_1_verifies() {
    let verifier = verifier(&serde_json::json!({
        "kty": "oct",
        "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    }));
    let token = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let verified = verifier.verify(token, 1_300_819_379).expect("genuine");
    assert_eq!(verified.claim("http://example.com/is_root").as_deref(), Some("true"));
    assert_eq!(verifier.verify(token, 1_300_819_380).expect_err("too old"), TokenError::Expired);
}

#[test]
fn wycheproof_shared_key_signatures_are_judged_as_marked() {
    let Some(file) = vectors("wycheproof/json_web_signature_test.json") else { return };
    let groups = file["testGroups"].as_array().expect("groups");
    let jwk =
        |group: &Value| if group["private"].is_null() { group["public"].clone() } else { group["private"].clone() };
    let tests: Vec<(Value, &Value)> = groups
        .iter()
        .filter(|group| jwk(group)["kty"] == "oct")
        .flat_map(|group| group["tests"].as_array().expect("tests").iter().map(move |test| (jwk(group), test)))
        .collect();
    assert!(tests.len() > 30, "{} tests", tests.len());
    let token = |id: u64| tests.iter().find(|(_, test)| test["tcId"] == id).expect("a known test").1["jws"].clone();
    assert!([367, 370].into_iter().all(|id| token(id) == token(357)), "no verifier can part equal tokens");
    for (jwk, test) in &tests {
        let disputed = DISPUTED.iter().find(|(id, ..)| test["tcId"] == *id);
        let valid = disputed.map_or(test["result"] == "valid", |(_, valid, _)| *valid);
        let outcome = verifier(jwk).check_signature(test["jws"].as_str().expect("a token").as_bytes());
        assert_eq!(outcome.is_ok(), valid, "{test} {:?}", outcome.err());
    }
}

#[test]
fn the_shared_key_example_of_rfc_7520_verifies() {
    let Some(file) = vectors("ietf-jose-cookbook/jws/4_4.hmac-sha2_integrity_protection.json") else { return };
    let token = file["output"]["compact"].as_str().expect("a token");
    let signed = verifier(&file["input"]["key"]).check_signature(token.as_bytes()).expect("genuine");
    assert_eq!(signed.payload, file["input"]["payload"].as_str().expect("text").as_bytes());
    assert_eq!(signed.kid.as_deref(), file["input"]["key"]["kid"].as_str());
}

#[test]
fn the_unencoded_payloads_of_rfc_7797_are_refused() {
    let Some(file) = vectors("ietf-jose-cookbook/rfc7797/hmac-sha2_b64_false.json") else { return };
    let token = file["output"]["compact"].as_str().expect("a token");
    let outcome = verifier(&file["input"]["key"]).check_signature(token.as_bytes());
    assert_eq!(outcome.err(), Some(TokenError::ForbiddenHeader("crit")));

    let Some(file) = vectors("ietf-jose-cookbook/rfc7797/4.2.hmac-sha2_b64_false.json") else { return };
    let [header, payload, signature] = ["protected", "payload", "signature"]
        .map(|name| file["output"]["json_flat"][name].as_str().expect("a segment"));
    let verifier = verifier(&file["input"]["key"]);
    let as_it_is = verifier.check_signature(format!("{header}.{payload}.{signature}").as_bytes());
    assert_eq!(as_it_is.err(), Some(TokenError::SegmentCount), "its payload has a dot");
    let detached = verifier.check_signature(format!("{header}..{signature}").as_bytes());
    assert_eq!(detached.err(), Some(TokenError::ForbiddenHeader("b64")));
}
