//! A server of key sets that does as it is told: it serves, rotates, hangs, lies and goes away, and counts who asks.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What it answers.
#[derive(Clone)]
pub(super) enum Mood {
    /// This body, as a 200.
    Serves(String),
    /// This status, with a body that would be a good set.
    Fails(u16, String),
    /// Nothing, with the connection open.
    Hangs,
    /// Closes each connection.
    IsAway,
}

/// A running server; it ends with the process of the tests.
pub(super) struct KeyServer {
    pub(super) address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<AtomicUsize>,
}

impl KeyServer {
    /// Listens on a free port.
    pub(super) fn start(mood: Mood) -> KeyServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (mood, asked) = (Arc::new(Mutex::new(mood)), Arc::new(AtomicUsize::new(0)));
        let (told, counted) = (mood.clone(), asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (told, counted) = (told.clone(), counted.clone());
                thread::spawn(move || serve(stream, &told, &counted));
            }
        });
        KeyServer { address, mood, asked }
    }

    /// From now on it does this.
    pub(super) fn turn(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Requests that came.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Its URL, with this path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// One request a connection; its path decides nothing but which half of a discovery is served.
fn serve(mut stream: TcpStream, mood: &Mutex<Mood>, asked: &AtomicUsize) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    asked.fetch_add(1, Ordering::SeqCst);
    let mood = mood.lock().unwrap().clone();
    let (status, body) = match mood {
        Mood::Serves(body) => (200, body),
        Mood::Fails(status, body) => (status, body),
        Mood::Hangs => return thread::sleep(Duration::from_secs(60)),
        Mood::IsAway => return,
    };
    let answer = format!(
        "HTTP/1.1 {status} S\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes());
}
