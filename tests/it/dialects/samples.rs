//! A request for each preset that signs, as its client might send it.

use countersign::scheme::presets;
use sha2::{Digest, Sha256};

use super::request::Request;

/// 64 bytes that are text, hex and base64 alike, as some presets want their secrets.
pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
pub(super) const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
pub(super) const NONCE: &str = "5d41402abc4b2a76b9719d911017c592";

/// Presets whose signature stands in the body, which nobody writes for a client.
const READ_ONLY: [&str; 2] = ["mailgun", "binance-form"];

/// The presets that sign.
pub(super) fn signing() -> impl Iterator<Item = &'static str> {
    presets::names().filter(|name| !READ_ONLY.contains(name))
}

/// A request that the preset can sign.
pub(super) fn plain(name: &str) -> Request {
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
        "azure-storage" => request.header("Content-Length", "11"),
        "azure-sas" => Request { target: "/devices/dev-1/messages".to_owned(), ..request },
        _ => request,
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
