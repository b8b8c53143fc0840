use std::sync::Arc;

use proptest::prelude::*;

use super::*;

/// From the documentation of the first API that this gateway stood in front of.
const KNOWN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoxMjMsInJvbGUiOiJhZG1pbiJ9.\
    xiQIIxG93IoH5fEuP9BtFeqvJTGI9-XKcnVm0mrJsVc";

#[test]
fn the_known_token_without_exp_verifies_only_where_exp_is_optional() {
    let verified = verifier(settings()).verify(KNOWN.as_bytes(), NOW).expect("genuine");
    assert_eq!(verified.claim("user_id").as_deref(), Some("123"));
    assert_eq!(verified.claim("role").as_deref(), Some("admin"));
    assert_eq!((verified.subject(), verified.jti(), verified.expires(), verified.kid()), (None, None, None, None));
    let strict = verifier(Settings { require_exp: true, ..settings() });
    assert_eq!(refusal(&strict, KNOWN), TokenError::MissingClaim("exp".to_owned()));
}

#[test]
fn claims_are_given_as_text() {
    let payload = r#"{"sub":"ali\u0063e","jti":"j1","exp":4102444800,"iat":1700000000.25,"n":1.70e9,"t":true,
        "none":null,"o":{"a":[1, "x\n"]},"https://example.com/role":"r","a/b":"slash"}"#;
    let verified = verifier(settings()).verify(token(payload).as_bytes(), NOW).expect("genuine");
    assert_eq!(verified.subject(), Some("alice"));
    assert_eq!(verified.jti(), Some("j1"));
    assert_eq!(verified.expires(), Some(4_102_444_800));
    assert_eq!(verified.issued(), Some(1_700_000_001));
    let expected = [
        ("sub", Some("alice")),
        ("n", Some("1.70e9")),
        ("t", Some("true")),
        ("none", None),
        ("absent", None),
        ("o", Some(r#"{"a":[1,"x\u000a"]}"#)),
        ("/o/a/1", Some("x\n")),
        ("https://example.com/role", Some("r")),
        ("/a~1b", Some("slash")),
        ("o/a", None),
    ];
    for (name, text) in expected {
        assert_eq!(verified.claim(name).as_deref(), text, "{name}");
    }
    assert_eq!(format!("{verified:?}"), "Token(…)");
}

#[test]
fn each_algorithm_verifies_with_its_own_key_and_no_other() {
    let all = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];
    for ours in all {
        let verifier = verifier(Settings { keys: vec![key(None, ours, KEY)].into(), ..settings() });
        for theirs in all {
            let token = sign(&format!(r#"{{"alg":"{}"}}"#, theirs.name()), "{}", theirs, KEY);
            match verifier.verify(token.as_bytes(), NOW) {
                Ok(_) => assert_eq!(ours, theirs),
                Err(error) => assert!(ours != theirs && error == TokenError::WrongAlgorithm),
            }
        }
    }
}

#[test]
fn a_signature_of_another_algorithm_than_the_header_says_does_not_match() {
    let token = sign(HEADER, "{}", Algorithm::Hs512, KEY);
    assert_eq!(refusal(&verifier(settings()), &token), TokenError::WrongSignature);
}

#[test]
fn kid_selects_the_key() {
    let k1 = key(Some("k1"), Algorithm::Hs256, b"one");
    let k2 = key(Some("k2"), Algorithm::Hs384, b"two");
    let plain = key(None, Algorithm::Hs256, b"plain");
    let with = |kid: &str, algorithm: Algorithm, secret: &[u8]| {
        sign(&format!(r#"{{"alg":"{}"{kid}}}"#, algorithm.name()), "{}", algorithm, secret)
    };
    let two = verifier(Settings { keys: vec![k1.clone(), k2.clone()].into(), ..settings() });
    let good = two.verify(with(r#","kid":"k2""#, Algorithm::Hs384, b"two").as_bytes(), NOW).expect("genuine");
    assert_eq!(good.kid(), Some("k2"));
    assert_eq!(refusal(&two, &with(r#","kid":"k2""#, Algorithm::Hs256, b"one")), TokenError::WrongAlgorithm);
    assert_eq!(refusal(&two, &with(r#","kid":"K1""#, Algorithm::Hs256, b"one")), TokenError::UnknownKid);
    assert_eq!(refusal(&two, &with("", Algorithm::Hs256, b"one")), TokenError::UnknownKid);
    assert_eq!(refusal(&two, &with(r#","kid":1"#, Algorithm::Hs256, b"one")), TokenError::MalformedHeader("kid"));

    let mixed = verifier(Settings { keys: vec![k1.clone(), plain.clone()].into(), ..settings() });
    assert!(mixed.verify(with("", Algorithm::Hs256, b"plain").as_bytes(), NOW).is_ok());
    assert_eq!(refusal(&mixed, &with("", Algorithm::Hs256, b"one")), TokenError::WrongSignature);

    let only = verifier(Settings { keys: vec![k1].into(), ..settings() });
    assert!(only.verify(with("", Algorithm::Hs256, b"one").as_bytes(), NOW).is_ok());
    let only = verifier(Settings { keys: vec![plain].into(), ..settings() });
    assert_eq!(refusal(&only, &with(r#","kid":"x""#, Algorithm::Hs256, b"plain")), TokenError::UnknownKid);
}

/// Or what a revoked key signed would be good again once its header is silent.
#[test]
fn a_token_is_known_by_the_kid_of_its_key_even_where_it_names_none() {
    let header = r#"{"alg":"HS256"}"#;
    let unnamed = sign(header, "{}", Algorithm::Hs256, b"one");
    let only = vec![key(Some("k1"), Algorithm::Hs256, b"one")];
    let fixed = verifier(Settings { keys: only.clone().into(), ..settings() });
    let shared = Arc::new(SharedKeys::default());
    shared.replace(Some(Arc::new(KeySet::new(only).expect("a set"))));
    let shared = verifier(Settings { keys: Keys::Shared(shared), ..settings() });
    for verifier in [fixed, shared] {
        assert_eq!(verifier.verify(unnamed.as_bytes(), NOW).expect("genuine").kid(), Some("k1"));
        let mut cache = TokenCache::new(16, 1 << 20);
        for _ in 0..2 {
            assert_eq!(cache.verify(&verifier, unnamed.as_bytes(), NOW).expect("genuine").kid(), Some("k1"));
        }
    }
}

#[test]
fn two_live_secrets_may_share_a_kid() {
    let keys = vec![key(Some("k"), Algorithm::Hs256, b"new"), key(Some("k"), Algorithm::Hs256, b"old")];
    let verifier = verifier(Settings { keys: keys.into(), ..settings() });
    let header = r#"{"alg":"HS256","kid":"k"}"#;
    for secret in [b"new", b"old"] {
        assert!(verifier.verify(sign(header, "{}", Algorithm::Hs256, secret).as_bytes(), NOW).is_ok());
    }
    assert_eq!(refusal(&verifier, &sign(header, "{}", Algorithm::Hs256, b"gone")), TokenError::WrongSignature);
}

#[test]
fn headers_are_held_to_the_rules() {
    use TokenError::*;
    let cases = [
        (r#"{"alg":"HS256"}"#, None),
        (r#"{"alg":"HS256","typ":"application/AT+JWT"}"#, None),
        (r#"{"alg":"HS256","typ":"Application/Jwt","cty":"x","x":{}}"#, None),
        (r#"{"alg":"HS256","typ":"JWS"}"#, Some(WrongType)),
        (r#"{"alg":"HS256","typ":""}"#, Some(WrongType)),
        (r#"{"alg":"HS256","typ":"application/application/jwt"}"#, Some(WrongType)),
        (r#"{"alg":"HS256","typ":["JWT"]}"#, Some(MalformedHeader("typ"))),
        (r#"{"alg":"HS256","typ":null}"#, Some(MalformedHeader("typ"))),
        (r#"{"typ":"JWT"}"#, Some(MalformedHeader("alg"))),
        (r#"{"alg":"none"}"#, Some(WrongAlgorithm)),
        (r#"{"alg":""}"#, Some(WrongAlgorithm)),
        (r#"["alg","HS256"]"#, Some(NotAnObject(Segment::Header))),
        (r#"{"alg":"HS256","b64":true}"#, Some(ForbiddenHeader("b64"))),
        (r#"{"alg":"HS256","zip":null}"#, Some(ForbiddenHeader("zip"))),
        (r#"{"alg":"HS256","enc":"A128GCM"}"#, Some(ForbiddenHeader("enc"))),
        (r#"{"alg":"HS256","jwk":{}}"#, Some(ForbiddenHeader("jwk"))),
        (r#"{"alg":"HS256","\u006aku":"http://127.0.0.1/"}"#, Some(ForbiddenHeader("jku"))),
        (r#"{"alg":"HS256","x5u":""}"#, Some(ForbiddenHeader("x5u"))),
        (r#"{"alg":"HS256","x5c":[]}"#, Some(ForbiddenHeader("x5c"))),
    ];
    for (header, expected) in cases {
        let outcome = verifier(settings()).verify(sign(header, "{}", Algorithm::Hs256, KEY).as_bytes(), NOW);
        assert_eq!(outcome.err(), expected, "{header}");
    }
    let duplicate = sign(r#"{"alg":"HS256","\u0061lg":"none"}"#, "{}", Algorithm::Hs256, KEY);
    assert!(matches!(refusal(&verifier(settings()), &duplicate), Json(Segment::Header, _)));
}

#[test]
fn registered_claims_are_held_to_their_types() {
    let wrong = ["null", "true", "{}", "[]"];
    for claim in ["exp", "nbf", "iat"] {
        let numbers = ["\"1\"", "-1", "-0", "-1e12", "[1]"];
        for value in wrong.into_iter().chain(numbers) {
            let token = token(&format!(r#"{{"{claim}":{value}}}"#));
            assert_eq!(refusal(&verifier(settings()), &token), TokenError::MalformedClaim(claim), "{value}");
        }
    }
    for claim in ["iss", "sub", "jti"] {
        for value in wrong.into_iter().chain(["1", "[\"a\"]"]) {
            let token = token(&format!(r#"{{"{claim}":{value}}}"#));
            assert_eq!(refusal(&verifier(settings()), &token), TokenError::MalformedClaim(claim), "{value}");
        }
    }
    for value in wrong.into_iter().chain(["1", "[\"a\",1]", "[[\"a\"]]", "[null]"]) {
        let token = token(&format!(r#"{{"aud":{value}}}"#));
        assert_eq!(refusal(&verifier(settings()), &token), TokenError::MalformedClaim("aud"), "{value}");
    }
    for subject in ["a\\u0000b", "a\\nb", "\\u007f", "\\u0085"] {
        let token = token(&format!(r#"{{"sub":"{subject}"}}"#));
        assert_eq!(refusal(&verifier(settings()), &token), TokenError::MalformedClaim("sub"), "{subject}");
    }
}

#[test]
fn a_time_in_milliseconds_is_refused_and_one_that_means_never_is_believed() {
    let millis = (NOW * 1000).to_string();
    for claim in ["exp", "nbf", "iat"] {
        for value in ["1e12", "1000000000000.5", &millis, "9007199254740992", "9.2e18", "1e400"] {
            let token = token(&format!(r#"{{"{claim}":{value}}}"#));
            assert_eq!(refusal(&verifier(settings()), &token), TokenError::NotSeconds(claim), "{value}");
        }
    }
    // The end of 32 bits, of the year 9999 (also as .NET rounds it), and of what twelve digits hold.
    for never in ["2147483647", "253402300799", "253402300800", "999999999999"] {
        assert!(
            verifier(settings()).verify(token(&format!(r#"{{"exp":{never}}}"#)).as_bytes(), NOW).is_ok(),
            "{never}"
        );
    }
}

#[test]
fn times_count_to_the_second_with_leeway_on_both_sides() {
    use TokenError::*;
    let verifier = verifier(Settings { leeway: Duration::from_millis(10_999), ..settings() });
    let cases = [
        (format!(r#"{{"exp":{}}}"#, NOW - 9), None),
        (format!(r#"{{"exp":{}}}"#, NOW - 10), Some(Expired)),
        (format!(r#"{{"exp":{}.5}}"#, NOW - 10), None),
        (format!(r#"{{"exp":{}.5}}"#, NOW - 11), Some(Expired)),
        (r#"{"exp":0}"#.to_owned(), Some(Expired)),
        (r#"{"exp":999999999999}"#.to_owned(), None),
        (r#"{"exp":1.9e9}"#.to_owned(), None),
        (format!(r#"{{"nbf":{}}}"#, NOW + 10), None),
        (format!(r#"{{"nbf":{}}}"#, NOW + 11), Some(NotYetValid)),
        (format!(r#"{{"nbf":{}.001}}"#, NOW + 10), Some(NotYetValid)),
        (format!(r#"{{"iat":{}}}"#, NOW + 10), None),
        (format!(r#"{{"iat":{}}}"#, NOW + 11), Some(IssuedInFuture)),
        (format!(r#"{{"iat":{NOW},"exp":{NOW}}}"#), None),
        (format!(r#"{{"iat":{NOW}.5,"exp":{NOW}.25}}"#), Some(ExpiresBeforeIssued)),
        (format!(r#"{{"iat":{NOW},"exp":1}}"#), Some(ExpiresBeforeIssued)),
    ];
    for (payload, expected) in cases {
        assert_eq!(verifier.verify(token(&payload).as_bytes(), NOW).err(), expected, "{payload}");
    }
}

#[test]
fn no_clock_and_no_leeway_overflows() {
    let lax = verifier(Settings { leeway: Duration::MAX, ..settings() });
    for now in [i64::MIN, -1, 0, NOW, i64::MAX] {
        for verifier in [&lax, &verifier(settings())] {
            let _ = verifier.verify(token(r#"{"exp":999999999999,"nbf":1,"iat":0}"#).as_bytes(), now);
        }
    }
    assert!(lax.verify(token(r#"{"exp":1,"nbf":999999999999}"#).as_bytes(), NOW).is_ok());
}

#[test]
fn a_token_is_called_expired_only_if_nothing_else_is_wrong() {
    let forged = sign(HEADER, r#"{"exp":1}"#, Algorithm::Hs256, b"forged");
    assert!(!refusal(&verifier(settings()), &forged).is_expired());
    let ours = verifier(Settings { issuer: Some("us".to_owned()), ..settings() });
    assert_eq!(refusal(&ours, &token(r#"{"exp":1,"iss":"them"}"#)), TokenError::WrongIssuer);
    assert!(refusal(&ours, &token(r#"{"exp":1,"iss":"us"}"#)).is_expired());
}

#[test]
fn issuer_and_audience_are_compared_exactly() {
    use TokenError::*;
    let audience = vec!["api".to_owned(), "web".to_owned()];
    let verifier = verifier(Settings { issuer: Some("us".to_owned()), audience, ..settings() });
    let cases = [
        (r#"{"iss":"us","aud":"web"}"#, None),
        (r#"{"iss":"us","aud":["x","api"]}"#, None),
        (r#"{"aud":"api"}"#, Some(WrongIssuer)),
        (r#"{"iss":"us ","aud":"api"}"#, Some(WrongIssuer)),
        (r#"{"iss":["us"],"aud":"api"}"#, Some(MalformedClaim("iss"))),
        (r#"{"iss":null,"aud":"api"}"#, Some(MalformedClaim("iss"))),
        (r#"{"iss":"us"}"#, Some(WrongAudience)),
        (r#"{"iss":"us","aud":"API"}"#, Some(WrongAudience)),
        (r#"{"iss":"us","aud":"api,web"}"#, Some(WrongAudience)),
        (r#"{"iss":"us","aud":["api",null]}"#, Some(MalformedClaim("aud"))),
    ];
    for (payload, expected) in cases {
        assert_eq!(verifier.verify(token(payload).as_bytes(), NOW).err(), expected, "{payload}");
    }
}

/// Where several issuers stand on one route, a token costs signature checks at its own entry alone.
#[test]
fn a_token_that_does_not_name_the_issuer_is_refused_before_its_signature_is_looked_at() {
    use TokenError::*;
    let verifier = verifier(Settings { issuer: Some("us".to_owned()), ..settings() });
    for (payload, expected) in [
        ("{}", WrongIssuer),
        (r#"{"iss":"them"}"#, WrongIssuer),
        (r#"{"iss":1}"#, MalformedClaim("iss")),
        (r#"{"iss":null}"#, MalformedClaim("iss")),
        (r#"{"iss":"us"}"#, WrongSignature),
    ] {
        assert_eq!(refusal(&verifier, &sign(HEADER, payload, Algorithm::Hs256, b"forged")), expected, "{payload}");
    }
}

#[test]
fn required_and_equal_claims_are_asked_for() {
    let equal = [("role", r#""adm\u0069n""#), ("level", "3"), ("/org/on", "true")];
    let verifier = verifier(Settings {
        claims: ClaimRules {
            required: vec!["user".to_owned(), "/org/id".to_owned()],
            equal: equal.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec(),
            ..ClaimRules::default()
        },
        ..settings()
    });
    let good = r#"{"user":0,"org":{"id":"","on":true},"role":"admin","level":3}"#;
    assert!(verifier.verify(token(good).as_bytes(), NOW).is_ok());
    let missing = |name: &str| TokenError::MissingClaim(name.to_owned());
    let unequal = |name: &str| TokenError::UnequalClaim(name.to_owned());
    let cases = [
        (r#""user":0"#, r#""user":null"#, missing("user")),
        (r#""user":0,"#, "", missing("user")),
        (r#""id":"""#, r#""ID":"""#, missing("/org/id")),
        (r#""role":"admin""#, r#""role":["admin"]"#, unequal("role")),
        (r#""role":"admin""#, r#""role":"Admin""#, unequal("role")),
        (r#""level":3"#, r#""level":"3""#, unequal("level")),
        (r#""level":3"#, r#""level":3.0"#, unequal("level")),
        (r#""on":true"#, r#""on":"true""#, unequal("/org/on")),
        (r#""on":true"#, r#""on":1"#, unequal("/org/on")),
    ];
    for (from, to, expected) in cases {
        assert!(good.contains(from));
        assert_eq!(refusal(&verifier, &token(&good.replace(from, to))), expected, "{to}");
    }
}

#[test]
fn settings_that_verify_nothing_or_anything_are_refused() {
    let keys = |keys: Vec<Key>| Verifier::new(Settings { keys: keys.into(), ..settings() }).expect_err("bad settings");
    assert_eq!(keys(Vec::new()), SettingsError::NoKeys);
    assert_eq!(keys(vec![key(None, Algorithm::Hs256, KEY); MAX_KEYS_PER_KID + 1]), SettingsError::TooManyKeys);
    let equal = |text: &str| {
        let claims = ClaimRules { equal: vec![("role".to_owned(), text.to_owned())], ..ClaimRules::default() };
        Verifier::new(Settings { claims, ..settings() }).expect_err(text)
    };
    assert!(matches!(equal("admin"), SettingsError::ClaimNotJson(..)));
    assert_eq!(equal("null"), SettingsError::ClaimNotScalar("role".to_owned()));
    assert_eq!(equal("[1]"), SettingsError::ClaimNotScalar("role".to_owned()));
}

#[test]
fn a_token_of_the_greatest_length_is_read_and_a_longer_one_is_not() {
    let mut payload = format!(r#"{{"pad":"{}"}}"#, "x".repeat(6000));
    while token(&payload).len() < MAX_TOKEN_BYTES {
        payload.push(' ');
    }
    let longest = token(&payload);
    assert_eq!(longest.len(), MAX_TOKEN_BYTES);
    assert!(verifier(settings()).verify(longest.as_bytes(), NOW).is_ok());
    payload.push(' ');
    assert_eq!(refusal(&verifier(settings()), &token(&payload)), TokenError::TooLong);
    let dots = ".".repeat(MAX_TOKEN_BYTES);
    assert_eq!(refusal(&verifier(settings()), &dots), TokenError::SegmentCount);
}

#[test]
fn refusals_say_nothing_of_the_token() {
    let error = refusal(&verifier(settings()), &token(r#"{"sub":"hunter2\n"}"#));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let error = refusal(&verifier(settings()), &sign(r#"{"hunter2""#, "{}", Algorithm::Hs256, KEY));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verifier(settings()).verify(&bytes, NOW).is_err());
    }

    #[test]
    fn arbitrary_claims_under_a_good_signature_never_panic(payload in r#"([\[\]{},:"]|"(exp|nbf|iat|aud|iss|sub)":|[0-9.e-]{1,9}|null){0,12}"#) {
        let _ = verifier(settings()).verify(token(&payload).as_bytes(), NOW);
    }

    #[test]
    fn a_cut_or_a_longer_token_is_refused(at in any::<prop::sample::Index>(), more in prop::collection::vec(any::<u8>(), 1..4)) {
        let bytes = KNOWN.as_bytes();
        prop_assert!(verifier(settings()).verify(&bytes[..at.index(bytes.len())], NOW).is_err());
        prop_assert!(verifier(settings()).verify(&[bytes, &more].concat(), NOW).is_err());
        prop_assert!(verifier(settings()).verify(&[&more, bytes].concat(), NOW).is_err());
    }
}

#[test]
fn every_single_flipped_bit_is_refused() {
    let verifier = verifier(settings());
    for at in 0..KNOWN.len() {
        for bit in 0..8 {
            let mut bytes = KNOWN.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            assert!(verifier.verify(&bytes, NOW).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_claim_may_be_one_of_several_values() {
    let one_of = vec![("role".to_owned(), vec![r#""admin""#.to_owned(), "7".to_owned()])];
    let verifier = verifier(Settings { claims: ClaimRules { one_of, ..ClaimRules::default() }, ..settings() });
    for good in [r#"{"role":"admin"}"#, r#"{"role":7}"#] {
        assert!(verifier.verify(token(good).as_bytes(), NOW).is_ok(), "{good}");
    }
    for bad in ["{}", r#"{"role":null}"#, r#"{"role":"Admin"}"#, r#"{"role":"7"}"#, r#"{"role":["admin"]}"#] {
        assert_eq!(refusal(&verifier, &token(bad)), TokenError::ClaimNotAmong("role".to_owned()), "{bad}");
    }
}

#[test]
fn a_claim_may_have_to_hold_each_of_several_values() {
    let contains = vec![("/realm/roles".to_owned(), vec![r#""a""#.to_owned(), r#""b""#.to_owned()])];
    let verifier = verifier(Settings { claims: ClaimRules { contains, ..ClaimRules::default() }, ..settings() });
    let good = r#"{"realm":{"roles":["b",1,"a",["c"]]}}"#;
    assert!(verifier.verify(token(good).as_bytes(), NOW).is_ok());
    for bad in ["[]", r#"["a"]"#, r#"["ab"]"#, r#""a""#, r#""a b""#, r#"{"a":"b"}"#, "null", r#"[["a","b"]]"#] {
        let token = token(&format!(r#"{{"realm":{{"roles":{bad}}}}}"#));
        assert_eq!(refusal(&verifier, &token), TokenError::ClaimLacks("/realm/roles".to_owned()), "{bad}");
    }
}

#[test]
fn a_token_may_not_be_too_old_nor_live_too_long() {
    let claims = ClaimRules {
        max_age: Some(Duration::from_secs(100)),
        max_lifetime: Some(Duration::from_secs(300)),
        ..ClaimRules::default()
    };
    let verifier = verifier(Settings { claims, leeway: Duration::from_secs(10), ..settings() });
    let outcome = |payload: String| verifier.verify(token(&payload).as_bytes(), NOW).err();
    let times = |issued: i64, expires: i64| outcome(format!(r#"{{"iat":{},"exp":{}}}"#, NOW + issued, NOW + expires));
    assert_eq!(times(0, 300), None);
    assert_eq!(times(-110, 50), None);
    assert_eq!(times(-111, 50), Some(TokenError::TooOld));
    assert_eq!(times(0, 301), Some(TokenError::LivesTooLong));
    assert_eq!(outcome(format!(r#"{{"exp":{}}}"#, NOW + 9)), Some(TokenError::MissingClaim("iat".to_owned())));
    assert_eq!(outcome(format!(r#"{{"iat":{NOW}}}"#)), Some(TokenError::MissingClaim("exp".to_owned())));
    let far = format!(r#"{{"iat":0,"exp":{}}}"#, 999_999_999_999_i64);
    assert_eq!(outcome(far), Some(TokenError::LivesTooLong));
}

#[test]
fn a_scope_is_one_word_of_scope_or_an_item_of_scp() {
    let cases = [
        (r#"{"scope":"read write"}"#, true),
        (r#"{"scope":"write"}"#, true),
        (r#"{"scp":["read","write"]}"#, true),
        (r#"{"scp":"read write"}"#, true),
        (r#"{"scope":["write"]}"#, true),
        (r#"{"scope":"read","scp":["write"]}"#, true),
        (r#"{"scope":"writer rewrite Write"}"#, false),
        (r#"{"scope":"read,write"}"#, false),
        (r#"{"scope":null,"scp":{"write":true}}"#, false),
        (r#"{"scp":["read write"]}"#, false),
        ("{}", false),
    ];
    for (payload, has) in cases {
        let verified = verifier(settings()).verify(token(payload).as_bytes(), NOW).expect("genuine");
        assert_eq!(verified.has_scope("write"), has, "{payload}");
    }
}
