//! Our own presets do what their clients do. Their definitions stand here as the config reads them from the YAML; those of
//! other dialects are tested where the config can be used.

use super::*;
use crate::scheme::presets as shipped;

const MAC: &str = r#"{json:/mac_address|match:"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}"}"#;
const DEVICE_V2: &str = "v2\n{key_id}\n{method}\n{authority}\n{target}\n{header:X-HMAC-Timestamp}\n\
    {header:X-HMAC-Nonce|match:\"[A-Za-z0-9._~-]{16,128}\"}\n{body|sha256|hex}";
const NONCE: &str = "5d41402abc4b2a76b9719d911017c592";

pub(super) fn device() -> Definition {
    Definition {
        name: "device".to_owned(),
        key_id: Some("{json:/mac_address}".to_owned()),
        message: format!("{MAC}:{{json:/timestamp}}"),
        timestamp: Some(TimestampDefinition {
            formats: vec![TimestampFormat::Unix, TimestampFormat::Iso8601],
            past: None,
            future: None,
            ..timestamp("{json:/timestamp}", 0)
        }),
        ..raw_body()
    }
}

pub(super) fn device_v2() -> Definition {
    Definition {
        name: "device-v2".to_owned(),
        key_id: Some("{header:X-HMAC-Key-Id}".to_owned()),
        message: DEVICE_V2.to_owned(),
        timestamp: Some(timestamp("{header:X-HMAC-Timestamp}", 300)),
        replay: Some(ReplayDefinition { key: Some("{key_id}:{header:X-HMAC-Nonce}".to_owned()), remember: None }),
        emit: strings(&[
            ("X-HMAC-Key-Id", "{key_id}"),
            ("X-HMAC-Timestamp", "{now}"),
            ("X-HMAC-Nonce", "{nonce}"),
            ("X-HMAC-Signature", "{signature}"),
        ]),
        ..raw_body()
    }
}

pub(super) fn raw_body() -> Definition {
    Definition {
        name: "raw-body".to_owned(),
        signature: signature("{header:X-HMAC-Signature}"),
        emit: strings(&[("X-HMAC-Signature", "{signature}")]),
        ..definition("{body}")
    }
}

fn verify_request(signature: &str, body: &str) -> Request {
    Request::new("POST", "/verify").header("X-HMAC-Signature", signature).body(body)
}

#[test]
fn each_preset_has_a_text_that_says_what_these_tests_say() {
    assert_eq!(shipped::names().take(3).collect::<Vec<_>>(), ["device", "device-v2", "raw-body"]);
    assert!(shipped::text("nothing").is_none());
    for definition in [device(), device_v2(), raw_body()] {
        let text = shipped::text(&definition.name).unwrap();
        assert!(text.starts_with("# "), "{} says who speaks it", definition.name);
        let templates = definition.emit.iter().map(|(_, text)| text).chain(&definition.key_id);
        for line in templates.chain([&definition.signature.from]).flat_map(|template| template.lines()) {
            assert!(text.contains(line), "{line} is in the text of {}", definition.name);
        }
        for line in definition.message.lines() {
            assert!(text.contains(line), "{line} is in the text of {}", definition.name);
        }
    }
}

#[test]
fn the_device_of_the_field_is_let_in() {
    let body = r#"{"mac_address":"12:34:56:78:9a:bc","timestamp":1714485600}"#;
    let request = verify_request("46cf5c7219b834724d7d32b69446e03ec7a067e0a44efd9b01dd7c876e6a00e2", body);
    let scheme = scheme(&device());
    assert_eq!(verify(&scheme, &request, "secret-key"), Ok(0));
    assert_eq!(verify(&scheme, &request, "another-key"), Err(Failure::Mismatch));
    let claimed = scheme.read(&request.view(), NOW).unwrap();
    assert_eq!(claimed.key_id(), Some(&b"12:34:56:78:9a:bc"[..]));
    assert_eq!(claimed.time_millis(), Some(NOW));
}

#[test]
fn a_timestamp_sent_as_a_string_signs_the_same() {
    let body = r#"{"mac_address":"12:34:56:78:9a:bc","timestamp":"1714485600"}"#;
    assert_eq!(
        verify(
            &scheme(&device()),
            &verify_request("46cf5c7219b834724d7d32b69446e03ec7a067e0a44efd9b01dd7c876e6a00e2", body),
            "secret-key"
        ),
        Ok(0)
    );
}

#[test]
fn the_shell_script_that_signs_the_body_is_let_in_by_the_other_form() {
    let body = r#"{"mac_address":"12:34:56:78:9a:bc","timestamp":"2025-04-30T15:00:00"}"#;
    let request = verify_request("0e004a64c192a30aa4bbf280f525d76a17323cc87f23b7bbbb1832ee53fc8514", body);
    let with_id = Definition { key_id: Some("{json:/mac_address}".to_owned()), ..raw_body() };
    assert_eq!(verify(&scheme(&with_id), &request, "secret-key"), Ok(0));
    assert_eq!(verify(&scheme(&device()), &request, "secret-key"), Err(Failure::Mismatch));
}

#[test]
fn an_address_that_is_not_six_hex_pairs_is_refused_before_any_comparison() {
    for address in ["12:34:56:78:9a", "12:34:56:78:9a:bc:17", "12-34-56-78-9a-bg", "", "12:34:56:78:9a:bc\\n"] {
        let body = format!(r#"{{"mac_address":"{address}","timestamp":1714485600}}"#);
        let result = verify(&scheme(&device()), &verify_request(&"0".repeat(64), &body), "secret-key");
        let place = r#"json:/mac_address|match:"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}""#;
        let expected = [unreadable(place, Why::Refused), Err(Failure::KeyIdUnreadable)];
        assert!(expected.contains(&result), "{address}: {result:?}");
    }
}

#[test]
fn what_a_preset_signs_it_also_verifies() {
    let body = r#"{"mac_address":"12-34-56-78-9A-BC","timestamp":1714485600}"#;
    for definition in [device(), device_v2(), raw_body()] {
        let scheme = scheme(&definition);
        let request = Request::new("POST", "/things?a=1&b=%20").body(body);
        let headers = scheme.sign(&request.view(), &key("k"), Some("dev-1"), NOW, NONCE).unwrap();
        let signed = request.signed(headers);
        assert_eq!(verify(&scheme, &signed, "k"), Ok(0), "{}", definition.name);
        assert_eq!(verify(&scheme, &signed, "j"), Err(Failure::Mismatch), "{}", definition.name);
    }
}

#[test]
fn device_v2_signs_exactly_these_lines() {
    let scheme = scheme(&device_v2());
    let request = Request::new("POST", "/a?b=c").body("{}");
    let headers = scheme.sign(&request.view(), &key("k"), Some("dev-1"), NOW, NONCE).unwrap();
    let signed = request.signed(headers);
    let claimed = scheme.read(&signed.view(), NOW).unwrap();
    let message = String::from_utf8(scheme.message(&claimed, &signed.view()).unwrap()).unwrap();
    let digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(message, format!("v2\ndev-1\nPOST\napi.example.com\n/a?b=c\n1714485600\n{NONCE}\n{digest}"));
}

#[test]
fn any_covered_part_of_device_v2_changed_by_one_bit_does_not_verify() {
    let scheme = scheme(&device_v2());
    let plain = Request::new("POST", "/a/b?c=d").body("some body");
    let headers = scheme.sign(&plain.view(), &key("k"), Some("dev-1"), NOW, NONCE).unwrap();
    let signed = plain.signed(headers);
    assert_eq!(verify(&scheme, &signed, "k"), Ok(0));
    let flipped = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= 1;
        String::from_utf8(bytes).unwrap()
    };
    let mut changed = Vec::new();
    for at in 0..signed.target.len() {
        changed.push(Request { target: flipped(&signed.target, at), ..signed.clone() });
    }
    for at in 0..signed.method.len() {
        changed.push(Request { method: flipped(&signed.method, at), ..signed.clone() });
    }
    for at in 0..signed.authority.len() {
        changed.push(Request { authority: flipped(&signed.authority, at), ..signed.clone() });
    }
    for bit in 0..signed.body.len() * 8 {
        let mut request = signed.clone();
        request.body[bit / 8] ^= 1 << (bit % 8);
        changed.push(request);
    }
    changed.extend((0..3).map(|header| {
        let mut request = signed.clone();
        *request.headers[header].1.last_mut().unwrap() ^= 1;
        request
    }));
    for request in changed {
        assert_eq!(verify(&scheme, &request, "k"), Err(Failure::Mismatch), "{:?}", request.view());
    }
}

#[test]
fn a_wrong_bit_in_the_signature_itself_does_not_verify() {
    let scheme = scheme(&raw_body());
    let plain = Request::new("POST", "/").body("x");
    let headers = scheme.sign(&plain.view(), &key("k"), None, NOW, "").unwrap();
    let signed = plain.signed(headers);
    for at in 0..64 {
        let mut request = signed.clone();
        let digit = &mut request.headers[0].1[at];
        *digit = if *digit == b'0' { b'1' } else { b'0' };
        assert_eq!(verify(&scheme, &request, "k"), Err(Failure::Mismatch));
    }
}

#[test]
fn coverage_says_what_the_presets_leave_open() {
    let device = scheme(&device()).coverage();
    assert_eq!(
        device.to_string(),
        "signs json /mac_address, json /timestamp; does not sign method, path, query, authority, body"
    );
    assert_eq!(scheme(&device_v2()).coverage().unsigned(), Vec::<&str>::new());
    assert_eq!(scheme(&raw_body()).coverage().unsigned(), ["method", "path", "query", "authority"]);
    assert_eq!(scheme(&raw_body()).body_need(), BodyNeed::Bytes);
    assert_eq!(scheme(&device_v2()).body_need(), BodyNeed::Bytes);
    assert_eq!(scheme(&super::presets::device()).body_need(), BodyNeed::Parsed);
}

#[test]
fn only_what_deserves_a_warning_draws_one() {
    let fields = |definition: &Definition| -> Vec<&str> {
        scheme(definition).warnings().iter().map(|fault| fault.field).collect()
    };
    assert_eq!(fields(&device_v2()), Vec::<&str>::new());
    assert_eq!(fields(&device()), ["timestamp", "replay"]);
    assert_eq!(fields(&raw_body()), ["timestamp", "replay"]);
}
