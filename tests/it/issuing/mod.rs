//! The token issuer with the real binary: the two token APIs that we ship, and what of it an attacker would try.
//!
//! What clients that are not ours make of the same APIs is tried among the `peers`.

mod bridge;
mod cookies;
mod databases;
mod legacy_login;
mod oauth;
mod older_api;
mod passwords;
mod refreshing;
mod token_api;

pub(crate) use oauth::OAuth;

use std::{fs, net::SocketAddr, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::support::{Answer, Gateway, loopback, send};

/// Of 32 bytes, as HS256 wants it.
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A gateway with one of the configs that we ship, on a port of its own.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Gateway,
}

impl Api {
    pub(crate) fn shipped(name: &str, port: u16) -> Api {
        Api::shipped_with(name, port, &[])
    }

    /// The same with parts of it replaced.
    pub(crate) fn shipped_with(name: &str, port: u16, changed: &[(&str, &str)]) -> Api {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        let mut text = fs::read_to_string(directory.join(name)).expect("the config");
        for (from, to) in changed {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        // The gateway reads a copy from elsewhere, so paths are made whole.
        let users = directory.join("users/staff.yaml").display().to_string();
        Api::start(&text.replace("users/staff.yaml", &users), port)
    }

    /// The config `text`, which listens on `port` of loopback.
    pub(crate) fn start(text: &str, port: u16) -> Api {
        let address = loopback();
        let text = text.replace(&format!("127.0.0.1:{port}"), &address.to_string());
        let text = text.replace(&format!("localhost:{port}"), &format!("localhost:{}", address.port()));
        Api { gateway: Gateway::start(&text, &[("JWT_KEY", KEY)], address), address }
    }

    pub(crate) fn post(&self, target: &str, content_type: &str, body: &str) -> Answer {
        let length = body.len();
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}",
            self.address
        );
        send(self.address, request.as_bytes()).expect("an answer")
    }

    pub(crate) fn json(&self, target: &str, body: &str) -> Answer {
        self.post(target, "application/json", body)
    }

    pub(crate) fn get(&self, target: &str, authorization: &str) -> Answer {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: {authorization}\r\n\r\n", self.address);
        send(self.address, request.as_bytes()).expect("an answer")
    }
}

/// What a token says, without a look at its signature.
pub(crate) fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}
