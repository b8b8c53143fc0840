//! The form of an OAuth 2.0 endpoint and the value of its `Authorization`: no parameter comes twice, none is there and empty,
//! and what is read is what was written.
#![no_main]

use base64::{Engine as _, prelude::BASE64_STANDARD};
use countersign::issue::{Form, Presented};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8], String, String)| {
    let (body, authorization, id, secret) = input;
    if let Ok(form) = Form::parse(body) {
        for name in ["grant_type", "client_id", "client_secret", "scope", "username", "password", "token"] {
            assert!(form.value(name).is_none_or(|value| !value.is_empty()));
        }
        // The same once more is every parameter twice.
        let twice = [body, body].join(b"&".as_slice());
        assert!(body.iter().all(|byte| *byte == b'&') || Form::parse(&twice).is_err());
        let shown = Presented::read([authorization].into_iter(), &form);
        let alone = Presented::of_basic(authorization);
        assert!(shown.is_err() || shown == Ok(alone));
    }
    // What a client writes as the standard has it is what is read.
    let pair = format!("{}:{}", encoded(&id), encoded(&secret));
    let read = Presented::of_basic(format!("Basic {}", BASE64_STANDARD.encode(pair)).as_bytes()).expect("a client");
    assert!(read.id == id && *read.secret == secret);
    let written = format!("client_id={}&client_secret={}", encoded(&id), encoded(&secret));
    let form = Form::parse(written.as_bytes()).expect("a form");
    assert_eq!(form.value("client_secret"), Some(secret.as_str()).filter(|secret| !secret.is_empty()));
});

/// Each byte as an escape, but for spaces and letters.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        letter if letter.is_ascii_alphanumeric() => char::from(letter).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
