//! What a signature must cover and say, and what a definition may.

use super::*;

const SECONDS: i64 = NOW / 1000;

/// Whether a request signed with just these components is taken by a scheme that wants those.
fn is_enough(wanted: &[&str], covered: &str) -> bool {
    let request = request().with("X-A", "1").with("X-D", "k=1").body("").without("content-type");
    let signed = hand_signed(request, &format!("({covered});created={SECONDS}"));
    match verify(&scheme(&covering(wanted)), &signed) {
        Ok(_) => true,
        Err(Failure::Uncovered { .. }) => false,
        Err(other) => panic!("{covered}: {other}"),
    }
}

#[test]
fn what_is_wanted_is_covered_by_itself_or_by_what_says_as_much() {
    for (wanted, covered, enough) in [
        ("@method", "\"@method\"", true),
        ("@method", "\"@target-uri\"", false),
        ("@path", "\"@path\"", true),
        ("@path", "\"@target-uri\"", true),
        ("@path", "\"@request-target\"", true),
        ("@path", "\"@query\"", false),
        ("@query", "\"@target-uri\"", true),
        ("@query", "\"@query-param\";name=\"on\"", false),
        ("\"@query-param\";name=\"on\"", "\"@query\"", true),
        ("\"@query-param\";name=\"on\"", "\"@query-param\";name=\"on\"", true),
        ("@authority", "\"@target-uri\"", true),
        ("@authority", "\"@request-target\"", false),
        ("@authority", "\"host\"", false),
        ("@target-uri", "\"@scheme\" \"@authority\" \"@request-target\"", true),
        ("@target-uri", "\"@scheme\" \"@authority\" \"@path\" \"@query\"", false),
        ("@request-target", "\"@target-uri\"", true),
        ("@scheme", "\"@target-uri\"", true),
        ("x-a", "\"x-a\"", true),
        ("x-a", "\"x-a\";bs", true),
        ("x-a", "\"x-d\"", false),
        ("\"x-a\";bs", "\"x-a\"", false),
        ("\"x-d\";key=\"k\"", "\"x-d\"", true),
        ("x-d", "\"x-d\";key=\"k\"", false),
        ("content-digest", "", true),
    ] {
        assert_eq!(is_enough(&[wanted], covered), enough, "{wanted} by {covered}");
    }
}

#[test]
fn a_signature_is_good_from_a_little_ahead_to_its_age_or_its_end() {
    let scheme = scheme(&covering(&["@method"]));
    let at = |stated: &str, now_millis: i64| {
        let signed = hand_signed(request(), &format!("(\"@method\"){stated}"));
        verify_at(&scheme, &signed, now_millis).map(|_| ())
    };
    let created = format!(";created={SECONDS}");
    let stale = |behind_millis| Err(Failure::Stale { behind_millis });
    assert_eq!(at(&created, NOW + 300_000), Ok(()));
    assert_eq!(at(&created, NOW + 300_001), stale(300_001));
    assert_eq!(at(&created, NOW - 30_000), Ok(()));
    assert_eq!(at(&created, NOW - 30_001), stale(-30_001));
    let ending = format!("{created};expires={}", SECONDS + 10);
    assert_eq!(at(&ending, NOW + 10_000), Ok(()));
    assert_eq!(at(&ending, NOW + 10_001), stale(1));
    assert_eq!(at(&format!("{created};expires={}", SECONDS - 1), NOW), stale(1_000));
    assert!(at(";created=999999999999999", NOW).is_err());
    assert_eq!(at("", NOW), Err(Failure::Unstated { parameter: "created" }));
    assert_eq!(at(&format!(";expires={}", SECONDS + 10), NOW), Err(Failure::Unstated { parameter: "created" }));
}

#[test]
fn an_end_alone_reaches_no_further_than_a_signature_made_now() {
    let definition = MessageSignaturesDefinition { created: false, expires: true, ..covering(&["@method"]) };
    let scheme = scheme(&definition);
    let ending = |seconds: i64| {
        let signed = hand_signed(request(), &format!("(\"@method\");expires={}", SECONDS + seconds));
        verify(&scheme, &signed).map(|_| ())
    };
    assert_eq!(ending(0), Ok(()));
    assert_eq!(ending(330), Ok(()));
    assert_eq!(ending(331), Err(Failure::Stale { behind_millis: -331_000 }));
    let signed = hand_signed(request(), &format!("(\"@method\");expires={}", SECONDS + 9));
    let claimed = scheme.read(&signed.view(), NOW).unwrap();
    assert_eq!((claimed.signed_millis(), claimed.time_millis()), (None, Some(NOW + 9_000)));
    assert_eq!(ending(-1), Err(Failure::Stale { behind_millis: 1_000 }));
}

#[test]
fn what_must_be_said_must_be_said() {
    let definition = MessageSignaturesDefinition { nonce: true, expires: true, ..covering(&["@method"]) };
    let scheme = scheme(&definition);
    let judged = |stated: &str| {
        let signed = hand_signed(request(), &format!("(\"@method\");created={SECONDS}{stated}"));
        verify(&scheme, &signed).map(|_| ())
    };
    let unstated = |parameter| Err(Failure::Unstated { parameter });
    assert_eq!(judged(""), unstated("expires"));
    let expires = format!(";expires={}", SECONDS + 9);
    assert_eq!(judged(&expires), unstated("nonce"));
    assert_eq!(judged(&format!("{expires};nonce=\"\"")), unstated("nonce"));
    assert_eq!(judged(&format!("{expires};nonce=\"a\"")), Ok(()));
    assert_eq!(judged(&format!("{expires};nonce=\"a\";alg=\"hmac-sha256\"")), Ok(()));
    assert_eq!(judged(&format!("{expires};nonce=\"a\";alg=\"ed25519\"")), Err(Failure::Algorithm));
    assert_eq!(judged(&format!("{expires};nonce=\"a\";tag=\"t\"")), Err(Failure::OtherTag));
}

#[test]
fn coverage_is_that_of_what_must_be_covered() {
    let coverage = |names: &[&str]| scheme(&covering(names)).coverage().to_string();
    assert_eq!(
        scheme(&hmac()).coverage().to_string(),
        "signs method, path, query, authority, body, header content-digest"
    );
    assert_eq!(
        coverage(&["@target-uri", "date", "\"priority\";key=\"u\""]),
        "signs path, query, authority, header date, header priority;key=\"u\"; does not sign method, body"
    );
    assert_eq!(
        coverage(&["@method", "\"@query-param\";name=\"id\""]),
        "signs method, query id; does not sign path, query, authority, body"
    );
}

#[test]
fn a_refused_client_is_told_what_to_sign() {
    let definition = MessageSignaturesDefinition { tag: Some("shop".to_owned()), nonce: true, ..hmac() };
    assert_eq!(
        scheme(&definition).accept_signature().as_deref(),
        Some(
            "sig1=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\");created;nonce;\
             alg=\"hmac-sha256\";tag=\"shop\""
        )
    );
    let two = vec![Algorithm::Ed25519, Algorithm::EcdsaP256Sha256];
    let definition =
        MessageSignaturesDefinition { label: Some("p".to_owned()), ..MessageSignaturesDefinition::new("t", two) };
    let definition = MessageSignaturesDefinition { components: vec!["@method".to_owned()], ..definition };
    assert_eq!(scheme(&definition).accept_signature().as_deref(), Some("p=(\"@method\");created"));
}

#[test]
fn definitions_that_cannot_be_meant_are_refused_all_at_once() {
    let definition = MessageSignaturesDefinition {
        label: Some("Sig".to_owned()),
        tag: Some("é".to_owned()),
        components: ["@method", "@status", "\"x\";req", "Date", "@method"].map(str::to_owned).to_vec(),
        answer: ["@method", "\"@status\";req"].map(str::to_owned).to_vec(),
        algorithms: vec![Algorithm::HmacSha1, Algorithm::Ed25519],
        created: false,
        nonce: true,
        ..hmac()
    };
    let faults = Scheme::message_signatures(&definition).unwrap_err();
    let places: Vec<(&str, Option<usize>)> = faults.iter().map(|fault| (fault.field, fault.index)).collect();
    let at = |field, index| (field, Some(index));
    assert_eq!(
        places,
        [
            at("components", 1),
            at("components", 2),
            at("components", 3),
            at("components", 4),
            at("answer", 0),
            at("answer", 1),
            ("label", None),
            ("tag", None),
            ("algorithms", None),
            ("algorithms", None),
            ("replay", None),
        ]
    );
    for empty in [
        MessageSignaturesDefinition { components: Vec::new(), ..hmac() },
        MessageSignaturesDefinition { algorithms: Vec::new(), ..hmac() },
        MessageSignaturesDefinition { answer: vec!["content-digest".to_owned(), "date".to_owned()], ..hmac() },
    ] {
        assert_eq!(Scheme::message_signatures(&empty).unwrap_err().len(), 1);
    }
}

#[test]
fn what_is_unwise_is_warned_of() {
    let warned = |definition: &MessageSignaturesDefinition| -> Vec<&'static str> {
        scheme(definition).warnings().iter().map(|fault| fault.field).collect()
    };
    assert_eq!(warned(&hmac()), ["replay"]);
    assert_eq!(warned(&MessageSignaturesDefinition { replay: true, ..hmac() }), Vec::<&str>::new());
    assert_eq!(warned(&MessageSignaturesDefinition { created: false, ..hmac() }), ["created", "replay"]);
}
