//! Two gateways on one Redis count together, and what becomes of requests while it is away.

use std::{net::SocketAddr, thread, time::Duration};

use crate::support::{Connection, Gateway, RedisServer, loopback, send};

const ROUTES: &str = r#"
upstreams: { fixed: { respond: { body: "fixed" } } }
rate_limits:
  hundred: { per: route, rate: 100/min, headers: true }
  strict: { per: address, rate: 5/min }
  lenient: { per: address, rate: 5/min, on_store_failure: allow }
routes:
  - { match: { path: /hundred }, public: true, to: fixed, rate_limits: hundred }
  - { match: { path: /strict }, public: true, to: fixed, rate_limits: strict }
  - { match: { path: /lenient }, public: true, to: fixed, rate_limits: lenient }
  - { match: { path: /both }, public: true, to: fixed, rate_limits: [strict, lenient] }
"#;

struct Counting {
    _gateway: Gateway,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Counting {
    fn on(redis: &RedisServer) -> Counting {
        let (address, admin) = (loopback(), loopback());
        let store = format!("store: {{ redis: {{ url: \"redis://{}\" }} }}\n", redis.address());
        let config = format!("listen: {address}\nadmin: {admin}\n{store}{ROUTES}");
        let counting = Counting { _gateway: Gateway::start(&config, &[], address), address, admin };
        for _ in 0..1000 {
            if counting.metrics().contains("countersign_store_up 1\n") {
                return counting;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not find its store");
    }

    fn metrics(&self) -> String {
        send(self.admin, b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").expect("metrics").text()
    }

    fn status(&self, path: &str) -> u16 {
        send(self.address, get(path).as_bytes()).expect("an answer").status
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn of_two_thousand_through_two_gateways_a_hundred_are_admitted() {
    let redis = RedisServer::start();
    let gateways = [Counting::on(&redis), Counting::on(&redis)];
    let connections: Vec<Connection> = (0..200).map(|number| Connection::open(gateways[number % 2].address)).collect();
    let threads: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            let ask = move || connection.exchange(get("/hundred").as_bytes()).expect("an answer").status;
            thread::spawn(move || std::iter::repeat_with(ask).take(10).collect::<Vec<u16>>())
        })
        .collect();
    let started = std::time::Instant::now();
    let statuses: Vec<u16> = threads.into_iter().flat_map(|thread| thread.join().expect("answers")).collect();
    let count = |status| statuses.iter().filter(|known| **known == status).count();
    // One comes back every 0.6 s.
    let came_back = started.elapsed().as_millis() as usize / 600 + 1;
    assert!((100..=100 + came_back).contains(&count(200)), "{} of {came_back} more", count(200));
    assert_eq!(count(200) + count(429), 2000);
    let keys: Vec<Vec<u8>> = redis.ask(&["KEYS", "*"]);
    assert!(
        matches!(keys.as_slice(), [key] if key.starts_with(b"countersign:rate:") && key.len() == 17 + 32),
        "{keys:?}"
    );
}

#[test]
fn what_is_left_is_told_whichever_gateway_is_asked() {
    let redis = RedisServer::start();
    let gateways = [Counting::on(&redis), Counting::on(&redis)];
    for (number, left) in (0..6).zip((94..100).rev()) {
        let answer = send(gateways[number % 2].address, get("/hundred").as_bytes()).expect("an answer");
        let told = answer.field("ratelimit").unwrap_or_default();
        assert!(told.starts_with(&format!("\"hundred\";r={left};t=")), "{told}");
    }
}

#[test]
fn while_the_store_is_away_a_limit_refuses_or_is_counted_alone_as_it_says() {
    let mut redis = RedisServer::start();
    let gateway = Counting::on(&redis);
    assert_eq!([gateway.status("/strict"), gateway.status("/lenient")], [200, 200]);
    redis.kill();
    assert_eq!([gateway.status("/strict"), gateway.status("/both")], [503, 503], "one of the limits refuses");
    let alone: Vec<u16> = (0..7).map(|_| gateway.status("/lenient")).collect();
    assert_eq!(alone, [200, 200, 200, 200, 200, 429, 429], "within its limit, counted anew");
    let metrics = gateway.metrics();
    assert!(metrics.contains("countersign_rate_store_failures_total 9\n"), "{metrics}");
}
