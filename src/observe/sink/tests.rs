//! The sink against destinations that are good, blocked, failing, full and moved.

use std::{
    fs,
    sync::{Condvar, Mutex},
};

use super::*;
use crate::observe::access::Verdict;

const PATIENCE: Duration = Duration::from_secs(10);

fn line(path: &str) -> AccessLine<'_> {
    AccessLine {
        unix_millis: 0,
        request_id: b"1",
        client: "127.0.0.1",
        listener: "public",
        method: "GET",
        path,
        route: None,
        status: 200,
        verdict: Verdict::Allowed,
        by: None,
        key_id: None,
        secret: None,
        subject: None,
        unchecked: false,
        duration_micros: 1,
        upstream_micros: None,
        bytes_in: 0,
        bytes_out: 0,
    }
}

/// A destination that takes nothing while its gate is closed, and fails while it is broken.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    closed: bool,
    /// Bytes it takes before it fails; `None`: all.
    room: Option<usize>,
    taken: Vec<u8>,
}

impl Gate {
    fn set(&self, change: impl FnOnce(&mut GateState)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.0.lock().unwrap().taken.clone()).unwrap()
    }
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.1.wait_while(self.0.0.lock().unwrap(), |state| state.closed).unwrap();
        let taken = state.room.unwrap_or(usize::MAX).min(bytes.len());
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.room = state.room.map(|room| room - taken);
        state.taken.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wait_until(mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "it did not come about");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn every_line_of_every_worker_is_written_whole() {
    let gate = Gate::default();
    let sink = Sink::to(gate.clone()).unwrap();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let mut log = sink.worker(Format::Json);
            thread::spawn(move || {
                for _ in 0..2_000 {
                    log.log(&line("/a"));
                }
                log.finish(PATIENCE);
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    let dropped = sink.dropped();
    assert!(sink.close(PATIENCE));
    assert_eq!((gate.text().lines().count(), dropped.count()), (8_000, 0));
    assert!(gate.text().lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn lines_wait_for_a_tick_or_a_full_buffer() {
    let gate = Gate::default();
    let sink = Sink::to(gate.clone()).unwrap();
    let mut log = sink.worker(Format::Json);
    log.log(&line("/first"));
    thread::sleep(Duration::from_millis(20));
    assert_eq!(gate.text(), "");
    log.tick();
    wait_until(|| gate.text().contains("/first"));
    for _ in 0..FULL_BUFFER / 100 {
        log.log(&line("/more"));
    }
    wait_until(|| gate.text().contains("/more"));
}

#[test]
fn a_blocked_destination_drops_lines_counts_them_and_never_blocks_a_worker() {
    let gate = Gate::default();
    gate.set(|state| state.closed = true);
    let sink = Sink::to(gate.clone()).unwrap();
    let mut log = sink.worker(Format::Json);
    let lines = 60_000;
    let start = Instant::now();
    for _ in 0..lines {
        log.log(&line("/a"));
    }
    log.tick();
    assert!(start.elapsed() < PATIENCE);
    let dropped = sink.dropped().count();
    assert!(dropped > 0);
    gate.set(|state| state.closed = false);
    drop(log);
    assert!(sink.close(PATIENCE));
    assert_eq!(gate.text().lines().count() as u64 + dropped, lines);
}

#[test]
fn closing_does_not_wait_for_ever_on_a_blocked_destination() {
    let gate = Gate::default();
    gate.set(|state| state.closed = true);
    let sink = Sink::to(gate.clone()).unwrap();
    let mut log = sink.worker(Format::Json);
    log.log(&line("/a"));
    drop(log);
    assert!(!sink.close(Duration::from_millis(30)));
    gate.set(|state| state.closed = false);
}

#[test]
fn a_full_disk_loses_lines_and_is_used_again_when_it_has_room() {
    let gate = Gate::default();
    gate.set(|state| state.room = Some(300));
    let sink = Sink::to(gate.clone()).unwrap();
    let mut log = sink.worker(Format::Json);
    for _ in 0..3 {
        log.log(&line("/lost"));
    }
    log.tick();
    wait_until(|| sink.dropped().count() > 0);
    let dropped = sink.dropped().count();
    let whole = gate.text().matches('\n').count() as u64;
    assert_eq!(whole + dropped, 3);
    gate.set(|state| state.room = None);
    log.log(&line("/kept"));
    log.tick();
    wait_until(|| gate.text().ends_with("}\n"));
    let text = gate.text();
    assert!(text.lines().last().is_some_and(|last| last.starts_with("{\"time\"") && last.contains("/kept")));
    assert_eq!(sink.dropped().count(), dropped);
}

#[test]
fn a_moved_file_is_opened_anew_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("access"), folder.path().join("access.1"));
    let sink = Sink::open(&Destination::File(path.clone())).unwrap();
    let mut log = sink.worker(Format::Json);
    log.log(&line("/before"));
    log.tick();
    wait_until(|| fs::read_to_string(&path).unwrap().contains("/before"));
    fs::rename(&path, &moved).unwrap();
    sink.reopen();
    wait_until(|| path.exists());
    log.log(&line("/after"));
    drop(log);
    assert!(sink.close(PATIENCE));
    assert!(fs::read_to_string(&path).unwrap().contains("/after"));
    assert!(!fs::read_to_string(&moved).unwrap().contains("/after"));
}

#[test]
fn an_existing_file_is_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access");
    fs::write(&path, "old\n").unwrap();
    let sink = Sink::open(&Destination::File(path.clone())).unwrap();
    sink.worker(Format::Json).log(&line("/new"));
    assert!(sink.close(PATIENCE));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("old\n{") && text.contains("/new"));
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let error = Sink::open(&Destination::File(folder.path().join("no/such/access"))).unwrap_err();
    assert!(matches!(error, SinkError::Open { .. }));
}

#[test]
fn a_log_that_is_off_costs_nothing_and_drops_nothing() {
    let sink = Sink::open(&Destination::Off).unwrap();
    let mut log = sink.worker(Format::Json);
    log.log(&line("/a"));
    assert_eq!(log.buffer.capacity(), 0);
    drop(log);
    assert_eq!(sink.dropped().count(), 0);
    assert!(sink.close(PATIENCE));
}

#[test]
fn buffers_come_back_to_their_worker() {
    let sink = Sink::to(Gate::default()).unwrap();
    let mut log = sink.worker(Format::Json);
    log.log(&line("/a"));
    let buffer = log.buffer.as_ptr();
    log.tick();
    wait_until(|| match log.spare.try_recv() {
        Ok(back) => {
            assert_eq!(back.as_ptr(), buffer);
            true
        }
        Err(_) => false,
    });
}
