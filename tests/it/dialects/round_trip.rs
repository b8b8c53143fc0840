//! What a preset signs it verifies; whatever part its coverage names cannot be changed; no secret but its own will do.

use countersign::{scheme::presets, secret::Secret};

use super::request::{NOW, Request, preset};

/// 64 bytes that are text, hex and base64 alike, as some presets want their secrets.
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const NONCE: &str = "5d41402abc4b2a76b9719d911017c592";

/// Presets whose signature stands in the body, which nobody writes for a client.
const READ_ONLY: [&str; 2] = ["mailgun", "binance-form"];

/// What signers write and no verifier reads.
const IGNORED: [&str; 1] = ["sign_method"];

/// A request that the preset can sign.
fn plain(name: &str) -> Request {
    let request = Request::new("POST", "https://api.example.com/a/b%20c?x=1&y=%2F").body(r#"{"on":true}"#);
    match name {
        "device" => request.body(r#"{"mac_address":"12:34:56:78:9a:bc","timestamp":1714485600}"#),
        "twilio" => request.body("CallSid=CA1&From=%2B1415"),
        "twilio-json" => Request { target: format!("/a?bodySHA256={}", sha256(&request.body)), ..request },
        "kraken" => request.body("nonce=1714485600000&pair=XBTUSD"),
        "tencent-tc3" => request.header("Content-Type", "application/json; charset=utf-8"),
        "binance" => Request { target: "/api/v3/order?symbol=LTCBTC".to_owned(), ..request.body("side=BUY") },
        "oauth1" => request.body("a=1&b=c%20d+e").header("Content-Type", "application/x-www-form-urlencoded"),
        "hawk" => request.header("Content-Type", "text/plain; charset=utf-8"),
        "azure-sas" => Request { target: "/devices/dev-1/messages".to_owned(), ..request },
        _ => request,
    }
}

struct Signed {
    scheme: countersign::scheme::Scheme,
    request: Request,
    /// Places among the headers that the signer wrote.
    written: Vec<usize>,
}

impl Signed {
    fn by(name: &str) -> Signed {
        let scheme = preset(name);
        let request = plain(name);
        let secret = Secret::new(SECRET.as_bytes().to_vec());
        let key = scheme.key_recipe().signing(&secret).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let emitted = scheme.sign(&request.view(), &key, Some("dev-1"), NOW, NONCE);
        let emitted = emitted.unwrap_or_else(|failure| panic!("{name}: {failure}"));
        let before = request.headers.len();
        let request = request.signed(&emitted);
        Signed { scheme, written: (before..request.headers.len()).collect(), request }
    }

    /// The key id of a request that is accepted.
    fn judged(&self, request: &Request, secret: &str) -> Result<Option<Vec<u8>>, String> {
        let key = self.scheme.key_recipe().signing(&Secret::new(secret.as_bytes().to_vec())).unwrap();
        let claimed = self.scheme.read(&request.view(), NOW).map_err(|failure| failure.to_string())?;
        let verified = self.scheme.verify(&claimed, &request.view(), &[&key]);
        verified.map(|_| claimed.key_id().map(<[u8]>::to_vec)).map_err(|failure| failure.to_string())
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(bytes))
}

fn signing() -> impl Iterator<Item = &'static str> {
    presets::names().filter(|name| !READ_ONLY.contains(name))
}

#[test]
fn every_preset_compiles_and_says_who_speaks_it_and_what_it_leaves_open() {
    for name in presets::names() {
        let text = presets::text(name).expect("a text");
        preset(name);
        let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with("# ")).collect();
        assert!(comment.len() >= 3, "{name} begins with a comment");
        assert!(comment.iter().any(|line| line.contains("Spoken by")), "{name} says who speaks it");
        assert!(comment.iter().any(|line| line.contains("Not signed: ")), "{name} says what it leaves unsigned");
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{name} has a line that is too long");
    }
}

#[test]
fn what_a_preset_signs_it_verifies_and_only_with_its_own_secret() {
    let mut wrong = Vec::new();
    for name in signing() {
        let signed = Signed::by(name);
        if let Err(failure) = signed.judged(&signed.request, SECRET) {
            wrong.push(format!("{name}: {failure}: {:?}", signed.request));
        }
        if signed.judged(&signed.request, OTHER).is_ok() {
            wrong.push(format!("{name} verifies with another secret"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn whatever_a_preset_covers_cannot_be_changed() {
    for name in signing() {
        let signed = Signed::by(name);
        let coverage = signed.scheme.coverage();
        let request = &signed.request;
        let changed_query = match request.target.split_once('?') {
            Some((path, query)) => format!("{path}?{query}&z=9"),
            None => format!("{}?z=9", request.target),
        };
        let changes = [
            (coverage.method, "method", Request { method: "PUT".to_owned(), ..request.clone() }),
            (coverage.path, "path", Request { target: format!("/z{}", request.target), ..request.clone() }),
            (coverage.query, "query", Request { target: changed_query, ..request.clone() }),
            (coverage.authority, "authority", Request { authority: "evil.example.com".to_owned(), ..request.clone() }),
            (coverage.body, "body", Request { body: [&request.body[..], b"&z=9"].concat(), ..request.clone() }),
            (coverage.body, "whole body", Request { body: Vec::new(), ..request.clone() }),
        ];
        for (is_covered, part, changed) in changes {
            if is_covered {
                assert!(signed.judged(&changed, SECRET).is_err(), "{name}: the {part} can be changed");
            }
        }
    }
}

#[test]
fn nothing_that_the_signer_wrote_can_be_changed_but_to_another_key_id() {
    let mut wrong = Vec::new();
    for name in signing() {
        let signed = Signed::by(name);
        let id = signed.judged(&signed.request, SECRET).expect(name);
        let read = signed.written.iter().filter(|at| !IGNORED.contains(&signed.request.headers[**at].0.as_str()));
        for &at in read {
            let (header, value) = &signed.request.headers[at];
            for byte in 0..value.len() {
                let mut bytes = value.clone().into_bytes();
                bytes[byte] = if bytes[byte] == b'7' { b'8' } else { b'7' };
                let mut changed = signed.request.clone();
                changed.headers[at].1 = String::from_utf8(bytes).expect("text");
                // Under another id another key is looked up, and that one verifies nothing.
                if signed.judged(&changed, SECRET).is_ok_and(|other| other == id) {
                    wrong.push(format!("{name}: {header} can be changed at {byte}: {value}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
