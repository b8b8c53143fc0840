//! Published vectors. RFC 7515's own stands here; the large files are read where `COUNTERSIGN_VECTORS` says they are.

use std::{env, fs, path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::*;
use crate::{
    jose::{Algorithm, DecryptionKey, JwkSet, KeyManagement, SetRules, ShortRsa},
    secret::Secret,
};

/// Marks in Wycheproof's json_web_signature file that this verifier contradicts, and why.
const DISPUTED: [(u64, bool, &str); 8] = [
    (346, false, "RFC 7520's token says PS384, the key beside it PS256; an algorithm belongs to its key"),
    (347, false, "the key beside RFC 7520's ES512 token says ES521, which is no algorithm"),
    (350, false, "as 346"),
    (351, false, "as 347"),
    (367, true, "byte for byte the token of the valid test 357: the padding it is named after is not there"),
    (370, true, "byte for byte the token of the valid test 357: the padding it is named after is not there"),
    (372, false, "marked valid with a '?' inside the header; RFC 7515 section 2 knows no such character"),
    (373, false, "marked valid with a '?' inside the payload; RFC 7515 section 2 knows no such character"),
];

fn vectors(path: &str) -> Option<Value> {
    let file = PathBuf::from(env::var_os("COUNTERSIGN_VECTORS")?).join(path);
    Some(serde_json::from_slice(&fs::read(file).expect("the vectors")).expect("JSON"))
}

/// A verifier for a JWK or a set of them, if it is fit for one.
fn verifier_of(jwk: &Value) -> Option<Verifier> {
    let rules = SetRules { algorithms: Algorithm::ALL.to_vec(), secrets: true, short_rsa: ShortRsa::Refuse };
    let set = JwkSet::parse(jwk.to_string().as_bytes(), &rules).ok()?;
    let settings = Settings {
        name: "vectors".to_owned(),
        keys: set.keys.into(),
        decryption: None,
        issuer: None,
        audience: Vec::new(),
        leeway: Duration::ZERO,
        require_exp: false,
        claims: ClaimRules::default(),
    };
    Some(Verifier::new(settings).expect("good settings"))
}

fn verifier(jwk: &Value) -> Verifier {
    verifier_of(jwk).expect("a fit key")
}

/// What verifies in a Wycheproof group: the public key, of secrets the secret.
fn material(group: &Value) -> &Value {
    if group["public"].is_null() { &group["private"] } else { &group["public"] }
}

#[test]
fn the_example_of_rfc_7515_appendix_a_1_verifies() {
    let verifier = verifier(&serde_json::json!({
        "kty": "oct",
        "alg": "HS256",
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
fn wycheproof_signatures_are_judged_as_marked() {
    let Some(file) = vectors("wycheproof/json_web_signature_test.json") else { return };
    let tests = signature_tests(&file);
    assert_eq!(tests.len(), 401);
    let token = |id: u64| tests.iter().find(|(_, test)| test["tcId"] == id).expect("a known test").1["jws"].clone();
    assert!([367, 370].into_iter().all(|id| token(id) == token(357)), "no verifier can part equal tokens");
    judge(&tests, &DISPUTED);
}

/// Keys and sets that must not be used, and tokens that they would have verified.
#[test]
fn wycheproof_keys_are_judged_as_marked() {
    let Some(file) = vectors("wycheproof/json_web_key_test.json") else { return };
    let tests = signature_tests(&file);
    assert_eq!(tests.len(), 26);
    judge(&tests, &[]);
}

/// The same keys used for what they are; its encrypted tokens are no signed ones.
#[test]
fn wycheproof_mixed_uses_are_judged_as_marked() {
    let Some(file) = vectors("wycheproof/json_web_crypto_test.json") else { return };
    let tests = signature_tests(&file);
    assert_eq!(tests.len(), 49);
    judge(&tests, &[]);
}

/// Its encrypted tokens are of forms that are not ours: two of them are marked valid, and refused for that.
#[test]
fn wycheproof_encrypted_tokens_are_refused_those_of_unknown_forms_too() {
    let Some(file) = vectors("wycheproof/json_web_crypto_test.json") else { return };
    let not_ours = [(50, "A256CBC-HS512 is no content encryption here"), (67, "nor is ECDH-ES+A128KW a way to a key")];
    let mut judged = 0;
    for group in file["testGroups"].as_array().expect("groups") {
        let secret = group["private"]["k"].as_str().and_then(|k| URL_SAFE_NO_PAD.decode(k).ok()).unwrap_or_default();
        // The other key is of a curve, and gives none; then any will do.
        let secret = Secret::new(if secret.len() == 32 { secret } else { vec![1; 32] });
        let kid = group["private"]["kid"].as_str().map(str::to_owned);
        let key = DecryptionKey::secret(kid, KeyManagement::A256Kw, &secret).expect("a key");
        let decryption = Some(Decryption { keys: vec![key], required: true });
        let verifier = Verifier::new(Settings { decryption, ..super::tests::settings() }).expect("good settings");
        for test in group["tests"].as_array().expect("tests").iter().filter(|test| !test["jwe"].is_null()) {
            let token = test["jwe"].as_str().map_or_else(|| test["jwe"].to_string(), str::to_owned);
            assert!(verifier.verify(token.as_bytes(), 0).is_err(), "{}", test["tcId"]);
            let known = not_ours.iter().any(|(id, _)| test["tcId"] == *id);
            assert_eq!(test["result"] == "valid", known, "{}", test["tcId"]);
            judged += 1;
        }
    }
    assert_eq!(judged, 34);
}

fn signature_tests(file: &Value) -> Vec<(&Value, &Value)> {
    let groups = file["testGroups"].as_array().expect("groups");
    let tests = groups
        .iter()
        .flat_map(|group| group["tests"].as_array().expect("tests").iter().map(move |test| (material(group), test)));
    tests.filter(|(_, test)| !test["jws"].is_null()).collect()
}

fn judge(tests: &[(&Value, &Value)], disputed: &[(u64, bool, &str)]) {
    let mut wrong = Vec::new();
    for (jwk, test) in tests {
        let disputed = disputed.iter().find(|(id, ..)| test["tcId"] == *id);
        let valid = disputed.map_or(test["result"] == "valid", |(_, valid, _)| *valid);
        // One of them is the JSON serialisation, which is no bearer token either.
        let token = test["jws"].as_str().map_or_else(|| test["jws"].to_string(), str::to_owned);
        let outcome = verifier_of(jwk).map(|verifier| verifier.check_signature(token.as_bytes()).err());
        if (outcome == Some(None)) != valid {
            wrong.push(format!("{} {} {} {outcome:?}", test["tcId"], test["comment"], test["result"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
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
fn the_public_key_examples_of_rfc_7520_verify() {
    for (name, alg) in
        [("4_1.rsa_v15_signature", "RS256"), ("4_2.rsa-pss_signature", "PS384"), ("4_3.ecdsa_signature", "ES512")]
    {
        let Some(file) = vectors(&format!("ietf-jose-cookbook/jws/{name}.json")) else { return };
        let mut jwk = file["input"]["key"].clone();
        let private = ["d", "p", "q", "dp", "dq", "qi"];
        private.into_iter().for_each(|member| drop(jwk.as_object_mut().expect("a key").remove(member)));
        // That key states no algorithm: the operator does.
        jwk["alg"] = alg.into();
        let token = file["output"]["compact"].as_str().expect("a token");
        let outcome = verifier_of(&jwk).map(|verifier| verifier.check_signature(token.as_bytes()).map(|it| it.payload));
        match alg {
            "ES512" => assert!(outcome.is_none(), "P-521 is not among the curves here"),
            _ => assert_eq!(outcome, Some(Ok(file["input"]["payload"].as_str().expect("text").as_bytes().to_vec()))),
        }
    }
}

#[test]
fn the_ed25519_example_of_rfc_8037_verifies() {
    let verifier = verifier(&serde_json::json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }));
    let token = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
        hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(verifier.check_signature(token).expect("genuine").payload, b"Example of Ed25519 signing");
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
