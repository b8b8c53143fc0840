//! Gateways with a route that lets each signed request in once, and what they answer.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    path::signing::{KEY, device_v2, with_length},
    support::{Answer, Connection, Gateway, RedisServer, loopback, send},
};

/// A gateway, and where it listens.
pub(super) struct Once {
    pub(super) gateway: Gateway,
    pub(super) address: SocketAddr,
    admin: SocketAddr,
}

impl Once {
    /// One with `more` put behind its config. `/v2` refuses what no store can tell, `/lenient` lets it in;
    /// behind `/gone` there is nobody.
    pub(super) fn start(more: &str) -> Once {
        let admin = loopback();
        Once::with(admin, &admin.to_string(), more)
    }

    /// The same with an admin listener at `admin` that is configured so; `more` begins among the routes.
    pub(super) fn with(admin: SocketAddr, configured: &str, more: &str) -> Once {
        let (address, gone) = (loopback(), loopback());
        let config = format!(
            "listen: {address}\nadmin: {configured}\nkeys: {{ k: {{ shared: {{ value: {KEY} }} }} }}\n\
             schemes:\n  \
               v2: {{ preset: device-v2, keys: k }}\n  \
               lenient: {{ preset: device-v2, keys: k, replay: {{ key: \"{{header:X-HMAC-Nonce}}\", on_store_failure: allow }} }}\n\
             upstreams: {{ app: {{ respond: {{ body: ok }} }}, gone: {{ servers: [\"http://{gone}\"] }} }}\n\
             routes:\n  \
               - {{ match: {{ path: /v2 }}, require: {{ hmac: v2 }}, to: app }}\n  \
               - {{ match: {{ path: /gone }}, require: {{ hmac: v2 }}, to: gone }}\n  \
               - {{ match: {{ path: /lenient }}, require: {{ hmac: lenient }}, to: app }}\n{more}\n"
        );
        Once { gateway: Gateway::start(&config, &[], address), address, admin }
    }

    /// One that shares `redis` with others, and has seen that it is there.
    pub(super) fn on(redis: &RedisServer, more: &str) -> Once {
        let once = Once::start(&format!("store: {{ redis: {{ url: \"redis://{}\" }} }}\n{more}", redis.address()));
        once.find_store();
        once
    }

    /// Waits until it has seen that its store is there.
    pub(super) fn find_store(&self) {
        let start = Instant::now();
        while self.metric("countersign_store_up") != Some(1) {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not find its store");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends a signed request on a connection of its own.
    pub(super) fn send(&self, request: &[u8]) -> Answer {
        send(self.address, request).expect("an answer")
    }

    /// A connection to it.
    pub(super) fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// The value of a metric without labels.
    pub(super) fn metric(&self, name: &str) -> Option<u64> {
        let text = send(self.admin, b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").expect("metrics").text();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }
}

/// A signed request that was not sent before.
pub(super) fn request(path: &str) -> Vec<u8> {
    with_length(&device_v2(path, b"body"), b"body")
}

/// The status and the name of what an answer refuses with.
pub(super) fn refusal(answer: &Answer) -> (u16, String) {
    let kind = answer.json()["type"].as_str().unwrap_or_default().replace("urn:countersign:", "");
    (answer.status, kind)
}
