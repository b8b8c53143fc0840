//! What is revoked is refused: at once, on every worker, and after the gateway was killed.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    process::{Command, Output, Stdio},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    signing::{KEY, device_v2, now, token, token_with_header, with_length},
    support::{Talk, free_address},
};
use crate::support::{Gateway, countersign};

/// What the corpus in `tests/attack/jwt` says of its route `hs256`.
const CORPUS: &str = "  corpus: { keys: [{ algorithm: HS256, \
                      secret: { value: test-only-hs256-secret-0123456789abcdef0123456789 } }], \
                      issuer: \"https://issuer.test\", audience: legacy-api }\n";

const ADMIN_TOKEN: &str = "an-admin-token-of-more-than-32-bytes";

/// A gateway with keys and tokens that can be revoked, started as often as is wanted on the same file.
struct Stage {
    gateway: Gateway,
    address: SocketAddr,
    admin: SocketAddr,
    directory: tempfile::TempDir,
}

impl Stage {
    fn start() -> Stage {
        Stage::again(tempfile::tempdir().expect("a directory"))
    }

    fn again(directory: tempfile::TempDir) -> Stage {
        let (address, admin) = (free_address(), free_address());
        let of_curve = corpus("keys")["ec_pub"].as_str().expect("PEM").to_owned();
        fs::write(directory.path().join("ec.pem"), of_curve).expect("written");
        let config = format!(
            "listen: {address}\nadmin: {{ address: {admin}, token: {ADMIN_TOKEN} }}\n\
             revocations: {{ file: {home}/revoked }}\n\
             keys: {{ devices: {{ static: {{ dev-1: {{ value: {KEY} }} }} }}, one: {{ shared: {{ value: {KEY} }} }} }}\n\
             schemes:\n  v2: {{ preset: device-v2, keys: devices }}\n  hook: {{ preset: github, keys: one }}\n  \
             other: {{ preset: raw-body, keys: devices, key_id: \"{{header:X-Other}}\", \
             signature: {{ from: \"{{header:X-Signature}}\", encoding: hex, algorithm: hmac-sha256 }} }}\n\
             tokens:\n  api: {{ keys: [{{ algorithm: HS256, secret: {{ value: {KEY} }} }}], issuer: us, audience: api }}\n\
             {CORPUS}  \
             named: {{ keys: [{{ kid: k1, algorithm: HS256, secret: {{ value: {KEY} }} }}], issuer: us, audience: api }}\n  \
             es256: {{ keys: [{{ public_key: {{ file: {home}/ec.pem }} }}], issuer: 'https://issuer.test', audience: legacy-api }}\n\
             upstreams: {{ echo: {{ echo: true }} }}\nroutes:\n  \
             - {{ match: {{ path: /corpus }}, require: {{ jwt: corpus }}, to: echo }}\n  \
             - {{ match: {{ path: /named }}, require: {{ jwt: named }}, to: echo }}\n  \
             - {{ match: {{ path: /es256 }}, require: {{ jwt: es256 }}, to: echo }}\n  \
             - {{ match: {{ path: /v2 }}, require: {{ hmac: v2 }}, to: echo }}\n  \
             - {{ match: {{ path: /api }}, require: {{ jwt: api }}, to: echo }}\n  \
             - {{ match: {{ path: /both }}, require: {{ all_of: [{{ hmac: other }}, {{ jwt: api }}] }}, to: echo }}\n  \
             - {{ match: {{ path: /hook }}, require: {{ all_of: [{{ hmac: hook }}, {{ jwt: named }}] }}, to: echo }}\n  \
             - {{ match: {{ path: /after }}, require: {{ all_of: [{{ jwt: api }}, {{ hmac: other }}] }}, to: echo }}\n  \
             - {{ match: {{ path: /public }}, public: true, to: echo }}\n",
            home = directory.path().display()
        );
        Stage { gateway: Gateway::start(&config, &[], address), address, admin, directory }
    }

    /// Kills it without a word, and starts another on the same file.
    fn killed(self) -> Stage {
        let Stage { gateway, directory, .. } = self;
        drop(gateway);
        Stage::again(directory)
    }

    fn api(&self, token: &str) -> (u16, String) {
        self.get("/api", token)
    }

    fn get(&self, path: &str, token: &str) -> (u16, String) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        self.status(request.as_bytes())
    }

    fn status(&self, request: &[u8]) -> (u16, String) {
        let (head, body) = Talk::open(self.address).exchange(request);
        let refusal: Value = serde_json::from_slice(&body).unwrap_or_default();
        (head.status(), refusal["type"].as_str().unwrap_or_default().to_owned())
    }

    /// What the admin listener answers.
    fn call(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let (body, authorization) = match body {
            Value::Null => (String::new(), token),
            body => (body.to_string(), token),
        };
        let authorization = authorization.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{authorization}Content-Length: {}\r\n\r\n{body}",
            self.admin,
            body.len()
        );
        let (head, body) = Talk::open(self.admin).exchange(request);
        (head.status(), serde_json::from_slice(&body).unwrap_or_default())
    }

    fn revoke(&self, what: &Value) {
        let (status, said) = self.call("POST", "/revocations", Some(ADMIN_TOKEN), what);
        assert_eq!(status, 200, "{said}");
    }

    fn command(&self, arguments: &[&str]) -> Output {
        let mut command: Command = countersign();
        command.env("COUNTERSIGN_ADMIN_TOKEN", ADMIN_TOKEN).args(arguments);
        command.args(["--admin", &self.admin.to_string()]).output().expect("the binary runs")
    }
}

/// Whoever has stolen what tokens are issued for may have one of this very second.
#[test]
fn what_was_issued_in_this_second_was_issued_before_now() {
    let stage = Stage::start();
    let issued = |at: i64| token(&json!({ "iss": "us", "aud": "api", "sub": "alice", "iat": at, "exp": at + 300 }));
    let stolen = issued(now());
    assert_eq!(stage.api(&stolen).0, 200);
    let revoked = stage.command(&["revoke", "--issued-before", "now", "--tokens", "api"]);
    assert!(revoked.status.success(), "{revoked:?}");
    let refused = stage.api(&stolen);
    assert_eq!(refused.0, 401, "{}", refused.1);
    assert_eq!(stage.api(&issued(now())).0, 200, "what is issued once it is revoked is good");
}

#[test]
fn a_token_in_hand_is_revoked_by_its_name() {
    let stage = Stage::start();
    let shown = token(&json!({ "jti": "in-hand" }));
    assert_eq!(stage.api(&shown).0, 200);
    let revoke = |text: &str| {
        let mut command = countersign();
        command.env("COUNTERSIGN_ADMIN_TOKEN", ADMIN_TOKEN).args([
            "token",
            "revoke",
            "--admin",
            &stage.admin.to_string(),
        ]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("written");
        child.wait_with_output().expect("it ends")
    };
    for unreadable in ["nonsense", &token(&json!({}))] {
        let output = revoke(unreadable);
        assert!(!output.status.success(), "{output:?}");
    }
    let output = revoke(&format!("Bearer {shown}\n"));
    assert!(output.status.success(), "{output:?}");
    assert_is(stage.api(&shown), REVOKED_TOKEN);
    let (_, listed) = stage.call("GET", "/revocations", Some(ADMIN_TOKEN), &Value::Null);
    assert!(listed["revocations"][0]["until"].as_i64().is_some_and(|until| until > now()), "{listed}");
}

const REVOKED_TOKEN: (u16, &str) = (401, "urn:countersign:revoked-token");
const REVOKED_KEY: (u16, &str) = (403, "urn:countersign:revoked-key");

#[track_caller]
fn assert_is((status, cause): (u16, String), wanted: (u16, &str)) {
    assert_eq!((status, cause.as_str()), wanted);
}

#[test]
fn a_revoked_token_is_refused_though_it_was_verified_a_moment_ago() {
    let stage = Stage::start();
    let (revoked, other) = (token(&json!({ "jti": "j1" })), token(&json!({ "jti": "j2" })));
    // Twice on each worker, so that every cache of tokens has it.
    for _ in 0..4 {
        assert_eq!(stage.api(&revoked).0, 200);
    }
    stage.revoke(&json!({ "jti": "j1" }));
    for _ in 0..4 {
        assert_is(stage.api(&revoked), REVOKED_TOKEN);
        assert_eq!(stage.api(&other).0, 200);
    }
}

#[test]
fn subjects_key_ids_and_old_tokens_are_refused() {
    let stage = Stage::start();
    let signed = |body: &[u8]| with_length(&device_v2("/v2", body), body);
    assert_eq!(stage.status(&signed(b"1")).0, 200);
    stage.revoke(&json!({ "key_id": "dev-1" }));
    assert_is(stage.status(&signed(b"2")), REVOKED_KEY);
    let bob = token(&json!({ "sub": "bob" }));
    assert_eq!(stage.api(&bob).0, 200);
    stage.revoke(&json!({ "subject": "bob" }));
    assert_is(stage.api(&bob), REVOKED_TOKEN);
    let (old, new) = (token(&json!({ "iat": now() - 100 })), token(&json!({ "iat": now() - 10 })));
    let ageless = token(&json!({ "iat": null }));
    stage.revoke(&json!({ "issued_before": now() - 50, "tokens": "api" }));
    assert_is(stage.api(&old), REVOKED_TOKEN);
    assert_eq!(stage.api(&new).0, 200);
    assert_ne!(stage.api(&ageless).0, 200);
    assert_eq!(stage.status(b"GET /public HTTP/1.1\r\nHost: a\r\n\r\n").0, 200);
}

#[test]
fn a_token_of_a_revoked_key_is_refused_though_it_does_not_name_the_key() {
    let stage = Stage::start();
    let named = token_with_header(&json!({ "alg": "HS256", "kid": "k1" }), &json!({}));
    let unnamed = token(&json!({}));
    for token in [&named, &unnamed] {
        assert_eq!(stage.get("/named", token).0, 200);
    }
    stage.revoke(&json!({ "key_id": "k1" }));
    for token in [&named, &unnamed] {
        assert_is(stage.get("/named", token), REVOKED_TOKEN);
    }
}

#[test]
fn what_was_answered_is_revoked_after_a_kill() {
    let mut stage = Stage::start();
    let tokens: Vec<String> = (0..5).map(|number| token(&json!({ "jti": format!("j{number}") }))).collect();
    for (number, revoked) in tokens.iter().enumerate() {
        stage.revoke(&json!({ "jti": format!("j{number}") }));
        stage = stage.killed();
        assert_is(stage.api(revoked), REVOKED_TOKEN);
    }
    let (_, list) = stage.call("GET", "/revocations", Some(ADMIN_TOKEN), &Value::Null);
    assert_eq!(list["revocations"].as_array().map(Vec::len), Some(5), "{list}");
}

#[test]
fn calls_without_the_token_change_nothing() {
    let stage = Stage::start();
    let what = json!({ "jti": "j1" });
    for (method, path) in [("POST", "/revocations"), ("GET", "/revocations"), ("POST", "/reload")] {
        assert_eq!(stage.call(method, path, None, &what).0, 401);
        assert_eq!(stage.call(method, path, Some("another"), &what).0, 401);
    }
    assert_eq!(stage.api(&token(&json!({ "jti": "j1" }))).0, 200);
    let (status, said) = stage.call("POST", "/revocations", Some(ADMIN_TOKEN), &json!({ "jit": "j1" }));
    assert_eq!(status, 400, "{said}");
}

#[test]
fn whoever_revokes_is_told_what_stands_then() {
    let stage = Stage::start();
    let revoke = |document: &Value| stage.call("POST", "/revocations", Some(ADMIN_TOKEN), document).1;
    let said = revoke(&json!({ "issued_before": 2_000, "until": now() + 100 }));
    assert_eq!(said["revoked"]["issued_before"], 2_000, "{said}");
    let said = revoke(&json!({ "issued_before": 1_000 }));
    assert_eq!(said["revoked"]["issued_before"], 2_000, "{said}");
    assert!(said["revoked"].get("until").is_none(), "{said}");
}

#[test]
fn what_is_revoked_while_no_gateway_runs_does_not_end_its_next_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("revoked");
    let revoke = |jti: &str| {
        let mut command = countersign();
        command.args(["revoke", "--capacity", "2", "--jti", jti, "--file"]).arg(&file);
        command.output().expect("the binary runs")
    };
    for jti in ["j1", "j2"] {
        assert_eq!(revoke(jti).status.code(), Some(0));
    }
    let full = revoke("j3");
    assert_eq!(full.status.code(), Some(1), "{full:?}");
    let lines = std::fs::read_to_string(&file).expect("the file").lines().count();
    assert_eq!(lines, 2, "a gateway with room for two reads it");
}

#[test]
fn a_file_is_listed_as_it_stands_and_one_that_is_not_there_is_not_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let list = |name: &str| {
        let mut command = countersign();
        command.args(["revocations", "--file"]).arg(directory.path().join(name)).output().expect("the binary runs")
    };
    let content = "{\"jti\":\"j1\",\"made\":5}\n{\"jti\":\"over\",\"until\":5}\n";
    let file = directory.path().join("revoked");
    fs::write(&file, content).expect("written");
    let listed = list("revoked");
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "{\"jti\":\"j1\",\"made\":5}\n", "{listed:?}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), content);
    let mistyped = list("revokde");
    assert_eq!(mistyped.status.code(), Some(1), "{mistyped:?}");
    assert!(!directory.path().join("revokde").exists());
}

#[test]
fn commands_revoke_list_and_reload() {
    let stage = Stage::start();
    let revoked = stage.command(&["revoke", "--jti", "j1", "--reason", "lost"]);
    assert_eq!(revoked.status.code(), Some(0), "{revoked:?}");
    assert_is(stage.api(&token(&json!({ "jti": "j1" }))), REVOKED_TOKEN);
    let listed = String::from_utf8(stage.command(&["revocations"]).stdout).expect("text");
    assert!(listed.contains("\"jti\":\"j1\"") && listed.contains("\"reason\":\"lost\""), "{listed}");
    let log = stage.gateway.output_when(|log| log.contains("\"revoked\""));
    assert!(log.contains("lost"), "{log}");
    let good = stage.command(&["reload"]);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    stage.gateway.put("gateway.yaml", "listen: nowhere\nroutes: []\n");
    let bad = stage.command(&["reload"]);
    let said = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert_eq!(bad.status.code(), Some(3), "{said}");
    assert!(said.contains("is not an address and port") && said.contains("stays in force"), "{said}");
    let file = stage.directory.path().join("revoked");
    let held = countersign().args(["revoke", "--jti", "j2", "--file"]).arg(&file).output().expect("the binary runs");
    assert_eq!(held.status.code(), Some(1), "the gateway has the file");
    let unread = countersign().args(["revocations", "--file"]).arg(&file).output().expect("the binary runs");
    let said = String::from_utf8_lossy(&unread.stderr).into_owned();
    assert!(unread.status.code() == Some(1) && said.contains("what is revoked cannot be read: "), "{said}");
    assert!(
        said.contains("commands ask a gateway that runs where they are given no --file") && !said.contains("nothing"),
        "{said}"
    );
    let Stage { gateway, directory, .. } = stage;
    drop(gateway);
    let offline = countersign().args(["revoke", "--jti", "j2", "--file"]).arg(&file).output().expect("the binary runs");
    assert_eq!(offline.status.code(), Some(0), "{offline:?}");
    assert_eq!(fs::read_to_string(directory.path().join("revoked")).expect("text").lines().count(), 2);
}

#[test]
fn what_was_revoked_by_mistake_or_before_a_new_secret_is_lifted() {
    let stage = Stage::start();
    let signed = || stage.status(&with_length(&device_v2("/v2", b""), b""));
    let said = |arguments: &[&str]| {
        let output = stage.command(arguments);
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    };
    assert_eq!(signed().0, 200);
    assert_eq!(said(&["revoke", "--key-id", "dev-1", "--reason", "typo"]), (Some(0), "revoked\n".to_owned()));
    assert_is(signed(), REVOKED_KEY);
    let (code, words) = said(&["revoke", "--key-id", "dev-1", "--until", &(now() + 2).to_string()]);
    assert_eq!(code, Some(0), "it is revoked: {words}");
    assert!(
        words.starts_with("revoked already, without end: nothing has changed") && words.contains("typo"),
        "{words}"
    );
    let (code, words) = said(&["unrevoke", "--subject", "dev-1"]);
    assert!(code == Some(1) && words.contains("404: nothing is revoked under that name"), "{words}");
    assert_is(signed(), REVOKED_KEY);
    let (code, words) = said(&["unrevoke", "--key-id", "dev-1"]);
    assert!(code == Some(0) && words.starts_with("lifted. It said") && words.contains("typo"), "{words}");
    assert_eq!(signed().0, 200);
    assert!(stage.gateway.output_when(|log| log.contains("\"lifted\"")).contains("typo"));
    let stage = stage.killed();
    assert_eq!(stage.status(&with_length(&device_v2("/v2", b""), b"")).0, 200, "and after a restart");

    let old = token(&json!({ "iat": now() - 100 }));
    assert_eq!(stage.command(&["revoke", "--issued-before", "now", "--tokens", "api"]).status.code(), Some(0));
    assert_is(stage.api(&old), REVOKED_TOKEN);
    assert_eq!(stage.call("DELETE", "/revocations", None, &json!({ "key_id": "x" })).0, 401);
    assert_eq!(stage.command(&["unrevoke", "--issued-before"]).status.code(), Some(1), "that is everybody's");
    assert_eq!(stage.command(&["unrevoke", "--issued-before", "--tokens", "api"]).status.code(), Some(0));
    assert_eq!(stage.api(&old).0, 200);
}

#[test]
fn a_file_that_no_gateway_has_open_is_lifted_from() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("revoked");
    let run = |arguments: &[&str]| {
        let output = countersign().args(arguments).arg("--file").arg(&file).output().expect("the binary runs");
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).expect("text"))
    };
    assert_eq!(run(&["unrevoke", "--key-id", "dev-1"]).0, Some(1));
    assert!(!file.exists(), "none is made");
    assert_eq!(run(&["revoke", "--key-id", "dev-1"]).0, Some(0));
    let again = run(&["revoke", "--key-id", "dev-1", "--until", "4000000000"]).1;
    assert!(again.starts_with("revoked already, without end"), "{again}");
    assert_eq!(run(&["revoke", "--jti", "j1", "--until", "4000000000"]).0, Some(0));
    let again = run(&["revoke", "--jti", "j1", "--until", "3999999999"]).1;
    assert!(again.starts_with("revoked already, until 2096-10-02T07:06:40Z"), "{again}");
    assert_eq!(run(&["unrevoke", "--key-id", "dev-1"]).0, Some(0));
    let listed = run(&["revocations"]).1;
    assert!(listed.lines().count() == 1 && listed.contains("\"j1\""), "{listed}");
}

/// A part of the corpus in `tests/attack/jwt`.
fn corpus(file: &str) -> Value {
    let text = fs::read(format!("tests/attack/jwt/{file}.json")).expect("the corpus");
    serde_json::from_slice(&text).expect("JSON")
}

fn token_of_corpus(id: &str) -> String {
    let cases = corpus("cases");
    let case = cases["cases"].as_array().expect("cases").iter().find(|case| case["id"] == id).expect("the case");
    case["token"].as_str().expect("a token").to_owned()
}

/// The same token under the other signature that is as good: of `(r, s)` that is `(r, n - s)`, with the order `n` of P-256.
fn twin(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').expect("a signature");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").expect("hex");
    let mut borrow = 0;
    for (byte, order) in signature[32..].iter_mut().zip(order).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = u8::try_from(difference.rem_euclid(256)).expect("a byte");
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_genuine_token_of_the_attack_corpus_is_refused_once_it_is_revoked() {
    let stage = Stage::start();
    let status = || stage.get("/corpus", &token_of_corpus("J201"));
    assert_eq!(status().0, 200);
    stage.revoke(&json!({ "jti": "j1" }));
    assert_is(status(), REVOKED_TOKEN);
}

/// Anyone who has a token of ECDSA can write another that is as genuine (OWASP CheatSheetSeries #2235): what is revoked by the
/// token's text or signature goes on under the other.
#[test]
fn a_revoked_token_is_refused_under_its_other_signature_too() {
    let stage = Stage::start();
    let high = token_of_corpus("J203");
    let low = twin(&high);
    assert!(high != low && twin(&low) == high);
    // One of them is in the cache of verified tokens by then, and then both.
    for token in [&low, &high] {
        assert_eq!(stage.get("/es256", token).0, 200);
    }
    stage.revoke(&json!({ "jti": "j1" }));
    for token in [&low, &high, &twin(&low)] {
        assert_is(stage.get("/es256", token), REVOKED_TOKEN);
    }
}

#[test]
fn every_leg_of_several_is_asked() {
    let stage = Stage::start();
    let both = |subject: &str| {
        let token = token(&json!({ "sub": subject, "jti": subject }));
        let mac = super::signing::hmac_hex("body");
        let lines = format!(
            "POST /both HTTP/1.1\r\nHost: a\r\nX-Other: dev-1\r\nX-Signature: {mac}\r\nAuthorization: Bearer {token}\r\n"
        );
        stage.status(&with_length(&lines, b"body"))
    };
    assert_eq!((both("carol").0, both("dave").0, both("erin").0), (200, 200, 200));
    stage.revoke(&json!({ "subject": "carol" }));
    stage.revoke(&json!({ "jti": "dave" }));
    assert_is(both("carol"), REVOKED_TOKEN);
    assert_is(both("dave"), REVOKED_TOKEN);
    assert_eq!(both("erin").0, 200);
    stage.revoke(&json!({ "key_id": "dev-1" }));
    assert_is(both("erin"), REVOKED_KEY);
}

#[test]
fn a_revoked_token_behind_a_signature_that_names_nobody_is_told_as_a_token() {
    let stage = Stage::start();
    let ask = |subject: &str| {
        let token = token_with_header(&json!({ "alg": "HS256", "kid": "k1" }), &json!({ "sub": subject }));
        let mac = super::signing::hmac_hex("body");
        let lines = format!(
            "POST /hook HTTP/1.1\r\nHost: a\r\nX-Hub-Signature-256: sha256={mac}\r\nAuthorization: Bearer {token}\r\n"
        );
        stage.status(&with_length(&lines, b"body"))
    };
    assert_eq!((ask("carol").0, ask("dave").0), (200, 200));
    stage.revoke(&json!({ "subject": "carol" }));
    assert_is(ask("carol"), REVOKED_TOKEN);
    assert_eq!(ask("dave").0, 200);
    stage.revoke(&json!({ "key_id": "k1" }));
    assert_is(ask("dave"), REVOKED_TOKEN);
}

#[test]
fn who_signs_is_a_subject_on_any_leg() {
    let stage = Stage::start();
    let ask = |path: &str| {
        let (token, mac) = (token(&json!({ "sub": "erin" })), super::signing::hmac_hex("body"));
        let lines = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nX-Other: dev-1\r\nX-Signature: {mac}\r\nAuthorization: Bearer {token}\r\n"
        );
        stage.status(&with_length(&lines, b"body"))
    };
    assert_eq!((ask("/both").0, ask("/after").0), (200, 200));
    stage.revoke(&json!({ "subject": "dev-1" }));
    assert_is(ask("/both"), REVOKED_KEY);
    assert_is(ask("/after"), REVOKED_KEY);
}
