//! Signing, requirements, several keys.

use super::*;

#[test]
fn the_index_of_the_matching_key_is_given() {
    let scheme = scheme(&definition("{path}"));
    let request = Request::new("GET", "/a");
    let headers = scheme.sign(&request.view(), &key("new"), None, NOW, "").unwrap();
    let signed = request.signed(headers);
    let claimed = scheme.read(&signed.view(), NOW).unwrap();
    let with = |secrets: &[&str]| {
        let keys: Vec<PreparedKey> = secrets.iter().map(|secret| key(secret)).collect();
        scheme.verify(&claimed, &signed.view(), &keys.iter().collect::<Vec<_>>())
    };
    assert_eq!(with(&["old", "new"]), Ok(1));
    assert_eq!(with(&["a", "b", "c", "d", "e", "new"]), Ok(5));
    assert_eq!(with(&["new", "new"]), Ok(0));
    assert_eq!(with(&["old", "older"]), Err(Failure::Mismatch));
    assert_eq!(with(&[]), Err(Failure::Mismatch));
}

#[test]
fn a_key_of_another_algorithm_never_matches() {
    let scheme = scheme(&definition("{path}"));
    let request = Request::new("GET", "/a");
    let headers = scheme.sign(&request.view(), &key("k"), None, NOW, "").unwrap();
    let signed = request.signed(headers);
    let claimed = scheme.read(&signed.view(), NOW).unwrap();
    let recipe = key::KeyRecipe::new([Algorithm::HmacSha512], None);
    let other = recipe.verifying(&Secret::new(b"k".to_vec())).unwrap();
    assert_eq!(scheme.verify(&claimed, &signed.view(), &[&other]), Err(Failure::Mismatch));
}

#[test]
fn a_requirement_that_does_not_hold_refuses_a_good_signature() {
    let definition = Definition {
        require: vec![RequirementDefinition::equal("{header:Digest}", "{body|sha256|hex}")],
        emit: strings(&[("Digest", "{body|sha256|hex}"), ("X-Signature", "{signature}")]),
        ..definition("{header:Digest}")
    };
    let scheme = scheme(&definition);
    let request = Request::new("POST", "/").body("a body");
    let headers = scheme.sign(&request.view(), &key("k"), None, NOW, "").unwrap();
    let signed = request.signed(headers);
    assert_eq!(verify(&scheme, &signed, "k"), Ok(0));
    assert_eq!(verify(&scheme, &signed.clone().body("another"), "k"), Err(Failure::Requirement));
    assert_eq!(verify(&scheme, &signed.body("another"), "j"), Err(Failure::Mismatch));
}

#[test]
fn a_signature_header_is_written_without_being_told_where_that_can_be_known() {
    let with = |from: &str| {
        let scheme = scheme(&Definition { signature: signature(from), ..definition("{path}") });
        let request = Request::new("GET", "/a");
        scheme.sign(&request.view(), &key("k"), None, NOW, "").map(|mut emitted| {
            assert_eq!(verify(&scheme, &request.signed(emitted.clone()), "k"), Ok(0));
            emitted.headers.remove(0)
        })
    };
    let (name, value) = with("{header:S|strip_prefix:\"v0=\"|strip_suffix:\";\"}").unwrap();
    assert!(name == "S" && value.starts_with("v0=") && value.ends_with(';'), "{value}");
    assert_eq!(with("{header:S|upper|lower}"), Err(Failure::NotEmitted));
}

#[test]
fn signing_replaces_the_headers_it_writes() {
    let scheme = scheme(&super::presets::device_v2());
    let request = Request::new("GET", "/").header("x-hmac-nonce", "an old nonce, not even valid");
    let headers = scheme.sign(&request.view(), &key("k"), Some("d"), NOW, "0123456789abcdef").unwrap();
    assert_eq!(verify(&scheme, &Request::new("GET", "/").signed(headers), "k"), Ok(0));
}

#[test]
fn signing_refuses_what_it_could_not_verify() {
    let scheme = scheme(&super::presets::device_v2());
    let request = Request::new("GET", "/");
    let sign = |id: Option<&str>, nonce: &str| scheme.sign(&request.view(), &key("k"), id, NOW, nonce);
    assert_eq!(sign(None, "0123456789abcdef"), unreadable("key_id", Why::Absent));
    assert_eq!(sign(Some("a\r\nb: c"), "0123456789abcdef"), unreadable("key_id", Why::Unwritable));
    let nonce = r#"header:X-HMAC-Nonce|match:"[A-Za-z0-9._~-]{16,128}""#;
    assert_eq!(sign(Some("a"), "short"), unreadable(nonce, Why::Refused));
}

#[test]
fn nothing_secret_is_shown() {
    let request = Request::new("GET", "/?token=hush").header("X-Signature", &"ab".repeat(32));
    let claimed = scheme(&definition("{path}")).read(&request.view(), NOW).unwrap();
    let shown = format!("{:?} {claimed:?} {:?}", key("hush"), request.view());
    assert!(!shown.contains("hush") && !shown.contains("abab") && !shown.contains("171"), "{shown}");
}

#[test]
fn signing_needs_of_the_body_what_it_signs_and_what_it_writes() {
    let need = |message: &str, emit: &[(&str, &str)]| {
        scheme(&Definition { emit: strings(emit), ..definition(message) }).signing_need()
    };
    assert_eq!(need("{path}", &[]), BodyNeed::Unneeded);
    assert_eq!(need("{path}:{body}", &[]), BodyNeed::Bytes);
    assert_eq!(need("{json:/a}", &[]), BodyNeed::Parsed);
    let digest = [("Digest", "{body|sha256|hex}"), ("X-Signature", "{signature}")];
    assert_eq!(need("{header:Digest}", &digest), BodyNeed::Bytes);
    let whole = [("Copy", "{body}"), ("X-Signature", "{signature}")];
    assert_eq!(need("{header:Copy}", &whole), BodyNeed::Parsed);
}

#[test]
fn what_signing_writes_is_known_before() {
    let emit = [("X-Id", "{key_id}"), ("?a", "1"), ("X-Signature", "{signature}")];
    let known = scheme(&Definition { emit: strings(&emit), ..definition("{path}") });
    assert_eq!(known.emitted_headers(), ["X-Id", "X-Signature"]);
    assert!(known.can_sign() && known.emits_key_id());
    let implied = scheme(&definition("{path}"));
    assert_eq!(implied.emitted_headers(), ["X-Signature"]);
    assert!(implied.can_sign() && !implied.emits_key_id());
}
