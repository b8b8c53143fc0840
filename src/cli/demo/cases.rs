//! What the demo sends, and what must come back.

use std::net::SocketAddr;

use super::setup::{DEVICE, MAC_ADDRESS, Setup, table};
use super::token::mint;
use crate::{
    cli::{keys::random, request::RawRequest, sign::sign, trouble::Trouble},
    clock::Clock,
    keys::KeyTable,
    refusal::Cause,
    scheme::Scheme,
};

/// Requests to one route.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) cases: Vec<Case>,
}

/// One request.
pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) request: Vec<u8>,
    /// `None`: accepted.
    pub(super) expected: Option<Cause>,
}

/// Everything, in the order in which it is to be sent.
pub(super) fn sections(setup: &Setup, address: SocketAddr) -> Result<Vec<Section>, Trouble> {
    let now = Clock::system().unix();
    Ok(vec![first_form(setup, address, now)?, second_form(setup, address, now)?, tokens(setup, address, now)?])
}

fn first_form(setup: &Setup, address: SocketAddr, now: i64) -> Result<Section, Trouble> {
    let plain = request("POST /verify", address, &format!(r#"{{"mac_address":"{MAC_ADDRESS}","timestamp":{now}}}"#));
    let signer = Signer { scheme: &setup.device, id: None, now };
    let good = signer.sign(&plain, &setup.keys_for(&setup.device)?)?;
    let forged = signer.sign(&plain, &strangers_key(&setup.device)?)?;
    let cases = vec![
        case("as the device signs it", &good, None),
        case("signed with another key", &forged, Some(Cause::InvalidSignature)),
        case("another address put in", &changed(&good, "9a:bc", "9a:bd"), Some(Cause::InvalidSignature)),
        case("no signature", &plain, Some(Cause::MissingSignature)),
        case("sent again: it cannot tell", &good, None),
    ];
    Ok(Section {
        title: "POST /verify",
        about: "firmware that cannot be changed signs `mac_address:timestamp` of its JSON, nothing else",
        cases,
    })
}

fn second_form(setup: &Setup, address: SocketAddr, now: i64) -> Result<Section, Trouble> {
    let plain = request("POST /v2/readings?unit=c", address, r#"{"reading":21.5}"#);
    let keys = setup.keys_for(&setup.device_v2)?;
    let signer = Signer { scheme: &setup.device_v2, id: Some(DEVICE), now };
    let sign = |keys: &KeyTable| signer.sign(&plain, keys);
    let (good, other, third) = (sign(&keys)?, sign(&keys)?, sign(&keys)?);
    let stale = Signer { now: now - 600, ..signer }.sign(&plain, &keys)?;
    let unknown = Signer { id: Some("sensor-8"), ..signer }.sign(&plain, &keys)?;
    let cases = vec![
        case("signed", &good, None),
        case("sent again", &good, Some(Cause::Replayed)),
        case("ten minutes old", &stale, Some(Cause::Stale)),
        case("body changed on the way", &changed(&other, "21.5", "99.5"), Some(Cause::InvalidSignature)),
        case("query changed on the way", &changed(&third, "unit=c", "unit=f"), Some(Cause::InvalidSignature)),
        case("signed with another key", &sign(&strangers_key(&setup.device_v2)?)?, Some(Cause::InvalidSignature)),
        case("an id that nobody knows", &unknown, Some(Cause::InvalidSignature)),
        case("the changed one, unchanged", &other, None),
    ];
    Ok(Section {
        title: "POST /v2/readings",
        about: "new clients sign method, address, path, query, time, nonce and body; each request counts once",
        cases,
    })
}

fn tokens(setup: &Setup, address: SocketAddr, now: i64) -> Result<Section, Trouble> {
    let with = |token: &str| {
        let text = format!(
            "GET /api/hello HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        text.into_bytes()
    };
    let key = setup.token_key();
    let without = request("GET /api/hello", address, "");
    let good = mint(key, "alice", now, 3600)?;
    let cases = vec![
        case("a valid token", &with(&good), None),
        case("expired a minute ago", &with(&mint(key, "alice", now, -60)?), Some(Cause::TokenExpired)),
        case("signed with another key", &with(&mint(&random(32)?, "alice", now, 3600)?), Some(Cause::InvalidToken)),
        case("`alg: none`", &with(&unsigned(&good)), Some(Cause::InvalidToken)),
        case("no token", &without, Some(Cause::MissingToken)),
    ];
    Ok(Section { title: "GET /api/hello", about: "people bring a bearer token (JWT, HS256)", cases })
}

fn case(what: &'static str, request: &[u8], expected: Option<Cause>) -> Case {
    Case { what, request: request.to_vec(), expected }
}

/// Who signs, how, and when.
#[derive(Clone, Copy)]
struct Signer<'s> {
    scheme: &'s Scheme,
    id: Option<&'s str>,
    now: i64,
}

impl Signer<'_> {
    fn sign(&self, plain: &[u8], keys: &KeyTable) -> Result<Vec<u8>, Trouble> {
        let request = RawRequest::parse(plain)?;
        let now_millis = self.now.saturating_mul(1000);
        Ok(sign(self.scheme, keys, &request, request.origin(None), self.id, now_millis)?.to_bytes())
    }
}

fn strangers_key(scheme: &Scheme) -> Result<KeyTable, Trouble> {
    table(&random(32)?, scheme)
}

fn request(line: &str, address: SocketAddr, body: &str) -> Vec<u8> {
    let framing = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("{line} HTTP/1.1\r\nHost: {address}\r\n{framing}Connection: close\r\n\r\n{body}").into_bytes()
}

/// The request with some text in place of other text of the same length.
fn changed(request: &[u8], from: &str, to: &str) -> Vec<u8> {
    String::from_utf8_lossy(request).replace(from, to).into_bytes()
}

/// The same claims under a header that says that nothing signs them.
fn unsigned(token: &str) -> String {
    // {"alg":"none","typ":"JWT"}
    let claims = token.split('.').nth(1).unwrap_or_default();
    format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")
}
