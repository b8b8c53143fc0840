//! A client of the form `device-v2`: what it means to send, and the request it signs.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What is about to be signed.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) host: &'static str,
    pub(super) key_id: &'static str,
    pub(super) key: &'static str,
    pub(super) timestamp: String,
    pub(super) nonce: String,
    pub(super) body: Vec<u8>,
}

/// What goes over the wire; may be changed after signing.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) host: &'static str,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// Sent in chunks of so many bytes instead of with a length.
    pub(super) chunk: Option<usize>,
}

pub(super) const SIGNATURE: &str = "X-HMAC-Signature";
pub(super) const TIMESTAMP: &str = "X-HMAC-Timestamp";
pub(super) const NONCE: &str = "X-HMAC-Nonce";
pub(super) const KEY_ID: &str = "X-HMAC-Key-Id";

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("a time that fits")
}

/// A nonce that was never used in this process.
pub(super) fn fresh_nonce() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("nonce-{:020}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Draft {
    /// A GET that the gateway accepts as it is.
    pub(super) fn get(target: &str) -> Draft {
        Draft {
            method: "GET",
            target: target.to_owned(),
            host: "gw.test",
            key_id: "client-a",
            key: "key-of-client-a-32-bytes-long-00",
            timestamp: now().to_string(),
            nonce: fresh_nonce(),
            body: Vec::new(),
        }
    }

    /// A POST that the gateway accepts as it is.
    pub(super) fn post(body: impl Into<Vec<u8>>) -> Draft {
        Draft { method: "POST", body: body.into(), ..Draft::get("/hmac/a") }
    }

    /// The request whose time was `offset` seconds from now.
    pub(super) fn at(offset: i64) -> Draft {
        Draft::timed(&(now() + offset).to_string())
    }

    /// The request that says this is the time.
    pub(super) fn timed(timestamp: &str) -> Draft {
        Draft { timestamp: timestamp.to_owned(), ..Draft::get("/hmac/a") }
    }

    /// The string-to-sign.
    pub(super) fn message(&self) -> String {
        let Draft { method, target, host, key_id, timestamp, nonce, body, .. } = self;
        let digest = hex::encode(Sha256::digest(body));
        format!("v2\n{key_id}\n{method}\n{host}\n{target}\n{timestamp}\n{nonce}\n{digest}")
    }

    pub(super) fn mac(&self) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).expect("any length");
        mac.update(self.message().as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    pub(super) fn sign(&self) -> Request {
        self.signed_as(hex::encode(self.mac()))
    }

    pub(super) fn sign_base64(&self) -> Request {
        self.signed_as(STANDARD.encode(self.mac()))
    }

    /// With `signature` whatever it is.
    pub(super) fn signed_as(&self, signature: String) -> Request {
        Request {
            method: self.method,
            target: self.target.clone(),
            host: self.host,
            fields: vec![
                (KEY_ID, self.key_id.to_owned()),
                (TIMESTAMP, self.timestamp.clone()),
                (NONCE, self.nonce.clone()),
                (SIGNATURE, signature),
            ],
            body: self.body.clone(),
            chunk: None,
        }
    }
}

impl Request {
    pub(super) fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str()).expect("a field that was signed")
    }

    /// With the field changed.
    pub(super) fn with(mut self, name: &str, change: impl FnOnce(&str) -> String) -> Request {
        let field = self.fields.iter_mut().find(|(known, _)| *known == name).expect("a field that was signed");
        field.1 = change(&field.1);
        self
    }

    /// With another field behind the others.
    pub(super) fn and(mut self, name: &'static str, value: &str) -> Request {
        self.fields.push((name, value.to_owned()));
        self
    }

    /// With another field in front of the others.
    pub(super) fn led_by(mut self, name: &'static str, value: &str) -> Request {
        self.fields.insert(0, (name, value.to_owned()));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Request {
        self.fields.retain(|(known, _)| *known != name);
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.target, self.host);
        for (name, value) in &self.fields {
            bytes += &format!("{name}: {value}\r\n");
        }
        match self.chunk {
            Some(size) => {
                let mut bytes = (bytes + "Transfer-Encoding: chunked\r\n\r\n").into_bytes();
                for chunk in self.body.chunks(size) {
                    bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
                bytes
            }
            None if self.body.is_empty() && self.method == "GET" => (bytes + "\r\n").into_bytes(),
            None => {
                let mut bytes = (bytes + &format!("Content-Length: {}\r\n\r\n", self.body.len())).into_bytes();
                bytes.extend_from_slice(&self.body);
                bytes
            }
        }
    }
}
