//! A gateway with one open path and one that wants signatures, and the upstream behind it.

use std::{
    net::SocketAddr,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use super::witness::{Pages, Witness};
use crate::support::{Gateway, loopback, strict::Seen};

const CONFIG: &str = r#"
listen: { address: LISTEN, public_origin: "http://LISTEN" }
keys: { clients: { static: { peer: { env: KEY } } } }
schemes: { signed: { preset: device-v2, keys: clients } }
upstreams: { app: { servers: ["http://UPSTREAM"] } }
routes:
  - { match: { path: /open/** }, public: true, to: app }
  - { match: { path: /signed/** }, require: { hmac: signed }, to: app }
"#;
const KEY: &str = "0123456789abcdef0123456789abcdef";

pub(super) struct Stage {
    address: SocketAddr,
    upstream: Witness,
    _gateway: Gateway,
}

impl Stage {
    pub(super) fn start() -> Stage {
        Stage::with_pages(|_| None)
    }

    /// With an upstream that has pages.
    pub(super) fn with_pages(pages: Pages) -> Stage {
        let (upstream, address) = (Witness::start(pages), loopback());
        let config = CONFIG.replace("LISTEN", &address.to_string()).replace("UPSTREAM", &upstream.address.to_string());
        Stage { _gateway: Gateway::start(&config, &[("KEY", KEY)], address), upstream, address }
    }

    pub(super) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// Adds what a script needs to speak to the gateway: its origin as argument, the key in the environment.
    pub(super) fn tell<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.arg(self.url("")).env("KEY", KEY)
    }

    /// What the upstream got, as a strict reader sees it, which must find nothing odd and nothing that was spent.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let seen = self.upstream.take();
        for request in &seen {
            assert_eq!(request.oddities, [""; 0], "{} {}", request.method, request.target);
            let spent = ["x-hmac-signature", "connection", "expect", "te", "upgrade", "keep-alive"];
            assert!(spent.iter().all(|name| request.values(name).is_empty()), "{:?}", request.fields);
            let who = request.values("x-countersign-key-id");
            assert_eq!(who.first(), request.target.starts_with("/signed/").then_some(&"peer"), "{}", request.target);
        }
        seen
    }

    /// The same in short: method, target and the body's length of each.
    pub(super) fn saw(&self) -> Vec<String> {
        let short = |seen: Seen| format!("{} {} {}", seen.method, seen.target, seen.body.len());
        self.seen().into_iter().map(short).collect()
    }
}

/// Waits until `done`.
pub(super) fn eventually(mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > Duration::from_secs(20) {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
    true
}
