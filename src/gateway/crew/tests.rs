//! What becomes of a connection behind which another order came, before its worker looked at either.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    clock::Clock,
    config::{self, System},
    gateway::{
        assemble::Stores,
        running,
        worker::{Accepted, Place},
    },
    observe::Destination,
    store::revocations::Revocations,
};

fn config(says: &str) -> Config {
    let text = format!(
        "listen: 127.0.0.1:0\nupstreams: {{ own: {{ respond: {{ body: {says} }} }} }}\n\
         routes: [{{ match: {{ path: /** }}, public: true, to: own }}]\n"
    );
    config::parse(&text, "t.yaml", &System).unwrap().0
}

/// What a client reads whose connection is handed to a worker, with its request, and behind it these orders, all before
/// the worker looks at any.
fn read_behind(orders: impl FnOnce(&Prepared, &Carried, &Metrics) -> Vec<Order>) -> String {
    let first = config("first");
    let carried = Carried::new(&first, Clock::system(), Stores::for_rehearsal(&first), Revocations::none());
    let sink = Sink::open(&Destination::Off).unwrap();
    let metrics = running::metrics(&carried, &sink, 0);
    let prepared = Prepared::new(first, &carried, None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (stream, peer) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let place = Place(Arc::default(), Arc::default());
    let accepted = Accepted { stream, peer: peer.ip(), door: prepared.sockets[0].id, place };
    let (sender, received) = unbounded_channel();
    sender.send(Order::Serve(accepted)).ok().unwrap();
    for order in orders(&prepared, &carried, &metrics) {
        sender.send(order).ok().unwrap();
    }
    let recruit = Recruit {
        edition: prepared.edition(&metrics),
        orders: received,
        log: sink.worker(Format::Json),
        gauges: metrics.gauges(),
        connections: Arc::default(),
        guests: Arc::default(),
    };
    let (ready, _begun) = std::sync::mpsc::sync_channel(1);
    let worker = std::thread::spawn(move || worker::run(recruit, &ready));
    let mut read = String::new();
    client.read_to_string(&mut read).unwrap();
    sender.send(Order::Drain).ok();
    assert!(worker.join().unwrap());
    read
}

/// The word to adopt another config, which has the listener still, or has another one at its place.
fn adopted(before: Option<&Prepared>, carried: &Carried, metrics: &Metrics) -> Order {
    let next = Prepared::new(config("next"), carried, before).unwrap();
    Order::Adopt(next.edition(metrics), std_mpsc::channel().0)
}

#[test]
fn a_connection_that_a_config_came_behind_is_answered_though_its_listener_is_gone() {
    let read = read_behind(|_, carried, metrics| vec![adopted(None, carried, metrics)]);
    assert!(read.ends_with("\r\n\r\nfirst") && read.contains("Connection: close"), "{read}");
}

#[test]
fn where_its_listener_stays_its_first_request_is_judged_by_the_new_config() {
    let read = read_behind(|before, carried, metrics| vec![adopted(Some(before), carried, metrics), Order::Drain]);
    assert!(read.ends_with("\r\n\r\nnext"), "{read}");
}

#[test]
fn a_connection_that_the_word_to_stop_came_behind_is_answered() {
    let read = read_behind(|_, _, _| vec![Order::Drain]);
    assert!(read.ends_with("\r\n\r\nfirst") && read.contains("Connection: close"), "{read}");
}
