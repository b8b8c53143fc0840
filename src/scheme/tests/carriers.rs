//! What a request claims: signatures, key ids, and what the head alone shows.

use super::*;

fn with(from: &str, encoding: Encoding) -> Scheme {
    let signature = SignatureDefinition { encoding, ..signature(from) };
    scheme(&Definition { signature, ..definition("{method}") })
}

fn read(scheme: &Scheme, request: &Request) -> Result<(), Failure> {
    scheme.read(&request.view(), NOW).map(|_| ())
}

fn get() -> Request {
    Request::new("GET", "/")
}

fn is_misspelt(read: &Result<(), Failure>) -> bool {
    matches!(read, Err(Failure::Misspelt(_)))
}

#[test]
fn an_empty_signature_is_missing() {
    let scheme = with("{header:X-Sig|strip_prefix:\"sha256=\"}", Encoding::Hex);
    assert_eq!(read(&scheme, &get()), Err(Failure::MissingSignature));
    assert_eq!(read(&scheme, &get().header("X-Sig", "")), Err(Failure::MissingSignature));
    assert_eq!(scheme.is_present(&get().header("X-Sig", "  ").view()), Presence::No);
    assert!(is_misspelt(&read(&scheme, &get().header("X-Sig", "sha256="))));
    assert_eq!(scheme.is_present(&get().header("X-Sig", "sha256=").view()), Presence::Yes);
}

#[test]
fn a_prefix_that_is_wanted_is_not_what_is_wrong_with_a_signature() {
    let scheme = with("{header:X-Sig|strip_prefix:\"sha256=\"}", Encoding::Hex);
    let told = |text: &str| read(&scheme, &get().header("X-Sig", text)).unwrap_err().to_string();
    assert!(
        told("sha256=00").contains(": 2 characters of lower-case hexadecimal, where 64 of"),
        "{}",
        told("sha256=00")
    );
    let bare = told(&"0".repeat(64));
    assert!(bare.contains(": 64 characters that lack what the scheme wants around them"), "{bare}");
}

#[test]
fn a_signature_that_came_twice_is_ambiguous_even_if_equal() {
    let hex = "0".repeat(64);
    let scheme = with("{header:X-Sig}", Encoding::Hex);
    let request = get().header("X-Sig", &hex).header("x-sig", &hex);
    assert_eq!(read(&scheme, &request), Err(Failure::AmbiguousCarrier));
    assert_eq!(scheme.is_present(&request.view()), Presence::Yes);
    let request = Request::new("GET", &format!("/?s={hex}&s={hex}"));
    assert_eq!(read(&with("{query:s}", Encoding::Hex), &request), Err(Failure::AmbiguousCarrier));
}

#[test]
fn every_encoding_has_one_spelling() {
    let bytes = [0xfb_u8; 32];
    let (lower, upper) = (hex::encode(bytes), hex::encode_upper(bytes));
    let base64 = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";
    let base64url = "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s";
    let spellings = [
        (Encoding::Hex, lower.as_str()),
        (Encoding::HexUpper, upper.as_str()),
        (Encoding::Base64, base64),
        (Encoding::Base64Url, base64url),
    ];
    let others = [
        base64.trim_end_matches('='),
        "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s=",
        "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/t=",
    ];
    for (encoding, right) in spellings {
        let scheme = with("{header:X-Sig}", encoding);
        for text in spellings.iter().map(|(_, text)| *text).chain(others) {
            let read = read(&scheme, &get().header("X-Sig", text));
            assert!(if text == right { read.is_ok() } else { is_misspelt(&read) }, "{encoding:?} {text}: {read:?}");
        }
    }
}

#[test]
fn truncated_and_overlong_signatures_are_refused() {
    let scheme = with("{header:X-Sig}", Encoding::Hex);
    for length in [2, 31, 32, 63, 62, 65, 66, 128, 4096] {
        let request = get().header("X-Sig", &"a".repeat(length));
        assert!(is_misspelt(&read(&scheme, &request)), "{length}");
    }
}

#[test]
fn a_signature_of_the_wrong_json_type_is_undecodable_not_missing() {
    let scheme = with("{json:/s}", Encoding::Hex);
    for body in [r#"{"s":null}"#, r#"{"s":["a"]}"#, r#"{"s":1}"#] {
        let request = get().body(body);
        let read = read(&scheme, &request);
        assert!(read == Err(Failure::Undecodable) || is_misspelt(&read), "{body}: {read:?}");
        assert_eq!(scheme.is_present(&request.view()), Presence::Yes, "{body}");
    }
    assert_eq!(scheme.is_present(&get().body("{}").view()), Presence::No);
    assert_eq!(scheme.is_present(&get().body("no json").view()), Presence::No);
    assert_eq!(scheme.is_present(&get().head()), Presence::Unknown);
}

#[test]
fn key_ids_are_short_and_visible() {
    let definition = Definition { key_id: Some("{header:X-Id}".to_owned()), ..definition("{method}{key_id}") };
    let scheme = scheme(&definition);
    let id = |id: &str| {
        let request = get().header("X-Signature", &"0".repeat(64)).header("X-Id", id);
        scheme.read(&request.view(), NOW).map(|claimed| claimed.key_id().unwrap().len())
    };
    assert_eq!(id("a"), Ok(1));
    assert_eq!(id(&"a".repeat(256)), Ok(256));
    for wrong in ["", "a b", "a\tb", "a\u{7f}", "é", &"a".repeat(257)] {
        assert_eq!(id(wrong), Err(Failure::KeyIdUnreadable), "{wrong}");
    }
    let twice = get().header("X-Signature", &"0".repeat(64)).header("X-Id", "a").header("X-Id", "a");
    assert_eq!(read(&scheme, &twice), unreadable("header:X-Id", Why::Repeated));
}

#[test]
fn the_head_alone_shows_what_it_can() {
    let device = scheme(&super::presets::device());
    let request = Request::new("POST", "/verify").header("X-HMAC-Signature", &"0".repeat(64)).body("{}");
    let claimed = device.read(&request.head(), NOW).unwrap();
    assert!(!claimed.is_complete());
    assert_eq!(claimed.key_id(), None);
    assert_eq!(device.verify(&claimed, &request.view(), &[&key("k")]), unreadable("body", Why::BodyUnread));
    assert_eq!(device.read(&get().head(), NOW).unwrap_err(), Failure::MissingSignature);
    let bad = Request::new("POST", "/verify").header("X-HMAC-Signature", "zz");
    assert!(is_misspelt(&device.read(&bad.head(), NOW).map(|_| ())));
}

#[test]
fn a_stale_time_in_the_head_is_refused_before_the_body() {
    let scheme = scheme(&super::presets::device_v2());
    let request = get().body("x");
    let headers = scheme.sign(&request.view(), &key("k"), Some("d"), NOW, "0123456789abcdef").unwrap();
    let signed = request.signed(headers);
    assert!(scheme.read(&signed.head(), NOW).unwrap().is_complete());
    let late = NOW + 300_001;
    assert_eq!(scheme.read(&signed.head(), late).unwrap_err(), Failure::Stale { behind_millis: 300_001 });
}

#[test]
fn a_spooled_body_is_streamed_for_bytes_and_refused_for_fields() {
    let raw = scheme(&super::presets::raw_body());
    let request = Request::new("POST", "/").body("a body that comes in pieces");
    let headers = raw.sign(&request.view(), &key("k"), None, NOW, "").unwrap();
    let signed = request.signed(headers);
    let pieces = Pieces(&signed.body);
    let view = View { body: Body::Spooled(&pieces), ..signed.view() };
    let claimed = raw.read(&view, NOW).unwrap();
    assert_eq!(raw.verify(&claimed, &view, &[&key("k")]), Ok(0));
    let device = scheme(&super::presets::device());
    assert_eq!(
        device.read(&view, NOW).unwrap_err(),
        Failure::Unreadable { place: "json:/mac_address".to_owned(), why: Why::BodySpooled }
    );
}
