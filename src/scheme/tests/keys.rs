//! How keys are made of secrets, algorithms that a request names, several signatures, and times that end a signature.

use super::*;

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

fn keyed(signing_key: KeyDefinition) -> Definition {
    Definition { signing_key: Some(signing_key), ..definition("{path}") }
}

fn from(template: &str) -> KeyDefinition {
    KeyDefinition { from: template.to_owned(), chain: Vec::new(), encoding: None }
}

/// The signature of `/a` under a scheme.
fn signature_of(definition: &Definition, own: &str) -> String {
    let scheme = scheme(definition);
    let key = scheme.key_recipe().signing(&secret(own)).unwrap();
    let request = Request::new("GET", "/a").header("T", "20240430");
    scheme.sign(&request.view(), &key, None, NOW, "").unwrap().headers.remove(0).1
}

#[test]
fn a_key_is_what_the_template_makes_of_the_secret() {
    let plain = signature_of(&definition("{path}"), "AWS4key");
    assert_eq!(signature_of(&keyed(from("AWS4{secret}")), "key"), plain);
    assert_eq!(signature_of(&keyed(from("{secret|trim_prefix:\"whsec_\"|unbase64}")), "whsec_QVdTNGtleQ=="), plain);
    assert_eq!(signature_of(&keyed(from("{secret|trim_prefix:\"whsec_\"|unbase64}")), "QVdTNGtleQ=="), plain);
}

#[test]
fn a_secret_that_cannot_be_made_a_key_is_refused() {
    let recipe = |definition: &Definition| scheme(definition).key_recipe().clone();
    let encoded = recipe(&keyed(from("{secret|unbase64}")));
    assert_eq!(encoded.verifying(&secret("no base64")).err(), Some(KeyFault::Refused));
    assert_eq!(encoded.verifying(&secret("YQ==")).err(), None);
    let signature = SignatureDefinition::new("{header:S}", Encoding::Hex, Algorithm::Ed25519);
    let public =
        recipe(&Definition { signing_key: Some(from("{secret|unhex}")), ..Definition::new("t", "{path}", signature) });
    let short = public.verifying(&secret("abcd")).err();
    assert_eq!(short, Some(KeyFault::Length { algorithm: Algorithm::Ed25519, wanted: 32, found: 2 }));
    assert!(!format!("{:?} {}", short, short.unwrap()).contains("abcd"));
    assert!(public.verifying(&secret(&"00".repeat(32))).is_ok());
}

/// As with tokens (CVE-2016-10555): one source of keys may serve a scheme of public keys and one of secrets.
#[test]
fn a_key_document_is_no_hmac_secret_in_whatever_form_it_comes() {
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n\
                       -----END PUBLIC KEY-----\n";
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
    let bare = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";
    let recipe = |template: &str| scheme(&keyed(from(template))).key_recipe().clone();
    for recipe in [scheme(&definition("{path}")).key_recipe().clone(), recipe("AWS4{secret}")] {
        for document in [PEM, jwk, bare] {
            assert_eq!(recipe.verifying(&secret(document)).err(), Some(KeyFault::Document), "{document}");
            assert_eq!(recipe.signing(&secret(document)).err(), Some(KeyFault::Document), "{document}");
        }
    }
    let hidden = secret(&hex::encode(PEM));
    assert_eq!(recipe("{secret|unhex}").verifying(&hidden).err(), Some(KeyFault::Document));
    assert!(recipe("{secret}").verifying(&secret("0123456789abcdef")).is_ok());
}

#[test]
fn a_chain_of_macs_is_made_of_the_requests_own_values() {
    let chained = |encoding| {
        let chain = vec!["{header:T}".to_owned(), "term".to_owned()];
        signature_of(&keyed(KeyDefinition { chain, encoding, ..from("{secret}") }), "key")
    };
    let mac = |key: &[u8], text: &str| {
        let mut mac = mac::Mac::new(Algorithm::HmacSha256, key).unwrap();
        mac.update(text.as_bytes());
        mac.finish()
    };
    let last = mac(mac(mac(b"key", "20240430").as_bytes(), "term").as_bytes(), "/a");
    assert_eq!(chained(None), hex::encode(last.as_bytes()));
    let written = |tag: tag::Tag| Encoding::Base64.write(tag.as_bytes()).into_bytes();
    let last = mac(&written(mac(&written(mac(b"key", "20240430")), "term")), "/a");
    assert_eq!(chained(Some(Encoding::Base64)), hex::encode(last.as_bytes()));
}

#[test]
fn a_key_rests_on_the_secret_and_a_chain_on_the_request() {
    let fault = |definition: &Definition| (faults(definition)[0].field, faults(definition).len());
    assert_eq!(fault(&keyed(from("constant"))), ("signing_key.from", 1));
    assert_eq!(fault(&keyed(from("{secret}{header:A}"))), ("signing_key.from", 1));
    let chain = KeyDefinition { chain: vec!["x".to_owned(), "{secret}".to_owned()], ..from("{secret}") };
    let faults = faults(&keyed(chain.clone()));
    assert_eq!((faults[0].field, faults[0].index), ("signing_key.chain", Some(1)));
    let signature = SignatureDefinition::new("{header:S}", Encoding::Hex, Algorithm::Ed25519);
    let public = Definition { signature, ..keyed(KeyDefinition { chain: vec!["x".to_owned()], ..chain }) };
    assert_eq!(fault(&public), ("signing_key", 1));
    assert_eq!(fault(&definition("{secret}")), ("message", 1));
}

#[test]
fn a_public_key_verifies_and_signs_nothing() {
    let signature = SignatureDefinition::new("{header:S}", Encoding::Hex, Algorithm::Ed25519);
    let scheme = scheme(&Definition::new("t", "{method}{body}", signature));
    assert_eq!(scheme.body_need(), BodyNeed::Parsed);
    let request = Request::new("POST", "/").body("x");
    let private = scheme.key_recipe().signing(&Secret::new(vec![7; 32])).unwrap();
    let signed = request.clone().signed(scheme.sign(&request.view(), &private, None, NOW, "").unwrap());
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = scheme.key_recipe().verifying(&Secret::new(pair.public_key().as_ref().to_vec())).unwrap();
    let other = scheme.key_recipe().verifying(&Secret::new(vec![7; 32])).unwrap();
    let judged = |request: &Request, keys: &[&PreparedKey]| {
        let claimed = scheme.read(&request.view(), NOW)?;
        scheme.verify(&claimed, &request.view(), keys)
    };
    assert_eq!(judged(&signed, &[&other, &public]), Ok(1));
    assert_eq!(judged(&signed, &[&private]), Ok(0));
    assert_eq!(judged(&signed, &[&other]), Err(Failure::Mismatch));
    assert_eq!(judged(&signed.clone().body("y"), &[&public]), Err(Failure::Mismatch));
    assert_eq!(scheme.sign(&request.view(), &public, None, NOW, ""), Err(Failure::NotSigning));
    assert_eq!(judged(&signed, &[&key("k")]), Err(Failure::Mismatch));
}

#[test]
fn a_request_chooses_its_algorithm_out_of_a_closed_list() {
    let allow = vec![("new".to_owned(), Algorithm::HmacSha512), ("old".to_owned(), Algorithm::HmacSha256)];
    let algorithm = AlgorithmDefinition::Named { from: "{header:Alg}".to_owned(), allow };
    let signature = SignatureDefinition { algorithm, ..signature("{header:S}") };
    let emit = strings(&[("Alg", "{algorithm}"), ("S", "{signature}")]);
    let scheme = scheme(&Definition { emit, ..Definition::new("t", "{path}", signature) });
    assert_eq!(scheme.algorithms(), [Algorithm::HmacSha512, Algorithm::HmacSha256]);
    let key = scheme.key_recipe().signing(&secret("k")).unwrap();
    let request = Request::new("GET", "/a");
    let new = request.clone().signed(scheme.sign(&request.view(), &key, None, NOW, "").unwrap());
    assert_eq!((new.headers[0].1.as_slice(), new.headers[1].1.len()), (&b"new"[..], 128));
    let judged = |request: &Request| {
        let claimed = scheme.read(&request.view(), NOW)?;
        scheme.verify(&claimed, &request.view(), &[&key])
    };
    assert_eq!(judged(&new), Ok(0));
    let old = request.clone().header("Alg", "old").header("S", &signature_of(&definition("{path}"), "k"));
    assert_eq!(judged(&old), Ok(0));
    let signature = String::from_utf8(new.headers[1].1.clone()).unwrap();
    let wrong_length = judged(&request.clone().header("Alg", "old").header("S", &signature));
    assert!(matches!(wrong_length, Err(Failure::Misspelt(_))), "{wrong_length:?}");
    assert_eq!(judged(&request.clone().header("Alg", "none").header("S", &signature)), Err(Failure::Algorithm));
    assert_eq!(judged(&request.header("S", &signature)), Err(Failure::Algorithm));
}

#[test]
fn a_request_never_chooses_between_a_secret_and_a_public_key() {
    let allow = vec![("hs".to_owned(), Algorithm::HmacSha256), ("ed".to_owned(), Algorithm::Ed25519)];
    let algorithm = AlgorithmDefinition::Named { from: "{header:Alg}".to_owned(), allow };
    let faults = faults(&Definition::new("t", "{path}", SignatureDefinition { algorithm, ..signature("{header:S}") }));
    assert_eq!((faults.len(), faults[0].field), (1, "signature.algorithm"));
    assert_eq!(faults[0].message, "HMAC and public keys do not mix in one scheme");
}

#[test]
fn an_expiry_counts_whichever_way_it_is_said() {
    let judged = |timestamp: TimestampDefinition, now: i64| {
        let message = "{header:T}\n{header:E|default:\"\"}\n{header:L}";
        let dialect = compile::compile(&Definition { timestamp: Some(timestamp), ..definition(message) }).unwrap();
        let request = Request::new("GET", "/").header("X-Signature", &"0".repeat(64));
        let request = request.header("T", "1714485600").header("E", "1714485660").header("L", "30");
        dialect.read(&request.view(), now).map(|claimed| (claimed.time_millis(), claimed.admitted_until))
    };
    let seconds = |seconds: u64| Some(Duration::from_secs(seconds));
    let bare = TimestampDefinition { formats: vec![TimestampFormat::Unix], ..TimestampDefinition::default() };
    let expires = TimestampDefinition {
        expires: Some("{header:E|default:\"\"}".to_owned()),
        future: seconds(120),
        ..bare.clone()
    };
    assert_eq!(judged(expires.clone(), NOW), Ok((Some(NOW + 60_000), Some(NOW + 60_000))));
    assert_eq!(judged(expires.clone(), NOW + 60_000), Ok((Some(NOW + 60_000), Some(NOW + 60_000))));
    assert_eq!(judged(expires.clone(), NOW + 60_001), Err(Failure::Stale { behind_millis: 1 }));
    assert_eq!(judged(expires.clone(), NOW - 60_001), Err(Failure::Stale { behind_millis: -120_001 }));
    let both = TimestampDefinition { from: Some("{header:T}".to_owned()), past: seconds(300), ..expires };
    assert_eq!(judged(both.clone(), NOW), Ok((Some(NOW), Some(NOW + 60_000))));
    assert!(judged(both, NOW + 60_001).is_err());
    let lasts = TimestampDefinition {
        from: Some("{header:T}".to_owned()),
        lasts: Some("{header:L}".to_owned()),
        past: seconds(300),
        future: seconds(10),
        ..bare
    };
    assert_eq!(judged(lasts.clone(), NOW + 30_000), Ok((Some(NOW), Some(NOW + 30_000))));
    assert!(judged(lasts.clone(), NOW + 30_001).is_err());
    let shorter = TimestampDefinition { past: seconds(20), ..lasts };
    assert_eq!(judged(shorter.clone(), NOW + 20_000), Ok((Some(NOW), Some(NOW + 20_000))));
    assert!(judged(shorter, NOW + 20_001).is_err());
}

#[test]
fn a_timestamp_must_make_sense_as_a_whole() {
    let fault = |timestamp: TimestampDefinition| {
        let formats =
            if timestamp.formats.is_empty() { vec![TimestampFormat::Unix] } else { timestamp.formats.clone() };
        let timestamp = TimestampDefinition { formats, ..timestamp };
        faults(&Definition { timestamp: Some(timestamp), ..definition("{header:T}:{header:E}") })[0].field
    };
    let none = TimestampDefinition::default;
    let expires = || TimestampDefinition { expires: Some("{header:E}".to_owned()), ..none() };
    assert_eq!(fault(none()), "timestamp");
    assert_eq!(fault(TimestampDefinition { past: Some(Duration::from_secs(1)), ..expires() }), "timestamp");
    assert_eq!(fault(TimestampDefinition { lasts: Some("{header:T}".to_owned()), ..expires() }), "timestamp.lasts");
    assert_eq!(fault(TimestampDefinition { expires: Some("{header:X}".to_owned()), ..none() }), "timestamp.expires");
    for pattern in ["%Y", "%H:%M:%S", "%Q%", "%Y-%m-%d"] {
        let formats = vec![TimestampFormat::Pattern(pattern.to_owned())];
        assert_eq!(fault(TimestampDefinition { formats, ..expires() }), "timestamp.formats", "{pattern}");
    }
}

#[test]
fn a_time_by_a_pattern_has_one_spelling() {
    let judged = |pattern: &str, text: &str| {
        let formats = vec![TimestampFormat::Pattern(pattern.to_owned())];
        let timestamp = TimestampDefinition { formats, ..timestamp("{header:T}", 60) };
        let scheme = scheme(&Definition { timestamp: Some(timestamp), ..definition("{header:T}") });
        let request = Request::new("GET", "/").header("X-Signature", &"0".repeat(64)).header("T", text);
        scheme.read(&request.view(), NOW).map(|claimed| claimed.time_millis().unwrap())
    };
    assert_eq!(judged("%Y%m%dT%H%M%SZ", "20240430T140000Z"), Ok(NOW));
    assert_eq!(judged("%Y%m%dT%H:%M:%S+0000", "20240430T14:00:00+0000"), Ok(NOW));
    assert_eq!(judged("%b, %d %Y %H:%M:%S%.f GMT", "Apr, 30 2024 14:00:00.250 GMT"), Ok(NOW + 250));
    for wrong in ["20240430T14000Z", "20240430T140000", "20240430t140000Z", " 20240430T140000Z0", "2024043T140000Z", ""]
    {
        assert!(matches!(judged("%Y%m%dT%H%M%SZ", wrong), Err(Failure::TimestampForm(_))), "{wrong}");
    }
}

#[test]
fn a_path_under_another_begins_with_its_segments() {
    let requirement =
        RequirementDefinition { relation: Relation::Under, ..RequirementDefinition::equal("{path}", "{header:R}") };
    let scheme = scheme(&Definition { require: vec![requirement], ..definition("{header:R}") });
    let judged = |path: &str, resource: &str| {
        let request = Request::new("GET", path).header("R", resource);
        let signed = request.clone().signed(scheme.sign(&request.view(), &key("k"), None, NOW, "").unwrap());
        verify(&scheme, &signed, "k").is_ok()
    };
    assert!(judged("/a/b", "/a/b") && judged("/a/b/c", "/a/b") && judged("/a/b", "/a/"));
    assert!(!judged("/a/bc", "/a/b") && !judged("/a", "/a/b") && !judged("/a", ""));
}

#[test]
fn a_signature_in_the_query_is_appended_and_replaces_an_old_one() {
    let signature = SignatureDefinition::new("{query:s}", Encoding::Base64, Algorithm::HmacSha256);
    let list =
        ParametersDefinition { except: vec!["s".to_owned()], ..ParametersDefinition::new(vec![ParametersOf::Query]) };
    let definition = Definition {
        values: vec![("rest".to_owned(), ValueDefinition::Parameters(list))],
        ..Definition::new("t", "{path}?{rest}", signature)
    };
    let scheme = scheme(&definition);
    for target in ["/a", "/a?b=c", "/a?s=old&b=%20"] {
        let request = Request::new("GET", target);
        let emitted = scheme.sign(&request.view(), &key("k"), None, NOW, "").unwrap();
        assert!(emitted.headers.is_empty());
        let signed = request.signed(emitted);
        assert_eq!(verify(&scheme, &signed, "k"), Ok(0), "{}", signed.target);
        assert!(!signed.target.contains("old"));
        let changed = Request { target: signed.target.replace("/a", "/b"), ..signed };
        assert_eq!(verify(&scheme, &changed, "k"), Err(Failure::Mismatch));
    }
}
