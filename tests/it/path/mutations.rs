//! Requests and answers that are almost right, thousands of them: none may stop or confuse the gateway.
//!
//! The harness fails a test whose gateway panicked, however the test itself went.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;

use super::{
    signing::{KEY, device_v2, token, with_chunks, with_length},
    support::{Talk, Upstream, get, ok, open_to, post, run},
};

/// Numbers without a pattern, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % sides.max(1)
    }

    /// `bytes` with one to three things wrong.
    fn spoil(&mut self, bytes: &[u8]) -> Vec<u8> {
        const SPICE: [&[u8]; 16] = [
            b"\0",
            b"\r",
            b"\n",
            b"\r\n",
            b"\r\n\r\n",
            b" ",
            b"\t",
            b":",
            b"\xff",
            b"%",
            b"0",
            b"-1",
            b"Content-Length: 3\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Connection: close\r\n",
            b"HTTP/1.0",
        ];
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.roll(3) {
            let at = self.roll(bytes.len());
            match self.roll(5) {
                0 => bytes.truncate(at),
                1 => drop(bytes.splice(at..at, SPICE[self.roll(SPICE.len())].iter().copied())),
                2 => drop(bytes.drain(at..(at + self.roll(20)).min(bytes.len()))),
                3 => {
                    let part = bytes[at..(at + self.roll(60)).min(bytes.len())].to_vec();
                    let to = self.roll(bytes.len());
                    drop(bytes.splice(to..to, part));
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << self.roll(8);
                    }
                }
            }
        }
        bytes
    }
}

const CONFIG: &str = r#"
keys: { k: { shared: { value: KEY } } }
schemes: { v2: { preset: device-v2, keys: k }, device: { preset: device, keys: k }, text: { preset: raw-body, keys: k } }
tokens: { api: { keys: [{ algorithm: HS256, secret: { value: KEY } }], issuer: us, audience: api } }
upstreams: { echo: { echo: true } }
routes:
  - { match: { path: /v2 }, require: { any_of: [{ hmac: v2 }, { jwt: api }] }, to: echo }
  - { match: { path: /forms }, require: { any_of: [{ hmac: device }, { hmac: text }] }, to: echo }
  - { match: { path: /cookie }, require: { jwt: { tokens: api, from: { cookie: c } } }, to: echo }
  - { match: { path: /public/** }, public: true, to: echo }
timeouts: { head: 300ms, body: 300ms }
"#;

fn requests() -> Vec<Vec<u8>> {
    let json = r#"{"mac_address":"12:34:56:78:9a:bc","timestamp":1714485600}"#;
    let signed = format!("POST /forms HTTP/1.1\r\nHost: a\r\nX-HMAC-Signature: {}\r\n", "ab".repeat(32));
    let token = token(&json!({}));
    vec![
        with_length(&device_v2("/v2", b"body"), b"body"),
        with_chunks(&device_v2("/v2", json.as_bytes()), json.as_bytes()),
        with_length(&signed, json.as_bytes()),
        format!("GET /v2 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes(),
        format!("GET /cookie HTTP/1.1\r\nHost: a\r\nCookie: a=b; c={token}; d=e\r\n\r\n").into_bytes(),
        [post("/public/a?b=c", "one"), get("http://a/public/%41").into_bytes()].concat(),
        b"POST /public/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok".to_vec(),
    ]
}

#[test]
fn no_spoilt_request_stops_the_gateway() {
    let (_gateway, address) = run(&CONFIG.replace("KEY", KEY), &[]);
    let threads: Vec<_> = (1..=8)
        .map(|seed| {
            thread::spawn(move || {
                let mut dice = Dice(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
                let requests = requests();
                for _ in 0..250 {
                    let mut talk = Talk::open(address);
                    let request = &requests[dice.roll(requests.len())];
                    talk.write(dice.spoil(request));
                    talk.half_close();
                    assert!(talk.ends_within(Duration::from_secs(10)), "every connection comes to an end");
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("every connection comes to an end"));
    assert_eq!(Talk::open(address).exchange(get("/public/x")).0.status(), 200);
}

#[test]
fn no_spoilt_answer_stops_the_gateway_or_spoils_another() {
    const ANSWERS: [&[u8]; 5] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\nhello",
    ];
    let count = AtomicU64::new(1);
    let upstream = Upstream::start(move |mut talk| {
        while let Some((head, _)) = talk.request() {
            if head.target() == "/clean" {
                talk.write(ok("clean"));
                continue;
            }
            let mut dice = Dice(count.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let answer = ANSWERS[dice.roll(ANSWERS.len())];
            talk.write(dice.spoil(answer));
            if dice.roll(2) == 0 {
                return;
            }
        }
    });
    let (_gateway, address) = open_to(upstream.address, "timeouts: { upstream: 200ms, upstream_body: 200ms }\n");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            thread::spawn(move || {
                for _ in 0..40 {
                    let mut talk = Talk::open(address);
                    talk.write("GET /spoilt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
                    assert!(talk.ends_within(Duration::from_secs(10)), "every connection comes to an end");
                    assert_eq!(Talk::open(address).exchange(get("/clean")).1, b"clean");
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("every clean answer is clean"));
}
