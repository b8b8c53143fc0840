//! Opaque tokens: what the server that knows them says is held to the rules of signed ones, and nothing it does not say is believed.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    get,
    issuer::{SigningKey, key_set, now},
};
use crate::support::{Gateway, loopback, send};

/// A server that knows some tokens, counts questions, and may be away.
struct Server {
    address: SocketAddr,
    tokens: Arc<Mutex<HashMap<String, Value>>>,
    asked: Arc<AtomicUsize>,
    is_away: Arc<Mutex<bool>>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            address: listener.local_addr().unwrap(),
            tokens: Arc::default(),
            asked: Arc::default(),
            is_away: Arc::default(),
        };
        let (tokens, asked, is_away) = (server.tokens.clone(), server.asked.clone(), server.is_away.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tokens, asked, is_away) = (tokens.clone(), asked.clone(), is_away.clone());
                thread::spawn(move || serve(stream, &tokens, &asked, &is_away));
            }
        });
        server
    }

    fn knows(&self, token: &str, said: Value) {
        self.tokens.lock().unwrap().insert(token.to_owned(), said);
    }

    fn forget(&self, token: &str) {
        self.tokens.lock().unwrap().remove(token);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// One question a connection.
fn serve(mut stream: TcpStream, tokens: &Mutex<HashMap<String, Value>>, asked: &AtomicUsize, is_away: &Mutex<bool>) {
    let (mut read, mut piece) = (String::new(), [0; 4096]);
    let body = loop {
        let Ok(count @ 1..) = stream.read(&mut piece) else { return };
        read.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        let Some((head, body)) = read.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        if body.len() >= length {
            break body.to_owned();
        }
    };
    asked.fetch_add(1, Ordering::SeqCst);
    if *is_away.lock().unwrap() {
        return;
    }
    // `gateway:hunter22`
    let is_known = read.contains("authorization: Basic Z2F0ZXdheTpodW50ZXIyMg==\r\n");
    let token = body.strip_prefix("token=").and_then(|rest| rest.split('&').next()).unwrap_or_default();
    let said = tokens.lock().unwrap().get(token).cloned().unwrap_or_else(|| json!({"active": false}));
    let (status, said) = if is_known { (200, said) } else { (401, json!({})) };
    let said = said.to_string();
    let head = format!("HTTP/1.1 {status} S\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", said.len());
    let _ = stream.write_all((head + &said).as_bytes());
}

struct Bench {
    server: Server,
    address: SocketAddr,
    admin: SocketAddr,
    key: SigningKey,
    _directory: tempfile::TempDir,
    _gateway: Gateway,
}

impl Bench {
    /// `/opaque` takes opaque tokens, `/both` signed ones too, `/write` those of a scope.
    fn start(more: &str) -> Bench {
        let (server, address, admin) = (Server::start(), loopback(), loopback());
        let directory = tempfile::tempdir().unwrap();
        let key = SigningKey::es256("k");
        std::fs::write(directory.path().join("keys.json"), key_set([&key])).unwrap();
        let config = format!(
            "listen: {address}\nadmin: {admin}\n\
             tokens:\n  signed: {{ jwks: {{ file: {}/keys.json }}, issuer: me, audience: api }}\n  \
             opaque:\n    introspection: {{ url: 'http://{}/introspect', client_id: gateway, client_secret: {{ value: hunter22 }}, {more} }}\n    \
             issuer: https://as.test\n    audience: api\n\
             upstreams: {{ ok: {{ respond: {{ body: '{{\"sub\":\"{{claim:sub}}\",\"by\":\"{{claim:client_id}}\"}}' }} }} }}\n\
             routes:\n  - {{ match: {{ path: /opaque }}, require: {{ jwt: opaque }}, to: ok }}\n  \
             - {{ match: {{ path: /both }}, require: {{ any_of: [{{ jwt: signed }}, {{ jwt: opaque }}] }}, to: ok }}\n  \
             - {{ match: {{ path: /write }}, require: {{ jwt: {{ tokens: opaque, scope: write }} }}, to: ok }}\n",
            directory.path().display(),
            server.address,
        );
        let gateway = Gateway::start(&config, &[], address);
        Bench { server, address, admin, key, _directory: directory, _gateway: gateway }
    }

    fn metrics(&self) -> String {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", self.admin);
        send(self.admin, request.as_bytes()).expect("an answer").text()
    }

    /// The status, and the name of the refusal.
    fn asked(&self, path: &str, token: &str) -> (u16, String) {
        let answer = get(self.address, path, token);
        (answer.status, answer.json()["type"].as_str().unwrap_or_default().replace("urn:countersign:", ""))
    }
}

fn good() -> Value {
    json!({"active": true, "iss": "https://as.test", "aud": ["api"], "sub": "alice", "client_id": "app", "scope": "read",
        "exp": now() + 3600, "token_type": "Bearer"})
}

#[test]
fn what_its_server_says_of_a_token_is_what_a_signed_one_would_say() {
    let bench = Bench::start("");
    bench.server.knows("opaque-1", good());
    let answer = get(bench.address, "/opaque", "opaque-1");
    assert_eq!((answer.status, answer.json()), (200, json!({"sub": "alice", "by": "app"})));
    for _ in 0..20 {
        assert_eq!(bench.asked("/opaque", "opaque-1").0, 200);
    }
    assert_eq!(bench.server.asked(), 1, "it is remembered, over all workers");
    assert_eq!(bench.asked("/write", "opaque-1"), (403, "insufficient-scope".to_owned()));
    assert_eq!(bench.asked("/opaque", "invented"), (401, "invalid-token".to_owned()));
    assert_eq!(bench.asked("/opaque", "invented"), (401, "invalid-token".to_owned()));
    assert_eq!(bench.server.asked(), 2);
    let metrics = bench.metrics();
    for line in [
        "introspection_calls_total{tokens=\"opaque\",outcome=\"active\"} 1",
        "introspection_calls_total{tokens=\"opaque\",outcome=\"inactive\"} 1",
        "introspection_answers_total{tokens=\"opaque\",outcome=\"active\"} 21",
        "introspection_answers_total{tokens=\"opaque\",outcome=\"inactive\"} 1",
        "introspection_entries{tokens=\"opaque\",kind=\"active\"} 1",
        "introspection_up{tokens=\"opaque\"} 1",
    ] {
        assert!(metrics.contains(&format!("countersign_{line}\n")), "{line}: {metrics}");
    }
}

/// RFC 9449 section 6.2 and RFC 8705 section 3.2 want `cnf` in the answer; not every server has it there.
#[test]
fn a_token_that_says_itself_that_it_is_bound_is_refused_whatever_its_server_leaves_out() {
    let bench = Bench::start("");
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode([1; 32]);
    let away = SigningKey::es256("not-fetched");
    for cnf in [
        json!({"jkt": thumbprint}),
        json!({"x5t#S256": thumbprint}),
        json!({"kid": "a"}),
        json!({"jwk": {"kty": "oct", "k": "AA"}}),
        json!({"jku": "https://a"}),
        json!({"jkt": thumbprint, "kid": "a"}),
        json!({}),
        json!("x"),
    ] {
        for key in [&bench.key, &away] {
            let token = key.token(
                &json!({"iss": "me", "aud": "api", "sub": "alice", "iat": now(), "exp": now() + 600, "cnf": cnf}),
            );
            bench.server.knows(&token, good());
            for path in ["/both", "/opaque"] {
                assert_eq!(bench.asked(path, &token), (401, "invalid-token".to_owned()), "{path} {cnf}");
            }
        }
    }
    assert_eq!(bench.server.asked(), 0, "nobody was asked");
    let unbound = away.token(&json!({"iss": "me", "aud": "api", "sub": "alice", "iat": now(), "exp": now() + 600}));
    bench.server.knows(&unbound, good());
    assert_eq!(bench.asked("/both", &unbound).0, 200);
}

#[test]
fn an_answer_is_held_to_the_rules_of_its_entry() {
    let bench = Bench::start("");
    let cases = [
        ("iss", json!("https://evil.test"), "invalid-token"),
        ("iss", Value::Null, "invalid-token"),
        ("aud", json!("other"), "invalid-token"),
        ("aud", json!(["api", 7]), "invalid-token"),
        ("exp", Value::Null, "invalid-token"),
        ("exp", json!(now() - 120), "token-expired"),
        ("exp", json!("soon"), "invalid-token"),
        ("exp", json!((now() + 3600) * 1000), "invalid-token"),
        ("nbf", json!(now() + 3600), "invalid-token"),
        ("sub", json!(7), "invalid-token"),
        // A refresh token, and one whose bearer would have to prove that it has a key.
        ("token_use", json!("refresh_token"), "invalid-token"),
        ("token_type", json!("DPoP"), "invalid-token"),
    ];
    for (number, (name, value, refusal)) in cases.into_iter().enumerate() {
        let mut said = good();
        said[name] = value;
        let token = format!("odd-{number}");
        bench.server.knows(&token, said);
        assert_eq!(bench.asked("/opaque", &token), (401, refusal.to_owned()), "{name}");
    }
}

#[test]
fn a_token_that_its_server_takes_back_is_refused_within_the_time_that_answers_are_good() {
    let bench = Bench::start("ttl: 1s, inactive_ttl: 1s");
    bench.server.knows("opaque-1", good());
    assert_eq!(bench.asked("/opaque", "opaque-1").0, 200);
    bench.server.forget("opaque-1");
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(bench.asked("/opaque", "opaque-1"), (401, "invalid-token".to_owned()));
}

#[test]
fn while_its_server_is_away_a_token_is_neither_believed_nor_called_bad() {
    let bench = Bench::start("ttl: 1s");
    bench.server.knows("opaque-1", good());
    assert_eq!(bench.asked("/opaque", "opaque-1").0, 200);
    *bench.server.is_away.lock().unwrap() = true;
    thread::sleep(Duration::from_millis(1100));
    for token in ["opaque-1", "another", "opaque-1", "third", "opaque-1"] {
        let answer = get(bench.address, "/opaque", token);
        assert_eq!((answer.status, &answer.json()["type"]), (503, &json!("urn:countersign:store-unavailable")));
        assert!(answer.field("www-authenticate").is_none(), "its client must not throw it away");
    }
    // What is signed needs nobody.
    let signed = bench.key.token(&json!({"iss": "me", "aud": "api", "sub": "bob", "client_id": "app"}));
    assert_eq!(bench.asked("/both", &signed).0, 200);
    *bench.server.is_away.lock().unwrap() = false;
    thread::sleep(Duration::from_millis(700));
    assert_eq!(bench.asked("/opaque", "opaque-1").0, 200);
}

#[test]
fn a_token_that_an_earlier_entry_believes_is_shown_to_no_server() {
    let bench = Bench::start("");
    bench.server.knows("opaque-1", good());
    let signed = bench.key.token(&json!({"iss": "me", "aud": "api", "sub": "bob", "client_id": "app"}));
    for _ in 0..5 {
        assert_eq!(bench.asked("/both", &signed).0, 200);
    }
    assert_eq!(bench.server.asked(), 0);
    assert_eq!(bench.asked("/both", "opaque-1").0, 200);
    assert_eq!(bench.server.asked(), 1);
}

#[test]
fn a_signed_token_that_is_bound_to_somebody_is_asked_for_nowhere() {
    let bench = Bench::start("");
    let claims = |cnf: Value| json!({"iss": "me", "aud": "api", "sub": "bob", "client_id": "app", "exp": now() + 600, "cnf": cnf});
    for cnf in [json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}), json!({"x5t#S256": "x"})] {
        let stolen = bench.key.token(&claims(cnf));
        bench.server.knows(&stolen, good());
        assert_eq!(bench.asked("/both", &stolen), (401, "invalid-token".to_owned()));
    }
    assert_eq!(bench.server.asked(), 0, "what it is is known");
}
