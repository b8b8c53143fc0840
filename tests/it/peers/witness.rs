//! An upstream that answers plainly and keeps every request that it got.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crate::support::strict::{self, Seen};

/// What it answers to `target` besides sending bodies back.
pub(super) type Pages = fn(target: &str) -> Option<&'static str>;

/// The witness; its threads end with the process or when their connections do.
pub(super) struct Witness {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Witness {
    /// Listens on a free port. A body comes back as it is; anything else is answered with a page, or with the target.
    pub(super) fn start(pages: Pages) -> Witness {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let shared = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = shared.clone();
                thread::spawn(move || serve(&stream, &seen, pages));
            }
        });
        Witness { address, seen }
    }

    /// The requests since the last call, in the order of their ends.
    pub(super) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().expect("no thread panics with the lock held"))
    }
}

fn serve(mut stream: &TcpStream, seen: &Mutex<Vec<Seen>>, pages: Pages) {
    let (mut input, mut piece) = (Vec::new(), vec![0; 256 * 1024]);
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        input.extend_from_slice(&piece[..count]);
        let requests = strict::requests(&input);
        if !requests.iter().all(|request| request.complete) {
            continue;
        }
        input.clear();
        let answers: Vec<u8> = requests.iter().flat_map(|request| answer(request, pages)).collect();
        seen.lock().expect("no thread panics with the lock held").extend(requests);
        if stream.write_all(&answers).is_err() {
            return;
        }
    }
}

fn answer(request: &Seen, pages: Pages) -> Vec<u8> {
    let (kind, body) = match pages(&request.target) {
        Some(page) => ("text/html", page.as_bytes()),
        None if request.body.is_empty() => ("text/plain", request.target.as_bytes()),
        None => ("application/octet-stream", request.body.as_slice()),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), if request.method == "HEAD" { b"" } else { body }].concat()
}
