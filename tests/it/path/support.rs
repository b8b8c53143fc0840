//! An upstream that does as its script says, a gateway in front of it, and what both are asked for.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};

pub(super) use super::talk::{End, Head, PATIENCE, Talk};
use crate::support::{Gateway, loopback};

/// A server whose every connection is served by a script, each in a thread of its own.
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    /// Listens on a free port.
    pub(super) fn start(script: impl Fn(Talk) + Send + Sync + 'static) -> Upstream {
        // The standard library's backlog is 128: more clients at once would wait for their SYN to be sent again.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port");
        socket.listen(1024).expect("a listener");
        Upstream::on(socket.into(), script)
    }

    /// Serves `listener`.
    pub(super) fn on(listener: TcpListener, script: impl Fn(Talk) + Send + Sync + 'static) -> Upstream {
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let (script, counted) = (Arc::new(script), connections.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let talk = Talk::plain(stream);
                let script = script.clone();
                thread::spawn(move || script(talk));
            }
        });
        Upstream { address, connections }
    }

    /// An upstream that answers each request with `answer`.
    pub(super) fn answering(answer: impl Fn(&Head, Vec<u8>) -> Vec<u8> + Send + Sync + 'static) -> Upstream {
        Upstream::start(move |mut talk| {
            while let Some((head, body)) = talk.request() {
                let answer = answer(&head, body);
                talk.write(answer);
            }
        })
    }

    /// An upstream that sends each body back.
    pub(super) fn echo() -> Upstream {
        Upstream::answering(|_, body| ok(body))
    }

    /// Connections so far.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A 200 with a length.
pub(super) fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// A POST with a length.
pub(super) fn post(target: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// A GET.
pub(super) fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// An address that never answers a connection attempt, for as long as what comes with it is held: a full backlog.
pub(super) fn black_hole() -> (SocketAddr, impl Sized) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port");
    socket.listen(0).expect("a listener");
    let hole = TcpListener::from(socket);
    let address = hole.local_addr().expect("an address");
    let brief = Duration::from_millis(200);
    let waiting: Vec<_> = std::iter::from_fn(|| TcpStream::connect_timeout(&address, brief).ok()).take(16).collect();
    assert!(waiting.len() < 16, "the backlog is full");
    (address, (hole, waiting))
}

/// An address on loopback that nobody listens on.
pub(super) fn free_address() -> SocketAddr {
    loopback()
}

/// A gateway whose every path is public and goes to `upstream`; `more` is put behind the config.
pub(super) fn open_to(upstream: SocketAddr, more: &str) -> (Gateway, SocketAddr) {
    open_to_each(&[upstream], more)
}

/// The same with several servers.
pub(super) fn open_to_each(servers: &[SocketAddr], more: &str) -> (Gateway, SocketAddr) {
    let servers: Vec<String> = servers.iter().map(|server| format!("\"http://{server}\"")).collect();
    let routes = format!(
        "upstreams: {{ app: {{ servers: [{}] }} }}\n\
         routes: [{{ match: {{ path: /** }}, public: true, to: app }}]\n{more}",
        servers.join(", ")
    );
    run(&routes, &[])
}

/// A gateway with `config`, to which a listener is added.
pub(super) fn run(config: &str, environment: &[(&str, &str)]) -> (Gateway, SocketAddr) {
    let address = free_address();
    (Gateway::start(&format!("listen: {address}\n{config}"), environment, address), address)
}

/// Waits until `done`, at most `limit`.
pub(super) fn eventually(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > limit {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}

/// The memory that `gateway` has in use, in bytes.
pub(super) fn resident(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).expect("its status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its size");
    let kilobytes: u64 = line.split_ascii_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number");
    kilobytes * 1024
}

/// How many files and sockets `gateway` has open.
pub(super) fn descriptors(gateway: &Gateway) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", gateway.id())).expect("its files").count()
}

/// Waits until every worker of `gateway` has begun its work, and every connection that it has is closed again.
pub(super) fn settle(gateway: &Gateway, address: SocketAddr) {
    // Connections go to the worker that has the fewest, so of four at once each worker has some.
    let mut talks: Vec<Talk> = (0..4).map(|_| Talk::open(address)).collect();
    talks.iter_mut().for_each(|talk| assert!(talk.write("nonsense\r\n\r\n")));
    talks.iter_mut().for_each(|talk| assert!(talk.ends_within(PATIENCE)));
    drop(talks);
    let mut last = 0;
    assert!(eventually(PATIENCE, || {
        thread::sleep(Duration::from_millis(200));
        std::mem::replace(&mut last, descriptors(gateway)) == last
    }));
}

/// Bytes without a pattern that a shift or a swap would leave as it was.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}
