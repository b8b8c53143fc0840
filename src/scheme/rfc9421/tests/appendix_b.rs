//! The examples of RFC 9421: two that are short always, all six of appendix B where `COUNTERSIGN_VECTORS` says where
//! they are.

use std::{env, fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    base::signature_base,
    component::Component,
    value::{FieldTypes, Message, ReadOnce, value},
    *,
};

/// Appendix B.1.5.
const SECRET: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
/// Appendix B.1.4.
const ED25519: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----";

/// When all of them were made.
const CREATED: i64 = 1_618_884_473_000;

/// The request of appendix B.2, as far as the two examples cover it.
fn test_request() -> Text {
    Text::new(
        "POST /foo?param=Value&Pet=dog HTTP/1.1
Host: example.com
Date: Tue, 20 Apr 2021 02:07:55 GMT
Content-Type: application/json
Content-Length: 18

{\"hello\": \"world\"}",
    )
}

#[test]
fn the_examples_with_hmac_and_ed25519_verify_and_nothing_else_does() {
    let cases = [
        (
            Algorithm::HmacSha256,
            BASE64_STANDARD.decode(SECRET).unwrap(),
            "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"",
            "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
        ),
        (
            Algorithm::Ed25519,
            ED25519.as_bytes().to_vec(),
            "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");\
             created=1618884473;keyid=\"test-key-ed25519\"",
            "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
        ),
    ];
    for (algorithm, key, input, signature) in cases {
        let scheme = lax(&definition(algorithm));
        let key = scheme.key_recipe().verifying(&Secret::new(key)).unwrap();
        let judged = |request: &Text| {
            let claimed = scheme.read(&request.view(), CREATED)?;
            scheme.verify(&claimed, &request.view(), &[&key])
        };
        let request = test_request().with("Signature-Input", input).with("Signature", signature);
        assert_eq!(judged(&request), Ok(0), "{algorithm:?}");
        let changed = request.clone().without("date").with("Date", "Tue, 20 Apr 2021 02:07:56 GMT");
        assert_eq!(judged(&changed), Err(Failure::Mismatch));
        assert_eq!(judged(&request.at("https", "example.org")), Err(Failure::Mismatch));
    }
}

#[test]
fn all_of_appendix_b_verifies() {
    let Ok(vectors) = env::var("COUNTERSIGN_VECTORS") else { return };
    let file = fs::read(Path::new(&vectors).join("rfc9421/rfc9421_appendix_b.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut verified = Vec::new();
    for case in file["cases"].as_array().unwrap() {
        let label = text(&case["label"]);
        let (algorithm, key) = algorithm_and_key(&text(&case["algorithm"]), &file);
        let mut scheme = lax(&definition(algorithm));
        scheme.policy.tag = (label == "sig-b22").then(|| "header-example".to_owned());
        let key = scheme.key_recipe().verifying(&Secret::new(key)).unwrap();
        let message = if label == "sig-b24" { text(&file["test_response"]) } else { text(&file["test_request"]) };
        let message = Text::new(&message.replace("\r\n", "\n"))
            .with("Signature-Input", text(&case["signature_input"]))
            .with("Signature", text(&case["signature"]));
        let base = match label.as_str() {
            "sig-b24" => base_of_verified_answer(message, &key, algorithm),
            _ => {
                let claimed = scheme.read(&message.view(), CREATED).unwrap();
                assert_eq!(scheme.verify(&claimed, &message.view(), &[&key]), Ok(0), "{label}");
                String::from_utf8(scheme.message(&claimed, &message.view()).unwrap()).unwrap()
            }
        };
        assert_eq!(base, text(&case["signature_base"]), "{label}");
        verified.push(label);
    }
    assert_eq!(verified, ["sig-b21", "sig-b22", "sig-b23", "sig-b24", "sig-b25", "sig-b26"]);
}

fn algorithm_and_key(name: &str, file: &Value) -> (Algorithm, Vec<u8>) {
    let pem = |name: &str| {
        let keys = file["public_keys"].as_object().unwrap();
        keys.iter().find(|(title, _)| title.contains(name)).unwrap().1.as_str().unwrap().as_bytes().to_vec()
    };
    match name {
        "rsa-pss-sha512" => (Algorithm::RsaPssSha512, pem("RSA PSS")),
        "ecdsa-p256-sha256" => (Algorithm::EcdsaP256Sha256, pem("P-256")),
        "ed25519" => (Algorithm::Ed25519, pem("Ed25519")),
        _ => (Algorithm::HmacSha256, BASE64_STANDARD.decode(SECRET).unwrap()),
    }
}

/// The digest that was signed is that of the body; the one in the example's own header is another body's.
fn base_of_verified_answer(answer: Text, key: &PreparedKey, algorithm: Algorithm) -> String {
    assert_eq!(digest::check(&answer, &Body::Memory(&answer.body)), Err(Failure::Digest));
    let right = "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:";
    let answer = answer.without("content-digest").with("Content-Digest", right);
    assert_eq!(digest::check(&answer, &Body::Memory(&answer.body)), Ok(()));
    let input = input::read(&answer, &input::Choice::Only).unwrap();
    let request = test_request();
    let view = answer.answer(&request);
    let message = Message::Answer(&view);
    let base = signature_base(&input.components, &input.parameters, message, &FieldTypes::new()).unwrap();
    assert!(key.accepts(algorithm, base.as_bytes(), &input.signature.0));
    base
}

fn value_in(request: &Text, name: &str, types: &FieldTypes) -> Result<String, Failure> {
    value(&Component::named(name).unwrap(), Message::Request(&request.view()), types, &mut ReadOnce::default())
}

#[test]
fn derived_components_have_the_values_of_section_2_2() {
    let target = "/path?param=value&foo=bar&baz=batman&qux=";
    let request = Text::new("GET / HTTP/1.1").line("GET", target).at("https", "WWW.Example.com:443");
    let is = |request: &Text, name: &str, wanted: &str| {
        assert_eq!(value_in(request, name, &Vec::new()).as_deref(), Ok(wanted), "{name}");
    };
    is(&request, "@method", "GET");
    is(&request, "@target-uri", &format!("https://www.example.com{target}"));
    is(&request, "@authority", "www.example.com");
    is(&request, "@scheme", "https");
    is(&request, "@request-target", target);
    is(&request, "@path", "/path");
    is(&request, "@query", "?param=value&foo=bar&baz=batman&qux=");
    is(&request, "\"@query-param\";name=\"baz\"", "batman");
    is(&request, "\"@query-param\";name=\"qux\"", "");
    let bare = Text::new("GET /path HTTP/1.1").at("http", "example.com:8080");
    is(&bare, "@query", "?");
    is(&bare, "@authority", "example.com:8080");
}

#[test]
fn fields_have_the_values_of_section_2_1() {
    let request = Text::new("GET / HTTP/1.1")
        .with("Cache-Control", "max-age=60")
        .with("Cache-Control", "   must-revalidate")
        .with("Example-Dict", " a=1,    b=2;x=1;y=2,   c=(a   b   c)")
        .with("Example-Dict", "d")
        .with("Example-Header", "value, with, lots")
        .with("Example-Header", "of, commas")
        .with("X-Empty", "")
        .with("X-Bytes", [0xff]);
    let types = vec![("example-dict".to_owned(), FieldType::Dictionary)];
    let is = |name: &str, wanted: &str| assert_eq!(value_in(&request, name, &types).as_deref(), Ok(wanted), "{name}");
    is("cache-control", "max-age=60, must-revalidate");
    is("x-empty", "");
    is("\"example-dict\";sf", "a=1, b=2;x=1;y=2, c=(a b c), d");
    is("\"example-dict\";key=\"a\"", "1");
    is("\"example-dict\";key=\"b\"", "2;x=1;y=2");
    is("\"example-dict\";key=\"c\"", "(a b c)");
    is("\"example-dict\";key=\"d\"", "?1");
    is("\"example-header\";bs", ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:");
    is("\"x-bytes\";bs", ":/w==:");
    for name in
        ["x-bytes", "x-absent", "\"x-empty\";sf", "\"example-dict\";key=\"e\"", "\"@status\"", "\"x-empty\";req"]
    {
        assert!(value_in(&request, name, &types).is_err(), "{name}");
    }
}
