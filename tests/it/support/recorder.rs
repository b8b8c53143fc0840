//! An upstream that keeps every byte it receives and answers 200 to what a strict reader sees as a request.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use super::strict::{self, Seen};

/// The recorder; its threads end with the process or when their connections do.
pub(crate) struct Recorder {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    connections: Connections,
}

type Connections = Arc<Mutex<Vec<Arc<Recorded>>>>;

struct Recorded {
    stream: TcpStream,
    bytes: Mutex<Vec<u8>>,
}

impl Recorder {
    /// Listens on a free port.
    pub(crate) fn start() -> Recorder {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Connections::default();
        let shared = connections.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let recorded = Arc::new(Recorded { stream, bytes: Mutex::default() });
                lock(&shared).push(recorded.clone());
                thread::spawn(move || recorded.serve());
            }
        });
        Recorder { address, connections }
    }

    /// Closes all connections and forgets what came on them.
    pub(crate) fn reset(&self) {
        for recorded in lock(&self.connections).drain(..) {
            let _ = recorded.stream.shutdown(Shutdown::Both);
        }
    }

    /// What came on each connection since the last reset.
    pub(crate) fn bytes(&self) -> Vec<Vec<u8>> {
        lock(&self.connections).iter().map(|recorded| lock(&recorded.bytes).clone()).collect()
    }

    /// The requests that came since the last reset, as a strict reader sees them.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.bytes().iter().flat_map(|bytes| strict::requests(bytes)).collect()
    }
}

impl Recorded {
    fn serve(&self) {
        let mut piece = [0; 64 * 1024];
        let mut answered = 0;
        while let Ok(count @ 1..) = (&self.stream).read(&mut piece) {
            let mut bytes = lock(&self.bytes);
            bytes.extend_from_slice(&piece[..count]);
            let requests = strict::requests(&bytes);
            drop(bytes);
            for request in requests.iter().take_while(|request| request.complete).skip(answered) {
                answered += 1;
                let body = if request.method == "HEAD" { "" } else { "ok" };
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Upstream: 1\r\n\r\n{body}");
                if (&self.stream).write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics with the lock held")
}
