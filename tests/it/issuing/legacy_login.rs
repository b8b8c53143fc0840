//! An older API's own login, in Python, behind ours: its answers decide, and its users' fields become claims.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::json;

use super::{Api, KEY, part};
use crate::support::{Answer, Gateway, loopback};

/// The older login; ends with the value.
struct Legacy {
    child: Child,
    port: u16,
}

impl Legacy {
    fn start() -> Legacy {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/issuing/legacy_login.py");
        let mut command = Command::new("python3");
        command.arg("-B").arg(script).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("Python starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        // What it prints must be read, or it would stop.
        std::thread::spawn(move || lines.lines().for_each(drop));
        Legacy { child, port: line.trim().parse().expect("a port") }
    }

    /// A gateway with the config that we ship, in front of it.
    fn behind(&self, changed: &[(&str, &str)]) -> Api {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/legacy-login.yaml");
        let text = fs::read_to_string(file).expect("the config");
        let address = loopback();
        let mut text = text.replace("127.0.0.1:8000", &address.to_string());
        text = text.replace("http://127.0.0.1:9001", &format!("http://127.0.0.1:{}", self.port));
        for (from, to) in changed {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let environment = [("JWT_KEY", KEY), ("LEGACY_KEY", "the-app-s-own-key")];
        Api { gateway: Gateway::start(&text, &environment, address), address }
    }
}

impl Drop for Legacy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SECRET: &str = "wonder\"land\\é";

fn login(api: &Api, name: &str, password: &str) -> Answer {
    api.json("/login", &json!({ "username": name, "password": password }).to_string())
}

#[test]
fn whom_the_older_login_lets_in_gets_a_token_that_says_what_it_said() {
    let legacy = Legacy::start();
    let api = legacy.behind(&[]);
    for typed in ["alice", "ALICE"] {
        let answer = login(&api, typed, SECRET);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let claims = part(answer.json()["access_token"].as_str().expect("a token"), 1);
        assert_eq!(
            (&claims["sub"], &claims["role"]),
            (&json!("alice"), &json!("admin")),
            "its spelling, not the typed one"
        );
        assert_eq!((&claims["level"], &claims["teams"]), (&json!(3), &json!(["a", "b"])));
    }
    let again = login(&api, "alice", SECRET).json();
    let pair = api.json("/refresh", &json!({ "refresh_token": again["refresh_token"] }).to_string()).json();
    assert_eq!(part(pair["access_token"].as_str().expect("a token"), 1)["role"], json!("admin"));
}

#[test]
fn whatever_the_older_login_says_no_to_is_told_in_the_same_words() {
    let legacy = Legacy::start();
    let api = legacy.behind(&[]);
    let mut told = None;
    for (name, password) in [("alice", "wrong"), ("bob", "wrong"), ("mallory", "x"), ("alice", "")] {
        let answer = login(&api, name, password);
        let seen = (answer.status, answer.text());
        assert_eq!((answer.status, &answer.json()["type"]), (401, &json!("urn:countersign:invalid-credentials")));
        assert_eq!(told.get_or_insert_with(|| seen.clone()), &seen, "{name}");
    }
    for (name, status, kind) in [
        ("teapot", 502, "users-failed"),
        ("moved", 502, "users-failed"),
        ("liar", 502, "users-failed"),
        ("large", 502, "users-failed"),
        ("broken", 503, "users-unavailable"),
        ("busy", 429, "rate-limited"),
    ] {
        let answer = login(&api, name, SECRET);
        let kind = json!(format!("urn:countersign:{kind}"));
        assert_eq!((answer.status, &answer.json()["type"]), (status, &kind), "{name}");
    }
    let words = ["its status is 418", "it is no JSON", "more than 65536 bytes", "its status is 500"];
    let log = api.gateway.output_when(|log| words.iter().all(|words| log.contains(words)));
    assert!(words.iter().all(|words| log.contains(words)), "{log}");
    assert!(!log.contains("wonder") && !log.contains("the-app-s-own-key"), "{log}");
}

#[test]
fn an_older_login_that_hangs_or_is_gone_costs_the_time_out_and_so_many_calls_at_once() {
    let legacy = Legacy::start();
    let api = legacy.behind(&[("timeout: 5s", "timeout: 700ms\n      calls: 2")]);
    let start = Instant::now();
    let answers: Vec<(u16, String)> = std::thread::scope(|scope| {
        let one = || {
            let answer = login(&api, "hang", "x");
            (answer.status, answer.json()["type"].as_str().unwrap_or_default().to_owned())
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    let of = |status: u16, kind: &str| {
        answers.iter().filter(|seen| **seen == (status, format!("urn:countersign:{kind}"))).count()
    };
    assert_eq!(of(503, "users-unavailable") + of(429, "rate-limited"), 8, "{answers:?}");
    assert!(of(429, "rate-limited") >= 1 && of(503, "users-unavailable") >= 2, "{answers:?}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(login(&api, "bob", "builder").status, 200);
    drop(legacy);
    let gone = login(&api, "bob", "builder");
    assert_eq!((gone.status, &gone.json()["type"]), (503, &json!("urn:countersign:users-unavailable")));
}

/// Whoever revokes all that was issued before now, while an old password is being looked at, means what comes of that too.
#[test]
fn a_token_is_as_old_as_the_look_at_its_password() {
    let legacy = Legacy::start();
    let api = legacy.behind(&[]);
    let began = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
    let start = Instant::now();
    let answer = login(&api, "Bob", "builder");
    assert!(start.elapsed() >= Duration::from_secs(2), "it took its time");
    let claims = part(answer.json()["access_token"].as_str().expect("a token"), 1);
    let issued = claims["iat"].as_u64().expect("a time");
    assert!(issued <= began + 1, "{issued} is later than {began}");
}

#[test]
fn a_form_is_what_some_older_logins_take() {
    let legacy = Legacy::start();
    let json = r#"body: { json: '{"user":"{username}","pass":"{password}"}' }"#;
    let api = legacy.behind(&[(json, "body: { form: 'go=1&user={username}&pass={password}' }")]);
    assert_eq!(login(&api, "alice", SECRET).status, 200);
    assert_eq!(login(&api, "alice&pass=x", SECRET).status, 401);
}

#[test]
fn guessing_at_an_older_login_comes_to_an_end_whatever_the_spelling() {
    let legacy = Legacy::start();
    let throttle = "issuer: api, users: legacy, throttle: { user: { rate: 1/h, burst: 3 } }";
    let api =
        legacy.behind(&[("login: { login: { issuer: api, users: legacy", &format!("login: {{ login: {{ {throttle}"))]);
    let statuses: Vec<u16> =
        ["alice", "ALICE", "Alice", "aLice"].iter().map(|name| login(&api, name, "guess").status).collect();
    assert_eq!(statuses, [401, 401, 401, 429]);
    assert_eq!(login(&api, "alice", SECRET).status, 429);
}

#[test]
fn what_an_older_login_says_neither_yes_nor_no_to_may_be_a_guess() {
    let legacy = Legacy::start();
    let throttle = "issuer: api, users: legacy, throttle: { user: { rate: 1/h, burst: 2 } }";
    let login_of = ("login: { login: { issuer: api, users: legacy", &*format!("login: {{ login: {{ {throttle}"));
    let api = legacy.behind(&[login_of, ("timeout: 5s", "timeout: 300ms")]);
    for (name, statuses) in
        [("broken", [503, 503, 429]), ("hang", [503, 503, 429]), ("teapot", [502, 502, 429]), ("busy", [429, 429, 429])]
    {
        assert_eq!([(); 3].map(|()| login(&api, name, "guess").status), statuses, "{name}");
    }
    drop(legacy);
    assert_eq!([(); 4].map(|()| login(&api, "bob", "builder").status), [503; 4], "nobody was asked");
}
