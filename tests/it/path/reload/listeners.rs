//! Listeners that come and go with a config.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Mutex, mpsc},
    thread::sleep,
    time::Duration,
};

use super::{Stage, TO_OWN, asked};
use crate::{
    path::support::{PATIENCE, Talk, Upstream, eventually, free_address, get, ok},
    support::Gateway,
};

const ADMIN_LATER: &str = "upstreams: { own: { respond: { body: ok } } }\n";

fn config(listen: &[SocketAddr], admin: SocketAddr) -> String {
    let listen: Vec<String> = listen.iter().map(ToString::to_string).collect();
    format!("listen: [{}]\nadmin: {admin}\n{ADMIN_LATER}{TO_OWN}", listen.join(", "))
}

fn start(listen: &[SocketAddr]) -> Stage {
    let admin = free_address();
    let stage = Stage { gateway: Gateway::start(&config(listen, admin), &[], listen[0]), address: listen[0], admin };
    assert!(eventually(PATIENCE, || listen.iter().all(|address| is_open(*address))), "one opens after the other");
    stage
}

fn put(stage: &Stage, listen: &[SocketAddr]) {
    let before = stage.metric("countersign_config_generation");
    stage.gateway.put("gateway.yaml", &config(listen, stage.admin));
    assert!(eventually(PATIENCE, || stage.metric("countersign_config_generation") > before));
}

fn is_open(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

#[test]
fn a_listener_that_is_added_answers_and_one_that_is_removed_closes() {
    let (stays, goes, comes) = (free_address(), free_address(), free_address());
    let stage = start(&[goes, stays]);
    let (mut on_stays, mut on_goes) = (Talk::open(stays), Talk::open(goes));
    asked(&mut on_stays);
    asked(&mut on_goes);
    assert!(!is_open(comes));
    put(&stage, &[stays, comes]);
    asked(&mut on_stays);
    asked(&mut Talk::open(comes));
    assert!(!is_open(goes));
    assert!(on_goes.ends_within(PATIENCE), "an idle connection of a closed listener ends");
    put(&stage, &[stays, goes]);
    asked(&mut on_stays);
    asked(&mut Talk::open(goes));
    assert!(!is_open(comes));
}

#[test]
fn a_request_in_flight_on_a_listener_that_closes_is_answered() {
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let slow = Upstream::start(move |mut talk| {
        talk.request();
        wait.lock().expect("unpoisoned").recv_timeout(PATIENCE).expect("the listener is closed");
        talk.write(ok("slow"));
    });
    let (stays, goes, admin) = (free_address(), free_address(), free_address());
    let slow_config = |listen: &[SocketAddr]| {
        config(listen, admin)
            .replace("{ respond: { body: ok } }", &format!("{{ servers: [\"http://{}\"] }}", slow.address))
    };
    let gateway = Gateway::start(&slow_config(&[stays, goes]), &[], stays);
    let stage = Stage { gateway, address: stays, admin };
    let mut talk = Talk::open(goes);
    assert!(talk.write(get("/")));
    assert!(eventually(PATIENCE, || slow.connections() == 1));
    stage.gateway.put("gateway.yaml", &slow_config(&[stays]));
    assert!(eventually(PATIENCE, || !is_open(goes)));
    stage.gateway.output_when(|log| log.contains("the config is in force"));
    go_on.send(()).expect("the upstream waits");
    let (head, body) = talk.answer(false).expect("an answer");
    assert_eq!((head.status(), body.as_slice(), head.field("connection")), (200, &b"slow"[..], Some("close")));
}

#[test]
fn a_request_whose_head_has_begun_when_its_listener_closes_is_answered() {
    let (stays, goes) = (free_address(), free_address());
    let stage = start(&[stays, goes]);
    let mut talk = Talk::open(goes);
    asked(&mut talk);
    assert!(talk.write("GET / HTTP/1.1\r\nHost: a\r\n"));
    sleep(Duration::from_millis(300));
    put(&stage, &[stays]);
    assert!(eventually(PATIENCE, || !is_open(goes)));
    assert!(talk.write("\r\n"));
    let (head, body) = talk.answer(false).expect("an answer");
    assert_eq!((head.status(), body.as_slice(), head.field("connection")), (200, &b"ok"[..], Some("close")));
}

#[test]
fn a_listener_that_cannot_be_bound_refuses_the_config() {
    let (stays, goes) = (free_address(), free_address());
    let stage = start(&[stays, goes]);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = (taken.local_addr().expect("an address"), taken);
    stage.gateway.put("gateway.yaml", &config(&[stays, taken.0], stage.admin));
    assert!(eventually(PATIENCE, || stage.metric("countersign_config_refused_total") == 1.0));
    asked(&mut Talk::open(stays));
    asked(&mut Talk::open(goes));
    let log = stage.gateway.output_when(|log| log.contains("cannot listen on"));
    assert!(log.contains(&format!("cannot listen on {}", taken.0)), "{log}");
}
