//! What an attacker may do to a request that was validly signed in the form `device-v2`, case by case
//! (`tests/attack/hmac/cases.json`). The signer here is written from the preset's contract and shares no code with it.

mod draft;
mod mutations;
mod sequences;

use std::{net::SocketAddr, path::Path};

use serde::Deserialize;

use self::draft::Request;
use crate::support::{Answer, Gateway, Recorder, loopback, send};

/// Cases that cannot be put to this gateway here, each with the reason.
const ELSEWHERE: &[(&str, &str)] = &[
    ("M007", "HTTP/2 is not spoken yet"),
    ("M035", "the MAC is held against the Wycheproof HMAC vectors in the scheme's own tests"),
    ("M055", "`path::reload` tries it, with a config that changes under a connection"),
    ("M087", "`stores::shared` tries it, through two gateways on one Redis"),
    ("M091", "`stores::shared` tries it, with a Redis that is killed"),
    ("M093", "a Redis that lost its claims cannot refuse; docs/stores.md says so"),
    ("M101", "timing wants a quiet machine; the comparison is `subtle`'s"),
];

/// One of the cases.
#[derive(Deserialize)]
struct Case {
    id: String,
    name: String,
    expect: Expect,
    mutation: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Expect {
    #[serde(rename = "accept")]
    Accept,
    /// Any 4xx or 503, and nothing upstream.
    #[serde(rename = "reject-401")]
    Reject,
    #[serde(rename = "either")]
    Either,
}

/// A gateway with two clients of one tenant, one of another, and an upstream that records.
struct Bench {
    address: SocketAddr,
    upstream: Recorder,
    gateway: Gateway,
}

impl Bench {
    fn start() -> Bench {
        let upstream = Recorder::start();
        let address = loopback();
        let config = include_str!("gateway.yaml")
            .replace("127.0.0.1:8000", &address.to_string())
            .replace("127.0.0.1:9001", &upstream.address.to_string());
        Bench { gateway: Gateway::start(&config, &[], address), address, upstream }
    }

    /// Sends one request and says whether it was accepted; panics where that does not fit what the upstream saw.
    fn accepts(&self, request: &Request) -> (bool, Answer) {
        let before = self.upstream.requests().len();
        let answer = send(self.address, &request.bytes()).expect("every request is answered");
        let arrived = self.upstream.requests().len() - before;
        let accepted = answer.status == 200;
        assert_eq!(arrived, usize::from(accepted), "status {} and {arrived} requests upstream", answer.status);
        assert!(accepted || (400..500).contains(&answer.status) || answer.status == 503, "status {}", answer.status);
        (accepted, answer)
    }
}

fn cases() -> Vec<Case> {
    #[derive(Deserialize)]
    struct File {
        cases: Vec<Case>,
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attack/hmac/cases.json");
    let text = std::fs::read_to_string(path).expect("the cases");
    let File { cases } = serde_json::from_str(&text).expect("the cases are JSON");
    cases
}

#[test]
fn every_case_is_tried_or_has_a_reason_not_to_be() {
    for case in cases() {
        let tried = mutations::ids().chain(sequences::IDS).any(|id| id == case.id);
        let elsewhere = ELSEWHERE.iter().any(|(id, _)| *id == case.id);
        assert!(tried != elsewhere, "{} ({})", case.id, case.name);
    }
}

#[test]
fn no_mutation_of_a_signed_request_passes() {
    let bench = Bench::start();
    let mut wrong = Vec::new();
    for case in cases() {
        for (index, mutation) in mutations::of(&case.id).into_iter().enumerate() {
            // Made just before it is sent: some cases stand two seconds from an edge of the window.
            let (accepted, answer) = bench.accepts(&mutation());
            let right = match case.expect {
                Expect::Accept => accepted,
                Expect::Reject => !accepted,
                Expect::Either => true,
            };
            if !right {
                wrong.push(format!("{} {} [{index}]: {} ({})", case.id, case.name, answer.status, case.mutation));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
