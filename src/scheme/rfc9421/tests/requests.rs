//! Requests signed and verified, changed and refused.

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha512};

use super::{input::MOST_SIGNATURES, *};
use crate::scheme::{Presence, Spooled, Why};

const SECONDS: i64 = NOW / 1000;

/// A body outside memory.
struct Pieces<'a>(&'a [u8]);

impl Spooled for Pieces<'_> {
    fn read(&self, visit: &mut dyn FnMut(&[u8])) -> std::io::Result<()> {
        self.0.chunks(3).for_each(visit);
        Ok(())
    }
}

#[test]
fn what_is_signed_here_is_written_as_the_rfc_wants_and_verifies_here() {
    let definition = MessageSignaturesDefinition { tag: Some("shop".to_owned()), nonce: true, expires: true, ..hmac() };
    let scheme = scheme(&definition);
    let request = signed(&scheme, request());
    assert_eq!(
        request.header("signature-input"),
        "sig1=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\");created=1714485600;\
         expires=1714485900;keyid=\"dev-1\";nonce=\"n-0\";tag=\"shop\""
    );
    let claimed = scheme.read(&request.view(), NOW).unwrap();
    assert_eq!((claimed.key_id(), claimed.time_millis()), (Some(&b"dev-1"[..]), Some(NOW)));
    assert_eq!(claimed.signed_millis(), Some(NOW));
    assert!(claimed.is_complete());
    assert_eq!(
        String::from_utf8(scheme.message(&claimed, &request.view()).unwrap()).unwrap(),
        format!(
            "\"@method\": POST\n\"@authority\": example.com\n\"@path\": /lamp\n\"@query\": ?on=1\n\
             \"content-digest\": {}\n\"@signature-params\": {}",
            request.header("content-digest"),
            request.header("signature-input").strip_prefix("sig1=").unwrap()
        )
    );
    assert_eq!(verify(&scheme, &request), Ok(1));
}

#[test]
fn nothing_that_is_covered_can_be_changed() {
    let scheme = scheme(&hmac());
    let good = signed(&scheme, request());
    assert_eq!(verify(&scheme, &good), Ok(1));
    for changed in [
        good.clone().line("PUT", "/lamp?on=1"),
        good.clone().line("POST", "/lamps?on=1"),
        good.clone().line("POST", "/lamp?on=2"),
        good.clone().line("POST", "/lamp%3Fon=1"),
        good.clone().at("https", "example.org"),
    ] {
        assert_eq!(verify(&scheme, &changed), Err(Failure::Mismatch));
    }
    assert_eq!(verify(&scheme, &good.clone().body("{\"on\": false}")), Err(Failure::Digest));
    let digest = digest::write(&Body::Memory(b"{}")).unwrap();
    let both = good.clone().without("content-digest").with("Content-Digest", digest).body("{}");
    assert_eq!(verify(&scheme, &both), Err(Failure::Mismatch));
    let unknown = hmac_key("unknown");
    let claimed = scheme.read(&good.view(), NOW).unwrap();
    assert_eq!(scheme.verify(&claimed, &good.view(), &[&unknown]), Err(Failure::Mismatch));
    assert_eq!(scheme.verify(&claimed, &good.view(), &[]), Err(Failure::Mismatch));
    let signature = good.header("signature");
    for changed in ["sig1=:AA==:", "sig1=::", "sig1=\"AA==\"", "sig1", "other=:AA==:", "sig1=:AA==:;a"] {
        let changed = good.clone().without("signature").with("Signature", changed);
        assert!(verify(&scheme, &changed).is_err());
    }
    let unpadded =
        good.clone().without("signature").with("Signature", signature.replace("=:", ":").replacen(':', "=:", 1));
    assert_eq!(unpadded.header("signature").len() + 1, signature.len());
    assert_eq!(verify(&scheme, &unpadded), Err(Failure::Undecodable));
    let longer = good.clone().without("signature").with("Signature", signature.replace("sig1=:", "sig1=:AAAA"));
    assert_eq!(verify(&scheme, &longer), Err(Failure::Mismatch));
}

#[test]
fn signatures_that_others_make_verify() {
    let digest = digest::write(&request().view().body).unwrap();
    let scheme = scheme(&hmac());
    let request = request().with("Content-Digest", digest).with("X-A", "1");
    for input in [
        "(\"@method\" \"@target-uri\" \"content-digest\")",
        "( \"content-digest\"  \"@request-target\" \"@authority\" \"@method\" )",
        "(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\";key=\"sha-256\" \"x-a\" \"x-a\";bs)",
    ] {
        let signed = hand_signed(request.clone(), &format!("{input};keyid=\"k\";created={SECONDS}"));
        assert_eq!(verify(&scheme, &signed), Ok(1), "{input}");
    }
}

#[test]
fn a_signature_with_what_is_not_understood_is_refused() {
    let scheme = scheme(&covering(&["@method"]));
    for input in [
        "(\"@method\");created=1714485600;new=1",
        "(\"@method\" \"@new\");created=1714485600",
        "(\"@method\" \"x-a\";tr);created=1714485600",
        "(\"@method\" \"x-a\";req);created=1714485600",
        "(\"@method\" \"@status\");created=1714485600",
        "(\"@method\" \"@method\");created=1714485600",
        "(\"@method\" \"X-A\");created=1714485600",
        "(\"@method\" x-a);created=1714485600",
        "(\"@method\");created=\"1714485600\"",
        "(\"@method\");created=1714485600.0",
        "(\"@method\");created=@1714485600",
        "(\"@method\");created=-1",
        "(\"@method\");created=1714485600;keyid=k",
        "(\"@method\");created=1714485600;created=1714485601",
        "(\"@method\");created=1714485600;keyid=\"\"",
        "(\"@method\");created=1714485600;keyid=\"a b\"",
        "\"@method\";created=1714485600",
        "(\"@method\" \"x-b\");created=1714485600",
        "(\"@method\" \"@query-param\";name=\"off\");created=1714485600",
        "(\"@method\"",
        "",
    ] {
        let request =
            request().with("X-A", "1").with("Signature", "s=:AA==:").with("Signature-Input", format!("s={input}"));
        let judged = scheme
            .read(&request.view(), NOW)
            .and_then(|claimed| scheme.verify(&claimed, &request.view(), &[&hmac_key("k")]));
        assert!(!matches!(judged, Ok(_) | Err(Failure::Mismatch)), "{input}: {judged:?}");
    }
}

#[test]
fn a_covered_header_with_an_odd_name_stands_alone() {
    let scheme = scheme(&covering(&["@method", "x_role"]));
    let signed = signed(&scheme, Text::new("GET / HTTP/1.1\nHost: example.com\nX_Role: user"));
    assert_eq!(verify(&scheme, &signed), Ok(1));
    let twin = verify(&scheme, &signed.with("X-Role", "admin"));
    assert_eq!(twin, Err(Failure::Unreadable { place: "\"x_role\"".to_owned(), why: Why::Twin }));
}

#[test]
fn more_components_or_signatures_than_anyone_needs_are_refused() {
    let scheme = scheme(&covering(&["@method"]));
    let names: Vec<String> = (0..32).map(|index| format!("\"x-{index}\"")).collect();
    let many = format!("s=(\"@method\" {});created={SECONDS}", names.join(" "));
    let request = request().with("Signature", "s=:AA==:").with("Signature-Input", many);
    assert_eq!(scheme.read(&request.view(), NOW).unwrap_err(), Failure::Undecodable);
    let labels = |count: usize, value: &str| {
        let all: Vec<String> = (0..count).map(|index| format!("l{index}={value}")).collect();
        all.join(", ")
    };
    let with = |count: usize| {
        let label = MessageSignaturesDefinition { label: Some("l0".to_owned()), ..covering(&["@method"]) };
        let request = super::request()
            .with("Signature", labels(count, ":AA==:"))
            .with("Signature-Input", labels(count, &format!("(\"@method\");created={SECONDS}")));
        super::scheme(&label).read(&request.view(), NOW).map(|_| ())
    };
    assert_eq!(with(MOST_SIGNATURES), Ok(()));
    assert_eq!(with(MOST_SIGNATURES + 1), Err(Failure::Undecodable));
}

#[test]
fn the_label_or_the_tag_says_which_of_several_signatures_is_meant() {
    let ours = signed(&scheme(&covering(&["@method"])), request());
    let (input, signature) = (ours.header("signature-input"), ours.header("signature"));
    let two = ours
        .clone()
        .without("signature")
        .without("signature-input")
        .with("Signature-Input", format!("proxy=(\"x\");created=1;tag=\"t\", {input}"))
        .with("Signature", "proxy=:AA==:")
        .with("Signature", signature.clone());
    assert_eq!(verify(&scheme(&covering(&["@method"])), &two), Err(Failure::AmbiguousCarrier));
    let labelled =
        |label: &str| MessageSignaturesDefinition { label: Some(label.to_owned()), ..covering(&["@method"]) };
    assert_eq!(verify(&scheme(&labelled("sig1")), &two), Ok(1));
    assert_eq!(verify(&scheme(&labelled("sig2")), &two), Err(Failure::MissingSignature));
    let tagged = MessageSignaturesDefinition { tag: Some("t2".to_owned()), ..covering(&["@method"]) };
    assert_eq!(verify(&scheme(&tagged), &two), Err(Failure::MissingSignature));
    let by_tag = signed(&scheme(&tagged), request());
    assert_eq!(verify(&scheme(&tagged), &by_tag), Ok(1));
    // Made for one application, it is no good for another that says nothing.
    assert_eq!(verify(&scheme(&covering(&["@method"])), &by_tag), Err(Failure::OtherTag));
    let twice = two.with("Signature", format!("x=:AA==:, {signature}"));
    assert_eq!(verify(&scheme(&labelled("sig1")), &twice), Err(Failure::Undecodable));
    let without_input = ours.without("signature-input");
    assert_eq!(verify(&scheme(&labelled("sig1")), &without_input), Err(Failure::Undecodable));
}

#[test]
fn a_signature_is_there_when_either_header_says_anything() {
    let scheme = scheme(&hmac());
    let present = |request: &Text| scheme.is_present(&request.view());
    assert_eq!(present(&request()), Presence::No);
    assert_eq!(present(&request().with("Signature", "").with("Signature-Input", " ")), Presence::No);
    assert_eq!(present(&request().with("Signature", "?")), Presence::Yes);
    assert_eq!(present(&request().with("Signature-Input", "?")), Presence::Yes);
    assert_eq!(scheme.read(&request().view(), NOW).unwrap_err(), Failure::MissingSignature);
    assert_eq!(scheme.read(&request().with("Signature", "?").view(), NOW).unwrap_err(), Failure::Undecodable);
}

#[test]
fn a_body_needs_a_covered_digest_and_no_body_needs_none() {
    let scheme = scheme(&hmac());
    let get = request().line("GET", "/lamp").body("").without("content-type");
    let signed_get = signed(&scheme, get);
    assert!(signed_get.headers.iter().all(|(name, _)| name != "Content-Digest"));
    assert_eq!(verify(&scheme, &signed_get), Ok(1));
    let with_body = signed_get.clone().body("smuggled");
    assert_eq!(verify(&scheme, &with_body), Err(Failure::Uncovered { name: "\"content-digest\"".to_owned() }));
    // Before the body is there it cannot be told; with it, nothing passes.
    let head = View { body: Body::Unread, ..with_body.view() };
    let claimed = scheme.read(&head, NOW).unwrap();
    assert!(matches!(
        scheme.verify(&claimed, &head, &[&hmac_key("k")]),
        Err(Failure::Unreadable { why: Why::BodyUnread, .. })
    ));
    let pieces = Pieces(b"smuggled");
    let spooled = View { body: Body::Spooled(&pieces), ..with_body.view() };
    assert!(matches!(scheme.verify(&claimed, &spooled, &[&hmac_key("k")]), Err(Failure::Uncovered { .. })));
}

#[test]
fn a_spooled_body_is_checked_like_one_in_memory() {
    let scheme = scheme(&hmac());
    let request = signed(&scheme, request());
    let judged = |body: &[u8]| {
        let pieces = Pieces(body);
        let view = View { body: Body::Spooled(&pieces), ..request.view() };
        let claimed = scheme.read(&view, NOW)?;
        scheme.verify(&claimed, &view, &[&hmac_key("k")])
    };
    assert_eq!(judged(&request.body), Ok(0));
    assert_eq!(judged(b"{\"on\": fals}"), Err(Failure::Digest));
}

#[test]
fn every_digest_that_is_known_must_be_the_bodys_and_one_must_be_known() {
    let body = Body::Memory(b"{\"on\": true}");
    let sha256 = digest::write(&body).unwrap();
    let sha512 = format!("sha-512=:{}:", BASE64_STANDARD.encode(Sha512::digest(b"{\"on\": true}")));
    let judged = |value: &str| digest::check(&Text::new("GET /").with("Content-Digest", value), &body);
    assert_eq!(judged(&sha256), Ok(()));
    assert_eq!(judged(&sha512), Ok(()));
    assert_eq!(judged(&format!("md5=:AA==:, {sha512}, {sha256}")), Ok(()));
    assert_eq!(judged(&format!("{sha256}, sha-512=:AA==:")), Err(Failure::Digest));
    assert_eq!(judged("md5=:AA==:"), Err(Failure::Digest));
    assert_eq!(judged(""), Err(Failure::Digest));
    for malformed in [format!("{sha256}, {sha256}"), "sha-256=1".to_owned(), "sha-256=abc".to_owned(), "?".to_owned()] {
        assert!(matches!(judged(&malformed), Err(Failure::Unreadable { why: Why::Malformed, .. })), "{malformed}");
    }
    let absent = digest::check(&Text::new("GET /"), &body);
    assert_eq!(absent, Err(Failure::Digest));
}

#[test]
fn a_digest_that_is_covered_without_need_is_checked_all_the_same() {
    let scheme = scheme(&covering(&["@method"]));
    let digest = digest::write(&request().view().body).unwrap();
    let input = format!("(\"@method\" \"content-digest\");created={SECONDS}");
    let signed = hand_signed(request().with("Content-Digest", digest), &input);
    assert_eq!(verify(&scheme, &signed), Ok(1));
    assert_eq!(verify(&scheme, &signed.body("{}")), Err(Failure::Digest));
}
