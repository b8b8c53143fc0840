//! Families of refresh tokens that gateways share: on one Redis, in one database, in one file.

mod homes;
mod tables;

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::Arc,
    thread::{self, sleep},
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use countersign::issue::{Families, Grant, MemoryFamilies, RefreshFault, RefreshRules};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::homes::Home;
use super::{gateways::refusal, link, link::cluster};
use crate::support::{Answer, Connection, Gateway, loopback, send};

const CONFIG: &str = r#"
tokens: { api: { keys: [{ algorithm: HS256, secret: { value: 0123456789abcdef0123456789abcdef } }], issuer: us, audience: api } }
issuers: { api: { tokens: api, lifetime: 5m, refresh: { RULES } }, other: { tokens: api, refresh: { KEPT } } }
upstreams:
  login: { login: { issuer: api, dangerously_without_password: true } }
  refresh: { refresh: { issuer: api } }
  other: { refresh: { issuer: other } }
  logout: { logout: { issuer: api } }
routes:
  - { match: { path: /login, methods: [POST] }, public: true, to: login }
  - { match: { path: /refresh, methods: [POST] }, public: true, to: refresh }
  - { match: { path: /other, methods: [POST] }, public: true, to: other }
  - { match: { path: /logout, methods: [POST] }, public: true, to: logout }
"#;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What holds of every store is tested in each.
macro_rules! in_each {
    ($($home:ident),+: $tests:tt) => { $(in_each!(@ $home $tests);)+ };
    (@ $home:ident [$($test:ident,)+]) => {
        mod $home {
            $(#[test] fn $test() { super::$test(&mut super::Home::$home()); })+
        }
    };
}

in_each!(redis, postgres, mariadb, sqlite: [
    a_refresh_token_is_good_once_at_whichever_gateway,
    of_fifty_at_once_through_two_gateways_one_gets_a_new_pair_and_whoever_comes_later_ends_the_family,
    a_token_that_comes_again_after_its_grace_ends_the_family_for_all_gateways,
    one_that_was_spent_before_the_last_has_no_grace,
    while_the_store_hangs_a_refresh_is_refused_and_nobody_is_logged_out_by_it,
    a_renewal_that_nobody_was_told_of_is_taken_back,
    families_end_by_logout_and_by_their_time_and_leave_nothing_behind,
    what_stands_in_the_store_is_no_token,
    of_one_subject_so_many_live_and_the_one_that_was_used_longest_ago_gives_way,
    of_two_that_log_in_at_once_where_one_may_one_stays,
    of_every_token_is_said_what_memory_says,
]);

/// A gateway that issues refresh tokens, and keeps them in a store.
struct Issuing {
    gateway: Gateway,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Issuing {
    fn on(home: &Home, rules: &str) -> Issuing {
        let (top, kept, up) = home.config();
        let issuing = Issuing::at(&top, &format!("{rules}{}{kept}", if rules.is_empty() { "" } else { ", " }), &kept);
        issuing.await_metric(&format!("{up} 1\n"));
        issuing
    }

    fn at(top: &str, rules: &str, kept: &str) -> Issuing {
        let (address, admin) = (loopback(), loopback());
        let config = CONFIG.replace("RULES", rules).replace("KEPT", kept);
        let config = format!("listen: {address}\nadmin: {admin}\n{top}{config}");
        Issuing { gateway: Gateway::start(&config, &[], address), address, admin }
    }

    fn await_metric(&self, line: &str) {
        eventually(&format!("there is no {line}"), || self.metrics().contains(line));
    }

    fn metrics(&self) -> String {
        send(self.admin, b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").expect("metrics").text()
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        let answer = send(self.address, &request(path, body));
        answer.unwrap_or_else(|| panic!("no answer:\n{}", self.gateway.output_when(|_| true)))
    }

    fn login(&self) -> Value {
        let answer = self.post("/login", &json!({ "username": "alice" }));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["refresh_token"].clone()
    }

    fn take(&self, path: &str, token: &Value) -> Answer {
        self.post(path, &json!({ "refresh_token": token }))
    }

    /// The successor of a token that is good.
    #[track_caller]
    fn renewed(&self, token: &Value) -> Value {
        let answer = self.take("/refresh", token);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["refresh_token"].clone()
    }

    #[track_caller]
    fn assert_refused(&self, token: &Value) {
        assert_eq!(refusal(&self.take("/refresh", token)), (401, "invalid-credentials".to_owned()));
    }
}

fn request(path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[track_caller]
fn eventually(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        sleep(Duration::from_millis(20));
    }
}

fn a_refresh_token_is_good_once_at_whichever_gateway(home: &mut Home) {
    let gateways = [Issuing::on(home, "grace: 0s"), Issuing::on(home, "grace: 0s")];
    let (first, other) = (gateways[0].login(), gateways[0].login());
    let mut token = first.clone();
    for round in 0..6 {
        token = gateways[round % 2].renewed(&token);
    }
    // That issuer has a table of its own to wait for.
    eventually("another issuer takes it", || gateways[0].take("/other", &token).status == 401);
    gateways[1].assert_refused(&first);
    gateways[0].assert_refused(&token);
    gateways[1].renewed(&other);
}

fn of_fifty_at_once_through_two_gateways_one_gets_a_new_pair_and_whoever_comes_later_ends_the_family(home: &mut Home) {
    let gateways = [Issuing::on(home, "grace: 5s"), Issuing::on(home, "grace: 5s")];
    for _ in 0..3 {
        let token = gateways[0].login();
        let request = request("/refresh", &json!({ "refresh_token": token }));
        let connections: Vec<_> = (0..50).map(|number| Connection::open(gateways[number % 2].address)).collect();
        let answers: Vec<Answer> = thread::scope(|scope| {
            let one = |mut connection: Connection| connection.exchange(&request).expect("an answer");
            let all: Vec<_> = connections.into_iter().map(|connection| scope.spawn(move || one(connection))).collect();
            all.into_iter().map(|one| one.join().expect("it ends")).collect()
        });
        let good: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(good.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
        assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 49);
        let next = gateways[1].renewed(&good[0].json()["refresh_token"]);
        gateways[0].renewed(&next);
    }
}

fn a_token_that_comes_again_after_its_grace_ends_the_family_for_all_gateways(home: &mut Home) {
    let gateways = [Issuing::on(home, "grace: 1s"), Issuing::on(home, "grace: 1s")];
    let first = gateways[0].login();
    let second = gateways[1].renewed(&first);
    gateways[0].assert_refused(&first);
    sleep(Duration::from_millis(1100));
    assert_eq!(home.held(), 1, "it lived until now");
    gateways[0].assert_refused(&first);
    gateways[1].assert_refused(&second);
    assert_eq!(home.held(), 0);
}

fn one_that_was_spent_before_the_last_has_no_grace(home: &mut Home) {
    let gateways = [Issuing::on(home, "grace: 1m"), Issuing::on(home, "grace: 1m")];
    let first = gateways[0].login();
    let second = gateways[1].renewed(&first);
    let third = gateways[0].renewed(&second);
    gateways[1].assert_refused(&second);
    assert_eq!(home.held(), 1, "it was spent a moment ago");
    gateways[0].assert_refused(&first);
    gateways[1].assert_refused(&third);
    assert_eq!(home.held(), 0);
}

fn while_the_store_hangs_a_refresh_is_refused_and_nobody_is_logged_out_by_it(home: &mut Home) {
    // Without a grace a token that was spent for nothing would end its family.
    let issuing = Issuing::on(home, "grace: 0s");
    let token = issuing.login();
    home.freeze();
    assert_eq!(refusal(&issuing.take("/refresh", &token)), (503, "store-unavailable".to_owned()));
    assert_eq!(refusal(&issuing.post("/login", &json!({ "username": "bob" }))), (503, "store-unavailable".to_owned()));
    home.thaw();
    // That the store is up may still be told from before.
    let login = || issuing.post("/login", &json!({ "username": "bob" })).status;
    eventually("it does not find its store again", || login() == 200);
    let next = issuing.renewed(&token);
    issuing.renewed(&next);
}

fn rules() -> RefreshRules {
    RefreshRules { lifetime: DAY, absolute: DAY, grace: Duration::ZERO, per_subject: 10 }
}

fn grant() -> Grant {
    Grant {
        subject: "alice".into(),
        claims: Arc::default(),
        issuer: "api".into(),
        client: None,
        scope: None,
        begun_unix: 0,
    }
}

fn a_renewal_that_nobody_was_told_of_is_taken_back(home: &mut Home) {
    let families = home.families();
    link::runtime().block_on(async {
        let first = families.begin(rules(), grant(), 0).await.expect("a token");
        let unanswered = families.renew(first.as_bytes(), "api", 0).await.expect("a successor");
        let left = families.begin(rules(), grant(), 0).await.expect("a token");
        home.freeze();
        // One is told that nobody answers, and one does not wait for that.
        let leaving = tokio::time::timeout(Duration::from_millis(20), families.renew(left.as_bytes(), "api", 0));
        assert!(leaving.await.is_err());
        let refused = families.renew(unanswered.as_bytes(), "api", 0).await;
        assert!(matches!(refused, Err(RefreshFault::Unavailable(_))), "{refused:?}");
        home.thaw();
        let start = Instant::now();
        while !home.has_taken_back(&unanswered, &left) {
            assert!(start.elapsed() < Duration::from_secs(20), "it is not taken back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for token in [unanswered, left] {
            families.renew(token.as_bytes(), "api", 0).await.expect("it is still good");
        }
    });
}

fn families_end_by_logout_and_by_their_time_and_leave_nothing_behind(home: &mut Home) {
    let gateways = [Issuing::on(home, "lifetime: 1s"), Issuing::on(home, "lifetime: 1s")];
    let (left, idle) = (gateways[0].login(), gateways[0].login());
    assert_eq!(gateways[1].take("/logout", &left).status, 200);
    gateways[0].assert_refused(&left);
    sleep(Duration::from_millis(1100));
    gateways[0].assert_refused(&idle);
    assert_eq!(home.held(), 0);
    if let Home::Redis(redis) = home {
        assert_eq!(redis.ask::<u64>(&["DBSIZE"]), 0);
    }
}

fn what_stands_in_the_store_is_no_token(home: &mut Home) {
    let issuing = Issuing::on(home, "");
    let token = issuing.login();
    let all = home.content();
    let token = token.as_str().expect("a token");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).expect("base64url");
    let (_family, secret) = bytes.split_at(16);
    let stands = |bytes: &[u8]| all.contains(&hex::encode(bytes)) || all.contains(&bytes.escape_ascii().to_string());
    assert!(all.contains("alice") && stands(&Sha256::digest(secret)), "{all}");
    assert!(!all.contains(token.split_at(30).1) && !stands(secret), "{all}");
    if let Home::Redis(redis) = home {
        for key in redis.ask::<Vec<String>>(&["KEYS", "*"]) {
            assert!(redis.ask::<i64>(&["TTL", &key]) > 13 * 24 * 3_600, "{key}");
        }
    }
}

fn of_one_subject_so_many_live_and_the_one_that_was_used_longest_ago_gives_way(home: &mut Home) {
    let issuing = Issuing::on(home, "per_subject: 3");
    let login = |name: &str| {
        sleep(Duration::from_millis(5));
        issuing.post("/login", &json!({ "username": name })).json()["refresh_token"].clone()
    };
    let other = login("bob");
    let (first, second, ended) = (login("alice"), login("alice"), login("alice"));
    assert_eq!(issuing.take("/logout", &ended).status, 200);
    sleep(Duration::from_millis(5));
    let (first, third) = (issuing.renewed(&first), login("alice"));
    sleep(Duration::from_millis(5));
    let first = issuing.renewed(&first);
    let fourth = login("alice");
    issuing.assert_refused(&second);
    for token in [first, third, fourth, other] {
        issuing.renewed(&token);
    }
    assert_eq!(home.held(), 4);
}

fn of_two_that_log_in_at_once_where_one_may_one_stays(home: &mut Home) {
    let gateways = [home.families(), home.families()];
    let rules = RefreshRules { per_subject: 1, ..rules() };
    link::runtime().block_on(async {
        for round in 0..30 {
            let begin = |gateway: usize| gateways[gateway].begin(rules, grant(), 0);
            let (one, other) = tokio::join!(begin(0), begin(1));
            let [one, other] = [one, other].map(|token| token.expect("a token"));
            let one = gateways[1].look(one.as_bytes(), "api", 0).await.is_ok();
            let other = gateways[0].look(other.as_bytes(), "api", 0).await.is_ok();
            assert!(one ^ other, "{one} {other} in round {round}");
        }
    });
}

/// Any order of logins, uses, uses again and logouts, by the right issuer and by another.
fn of_every_token_is_said_what_memory_says(home: &mut Home) {
    let (shared, memory) = (home.families(), Families::Memory(MemoryFamilies::new(1_000)));
    // Always the same numbers, far enough from order.
    let mut state = 88_172_645_463_325_252_u64;
    let mut below = |most: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).expect("31 bits") % most
    };
    link::runtime().block_on(async {
        let mut tokens: Vec<[String; 2]> = Vec::new();
        let mut verdicts = HashSet::new();
        for step in 0..200 {
            if tokens.is_empty() || below(6) == 0 {
                let grace = Duration::from_secs(if below(2) == 0 { 0 } else { 3_600 });
                let rules = RefreshRules { grace, per_subject: 1_000, ..rules() };
                let begun = [memory.begin(rules, grant(), 0).await, shared.begin(rules, grant(), 0).await];
                tokens.push(begun.map(|token| token.expect("a token")));
            }
            let [here, there] = tokens[below(tokens.len())].clone();
            let issuer = if below(10) == 0 { "other" } else { "api" };
            let said = match below(10) {
                0 => [memory.end(here.as_bytes(), issuer).await, shared.end(there.as_bytes(), issuer).await],
                1..=3 => {
                    let looked = memory.look(here.as_bytes(), issuer, 0).await;
                    let found = shared.look(there.as_bytes(), issuer, 0).await;
                    assert_eq!(looked.as_ref().ok(), found.as_ref().ok());
                    [looked.map(drop), found.map(drop)]
                }
                _ => match [
                    memory.renew(here.as_bytes(), issuer, 0).await,
                    shared.renew(there.as_bytes(), issuer, 0).await,
                ] {
                    [Ok(here), Ok(there)] => {
                        tokens.push([here, there]);
                        [Ok(()), Ok(())]
                    }
                    refused => refused.map(|renewed| renewed.map(drop)),
                },
            };
            assert_eq!(said[0], said[1], "at step {step}");
            verdicts.insert(format!("{:?}", said[0]));
        }
        assert_eq!(verdicts.len(), 5, "good, unknown, another's, crossed, used before: {verdicts:?}");
    });
}

#[test]
fn while_redis_is_dead_a_refresh_is_refused_at_once() {
    let mut home = Home::redis();
    let issuing = Issuing::on(&home, "");
    let token = issuing.login();
    let Home::Redis(redis) = &mut home else { panic!("it is") };
    redis.kill();
    issuing.await_metric("countersign_store_up 0\n");
    assert_eq!(refusal(&issuing.take("/refresh", &token)), (503, "store-unavailable".to_owned()));
}

#[test]
fn a_redis_that_is_full_takes_no_new_login_and_ends_none() {
    let home = Home::redis();
    let issuing = Issuing::on(&home, "per_subject: 1");
    let token = issuing.login();
    let Home::Redis(redis) = &home else { panic!("it is") };
    let limit = |bytes: &str| redis.ask::<()>(&["CONFIG", "SET", "maxmemory", bytes]);
    limit("1");
    let login = issuing.post("/login", &json!({ "username": "alice" }));
    assert_eq!(refusal(&login), (503, "store-unavailable".to_owned()));
    assert_eq!(refusal(&issuing.take("/refresh", &token)), (503, "store-unavailable".to_owned()));
    limit("0");
    issuing.renewed(&token);
}

#[test]
fn they_are_shared_in_a_cluster_too() {
    let redis = cluster();
    let store = format!("store: {{ redis: {{ cluster: \"redis://{}\" }} }}", redis.address());
    let rules = "grace: 0s, per_subject: 2, kept_in: redis";
    let gateways = [Issuing::at(&store, rules, ""), Issuing::at(&store, rules, "")];
    for gateway in &gateways {
        gateway.await_metric("countersign_store_up 1\n");
    }
    for _ in 0..5 {
        let first = gateways[0].login();
        let second = gateways[1].renewed(&first);
        gateways[0].assert_refused(&first);
        gateways[0].assert_refused(&second);
    }
    let (first, second) = (gateways[0].login(), gateways[1].login());
    gateways[0].login();
    gateways[1].assert_refused(&first);
    gateways[0].renewed(&second);
}
