//! Appendix C of draft-cavage-http-signatures-12, where `COUNTERSIGN_VECTORS` says where it is. Its signatures are RSA, so
//! the scheme gives the string-to-sign, and the appendix's own key says whether it is the right one.

use std::{fs, path::Path};

use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::request::{Request, message, preset_with};

/// Sun, 05 Jan 2014 21:31:40 GMT
const THEN: i64 = 1_388_957_500_000;

/// The preset, as lax as the appendix's examples are: no list means the date, and the request target is optional.
const LAX: &str = r#"    require: []
    values:
      lines:
        headers: '{auth:headers|default:"date"}'
        each: "{name|lower}: {value}"
        special: { (request-target): "(request-target): {method|lower} {target}" }
        covers: [date]
    timestamp: { from: "{header:Date}", formats: [http_date], past: 300s, future: 300s }"#;

fn appendix() -> Option<String> {
    let vectors = std::env::var("COUNTERSIGN_VECTORS").ok()?;
    Some(fs::read_to_string(Path::new(&vectors).join("cavage/appendix-c.txt")).expect("the appendix"))
}

/// Page breaks and indentation taken out.
fn unfolded(text: &str) -> String {
    let is_page_break = |line: &&str| line.starts_with("Cavage & Sporny") || line.starts_with("Internet-Draft");
    text.lines().filter(|line| !is_page_break(line)).map(str::trim).collect()
}

fn public_key(appendix: &str) -> Vec<u8> {
    let begin = appendix.split_once("-----BEGIN PUBLIC KEY-----").expect("a key").1;
    let text = unfolded(begin.split_once("-----END").expect("its end").0);
    BASE64_STANDARD.decode(text).expect("base64")
}

/// The Authorization header of one section.
fn authorization(appendix: &str, section: &str) -> String {
    let from = appendix.split_once(section).expect("the section").1;
    let from = from.split_once("Authorization:").expect("the header").1;
    let credentials = unfolded(from);
    let (before, rest) = credentials.split_once("signature=\"").expect("a signature");
    let (signature, _) = rest.split_once('"').expect("its end");
    format!("{before}signature=\"{signature}\"")
}

fn request(authorization: &str) -> Request {
    // The algorithm is none that a scheme has; what is signed does not depend on it.
    let known = authorization.replace("rsa-sha256", "hmac-sha256");
    Request::new("POST", "https://example.com/foo?param=value&pet=dog")
        .header("Host", "example.com")
        .header("Date", "Sun, 05 Jan 2014 21:31:40 GMT")
        .header("Content-Type", "application/json")
        .header("Digest", "SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=")
        .header("Content-Length", "18")
        .header("Authorization", &known)
        .body(r#"{"hello": "world"}"#)
}

fn holds(section: &str, expected: &str) {
    let Some(appendix) = appendix() else { return };
    let authorization = authorization(&appendix, section);
    let written = authorization.rsplit("signature=\"").next().expect("a signature").trim_end_matches('"');
    let signature = BASE64_STANDARD.decode(written).expect("base64");
    // A signature of 128 bytes is none that the scheme could read; a MAC of zeros stands in for it.
    let readable = authorization.replace(written, &BASE64_STANDARD.encode([0; 32]));
    let message = message(&preset_with("cavage", LAX), &request(&readable), THEN);
    assert_eq!(message, expected);
    let key = UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, public_key(&appendix));
    key.verify(message.as_bytes(), &signature).unwrap_or_else(|_| panic!("{section}: the signature does not hold"));
}

#[test]
fn the_default_example_is_read_as_its_signer_meant_it() {
    holds("C.1.  Default Test", "date: Sun, 05 Jan 2014 21:31:40 GMT");
}

#[test]
fn the_basic_example_is_read_as_its_signer_meant_it() {
    let lines =
        ["(request-target): post /foo?param=value&pet=dog", "host: example.com", "date: Sun, 05 Jan 2014 21:31:40 GMT"];
    holds("C.2.  Basic Test", &lines.join("\n"));
}
