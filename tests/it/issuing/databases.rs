//! The account table that an older system has already lets its users in, in each kind of database.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Api, KEY, part};
use crate::support::{Database, Gateway, PASSWORD, loopback, sqlite};

/// "wonderland" in argon2id and "builder" in bcrypt.
const STAFF: &str = include_str!("../../../config/users/staff.yaml");

/// The hash of a user of the example.
fn hash(name: &str) -> &'static str {
    let (_, user) = STAFF.split_once(&format!("{name}:")).expect("the user");
    user.split('"').find(|word| word.starts_with('$')).expect("a hash")
}

/// As a system keeps it that never heard of a gateway.
fn accounts(text: &str) -> String {
    format!(
        "create table account (login {text} not null, pw {text}, role {text}, level integer, locked integer not null default 0);\n\
         insert into account values ('alice', '{alice}', 'admin', 3, 0), ('bob', '{bob}', null, null, 0);\n\
         insert into account values ('locked', '{alice}', null, null, 1), ('older', '5f4dcc3b5aa765d61d8327deb882cf99', null, null, 0);\n\
         insert into account values ('elsewhere', null, null, null, 0);",
        alice = hash("alice"),
        bob = hash("bob"),
    )
}

fn query(parameter: &str) -> String {
    format!(
        "select login as username, pw as password, role, level, locked as disabled from account where login = {parameter}"
    )
}

fn start(url: &str, parameter: &str, more: &str) -> Api {
    let address = loopback();
    let password = if url.starts_with("sqlite") { "" } else { "password: { env: PASSWORD }, " };
    let config = format!(
        "listen: {address}\n\
         tokens: {{ api: {{ keys: [{{ algorithm: HS256, secret: {{ env: JWT_KEY }} }}], issuer: i, audience: a }} }}\n\
         users: {{ staff: {{ sql: {{ url: '{url}', {password}query: \"{}\"{more} }} }} }}\n\
         issuers: {{ api: {{ tokens: api, refresh: {{ grace: 0s }} }} }}\n\
         upstreams:\n  login: {{ login: {{ issuer: api, users: staff }} }}\n  refresh: {{ refresh: {{ issuer: api, users: staff }} }}\n\
         routes:\n  - {{ match: {{ path: /login, methods: [POST] }}, public: true, to: login }}\n  \
         - {{ match: {{ path: /refresh, methods: [POST] }}, public: true, to: refresh }}\n",
        query(parameter)
    );
    Api { gateway: Gateway::start(&config, &[("JWT_KEY", KEY), ("PASSWORD", PASSWORD)], address), address }
}

fn login(api: &Api, name: &str, password: &str) -> (u16, serde_json::Value) {
    let answer = api.json("/login", &json!({ "username": name, "password": password }).to_string());
    (answer.status, answer.json())
}

/// What holds of each kind of database. `lock` disables Alice there.
fn judge(api: &Api, lock: impl FnOnce()) {
    let (status, pair) = login(api, "alice", "wonderland");
    assert_eq!(status, 200, "{pair}");
    let claims = part(pair["access_token"].as_str().expect("a token"), 1);
    assert_eq!((&claims["sub"], &claims["role"], &claims["level"]), (&json!("alice"), &json!("admin"), &json!("3")));
    assert!(claims.get("password").is_none() && claims.get("username").is_none(), "{claims}");
    let (status, bob) = login(api, "bob", "builder");
    assert_eq!((status, part(bob["access_token"].as_str().expect("a token"), 1).get("role")), (200, None));
    let mut told = None;
    for (name, password) in [
        ("alice", "builder"),
        ("mallory", "wonderland"),
        ("Alice", "wonderland"),
        ("alice ", "wonderland"),
        ("locked", "wonderland"),
        ("older", "password"),
        ("elsewhere", ""),
        ("elsewhere", "wonderland"),
        ("' or '1'='1", "wonderland"),
        ("%", "wonderland"),
    ] {
        let answer = login(api, name, password);
        assert_eq!((answer.0, &answer.1["type"]), (401, &json!("urn:countersign:invalid-credentials")), "{name}");
        assert_eq!(told.get_or_insert_with(|| answer.clone()), &answer, "{name}");
    }
    let refresh = |token: &serde_json::Value| api.json("/refresh", &json!({ "refresh_token": token }).to_string());
    let second = refresh(&pair["refresh_token"]);
    assert_eq!(second.status, 200, "{}", second.text());
    lock();
    assert_eq!(refresh(&second.json()["refresh_token"]).status, 401);
    assert_eq!(login(api, "alice", "wonderland").0, 401);
    let words = ["no such user", "the user is disabled", "`password` is no hash", "the user has no password"];
    let log = api.gateway.output_when(|log| words.iter().all(|words| log.contains(words)));
    assert!(words.iter().all(|words| log.contains(words)), "{log}");
    for secret in ["wonderland", "mallory", "5f4dcc3b", PASSWORD, "$2b$", "$argon2id$"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

const LOCK: &str = "update account set locked = 1 where login = 'alice'";

#[test]
fn users_in_a_sqlite_file_log_in() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("legacy.db");
    sqlite(&file, &accounts("text"));
    judge(&start(&format!("sqlite:{}", file.display()), "?", ""), || drop(sqlite(&file, LOCK)));
}

#[test]
fn a_row_that_cannot_be_read_ends_no_login_that_was_before_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("legacy.db");
    sqlite(&file, &accounts("text"));
    let api = start(&format!("sqlite:{}", file.display()), "?", "");
    let (_, pair) = login(&api, "alice", "wonderland");
    let refresh = || api.json("/refresh", &json!({ "refresh_token": pair["refresh_token"] }).to_string()).status;
    sqlite(&file, "update account set pw = 'hunter2' where login = 'alice'");
    assert_eq!(login(&api, "alice", "wonderland").0, 401, "whoever is asked for a password is told nothing of it");
    assert_eq!(refresh(), 502, "the token is as good as before");
    sqlite(&file, &format!("update account set pw = '{}' where login = 'alice'", hash("alice")));
    assert_eq!(refresh(), 200);
}

#[test]
fn users_in_mariadb_log_in_under_their_own_spelling_alone() {
    let database = Database::mariadb();
    database.run(&accounts("varchar(200)"));
    judge(&start(&database.url(), "?", ""), || drop(database.run(LOCK)));
}

#[test]
fn users_in_postgresql_log_in_and_while_it_hangs_nobody_is_told_that_a_password_is_wrong() {
    let database = Database::postgres();
    database.run(&accounts("text"));
    let api = start(&database.url(), "$1", ", timeout: 300ms, look_ups: 2");
    assert!(eventually_in(&api));
    database.freeze();
    let start = Instant::now();
    let (status, told) = login(&api, "alice", "wonderland");
    assert_eq!((status, &told["type"]), (503, &json!("urn:countersign:users-unavailable")));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    let address = api.address;
    let storm: Vec<_> = (0..12)
        .map(|_| {
            std::thread::spawn(move || {
                let body = r#"{"username":"alice","password":"wonderland"}"#;
                let head = format!("POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
                crate::support::send(address, format!("{head}{body}").as_bytes()).expect("an answer").status
            })
        })
        .collect();
    let statuses: Vec<u16> = storm.into_iter().map(|one| one.join().expect("a status")).collect();
    assert!(statuses.contains(&429) && statuses.iter().all(|status| matches!(status, 429 | 503)), "{statuses:?}");
    database.thaw();
    assert!(eventually_in(&api), "it is back");
    judge(&api, || drop(database.run(LOCK)));
}

/// Whether Alice gets in, on a machine that may be too busy for the time-out at first.
fn eventually_in(api: &Api) -> bool {
    (0..50).any(|_| {
        let in_time = login(api, "alice", "wonderland").0 == 200;
        std::thread::sleep(Duration::from_millis(if in_time { 0 } else { 100 }));
        in_time
    })
}
