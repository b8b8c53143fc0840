//! Keys that an issuer publishes: it rotates, hangs, lies, fails and goes away, and what that does to requests.

use std::{
    fs,
    net::SocketAddr,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    get,
    issuer::{SigningKey, key_set},
    key_server::{KeyServer, Mood},
};
use crate::support::{Gateway, loopback, send};

/// Refreshed often and cooled down for a second, so that a test need not take minutes.
const KEEPING: &str = "refresh: 60s, cooldown: 1s, stale: 120s";

struct Bench {
    address: SocketAddr,
    admin: SocketAddr,
    server: KeyServer,
    key: SigningKey,
    directory: TempDir,
    gateway: Option<Gateway>,
}

impl Bench {
    /// A gateway that has its keys from a server which serves one key, kept as `keeping` says.
    fn start(keeping: &str) -> Bench {
        let key = SigningKey::es256("first");
        let server = KeyServer::start(Mood::Serves(key_set([&key])));
        let mut bench = Bench {
            address: loopback(),
            admin: loopback(),
            server,
            key,
            directory: tempfile::tempdir().unwrap(),
            gateway: None,
        };
        bench.run(keeping);
        bench
    }

    /// Starts the gateway, again where one ran.
    fn run(&mut self, keeping: &str) {
        self.gateway = None;
        (self.address, self.admin) = (loopback(), loopback());
        let cache = self.directory.path().join("keys.json");
        let keeping = keeping.replace("CACHE", cache.to_str().unwrap());
        let config = format!(
            "listen: {}\nadmin: {}\n\
             tokens: {{ api: {{ jwks: {{ url: '{}', {keeping} }}, issuer: me, audience: api }} }}\n\
             upstreams: {{ ok: {{ respond: {{ body: '{{\"sub\":\"{{claim:sub}}\"}}' }} }} }}\n\
             routes: [{{ match: {{ path: /** }}, require: {{ jwt: api }}, to: ok }}]\n",
            self.address,
            self.admin,
            self.server.url("/keys"),
        );
        self.gateway = Some(Gateway::start(&config, &[], self.address));
    }

    fn status(&self, key: &SigningKey) -> u16 {
        get(self.address, "/", &key.token(&claims())).status
    }

    /// Whether `key` is accepted before the time is over.
    fn accepts_within(&self, limit: Duration, key: &SigningKey) -> bool {
        let start = Instant::now();
        while start.elapsed() < limit {
            if self.status(key) == 200 {
                return true;
            }
            sleep(Duration::from_millis(50));
        }
        false
    }
}

fn claims() -> Value {
    json!({"iss": "me", "aud": "api", "sub": "alice"})
}

#[test]
fn the_first_request_finds_the_keys_there_and_no_request_waits_for_a_fetch() {
    let bench = Bench::start(KEEPING);
    for _ in 0..20 {
        assert_eq!(bench.status(&bench.key), 200);
    }
    assert_eq!(bench.server.asked(), 1);
}

#[test]
fn a_rotated_key_is_accepted_within_the_cool_down_and_the_old_one_no_longer() {
    let bench = Bench::start(KEEPING);
    assert_eq!(bench.status(&bench.key), 200);
    let next = SigningKey::rs256("second");
    bench.server.turn(Mood::Serves(key_set([&next])));
    assert!(bench.accepts_within(Duration::from_secs(5), &next));
    assert_eq!(bench.server.asked(), 2);
    // It was verified a moment ago, by a key that is withdrawn.
    assert_eq!(bench.status(&bench.key), 401);
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", bench.admin);
    let metrics = send(bench.admin, request.as_bytes()).expect("an answer").text();
    for line in [
        "fetches_total{tokens=\"api\",outcome=\"fetched\"} 2",
        "fetches_total{tokens=\"api\",outcome=\"failed\"} 0",
        "keys{tokens=\"api\"} 1",
        "age_seconds{tokens=\"api\"} ",
    ] {
        assert!(metrics.contains(&format!("countersign_key_set_{line}")), "{line}: {metrics}");
    }
}

/// A fetch for each of them would let anyone bring down the issuer (krakend-ce #687).
#[test]
fn however_many_unknown_kids_come_there_is_one_fetch_a_cool_down() {
    let bench = Bench::start(KEEPING);
    let start = Instant::now();
    let mut sent = 0;
    let strangers: Vec<String> =
        (0..100).map(|number| SigningKey::ed25519(&format!("kid-{number}")).token(&claims())).collect();
    while start.elapsed() < Duration::from_millis(2500) {
        for token in &strangers {
            assert_eq!(get(bench.address, "/", token).status, 401);
            sent += 1;
        }
    }
    let cooldowns = usize::try_from(start.elapsed().as_secs()).unwrap();
    let asked = bench.server.asked();
    assert!(sent > 300 && (2..=cooldowns + 2).contains(&asked), "{asked} fetches for {sent} tokens");
    assert_eq!(bench.status(&bench.key), 200);
}

#[test]
fn whatever_the_issuer_does_the_last_good_set_serves_on() {
    let bench = Bench::start("refresh: 1s, cooldown: 1s, stale: 120s");
    let forger = SigningKey::es256("first");
    let private = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"first","x":"AA","y":"AA"}]}"#;
    let moods = [
        Mood::Fails(500, key_set([&forger])),
        Mood::Fails(302, String::new()),
        Mood::Serves("<html>".to_owned()),
        Mood::Serves(r#"{"keys":[]}"#.to_owned()),
        Mood::Serves(private.to_owned()),
        Mood::Serves(format!(r#"{{"keys":[{}]}}"#, " ".repeat(600_000))),
        Mood::Hangs,
        Mood::IsAway,
    ];
    for mood in moods {
        bench.server.turn(mood);
        let asked = bench.server.asked();
        let start = Instant::now();
        while bench.server.asked() == asked && start.elapsed() < Duration::from_secs(15) {
            assert_eq!(bench.status(&bench.key), 200);
            assert_eq!(bench.status(&forger), 401);
            sleep(Duration::from_millis(100));
        }
        assert!(bench.server.asked() > asked, "it is asked again");
        assert_eq!(bench.status(&bench.key), 200);
        // What hangs is given up only after some seconds; the next mood is met by the next fetch.
        if bench.server.asked() == asked + 1 {
            bench.server.turn(Mood::Serves(key_set([&bench.key])));
        }
    }
}

#[test]
fn one_broken_key_does_not_spoil_the_set() {
    let bench = Bench::start("refresh: 1s, cooldown: 1s, stale: 120s");
    let next = SigningKey::ed25519("next");
    let broken = json!({"kty": "RSA", "kid": "weak", "alg": "RS256", "n": "AQAB", "e": "AQAB"});
    let set = json!({"keys": [broken, next.jwk(), {"kty": "oct", "kid": "s", "alg": "HS256", "k": "AAAA"}]});
    bench.server.turn(Mood::Serves(set.to_string()));
    assert!(bench.accepts_within(Duration::from_secs(5), &next));
    let said = bench.gateway.as_ref().unwrap().output_when(|output| output.contains("a key of the set is not used"));
    assert!(said.contains("weak") && said.contains("2048"), "{said}");
}

#[test]
fn keys_that_are_too_old_are_believed_no_longer_and_come_back_with_the_issuer() {
    let bench = Bench::start("refresh: 1s, cooldown: 1s, stale: 3s");
    bench.server.turn(Mood::IsAway);
    let start = Instant::now();
    while bench.status(&bench.key) == 200 {
        assert!(start.elapsed() < Duration::from_secs(15), "they are believed for ever");
        sleep(Duration::from_millis(50));
    }
    assert!(start.elapsed() > Duration::from_secs(1));
    let answer = get(bench.address, "/", &bench.key.token(&claims()));
    assert_eq!((answer.status, &answer.json()["type"]), (503, &json!("urn:countersign:store-unavailable")));
    bench.server.turn(Mood::Serves(key_set([&bench.key])));
    assert!(bench.accepts_within(Duration::from_secs(5), &bench.key));
}

/// It may be good: its client is to come again, and is not to throw it away.
#[test]
fn a_token_that_only_an_absent_issuer_could_judge_is_not_called_invalid() {
    let away = KeyServer::start(Mood::IsAway);
    let here = tempfile::tempdir().unwrap();
    let known = SigningKey::es256("known");
    fs::write(here.path().join("keys.json"), key_set([&known])).unwrap();
    let address = loopback();
    let config = format!(
        "listen: {address}\n\
         unverified: {{ failures: {{ rate: 1/h, burst: 1 }} }}\n\
         tokens:\n  \
         here: {{ jwks: {{ file: '{}' }}, audience: api }}\n  \
         away: {{ jwks: {{ url: '{}' }}, audience: api }}\n\
         upstreams: {{ ok: {{ echo: true }} }}\n\
         routes: [{{ match: {{ path: /** }}, require: {{ any_of: [{{ jwt: here }}, {{ jwt: away }}] }}, to: ok }}]\n",
        here.path().join("keys.json").display(),
        away.url("/keys"),
    );
    let _gateway = Gateway::start(&config, &[], address);
    let stranger = SigningKey::es256("stranger");
    let forged_name = SigningKey::es256("known");
    // Nobody is blamed for it either, or the third would be one failure too many.
    for key in [&stranger, &forged_name, &stranger] {
        let answer = get(address, "/", &key.token(&claims()));
        assert_eq!((answer.status, &answer.json()["type"]), (503, &json!("urn:countersign:store-unavailable")));
        assert_eq!(answer.field("www-authenticate"), None);
    }
    assert_eq!(get(address, "/", &known.token(&claims())).status, 200);
}

#[test]
fn a_gateway_starts_while_the_issuer_is_away_with_what_the_file_has() {
    let keeping = "refresh: 60s, cooldown: 1s, stale: 120s, cache: 'CACHE'";
    let mut bench = Bench::start(keeping);
    assert_eq!(bench.status(&bench.key), 200);
    let file = bench.directory.path().join("keys.json");
    let start = Instant::now();
    while !file.exists() {
        assert!(start.elapsed() < Duration::from_secs(10), "the set is written down");
        sleep(Duration::from_millis(20));
    }
    bench.server.turn(Mood::IsAway);
    bench.run(keeping);
    assert_eq!(bench.status(&bench.key), 200);
    // A file that is another issuer's, or no set, is as good as none.
    let written = fs::read_to_string(&file).unwrap();
    for other in
        [written.replace("/keys\"", "/others\""), written.replace("\\\"kty\\\"", "\\\"ktx\\\""), "{}".to_owned()]
    {
        assert_ne!(other, written);
        fs::write(&file, other).unwrap();
        bench.run(keeping);
        assert_eq!(bench.status(&bench.key), 503);
    }
    bench.server.turn(Mood::Serves(key_set([&bench.key])));
    assert!(bench.accepts_within(Duration::from_secs(5), &bench.key));
}

#[test]
fn discovery_leads_to_the_set_and_to_no_other_issuer_s() {
    let key = SigningKey::rs256("k");
    let keys = KeyServer::start(Mood::Serves(key_set([&key])));
    let discovery = KeyServer::start(Mood::IsAway);
    let issuer = discovery.url("");
    let configuration = |of: &str, set: &str| Mood::Serves(json!({"issuer": of, "jwks_uri": set}).to_string());
    let address = loopback();
    let config = format!(
        "listen: {address}\n\
         tokens: {{ api: {{ oidc: {{ issuer: '{issuer}', cooldown: 1s }}, audience: api }} }}\n\
         upstreams: {{ ok: {{ echo: true }} }}\n\
         routes: [{{ match: {{ path: /** }}, require: {{ jwt: api }}, to: ok }}]\n"
    );
    let token = key.token(&json!({"iss": issuer, "aud": "api"}));
    let status = || get(address, "/", &token).status;
    let _gateway = Gateway::start(&config, &[], address);
    for lie in [
        configuration("http://127.0.0.1:1", &keys.url("/")),
        configuration(&issuer, "http://example.com/keys"),
        configuration(&issuer, "file:///etc/passwd"),
        Mood::Serves("[]".to_owned()),
    ] {
        let asked = discovery.asked();
        discovery.turn(lie);
        while discovery.asked() == asked {
            assert_eq!(status(), 503);
            sleep(Duration::from_millis(50));
        }
        assert_eq!((status(), keys.asked()), (503, 0));
    }
    discovery.turn(configuration(&issuer, &keys.url("/keys")));
    let start = Instant::now();
    while status() != 200 {
        assert!(start.elapsed() < Duration::from_secs(10));
        sleep(Duration::from_millis(50));
    }
    // Whose `iss` is another one is not asked for anything.
    assert_eq!(get(address, "/", &key.token(&json!({"iss": "else", "aud": "api"}))).status, 401);
}

#[test]
fn a_reload_keeps_a_set_whose_settings_did_not_change() {
    let bench = Bench::start(KEEPING);
    bench.server.turn(Mood::IsAway);
    let gateway = bench.gateway.as_ref().unwrap();
    // It listens a moment before it minds signals.
    sleep(Duration::from_secs(1));
    gateway.signal("HUP");
    let said = gateway.output_when(|output| output.contains("the config is in force"));
    assert!(said.contains("the config is in force"), "{said}");
    assert_eq!((bench.status(&bench.key), bench.server.asked()), (200, 1));
}
