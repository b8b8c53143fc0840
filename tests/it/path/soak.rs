//! A bad hour in a minute: upstream restarts, clients that vanish in the middle, a thousand slow connections, and beside
//! them honest clients, each of whom is answered, nobody twice.

use std::{
    collections::HashSet,
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use super::support::{Talk, descriptors, eventually, free_address, get, ok, open_to, post, resident, settle};

const CLIENTS: usize = 64;

/// An upstream that goes away and comes back, and remembers every request it took.
struct Restarting {
    seen: Mutex<HashSet<String>>,
    twice: AtomicUsize,
    stop: AtomicBool,
}

impl Restarting {
    fn serve(self: &Arc<Self>, address: std::net::SocketAddr) {
        while !self.stop.load(Ordering::SeqCst) {
            let listener = listen(address);
            let connections: Arc<Mutex<Vec<std::net::TcpStream>>> = Arc::default();
            let up = Arc::new(AtomicBool::new(true));
            let accepting = {
                let (this, up, connections) = (self.clone(), up.clone(), connections.clone());
                thread::spawn(move || {
                    listener.set_nonblocking(true).expect("a setting");
                    while up.load(Ordering::SeqCst) {
                        let Ok((stream, _)) = listener.accept() else {
                            thread::sleep(Duration::from_millis(2));
                            continue;
                        };
                        stream.set_nonblocking(false).expect("a setting");
                        connections.lock().expect("unpoisoned").push(stream.try_clone().expect("a clone"));
                        let this = this.clone();
                        thread::spawn(move || this.answer(Talk::over(stream)));
                    }
                })
            };
            thread::sleep(Duration::from_millis(400));
            up.store(false, Ordering::SeqCst);
            accepting.join().expect("it ends");
            for stream in connections.lock().expect("unpoisoned").drain(..) {
                let _ = stream.shutdown(std::net::Shutdown::Both);
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn answer(&self, mut talk: Talk) {
        while let Some((head, body)) = talk.request() {
            let id = head.field("x-request-id").expect("an id").to_owned();
            // What is safe to repeat may come once more; whatever changes something may not.
            let is_new = self.seen.lock().expect("unpoisoned").insert(id);
            if !is_new && head.method() != "GET" {
                self.twice.fetch_add(1, Ordering::SeqCst);
            }
            if !talk.write(ok(body)) {
                return;
            }
        }
    }
}

fn listen(address: std::net::SocketAddr) -> TcpListener {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("a setting");
    socket.bind(&address.into()).expect("the port is free again");
    socket.listen(1024).expect("a listener");
    socket.into()
}

/// Asks `count` times and counts the answers by status.
fn honest(address: std::net::SocketAddr, client: usize, count: usize) -> [usize; 2] {
    let mut answers = [0; 2];
    let mut talk = Talk::open(address);
    for number in 0..count {
        let text = format!("{client}-{number}");
        let (head, body) = talk.exchange(post("/", &text));
        match head.status() {
            200 => {
                assert_eq!(body, text.as_bytes(), "an answer of one's own");
                answers[0] += 1;
            }
            502 | 504 => answers[1] += 1,
            other => panic!("{other}: {}", String::from_utf8_lossy(&body)),
        }
        if head.field("connection") == Some("close") {
            talk = Talk::open(address);
        }
    }
    answers
}

/// Vanishes in the middle of a head, a body or an answer, again and again.
fn vanish(address: std::net::SocketAddr, stop: &AtomicBool) {
    let parts = [
        "GET / HTTP/1.1\r\nHos".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab".to_owned(),
        get("/"),
    ];
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let mut talk = Talk::open(address);
        talk.write(&parts[number % parts.len()]);
        if number % 2 == 0 {
            talk.reset();
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn soak(count: usize) {
    let address = free_address();
    let upstream =
        Arc::new(Restarting { seen: Mutex::default(), twice: AtomicUsize::new(0), stop: AtomicBool::new(false) });
    let serving = {
        let upstream = upstream.clone();
        thread::spawn(move || upstream.serve(address))
    };
    let (mut gateway, gate) = open_to(address, "timeouts: { head: 1h, body: 1h }\nlog: { access: off }\n");
    let slow: Vec<Talk> = (0..1000)
        .map(|number| {
            let mut talk = Talk::open(gate);
            talk.write(
                ["", "GET / HTTP/1.1\r\nX: ", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"][number % 3],
            );
            talk
        })
        .collect();
    let stop = Arc::new(AtomicBool::new(false));
    let vanishing = {
        let stop = stop.clone();
        thread::spawn(move || vanish(gate, &stop))
    };
    honest(gate, CLIENTS, count / 20);
    settle(&gateway, gate);
    let before = resident(&gateway);
    let threads: Vec<_> =
        (0..CLIENTS).map(|client| thread::spawn(move || honest(gate, client, count / CLIENTS))).collect();
    let answers = threads.into_iter().map(|thread| thread.join().expect("each request is answered"));
    let [good, away] = answers.fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
    let grown = resident(&gateway).saturating_sub(before);
    stop.store(true, Ordering::SeqCst);
    vanishing.join().expect("it ends");
    assert_eq!(good + away, count / CLIENTS * CLIENTS, "each is answered");
    assert!(good > away, "{good} good, {away} while the upstream was away");
    assert_eq!(upstream.twice.load(Ordering::SeqCst), 0, "none is forwarded twice");
    assert!(grown < 8 << 20, "grown by {grown} bytes");
    drop(slow);
    assert!(
        eventually(Duration::from_secs(10), || descriptors(&gateway) < 200),
        "{} descriptors are left",
        descriptors(&gateway)
    );
    assert!(gateway.ended_within(Duration::from_millis(1)).is_none(), "it is still the same process");
    upstream.stop.store(true, Ordering::SeqCst);
    serving.join().expect("it ends");
}

#[test]
fn whatever_happens_around_it_each_honest_request_is_answered_and_none_twice() {
    soak(6_400);
}

#[test]
#[ignore = "takes a minute or two; the same at full size"]
fn the_same_with_a_hundred_thousand_requests() {
    soak(100_000);
}
