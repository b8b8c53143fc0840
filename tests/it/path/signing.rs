//! Signatures and tokens as clients make them, from their contracts; no code of the gateway's is used.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The key of every signature and token here.
pub(crate) const KEY: &str = "a-key-of-more-than-thirty-two-bytes";

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the year 292 billion")
}

/// A text that was not used before.
pub(crate) fn nonce() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("nonce-of-sixteen-or-more-{}", COUNT.fetch_add(1, Ordering::SeqCst))
}

/// Hex HMAC-SHA256 with [`KEY`].
pub(crate) fn hmac_hex(message: impl AsRef<[u8]>) -> String {
    hex::encode(mac(KEY.as_bytes(), message.as_ref()))
}

/// The lines of a `device-v2` request, from the request line on, without framing fields.
pub(crate) fn device_v2(target: &str, body: &[u8]) -> String {
    device_v2_at(target, body, now(), &nonce())
}

/// The same with a time and a nonce of choice.
pub(crate) fn device_v2_at(target: &str, body: &[u8], time: i64, nonce: &str) -> String {
    lines("POST", "a", target, body, time, nonce)
}

/// As [`device_v2`], for a host of choice.
pub(crate) fn device_v2_for(host: &str, target: &str, body: &[u8]) -> String {
    lines("POST", host, target, body, now(), &nonce())
}

/// As [`device_v2`], for a GET.
pub(crate) fn device_v2_get(target: &str) -> String {
    lines("GET", "a", target, b"", now(), &nonce())
}

fn lines(method: &str, host: &str, target: &str, body: &[u8], time: i64, nonce: &str) -> String {
    let digest = hex::encode(Sha256::digest(body));
    let signature = hmac_hex(format!("v2\ndev-1\n{method}\n{host}\n{target}\n{time}\n{nonce}\n{digest}"));
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nX-HMAC-Key-Id: dev-1\r\nX-HMAC-Timestamp: {time}\r\n\
         X-HMAC-Nonce: {nonce}\r\nX-HMAC-Signature: {signature}\r\n"
    )
}

/// A whole GET with a signature of RFC 9421 over its method and those parameters.
pub(crate) fn message_signature(target: &str, parameters: &str) -> String {
    let input = format!("(\"@method\");{parameters}");
    let signature =
        STANDARD.encode(mac(KEY.as_bytes(), format!("\"@method\": GET\n\"@signature-params\": {input}").as_bytes()));
    format!("GET {target} HTTP/1.1\r\nHost: a\r\nSignature-Input: s={input}\r\nSignature: s=:{signature}:\r\n\r\n")
}

/// A whole request of lines as [`device_v2`] makes them.
pub(crate) fn with_length(lines: &str, body: &[u8]) -> Vec<u8> {
    [lines.as_bytes(), format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// The same in chunks.
pub(crate) fn with_chunks(lines: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!("{lines}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for piece in body.chunks(10_000) {
        request.extend([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
    }
    request.extend(b"0\r\n\r\n");
    request
}

/// An HS256 token with [`KEY`], valid for an hour, of `alice` with those claims besides.
pub(crate) fn token(claims: &Value) -> String {
    token_with_header(&json!({ "alg": "HS256", "typ": "JWT" }), claims)
}

/// The same with a header of choice.
pub(crate) fn token_with_header(header: &Value, claims: &Value) -> String {
    let mut whole = usual_claims();
    for (name, value) in claims.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    written(header, &whole)
}

/// As [`token`], without one of the claims that it has.
pub(crate) fn token_without(claim: &str) -> String {
    let mut whole = usual_claims();
    whole.as_object_mut().expect("an object").remove(claim);
    written(&json!({ "alg": "HS256", "typ": "JWT" }), &whole)
}

fn usual_claims() -> Value {
    json!({ "sub": "alice", "iss": "us", "aud": "api", "iat": now(), "exp": now() + 3600 })
}

fn written(header: &Value, whole: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(whole));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac(KEY.as_bytes(), signed.as_bytes())))
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
