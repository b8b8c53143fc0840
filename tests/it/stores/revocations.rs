//! What one gateway revoked is refused by every other on the same Redis.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{
    gateways::{Once, refusal, request},
    link::cluster,
};
use crate::{
    path::signing::{KEY, device_v2, now, token, with_length},
    support::{Answer, RedisServer, loopback, send},
};

const ADMIN_TOKEN: &str = "an-admin-token-of-more-than-32-bytes";

/// A gateway that shares what is revoked.
struct Sharing {
    once: Once,
    admin: SocketAddr,
}

impl Sharing {
    fn on(redis: &RedisServer, more: &str) -> Sharing {
        Sharing::at(&format!("url: \"redis://{}\"", redis.address()), more)
    }

    fn at(place: &str, more: &str) -> Sharing {
        let admin = loopback();
        let once = Once::with(
            admin,
            &format!("{{ address: {admin}, token: {ADMIN_TOKEN} }}"),
            &format!(
                "  - {{ match: {{ path: /api }}, require: {{ jwt: api }}, to: app }}\n  \
                 - {{ match: {{ path: /both }}, require: {{ all_of: [{{ hmac: v2 }}, {{ jwt: api }}] }}, to: app }}\n  \
                 - {{ match: {{ path: /public }}, public: true, to: app }}\n\
                 tokens: {{ api: {{ keys: [{{ algorithm: HS256, secret: {{ value: {KEY} }} }}], issuer: us, audience: api }} }}\n\
                 revocations: {{ redis: true{more} }}\n\
                 store: {{ redis: {{ {place} }} }}"
            ),
        );
        once.find_store();
        Sharing { once, admin }
    }

    fn call(&self, method: &str, body: &str) -> (u16, Value) {
        let request = format!(
            "{method} /revocations HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = send(self.admin, request.as_bytes()).expect("an answer");
        (answer.status, answer.json())
    }

    fn revoke(&self, what: &Value) {
        let (status, said) = self.call("POST", &what.to_string());
        assert_eq!(status, 200, "{said}");
    }

    fn listed(&self) -> Vec<Value> {
        let (status, said) = self.call("GET", "");
        assert_eq!(status, 200, "{said}");
        said["revocations"].as_array().expect("a list").clone()
    }

    fn show(&self, path: &str, token: &str) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        self.once.send(request.as_bytes())
    }

    #[track_caller]
    fn assert_api(&self, claims: &Value, wanted: u16) {
        let answer = self.show("/api", &token(claims));
        assert_eq!(answer.status, wanted, "{claims}: {}", answer.text());
    }
}

#[test]
fn what_one_gateway_revoked_is_refused_by_another_at_the_next_request() {
    let redis = RedisServer::start();
    let (one, other) = (Sharing::on(&redis, ""), Sharing::on(&redis, ""));
    for round in 0..20 {
        let jti = json!({ "jti": format!("j{round}") });
        other.assert_api(&jti, 200);
        one.revoke(&jti);
        let refused = other.show("/api", &token(&jti));
        assert_eq!(refusal(&refused), (401, "revoked-token".to_owned()));
        one.assert_api(&jti, 401);
        one.assert_api(&json!({ "jti": "another" }), 200);
    }
    assert_eq!(other.listed().len(), 20);
    assert_eq!(other.once.send(&request("/v2")).status, 200);
    one.revoke(&json!({ "key_id": "dev-1" }));
    assert_eq!(refusal(&other.once.send(&request("/v2"))), (403, "revoked-key".to_owned()));
}

#[test]
fn subjects_and_old_tokens_are_refused_everywhere() {
    let redis = RedisServer::start();
    let (one, other) = (Sharing::on(&redis, ""), Sharing::on(&redis, ""));
    one.revoke(&json!({ "subject": "bob" }));
    other.assert_api(&json!({ "sub": "bob" }), 401);
    one.revoke(&json!({ "issued_before": now() - 50, "tokens": "api" }));
    other.assert_api(&json!({ "iat": now() - 100 }), 401);
    other.assert_api(&json!({ "iat": now() - 10 }), 200);
    // The later moment holds, whichever came first.
    other.revoke(&json!({ "issued_before": now() - 80, "tokens": "api" }));
    one.assert_api(&json!({ "iat": now() - 60 }), 401);
    one.revoke(&json!({ "issued_before": now() - 20, "subject": "alice" }));
    other.assert_api(&json!({ "sub": "alice", "iat": now() - 30 }), 401);
    other.assert_api(&json!({ "sub": "carol", "iat": now() - 30 }), 200);
    one.revoke(&json!({ "issued_before": now() - 5 }));
    other.assert_api(&json!({ "sub": "carol", "iat": now() - 30 }), 401);
}

#[test]
fn they_are_shared_in_a_cluster_too() {
    let redis = cluster();
    let place = format!("cluster: [\"redis://{}\"]", redis.address());
    let (one, other) = (Sharing::at(&place, ""), Sharing::at(&place, ""));
    other.assert_api(&json!({ "jti": "j1" }), 200);
    one.revoke(&json!({ "jti": "j1", "until": now() + 100 }));
    other.assert_api(&json!({ "jti": "j1" }), 401);
    assert_eq!(other.listed().len(), 1);
    assert_eq!(other.call("DELETE", &json!({ "jti": "j1" }).to_string()).0, 200);
    one.assert_api(&json!({ "jti": "j1" }), 200);
}

#[test]
fn every_leg_of_several_is_asked() {
    let redis = RedisServer::start();
    let (one, other) = (Sharing::on(&redis, ""), Sharing::on(&redis, ""));
    let both = |jti: &str| {
        let token = token(&json!({ "jti": jti }));
        let lines = format!("{}Authorization: Bearer {token}\r\n", device_v2("/both", b"body"));
        refusal(&other.once.send(&with_length(&lines, b"body")))
    };
    assert_eq!((both("j1").0, both("j2").0), (200, 200));
    one.revoke(&json!({ "jti": "j1" }));
    assert_eq!((both("j1"), both("j2").0), ((401, "revoked-token".to_owned()), 200));
    one.revoke(&json!({ "key_id": "dev-1" }));
    assert_ne!(both("j2").0, 200);
}

#[test]
fn of_two_revocations_on_the_same_thing_the_longer_holds_and_what_is_over_goes() {
    let redis = RedisServer::start();
    let one = Sharing::on(&redis, ", capacity: 2");
    one.revoke(&json!({ "jti": "j1" }));
    one.revoke(&json!({ "jti": "j1", "until": now() + 100 }));
    assert!(one.listed()[0].get("until").is_none());
    assert_eq!(one.call("POST", &json!({ "jti": "j2", "until": now() - 1 }).to_string()).0, 400);
    one.revoke(&json!({ "jti": "j2", "until": now() + 100 }));
    assert_eq!(one.call("POST", &json!({ "jti": "j3" }).to_string()).0, 507);
    // As if a hundred seconds, and what clocks may differ, had passed.
    let past = (now() - 60).to_string();
    let () = redis.ask(&["ZADD", "countersign:{revoked}:ends", &past, "jti:j2"]);
    one.revoke(&json!({ "jti": "j3" }));
    let names: Vec<Value> = one.listed().iter().map(|listed| listed["jti"].clone()).collect();
    assert_eq!(names, ["j1", "j3"]);
}

#[test]
fn what_is_over_does_not_come_back_with_the_next_revocation_of_its_name() {
    let redis = RedisServer::start();
    let (one, other) = (Sharing::on(&redis, ""), Sharing::on(&redis, ""));
    let (earlier, later) = (now() - 1_000, now() - 10);
    one.revoke(&json!({ "issued_before": later, "until": now() + 1 }));
    let (_, said) = other.call("POST", &json!({ "issued_before": earlier, "until": now() + 1 }).to_string());
    assert!(said["already"]["issued_before"] == later, "it is not over: {said}");
    std::thread::sleep(std::time::Duration::from_millis(3_100));
    let (status, said) = other.call("POST", &json!({ "issued_before": earlier }).to_string());
    assert_eq!((status, &said["revoked"]["issued_before"]), (200, &json!(earlier)), "{said}");
    assert_eq!(one.listed()[0]["issued_before"], earlier);
    one.assert_api(&json!({ "iat": earlier + 100 }), 200);
}

#[test]
fn what_one_gateway_lifts_every_other_lets_in_at_the_next_request() {
    let redis = RedisServer::start();
    let (one, other) = (Sharing::on(&redis, ""), Sharing::on(&redis, ""));
    let lift = |what: &Value| one.call("DELETE", &what.to_string());
    assert_eq!(lift(&json!({ "key_id": "dev-1" })).0, 404);
    other.revoke(&json!({ "key_id": "dev-1", "until": now() + 100, "reason": "typo" }));
    let (status, said) = other.call("POST", &json!({ "key_id": "dev-1", "until": now() + 2 }).to_string());
    assert_eq!((status, &said["already"]["reason"]), (200, &json!("typo")), "{said}");
    assert_eq!(refusal(&other.once.send(&request("/v2"))), (403, "revoked-key".to_owned()));
    let (status, said) = lift(&json!({ "key_id": "dev-1" }));
    assert_eq!((status, &said["lifted"]["reason"]), (200, &json!("typo")), "{said}");
    assert_eq!(other.once.send(&request("/v2")).status, 200);
    assert!(other.listed().is_empty());
    let ends: u64 = redis.ask(&["ZCARD", "countersign:{revoked}:ends"]);
    assert_eq!(ends, 0);
    // As where a holder logged out.
    let () = redis.ask(&["HSET", "countersign:{revoked}", "jti:j1", "{\"jti\":\"j1\",\"made\":5,\"by\":\"holder\"}"]);
    one.revoke(&json!({ "jti": "j1", "reason": "and again" }));
    assert_eq!(lift(&json!({ "jti": "j1" })).0, 409);
    other.assert_api(&json!({ "jti": "j1" }), 401);
}

#[test]
fn while_redis_is_away_nothing_that_could_be_revoked_is_let_in() {
    let mut redis = RedisServer::start();
    let (strict, lenient) = (Sharing::on(&redis, ""), Sharing::on(&redis, ", on_store_failure: allow"));
    let good = token(&json!({ "jti": "j1" }));
    assert_eq!((strict.show("/api", &good).status, lenient.show("/api", &good).status), (200, 200));
    redis.kill();
    assert_eq!(refusal(&strict.show("/api", &good)), (503, "store-unavailable".to_owned()));
    assert_eq!(lenient.show("/api", &good).status, 200);
    assert_eq!(strict.show("/public", &good).status, 200);
    let (status, said) = strict.call("POST", &json!({ "jti": "j1" }).to_string());
    assert_eq!(status, 503, "{said}");
    assert_eq!(strict.call("GET", "").0, 503);
    let ready = send(strict.admin, b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").expect("an answer");
    assert_eq!(ready.status, 200, "all gateways would be unready at once, for public routes too");
    assert_eq!(strict.call("DELETE", &json!({ "jti": "j1" }).to_string()).0, 503);
}

#[test]
fn what_stands_in_redis_and_cannot_be_read_may_be_a_revocation() {
    let redis = RedisServer::start();
    for more in ["", ", on_store_failure: allow"] {
        let gateway = Sharing::on(&redis, more);
        for document in ["nonsense", "{\"jti\":\"another\"}"] {
            let () = redis.ask(&["HSET", "countersign:{revoked}", "jti:j1", document]);
            gateway.assert_api(&json!({ "jti": "j1" }), 503);
            gateway.assert_api(&json!({ "jti": "j2" }), 200);
        }
        assert_eq!(gateway.call("POST", &json!({ "jti": "j1" }).to_string()).0, 503);
    }
}
