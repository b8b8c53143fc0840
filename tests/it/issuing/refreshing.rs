//! Refresh tokens, logout and published keys, with the real binary.

use std::thread;

use serde_json::{Value, json};

use super::{Api, part};
use crate::support::{Answer, countersign, loopback};

const CONFIG: &str = r#"
listen: 127.0.0.1:8002
tokens:
  api:
    keys:
      - { kid: new, private_key: { file: KEY_FILE } }
      - { kid: old, algorithm: HS256, secret: { env: JWT_KEY } }
    issuer: i
    audience: a
users: { staff: { file: users/staff.yaml } }
issuers: { api: { tokens: api, lifetime: 5m, claims: { scope: read, level: 3 }, refresh: { grace: GRACE } } }
upstreams:
  login: { login: { issuer: api, users: staff, throttle: { user: { rate: 1/h, burst: 3 } } } }
  refresh: { refresh: { issuer: api, users: staff } }
  logout: { logout: { issuer: api } }
  keys: { jwks: { issuer: api } }
  hello: { respond: { body: "{subject} {claim:role} {claim:level}" } }
routes:
  - { match: { path: /login, methods: [POST] }, public: true, to: login }
  - { match: { path: /refresh, methods: [POST] }, public: true, to: refresh }
  - { match: { path: /logout, methods: [POST] }, public: true, to: logout }
  - { match: { path: /keys, methods: [GET] }, public: true, to: keys }
  - { match: { path: /hello }, require: { jwt: api }, to: hello }
"#;

struct Issuing {
    api: Api,
    _directory: tempfile::TempDir,
}

impl Issuing {
    fn start(grace: &str) -> Issuing {
        Issuing::of(CONFIG, grace)
    }

    fn of(config: &str, grace: &str) -> Issuing {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("key.pem");
        let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
        std::fs::write(&file, key).expect("the key is written");
        let users = concat!(env!("CARGO_MANIFEST_DIR"), "/config/users/staff.yaml");
        let config = config.replace("users/staff.yaml", users).replace("GRACE", grace);
        let config = config.replace("KEY_FILE", &file.display().to_string());
        Issuing { api: Api::start(&config, 8002), _directory: directory }
    }

    fn login(&self, password: &str) -> Answer {
        self.api.json("/login", &json!({ "username": "alice", "password": password }).to_string())
    }

    fn refresh(&self, token: &Value) -> Answer {
        self.api.json("/refresh", &json!({ "refresh_token": token }).to_string())
    }
}

#[test]
fn a_refresh_token_is_taken_for_a_new_pair_and_the_new_token_is_good() {
    let issuing = Issuing::start("2s");
    let first = issuing.login("wonderland").json();
    assert_eq!((&first["token_type"], &first["expires_in"]), (&json!("Bearer"), &json!(300)));
    let answer = issuing.refresh(&first["refresh_token"]);
    assert_eq!((answer.status, answer.field("cache-control")), (200, Some("no-store")), "{}", answer.text());
    let second = answer.json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    for pair in [&first, &second] {
        let token = pair["access_token"].as_str().expect("a token");
        assert_eq!(part(token, 0), json!({ "alg": "ES256", "typ": "JWT", "kid": "new" }));
        assert_eq!(part(token, 1)["scope"], json!("read"));
        assert_eq!(issuing.api.get("/hello", &format!("Bearer {token}")).text(), "alice admin 3");
    }
    assert_eq!(issuing.refresh(&second["refresh_token"]).status, 200);
}

/// Where the answer tells what a request need not hold.
#[test]
fn what_cannot_be_answered_begins_no_family_and_spends_no_refresh_token() {
    let answer = r#"answer: '{"token":"{token}","refresh_token":"{refresh_token}","for":"{query:for}"}'"#;
    let config = CONFIG
        .replace("login: { login: { issuer: api, ", &format!("login: {{ login: {{ {answer}, issuer: api, "))
        .replace("refresh: { refresh: { ", &format!("refresh: {{ refresh: {{ {answer}, "));
    let issuing = Issuing::of(&format!("{config}limits: {{ refresh_families: 1 }}\n"), "0s");
    let asks = |target: &str, body: Value| issuing.api.json(target, &body.to_string());
    let user = json!({ "username": "alice", "password": "wonderland" });
    let unanswered = |target: &str, body: &Value| {
        let answer = asks(target, body.clone());
        assert_eq!((answer.status, answer.json()["type"].clone()), (400, json!("urn:countersign:unreadable-field")));
    };
    unanswered("/login", &user);
    let login = asks("/login?for=x", user);
    assert_eq!((login.status, &login.json()["for"]), (200, &json!("x")), "there is room for one: {}", login.text());
    let shown = json!({ "refresh_token": login.json()["refresh_token"] });
    unanswered("/refresh", &shown);
    unanswered("/refresh", &shown);
    let second = asks("/refresh?for=y", shown);
    assert_eq!((second.status, &second.json()["for"]), (200, &json!("y")), "{}", second.text());
    let third = asks("/refresh?for=z", json!({ "refresh_token": second.json()["refresh_token"] }));
    assert_eq!(third.status, 200, "{}", third.text());
}

#[test]
fn a_spent_refresh_token_that_comes_again_ends_its_family() {
    let issuing = Issuing::start("0s");
    let first = issuing.login("wonderland").json();
    let second = issuing.refresh(&first["refresh_token"]).json();
    let stolen = issuing.refresh(&first["refresh_token"]);
    assert_eq!((stolen.status, stolen.json()["type"].clone()), (401, json!("urn:countersign:invalid-credentials")));
    let honest = issuing.refresh(&second["refresh_token"]);
    assert_eq!((honest.status, honest.text()), (401, stolen.text()), "told in the same words");
    // Two workers write their lines each in its own time.
    let words = ["was used before; its family is revoked", "the refresh token is unknown"];
    let told = |log: &str| words.iter().all(|words| log.contains(words));
    let log = issuing.api.gateway.output_when(told);
    assert!(told(&log), "{log}");
    let other = issuing.login("wonderland").json();
    assert_eq!(issuing.refresh(&other["refresh_token"]).status, 200, "another login is another family");
}

#[test]
fn of_fifty_requests_with_one_refresh_token_one_gets_a_new_pair() {
    let issuing = Issuing::start("10s");
    let first = issuing.login("wonderland").json();
    let statuses: Vec<(u16, Value)> = thread::scope(|scope| {
        let one = || {
            let answer = issuing.refresh(&first["refresh_token"]);
            (answer.status, answer.json())
        };
        let all: Vec<_> = (0..50).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    let good: Vec<&Value> = statuses.iter().filter(|(status, _)| *status == 200).map(|(_, body)| body).collect();
    assert_eq!(good.len(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|(status, _)| matches!(status, 200 | 401)), "{statuses:?}");
    assert_eq!(issuing.refresh(&good[0]["refresh_token"]).status, 200, "those that crossed did not end the family");
}

#[test]
fn after_a_logout_a_refresh_token_is_good_for_nothing_and_nothing_else_is_told() {
    let issuing = Issuing::start("2s");
    let pair = issuing.login("wonderland").json();
    for token in [json!("nonsense"), pair["refresh_token"].clone(), pair["refresh_token"].clone()] {
        let answer = issuing.api.json("/logout", &json!({ "refresh_token": token }).to_string());
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    }
    assert_eq!(issuing.refresh(&pair["refresh_token"]).status, 401);
    for body in ["", "{}", r#"{"refresh_token":null}"#, r#"{"refresh_token":["x"]}"#] {
        assert_eq!(issuing.api.json("/refresh", body).status, 400, "{body}");
    }
}

#[test]
fn public_keys_are_published_and_nothing_else_of_a_key() {
    let issuing = Issuing::start("2s");
    let answer = issuing.api.get("/keys", "x");
    assert_eq!((answer.status, answer.field("content-type")), (200, Some("application/jwk-set+json")));
    let set = answer.json();
    let keys = set["keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 1, "{set}");
    let members: Vec<&String> = keys[0].as_object().expect("a key").keys().collect();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!((&keys[0]["kid"], &keys[0]["alg"]), (&json!("new"), &json!("ES256")));
}

/// A `kid` is text: what looks like a template in it is part of the name.
#[test]
fn a_key_is_published_by_its_very_name_whatever_that_is() {
    let issuing = Issuing::of(&CONFIG.replace("kid: new", "kid: 'k{subject}{nothing}{{x'"), "2s");
    let answer = issuing.api.get("/keys", "x");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["keys"][0]["kid"], json!("k{subject}{nothing}{{x"));
}

#[test]
fn guessing_comes_to_an_end_also_for_whoever_then_guesses_right() {
    let issuing = Issuing::start("2s");
    let statuses: Vec<u16> = (0..4).map(|_| issuing.login("guess").status).collect();
    assert_eq!(statuses, [401, 401, 401, 429]);
    let right = issuing.login("wonderland");
    assert_eq!(right.status, 429);
    let wait: u32 = right.field("retry-after").expect("a time").parse().expect("seconds");
    assert!((1..=3600).contains(&wait), "{wait}");
    let bob = json!({ "username": "bob", "password": "builder" }).to_string();
    assert_eq!(issuing.api.json("/login", &bob).status, 200);
}

#[test]
fn whoever_is_revoked_gets_no_new_pair_and_his_family_ends() {
    const TOKEN: &str = "a-token-of-more-than-thirty-two-bytes";
    let (admin, directory) = (loopback(), tempfile::tempdir().expect("a directory"));
    let place = directory.path().join("revoked");
    let more = format!(
        "admin: {{ address: '{admin}', token: {{ value: {TOKEN} }} }}\nrevocations: {{ file: {} }}\n",
        place.display()
    );
    let issuing = Issuing::of(&format!("{CONFIG}{more}"), "2s");
    let revoke = |what: &[&str]| {
        let mut command = countersign();
        command.env("COUNTERSIGN_ADMIN_TOKEN", TOKEN).args(["revoke", "--admin", &admin.to_string()]).args(what);
        let output = command.output().expect("the binary runs");
        assert!(output.status.success(), "{output:?}");
    };
    let old = issuing.login("wonderland").json();
    thread::sleep(std::time::Duration::from_millis(1100));
    revoke(&["--issued-before", "now", "--tokens", "api"]);
    let new = issuing.login("wonderland").json();
    assert_eq!(issuing.refresh(&old["refresh_token"]).status, 401);
    let renewed = issuing.refresh(&new["refresh_token"]);
    assert_eq!(renewed.status, 200, "of a login after it");
    revoke(&["--subject", "alice"]);
    let last = &renewed.json()["refresh_token"];
    assert_eq!(issuing.refresh(last).status, 401);
}
