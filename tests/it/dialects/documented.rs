//! Examples from the documentation and the tests of those whose dialects these are, where `COUNTERSIGN_VECTORS` says where
//! they are.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use countersign::scheme::{Failure, Scheme};
use serde_json::Value;

use super::request::{Request, preset, preset_with, verify};

/// One example: which preset, its request, and when it was sent.
struct Example {
    scheme: std::sync::Arc<Scheme>,
    request: Request,
    secret: String,
    now: i64,
}

fn text<'v>(example: &'v Value, name: &str) -> &'v str {
    example[name].as_str().unwrap_or_default()
}

impl Example {
    fn of(value: &Value) -> Example {
        let dialect = text(value, "dialect");
        let method = if text(value, "method").is_empty() { "POST" } else { text(value, "method") };
        let url = match (text(value, "url"), text(value, "path")) {
            ("", "") => "https://api.example.com/".to_owned(),
            ("", path) => format!("https://api.example.com{path}"),
            (url, _) => url.to_owned(),
        };
        let mut request = Request::new(method, &url).body(text(value, "body"));
        let headers = value["headers"].as_object().into_iter().flatten();
        request.headers.extend(headers.map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned())));
        let (scheme, now) = of_dialect(dialect, value, &mut request);
        Example { scheme, request, secret: text(value, "secret").to_owned(), now }
    }

    fn judged(&self, request: &Request) -> Result<(), Failure> {
        verify(&self.scheme, request, &self.secret, self.now).map(|_| ())
    }
}

/// The preset, what the example leaves to be filled in, and the time, in milliseconds.
fn of_dialect(dialect: &str, value: &Value, request: &mut Request) -> (std::sync::Arc<Scheme>, i64) {
    let plain = |name: &str| std::sync::Arc::new(preset(name));
    match dialect {
        "github" | "square" => (plain(dialect), 0),
        "slack" => (plain(dialect), 1_531_420_618_000),
        "standard_webhooks" => (plain("standard-webhooks"), 1_614_265_330_000),
        "twilio" if request.target.contains("bodySHA256") => (plain("twilio-json"), 0),
        "twilio" if !text(value, "signed_url").is_empty() => {
            let own = r#"    message: "{scheme}://{host}:{port}{target}{fields}""#;
            (preset_with("twilio", own), 0)
        }
        "twilio" => (plain("twilio"), 0),
        "kraken" => {
            request.headers.push(("API-Key".to_owned(), "k".to_owned()));
            (plain("kraken"), 0)
        }
        "binance" => {
            request.target = format!("/api/v3/order?{}&signature={}", text(value, "query"), text(value, "signature"));
            request.headers.push(("X-MBX-APIKEY".to_owned(), "k".to_owned()));
            (plain("binance"), 1_499_827_319_559)
        }
        "hawk" => {
            let content_type = text(value, "content_type");
            if !content_type.is_empty() {
                request.headers.push(("Content-Type".to_owned(), content_type.to_owned()));
            }
            (plain("hawk"), 1_353_832_234_000)
        }
        "tuya" => (plain("tuya"), 1_588_925_778_000),
        "acs3" => (plain("alibaba-acs3"), 1_698_315_752_000),
        "s3_presign" => (plain("aws-sigv4-s3-presigned"), 1_369_353_600_000),
        other => panic!("no preset for {other}"),
    }
}

/// What is none of ours: a signature over the verifier's own time.
const NOT_SPOKEN: [&str; 1] = ["mashery(tyk)"];

#[test]
fn every_documented_example_verifies_and_none_with_a_changed_signature() {
    let Ok(vectors) = std::env::var("COUNTERSIGN_VECTORS") else { return };
    let file = Path::new(&vectors).join("documented-examples/examples.json");
    let examples: Value = serde_json::from_slice(&fs::read(file).expect("the examples")).expect("JSON");
    let mut problems = Vec::new();
    let mut checked = 0;
    for value in examples.as_array().expect("a list") {
        if NOT_SPOKEN.contains(&text(value, "dialect")) {
            continue;
        }
        checked += 1;
        let example = Example::of(value);
        if let Err(failure) = example.judged(&example.request) {
            problems.push(format!("{}, {}: {failure}", value["dialect"], value["source"]));
        }
        let other = Example { secret: BASE64_STANDARD.encode(b"another secret of some len"), ..Example::of(value) };
        if other.judged(&other.request).is_ok() {
            problems.push(format!("{}: any secret will do", value["dialect"]));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(checked, 16);
}
