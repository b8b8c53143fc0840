//! Replay keys: the same for a request sent again, different for another, kept long enough.

use super::{presets::device_v2, *};

const NONCE: &str = "0123456789abcdef";

fn signed(scheme: &Scheme, id: &str, now: i64, nonce: &str) -> Request {
    let request = Request::new("POST", "/").body("body");
    let headers = scheme.sign(&request.view(), &key("k"), Some(id), now, nonce).unwrap();
    request.signed(headers)
}

fn replay_key(scheme: &Scheme, request: &Request, now: i64) -> ReplayKey {
    let claimed = scheme.read(&request.view(), now).unwrap();
    scheme.replay_key(&claimed, &request.view(), now).unwrap().unwrap()
}

#[test]
fn a_replay_key_depends_on_scheme_key_id_and_nonce_alone() {
    let scheme = scheme(&device_v2());
    let first = replay_key(&scheme, &signed(&scheme, "a", NOW, NONCE), NOW).digest;
    assert_eq!(replay_key(&scheme, &signed(&scheme, "a", NOW + 1000, NONCE), NOW).digest, first);
    assert_ne!(replay_key(&scheme, &signed(&scheme, "b", NOW, NONCE), NOW).digest, first);
    assert_ne!(replay_key(&scheme, &signed(&scheme, "a", NOW, "fedcba9876543210"), NOW).digest, first);
    let renamed = super::scheme(&Definition { name: "other".to_owned(), ..device_v2() });
    assert_ne!(replay_key(&renamed, &signed(&renamed, "a", NOW, NONCE), NOW).digest, first);
}

#[test]
fn by_default_key_id_and_message_count_and_the_signature_does_not() {
    let definition = Definition { replay: Some(ReplayDefinition { key: None, remember: None }), ..device_v2() };
    let scheme = scheme(&definition);
    let request = Request::new("POST", "/").body("body");
    let with = |secret: &str| {
        let headers = scheme.sign(&request.view(), &key(secret), Some("a"), NOW, NONCE).unwrap();
        replay_key(&scheme, &request.clone().signed(headers), NOW).digest
    };
    assert_eq!(with("old secret"), with("new secret"));
    assert_ne!(with("k"), replay_key(&scheme, &signed(&scheme, "a", NOW + 1000, NONCE), NOW).digest);
}

#[test]
fn lengths_keep_key_id_and_value_apart() {
    let definition = Definition {
        key_id: Some("{header:Id}".to_owned()),
        replay: Some(ReplayDefinition { key: Some("{path}".to_owned()), remember: Some(Duration::from_secs(9)) }),
        ..definition("{path} {key_id}")
    };
    let scheme = scheme(&definition);
    let digest = |id: &str, path: &str| {
        let request = Request::new("GET", path).header("X-Signature", &"0".repeat(64)).header("Id", id);
        replay_key(&scheme, &request, NOW).digest
    };
    assert_ne!(digest("a/", "/b"), digest("a", "//b"));
    assert_eq!(digest("a", "/b"), digest("a", "/b"));
}

#[test]
fn a_request_is_remembered_until_its_window_has_closed() {
    let scheme = scheme(&device_v2());
    let request = signed(&scheme, "a", NOW, NONCE);
    // As far ahead as is allowed: it stays good for the whole of both windows.
    let early = NOW - 300_000;
    let until = replay_key(&scheme, &request, early).until_millis;
    assert!(scheme.read(&request.view(), until - 1).is_ok());
    assert!(scheme.read(&request.view(), until).is_err());
    assert!(Duration::from_millis((until - 1 - early).unsigned_abs()) <= scheme.remembers().unwrap());
}

#[test]
fn when_a_request_can_have_been_accepted_first_is_known_where_its_window_or_memory_says_so() {
    let since = |definition: &Definition| {
        let scheme = scheme(definition);
        replay_key(&scheme, &signed(&scheme, "a", NOW, NONCE), NOW).since_millis
    };
    // Not before the time from which on its timestamp was not too far ahead.
    assert_eq!(since(&device_v2()), NOW - 300_000);
    let remember = Some(Duration::from_secs(9));
    let open = Definition {
        replay: Some(ReplayDefinition { key: None, remember }),
        timestamp: device_v2().timestamp.map(|timestamp| TimestampDefinition { past: None, future: None, ..timestamp }),
        ..device_v2()
    };
    assert_eq!(since(&open), NOW - 9_000);
}

#[test]
fn a_memory_longer_than_the_window_is_kept() {
    let remember = Some(Duration::from_secs(3600));
    let definition = Definition { replay: Some(ReplayDefinition { key: None, remember }), ..device_v2() };
    let scheme = scheme(&definition);
    assert_eq!(replay_key(&scheme, &signed(&scheme, "a", NOW, NONCE), NOW).until_millis, NOW + 3_600_000);
}

#[test]
fn without_replay_there_is_no_key() {
    let scheme = scheme(&Definition { replay: None, ..device_v2() });
    let request = signed(&scheme, "a", NOW, NONCE);
    let claimed = scheme.read(&request.view(), NOW).unwrap();
    assert_eq!(scheme.replay_key(&claimed, &request.view(), NOW), Ok(None));
}
