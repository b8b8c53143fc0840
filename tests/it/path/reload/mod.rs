//! A config that changes while the gateway runs.

mod listeners;
mod load;
mod refused;
mod roots;
mod swap;

use std::net::SocketAddr;

use super::support::{PATIENCE, Talk, eventually, free_address, get};
use crate::support::Gateway;

/// A gateway with an admin listener, and a config that is written anew.
struct Stage {
    gateway: Gateway,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Stage {
    /// Starts it with `config`, to which listeners are added.
    fn start(config: &str) -> Stage {
        let (address, admin) = (free_address(), free_address());
        let gateway = Gateway::start(&format!("listen: {address}\nadmin: {admin}\n{config}"), &[], address);
        Stage { gateway, address, admin }
    }

    /// Changes all but the listeners.
    fn write(&self, config: &str) {
        let Stage { address, admin, .. } = self;
        self.gateway.put("gateway.yaml", &format!("listen: {address}\nadmin: {admin}\n{config}"));
    }

    /// The same, and waits until it is in force.
    fn change(&self, config: &str) {
        let before = self.metric("countersign_config_generation");
        self.write(config);
        assert!(eventually(PATIENCE, || self.metric("countersign_config_generation") > before));
    }

    /// A metric without labels, or one that `series` names with them.
    fn metric(&self, series: &str) -> f64 {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", self.admin);
        let text = String::from_utf8(Talk::open(self.admin).exchange(request).1).expect("text");
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("{series} is not in\n{text}")).parse().expect("a number")
    }

    fn talk(&self) -> Talk {
        Talk::open(self.address)
    }
}

/// A config that answers everything with `body`.
fn answers(body: &str) -> String {
    format!("upstreams: {{ own: {{ respond: {{ body: \"{body}\" }} }} }}\n{TO_OWN}")
}

const TO_OWN: &str = "routes: [{ match: { path: /** }, public: true, to: own }]\n";

/// A config that passes everything on to `upstream`.
fn passes_to(upstream: SocketAddr) -> String {
    format!("upstreams: {{ own: {{ servers: [\"http://{upstream}\"] }} }}\n{TO_OWN}")
}

/// What a GET on `talk` is answered.
fn asked(talk: &mut Talk) -> String {
    let (head, body) = talk.exchange(get("/"));
    assert_eq!(head.status(), 200);
    String::from_utf8(body).expect("text")
}
