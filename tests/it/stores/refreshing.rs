//! Families of refresh tokens that gateways on one Redis share.

use std::{
    net::SocketAddr,
    sync::Arc,
    thread::{self, sleep},
    time::{Duration, Instant},
};

use countersign::{
    issue::{Families, Grant, RefreshFault, RefreshRules},
    store::{families::SharedFamilies, redis::RedisFamilies},
};
use serde_json::{Value, json};

use super::{
    gateways::refusal,
    link::{self, cluster},
};
use crate::support::{Answer, Connection, Gateway, RedisServer, loopback, send};

const CONFIG: &str = r#"
tokens: { api: { keys: [{ algorithm: HS256, secret: { value: 0123456789abcdef0123456789abcdef } }], issuer: us, audience: api } }
issuers: { api: { tokens: api, lifetime: 5m, refresh: { RULES } }, other: { tokens: api, refresh: {} } }
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

/// A gateway that issues refresh tokens, and keeps them in a Redis.
struct Issuing {
    _gateway: Gateway,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Issuing {
    fn on(redis: &RedisServer, rules: &str) -> Issuing {
        Issuing::at(&format!("url: \"redis://{}\"", redis.address()), rules)
    }

    fn at(place: &str, rules: &str) -> Issuing {
        let (address, admin) = (loopback(), loopback());
        let store = format!("store: {{ redis: {{ {place} }} }}");
        let config = format!("listen: {address}\nadmin: {admin}\n{store}{}", CONFIG.replace("RULES", rules));
        let issuing = Issuing { _gateway: Gateway::start(&config, &[], address), address, admin };
        eventually("it does not find its store", || issuing.metrics().contains("countersign_store_up 1\n"));
        issuing
    }

    fn metrics(&self) -> String {
        send(self.admin, b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").expect("metrics").text()
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.address, &request(path, body)).expect("an answer")
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

#[test]
fn a_refresh_token_is_good_once_at_whichever_gateway() {
    let redis = RedisServer::start();
    let gateways = [Issuing::on(&redis, "grace: 0s"), Issuing::on(&redis, "grace: 0s")];
    let (first, other) = (gateways[0].login(), gateways[0].login());
    let mut token = first.clone();
    for round in 0..6 {
        token = gateways[round % 2].renewed(&token);
    }
    assert_eq!(gateways[0].take("/other", &token).status, 401, "another issuer's");
    gateways[1].assert_refused(&first);
    gateways[0].assert_refused(&token);
    gateways[1].renewed(&other);
}

#[test]
fn of_fifty_at_once_through_two_gateways_one_gets_a_new_pair_and_whoever_comes_later_ends_the_family() {
    let redis = RedisServer::start();
    let gateways = [Issuing::on(&redis, "grace: 5s"), Issuing::on(&redis, "grace: 5s")];
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
        assert_eq!(good.len(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 49);
        let next = gateways[1].renewed(&good[0].json()["refresh_token"]);
        gateways[0].renewed(&next);
    }
}

#[test]
fn a_token_that_comes_again_after_its_grace_ends_the_family_for_all_gateways() {
    let redis = RedisServer::start();
    let gateways = [Issuing::on(&redis, "grace: 300ms"), Issuing::on(&redis, "grace: 300ms")];
    let first = gateways[0].login();
    let second = gateways[1].renewed(&first);
    gateways[0].assert_refused(&first);
    sleep(Duration::from_millis(400));
    assert_eq!(redis.ask::<u64>(&["DBSIZE"]), 1, "it lived until now");
    gateways[0].assert_refused(&first);
    gateways[1].assert_refused(&second);
    assert_eq!(redis.ask::<u64>(&["DBSIZE"]), 0);
}

#[test]
fn while_redis_hangs_a_refresh_is_refused_and_nobody_is_logged_out_by_it() {
    let redis = RedisServer::start();
    // Without a grace a token that was spent for nothing would end its family.
    let issuing = Issuing::on(&redis, "grace: 0s");
    let token = issuing.login();
    redis.freeze();
    assert_eq!(refusal(&issuing.take("/refresh", &token)), (503, "store-unavailable".to_owned()));
    assert_eq!(refusal(&issuing.post("/login", &json!({ "username": "bob" }))), (503, "store-unavailable".to_owned()));
    redis.thaw();
    // That the store is up may still be told from before.
    let login = || issuing.post("/login", &json!({ "username": "bob" })).status;
    eventually("it does not find its store again", || login() == 200);
    let next = issuing.renewed(&token);
    issuing.renewed(&next);
}

#[test]
fn a_renewal_that_nobody_was_told_of_is_taken_back() {
    let redis = RedisServer::start();
    let families = RedisFamilies::new(link::open(link::to(&redis)), "t:");
    let families = Families::Shared(SharedFamilies::in_redis(families));
    let rules = RefreshRules { lifetime: DAY, absolute: DAY, grace: Duration::ZERO };
    let grant = Grant {
        subject: "alice".into(),
        claims: Arc::default(),
        issuer: "api".into(),
        client: None,
        scope: None,
        begun_unix: 0,
    };
    link::runtime().block_on(async {
        let first = families.begin(rules, grant.clone(), 0).await.expect("a token");
        let unanswered = families.renew(first.as_bytes(), "api", 0).await.expect("a successor");
        let left = families.begin(rules, grant, 0).await.expect("a token");
        redis.freeze();
        // One is told that nobody answers, and one does not wait for that.
        let leaving = tokio::time::timeout(Duration::from_millis(20), families.renew(left.as_bytes(), "api", 0));
        assert!(leaving.await.is_err());
        let refused = families.renew(unanswered.as_bytes(), "api", 0).await;
        assert!(matches!(refused, Err(RefreshFault::Unavailable(_))), "{refused:?}");
        redis.thaw();
        for token in [unanswered, left] {
            let start = Instant::now();
            while redis.ask::<Vec<String>>(&["KEYS", "*withdrawn*"]).len() < 2 {
                assert!(start.elapsed() < Duration::from_secs(20), "it is not taken back");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            families.renew(token.as_bytes(), "api", 0).await.expect("it is still good");
        }
    });
}

#[test]
fn while_redis_is_dead_a_refresh_is_refused_at_once() {
    let mut redis = RedisServer::start();
    let issuing = Issuing::on(&redis, "");
    let token = issuing.login();
    redis.kill();
    eventually("it is not found out", || issuing.metrics().contains("countersign_store_up 0\n"));
    assert_eq!(refusal(&issuing.take("/refresh", &token)), (503, "store-unavailable".to_owned()));
}

#[test]
fn families_end_by_logout_and_by_their_time_and_leave_nothing_behind() {
    let redis = RedisServer::start();
    let gateways = [Issuing::on(&redis, "lifetime: 1s"), Issuing::on(&redis, "lifetime: 1s")];
    let (left, idle) = (gateways[0].login(), gateways[0].login());
    assert_eq!(gateways[1].take("/logout", &left).status, 200);
    gateways[0].assert_refused(&left);
    sleep(Duration::from_millis(1100));
    gateways[0].assert_refused(&idle);
    assert_eq!(redis.ask::<u64>(&["DBSIZE"]), 0);
}

#[test]
fn what_stands_in_redis_is_no_token() {
    let redis = RedisServer::start();
    let issuing = Issuing::on(&redis, "");
    let token = issuing.login();
    let key: Vec<String> = redis.ask(&["KEYS", "*"]);
    let family: Vec<Vec<u8>> = redis.ask(&["HGETALL", &key[0]]);
    let all = [key[0].as_bytes(), &family.concat()].concat();
    let (_family, secret) = token.as_str().expect("a token").as_bytes().split_at(30);
    assert!(!all.windows(secret.len()).any(|window| window == secret), "{}", all.escape_ascii());
    assert!(redis.ask::<i64>(&["TTL", &key[0]]) > 13 * 24 * 3_600);
}

#[test]
fn they_are_shared_in_a_cluster_too() {
    let redis = cluster();
    let place = format!("cluster: \"redis://{}\"", redis.address());
    let gateways = [Issuing::at(&place, "grace: 0s"), Issuing::at(&place, "grace: 0s")];
    for _ in 0..5 {
        let first = gateways[0].login();
        let second = gateways[1].renewed(&first);
        gateways[0].assert_refused(&first);
        gateways[0].assert_refused(&second);
    }
}
