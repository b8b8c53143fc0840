//! Several issuers on one route: each token is held to its own issuer's keys and rules.

use std::{fs, net::SocketAddr};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    get,
    issuer::{SigningKey, key_set, now},
};
use crate::support::{Answer, Gateway, loopback};

const CONFIG: &str = r#"
listen: ADDRESS
tokens:
  staff: { jwks: { file: DIRECTORY/staff.json }, issuer: staff, audience: api, scope: read }
  partner: { keys: [{ public_key: { file: DIRECTORY/partner.json } }], issuer: partner, audience: api, require: [scope] }
upstreams:
  ok: { respond: { body: '{"by":"{claim:iss}","sub":"{claim:sub}"}' } }
routes:
  - match: { path: /write }
    require: { jwt: { tokens: staff, scope: [orders:write] } }
    to: ok
  - match: { path: /** }
    require: { any_of: [{ jwt: staff }, { jwt: partner }] }
    to: ok
"#;

struct Bench {
    address: SocketAddr,
    staff: [SigningKey; 2],
    partner: SigningKey,
    _gateway: Gateway,
    _directory: TempDir,
}

impl Bench {
    fn start() -> Bench {
        let (address, directory) = (loopback(), tempfile::tempdir().unwrap());
        let staff = [SigningKey::rs256("rsa"), SigningKey::es256("ec")];
        let partner = SigningKey::ed25519("ed");
        fs::write(directory.path().join("staff.json"), key_set(&staff)).unwrap();
        fs::write(directory.path().join("partner.json"), partner.jwk().to_string()).unwrap();
        let config =
            CONFIG.replace("ADDRESS", &address.to_string()).replace("DIRECTORY", directory.path().to_str().unwrap());
        Bench { address, staff, partner, _gateway: Gateway::start(&config, &[], address), _directory: directory }
    }

    fn get(&self, token: &str) -> Answer {
        get(self.address, "/", token)
    }
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["type"].as_str().unwrap_or_default().to_owned())
}

fn claims(issuer: &str) -> Value {
    json!({"iss": issuer, "aud": "api", "sub": "alice", "scope": "read"})
}

#[test]
fn each_issuer_s_tokens_are_accepted_by_its_own_keys() {
    let bench = Bench::start();
    for (key, issuer) in [(&bench.staff[0], "staff"), (&bench.staff[1], "staff"), (&bench.partner, "partner")] {
        // The second comes out of the cache.
        for _ in 0..2 {
            let answer = bench.get(&key.token(&claims(issuer)));
            assert_eq!((answer.status, answer.json()), (200, json!({"by": issuer, "sub": "alice"})));
        }
    }
}

#[test]
fn no_issuer_speaks_for_another() {
    let bench = Bench::start();
    for (key, issuer) in [(&bench.staff[0], "partner"), (&bench.partner, "staff"), (&bench.staff[0], "elsewhere")] {
        let answer = bench.get(&key.token(&claims(issuer)));
        assert_eq!(refusal(&answer), (401, "urn:countersign:invalid-token".to_owned()), "{issuer}");
    }
    let stolen_name = SigningKey::rs256("rsa");
    assert_eq!(bench.get(&stolen_name.token(&claims("staff"))).status, 401);
}

#[test]
fn a_good_token_without_the_route_s_scope_is_a_403_that_names_it() {
    let bench = Bench::start();
    let write = |token: &str| get(bench.address, "/write", token);
    let answer = write(&bench.staff[0].token(&claims("staff")));
    assert_eq!(refusal(&answer), (403, "urn:countersign:insufficient-scope".to_owned()));
    let challenge = r#"Bearer error="insufficient_scope", scope="read orders:write""#;
    assert_eq!(answer.field("www-authenticate"), Some(challenge));
    let mut more = claims("staff");
    more["scope"] = "orders:write read".into();
    assert_eq!(write(&bench.staff[0].token(&more)).status, 200);
    // One that is not good is told nothing of scopes.
    assert_eq!(write(&SigningKey::rs256("rsa").token(&claims("staff"))).status, 401);
    let mut old = claims("staff");
    old["exp"] = (now() - 3600).into();
    assert_eq!(refusal(&write(&bench.staff[0].token(&old))), (401, "urn:countersign:token-expired".to_owned()));
}

/// The first entry would say "invalid": the token is not its own.
#[test]
fn the_refusal_is_that_of_the_token_s_own_issuer() {
    let bench = Bench::start();
    let mut old = claims("partner");
    old["exp"] = (now() - 3600).into();
    assert_eq!(refusal(&bench.get(&bench.partner.token(&old))), (401, "urn:countersign:token-expired".to_owned()));
    let wanting = json!({"iss": "partner", "aud": "api"});
    assert_eq!(refusal(&bench.get(&bench.partner.token(&wanting))).1, "urn:countersign:invalid-token");
}
