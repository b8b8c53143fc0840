//! What a good config changes, and what it leaves alone.

use std::{
    fs,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use super::{Stage, answers, asked, passes_to};
use crate::path::{
    signing::{KEY, device_v2, device_v2_at, message_signature, nonce, now, with_length},
    support::{PATIENCE, Upstream, eventually, get, ok, post},
};

#[test]
fn a_kept_connection_takes_the_new_config_with_its_next_request() {
    let stage = Stage::start(&answers("one"));
    let mut talk = stage.talk();
    assert_eq!(asked(&mut talk), "one");
    stage.change(&answers("two"));
    assert_eq!(asked(&mut talk), "two");
    assert_eq!(asked(&mut stage.talk()), "two");
    assert_eq!(stage.metric("countersign_config_generation"), 2.0);
}

#[test]
fn a_signal_loads_the_config_and_opens_the_log_again() {
    let stage = Stage::start(&format!("{}log: {{ access: {{ file: access.log }} }}\n", answers("one")));
    asked(&mut stage.talk());
    let log = stage.gateway.path("access.log");
    assert!(eventually(PATIENCE, || fs::read_to_string(&log).is_ok_and(|log| log.contains("allowed"))));
    fs::rename(&log, stage.gateway.path("access.log.1")).expect("renamed");
    let before = stage.metric("countersign_config_generation");
    stage.gateway.signal("HUP");
    assert!(eventually(PATIENCE, || stage.metric("countersign_config_generation") > before));
    asked(&mut stage.talk());
    assert!(eventually(PATIENCE, || fs::read_to_string(&log).is_ok_and(|log| log.contains("allowed"))));
}

#[test]
fn a_request_keeps_the_config_that_it_began_with() {
    let stage = Stage::start(&format!("{}refusals: {{ key: old }}\nlimits: {{ body: 10 }}\n", answers("one")));
    let mut talk = stage.talk();
    assert!(talk.write("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n12"));
    sleep(Duration::from_millis(200));
    let held = held();
    let slow = Upstream::start(held.script());
    stage.change(&passes_to(slow.address));
    // The answer was "one" already: it did not want the body. What comes on the connection next is judged anew.
    let (head, body) = talk.answer(false).expect("an answer");
    assert_eq!((head.status(), body.as_slice()), (200, &b"one"[..]));
    let mut waiting = stage.talk();
    assert!(waiting.write(get("/")));
    assert!(eventually(PATIENCE, || held.has_begun()));
    stage.change(&answers("three"));
    assert_eq!(asked(&mut stage.talk()), "three");
    held.go_on();
    let (head, body) = waiting.answer(false).expect("an answer");
    assert_eq!((head.status(), body.as_slice()), (200, &b"held"[..]));
    assert_eq!(asked(&mut waiting), "three");
}

/// An upstream that answers when it is told to.
#[derive(Clone)]
struct Held {
    begun: Arc<AtomicBool>,
    barrier: Arc<Barrier>,
}

fn held() -> Held {
    Held { begun: Arc::default(), barrier: Arc::new(Barrier::new(2)) }
}

impl Held {
    fn script(&self) -> impl Fn(crate::path::support::Talk) + Send + Sync + 'static {
        let held = self.clone();
        move |mut talk| {
            while talk.request().is_some() {
                held.begun.store(true, Ordering::SeqCst);
                held.barrier.wait();
                talk.write(ok("held"));
            }
        }
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }

    fn go_on(&self) {
        self.barrier.wait();
    }
}

#[test]
fn a_key_that_was_taken_out_signs_nothing_more() {
    let signed = |key: &str| {
        format!(
            "keys: {{ k: {{ shared: {{ value: {key} }} }} }}\nschemes: {{ v2: {{ preset: device-v2, keys: k }} }}\n\
             upstreams: {{ echo: {{ echo: true }} }}\n\
             routes: [{{ match: {{ path: /v2 }}, require: {{ hmac: v2 }}, to: echo }}]\n"
        )
    };
    let stage = Stage::start(&signed(KEY));
    let mut talk = stage.talk();
    let request = |body: &[u8]| with_length(&device_v2("/v2", body), body);
    assert_eq!(talk.exchange(request(b"before")).0.status(), 200);
    stage.change(&signed("another-key-of-twenty-bytes"));
    assert_eq!(talk.exchange(request(b"after")).0.status(), 403);
}

/// The statuses of requests whose bodies began under one config and ended under `after`, more than a second later.
fn across(before: &str, after: &str) -> [u16; 2] {
    let config = |devices: &str| {
        format!(
            "keys: {{ devices: {{ {devices} }} }}\nschemes: {{ v2: {{ preset: device-v2, keys: devices }} }}\n\
             upstreams: {{ echo: {{ echo: true }} }}\nlimits: {{ body_memory: 1KiB }}\n\
             routes: [{{ match: {{ path: /v2 }}, require: {{ hmac: v2 }}, to: echo }}]\n"
        )
    };
    let stage = Stage::start(&config(before));
    // One is held in memory, the other in a file.
    let bodies = [vec![b'a'; 100], vec![b'b'; 3000]];
    let mut begun = bodies.map(|body| {
        let request = with_length(&device_v2("/v2", &body), &body);
        let (first, rest) = request.split_at(request.len() - 50);
        let mut talk = stage.talk();
        assert!(talk.write(first));
        (talk, rest.to_vec())
    });
    sleep(Duration::from_millis(1300));
    if after != before {
        stage.change(&config(after));
    }
    begun.each_mut().map(|(talk, rest)| {
        assert!(talk.write(&*rest));
        talk.answer(false).expect("an answer").0.status()
    })
}

/// What a reload shut out is judged again when a slow body is there, as a key of a file is.
#[test]
fn whoever_sends_a_body_slowly_does_not_keep_the_use_of_a_key_of_the_config() {
    let good = format!("static: {{ dev-1: {{ value: {KEY} }} }}");
    let disabled = format!("static: {{ dev-1: {{ secrets: {{ value: {KEY} }}, disabled: true }} }}");
    assert_eq!(across(&good, &disabled), [403, 403]);
    assert_eq!(across(&good, "static: { dev-2: { value: another-key-of-twenty-bytes } }"), [403, 403]);
    assert_eq!(across(&good, "static: { dev-1: { value: another-key-of-twenty-bytes } }"), [403, 403]);
    assert_eq!(
        across(&format!("shared: {{ value: {KEY} }}"), "shared: { value: another-key-of-twenty-bytes }"),
        [403, 403]
    );
}

#[test]
fn a_body_that_began_before_a_reload_ends_after_it_where_its_key_is_good_still() {
    let good = format!("static: {{ dev-1: {{ value: {KEY} }} }}");
    let more = format!("static: {{ dev-1: [{{ value: another-key-of-twenty-bytes }}, {{ value: {KEY} }}] }}");
    assert_eq!(across(&good, &more), [200, 200]);
    assert_eq!(across(&good, &good), [200, 200]);
}

#[test]
fn a_secret_s_file_that_changes_is_read_again() {
    let config = "keys: { k: { shared: { file: fleet.key } } }\nschemes: { v2: { preset: device-v2, keys: k } }\n\
                  upstreams: { echo: { echo: true } }\n\
                  routes: [{ match: { path: /v2 }, require: { hmac: v2 }, to: echo }, \
                  { match: { path: / }, public: true, to: echo }]\n";
    let stage = Stage::start(&answers("no key yet"));
    stage.gateway.put("fleet.key", "another-key-of-twenty-bytes");
    stage.change(config);
    let request = |body: &[u8]| with_length(&device_v2("/v2", body), body);
    let mut talk = stage.talk();
    assert_eq!(talk.exchange(request(b"one")).0.status(), 403);
    let before = stage.metric("countersign_config_generation");
    stage.gateway.put("fleet.key", KEY);
    assert!(eventually(PATIENCE, || stage.metric("countersign_config_generation") > before));
    assert_eq!(talk.exchange(request(b"two")).0.status(), 200);
}

#[test]
fn claims_go_on() {
    let config = |note: &str| {
        format!(
            "keys: {{ k: {{ shared: {{ value: {KEY} }} }} }}\nschemes: {{ v2: {{ preset: device-v2, keys: k }} }}\n\
             upstreams: {{ ok: {{ respond: {{ body: {note} }} }} }}\n\
             routes: [{{ match: {{ path: /v2 }}, require: {{ hmac: v2 }}, to: ok }}]\n"
        )
    };
    let stage = Stage::start(&config("one"));
    let request = with_length(&device_v2("/v2", b"body"), b"body");
    assert_eq!(stage.talk().exchange(&request).0.status(), 200);
    stage.change(&config("two"));
    assert_eq!(stage.talk().exchange(&request).0.status(), 409);
    assert_eq!(stage.metric("countersign_replay_entries"), 1.0);
}

#[test]
fn a_window_that_is_made_longer_lets_nothing_in_that_was_over_by_the_old_one() {
    lets_nothing_in_that_was_over("");
}

/// What is remembered for longer than it is let in is forgotten at last.
#[test]
fn nor_where_more_is_remembered_than_the_window() {
    lets_nothing_in_that_was_over("replay: { key: '{header:X-HMAC-Nonce}', remember: 400s }, ");
}

fn lets_nothing_in_that_was_over(replay: &str) {
    let config = |past: &str| {
        format!(
            "keys: {{ k: {{ shared: {{ value: {KEY} }} }} }}\n\
             schemes: {{ v2: {{ preset: device-v2, keys: k, {replay}timestamp: {{ from: '{{header:X-HMAC-Timestamp}}', \
             formats: [unix], past: {past}, future: 30s }} }} }}\n\
             upstreams: {{ ok: {{ respond: {{ body: ok }} }} }}\n\
             routes: [{{ match: {{ path: /v2 }}, require: {{ hmac: v2 }}, to: ok }}]\n"
        )
    };
    let stage = Stage::start(&config("10s"));
    let signed = |seconds: i64| with_length(&device_v2_at("/v2", b"body", now() - seconds, &nonce()), b"body");
    let status = |request: &Vec<u8>| stage.talk().exchange(request).0.status();
    let (accepted, late) = (signed(8), signed(8));
    assert_eq!(status(&accepted), 200);
    sleep(Duration::from_millis(3_100));
    stage.change(&config("300s"));
    assert_eq!(status(&accepted), 403, "it is forgotten sooner or later");
    assert_eq!(status(&late), 403, "nobody can tell it from one that was accepted");
    assert_eq!(status(&signed(0)), 200);
    assert_eq!(status(&signed(5)), 200, "it is within both");
    stage.change(&format!("# again\n{}", config("300s")));
    assert_eq!(status(&accepted), 403);
    assert!(
        stage.gateway.output_when(|log| log.contains("before the scheme's window was made longer")).contains("stale")
    );
}

#[test]
fn what_says_itself_when_it_ends_is_let_in_until_then_though_the_window_was_made_longer() {
    let config = |max_age: &str| {
        format!(
            "keys: {{ k: {{ shared: {{ value: {KEY} }} }} }}\n\
             schemes: {{ partner: {{ keys: k, rfc9421: {{ algorithms: hmac-sha256, components: ['@method'], \
             max_age: {max_age}, expires: required, replay: true }} }} }}\n\
             upstreams: {{ ok: {{ respond: {{ body: ok }} }} }}\n\
             routes: [{{ match: {{ path: /orders }}, require: {{ hmac: partner }}, to: ok }}]\n"
        )
    };
    let stage = Stage::start(&config("60s"));
    let signed = |ago: i64, lasts: i64| {
        let created = now() - ago;
        message_signature("/orders", &format!("created={created};expires={};nonce=\"{}\"", created + lasts, nonce()))
    };
    let status = |request: String| stage.talk().exchange(request).0.status();
    assert_eq!(status(signed(0, 60)), 200);
    stage.change(&config("300s"));
    assert_eq!(status(signed(0, 60)), 200);
    assert_eq!(status(signed(50, 60)), 200, "it is good for ten seconds more");
    assert_eq!(status(signed(100, 200)), 403, "it was over by the old window");
}

#[test]
fn connections_to_upstreams_that_did_not_change_are_kept() {
    let upstream = Upstream::echo();
    let stage = Stage::start(&passes_to(upstream.address));
    let mut talk = stage.talk();
    let mut send = || assert_eq!(talk.exchange(post("/", "x")).0.status(), 200);
    send();
    for round in 0..3 {
        stage.change(&format!("# {round}\n{}", passes_to(upstream.address)));
        send();
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn counts_go_on_by_name_and_what_is_open_is_counted_once() {
    let stage = Stage::start(&answers("one"));
    let mut talk = stage.talk();
    asked(&mut talk);
    stage.change(
        "upstreams: { own: { respond: { body: two } } }\n\
         routes: [{ match: { path: /first }, public: true, to: own }, { match: { path: /** }, public: true, to: own }]\n",
    );
    asked(&mut talk);
    let series = r#"countersign_requests_total{route="/**",by="public",outcome="allowed",cause=""}"#;
    assert!(eventually(PATIENCE, || stage.metric(series) == 2.0));
    assert_eq!(stage.metric("countersign_connections"), 1.0);
    assert_eq!(stage.metric("countersign_requests_in_flight"), 0.0);
}
