//! Where access lines go: a thread of its own owns the file or stream, workers hand it full buffers.
//!
//! A worker never waits for it. When the queue is full or a write fails, lines are dropped and counted, and the next
//! buffer is tried afresh: a disk that has room again is used again.

mod writer;

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread,
    time::{Duration, Instant},
};

use thiserror::Error;

use self::writer::{Target, Writer, open_append};
use super::access::{AccessLine, AccessWriter, Format};

/// A buffer is handed over when it holds this many bytes: some four hundred lines, or the two threads would disturb each
/// other more often than need be.
const FULL_BUFFER: usize = 128 * 1024;
/// Room for the line that passes the mark, so that a buffer seldom grows.
const LINE_ROOM: usize = 4 * 1024;
/// Buffers that wait for the writer, over all workers: some 8 MiB, and one for each of many workers at a tick.
const QUEUE: usize = 64;
/// Buffers that come back to a worker for use again; it has one besides.
const SPARE: usize = 4;

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Nowhere; lines are not even formatted.
    Off,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Appended to this file, which is made if it is not there.
    File(PathBuf),
}

/// Why a sink cannot be made.
#[derive(Debug, Error)]
pub enum SinkError {
    /// The file cannot be opened for appending.
    #[error("cannot open the access log {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The system gives no thread.
    #[error("cannot start the access log's thread")]
    Thread(#[source] io::Error),
}

/// The gateway's end of the writer thread.
#[derive(Debug)]
pub struct Sink {
    /// `None` where lines go nowhere.
    queue: Option<SyncSender<Job>>,
    shared: Arc<Shared>,
    done: Receiver<()>,
}

impl Destination {
    /// Whether it can be opened, as far as can be told without making a file.
    ///
    /// # Errors
    /// [`SinkError::Open`]: what is there is no file, or the directory is not there.
    pub fn rehearse(&self) -> Result<(), SinkError> {
        let Destination::File(path) = self else { return Ok(()) };
        let beside = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let found = match std::fs::metadata(path) {
            Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => Ok(()),
            Err(_) => std::fs::metadata(beside).and_then(|there| match there.is_dir() {
                true => Ok(()),
                false => Err(io::ErrorKind::NotADirectory.into()),
            }),
        };
        found.map_err(|source| SinkError::Open { path: path.clone(), source })
    }
}

impl Sink {
    /// Opens the destination and starts the writer. Fails early, before any request is served.
    pub fn open(destination: &Destination) -> Result<Sink, SinkError> {
        match destination {
            Destination::Off => Ok(Sink { queue: None, shared: Arc::default(), done: mpsc::channel().1 }),
            Destination::Stdout => Sink::to(io::stdout()),
            Destination::Stderr => Sink::to(io::stderr()),
            Destination::File(path) => {
                let open = |source| SinkError::Open { path: path.clone(), source };
                let file: File = open_append(path).map_err(open)?;
                Sink::start(Target::File { path: path.clone(), file })
            }
        }
    }

    /// A sink that writes to `stream`.
    pub fn to(stream: impl Write + Send + 'static) -> Result<Sink, SinkError> {
        Sink::start(Target::Stream(Box::new(stream)))
    }

    fn start(target: Target) -> Result<Sink, SinkError> {
        let (queue, jobs) = mpsc::sync_channel(QUEUE);
        let (finished, done) = mpsc::channel();
        let shared = Arc::new(Shared::default());
        let writer = Writer::new(target, Arc::clone(&shared));
        let run = move || {
            writer.run(&jobs);
            // Nobody listens unless the gateway is closing.
            let _ = finished.send(());
        };
        thread::Builder::new().name("access-log".into()).spawn(run).map_err(SinkError::Thread)?;
        Ok(Sink { queue: Some(queue), shared, done })
    }

    /// A worker's log. Each worker has one of its own.
    pub fn worker(&self, format: Format) -> WorkerLog {
        let (back, spare) = mpsc::sync_channel(SPARE);
        let queue = self.queue.clone();
        let shared = Arc::clone(&self.shared);
        WorkerLog { writer: AccessWriter::new(format), buffer: Vec::new(), lines: 0, queue, back, spare, shared }
    }

    /// Opens the file again before the next write: for SIGHUP, after the old one was moved away. A stream stays.
    pub fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Release);
        if let Some(queue) = &self.queue {
            // A full queue wakes the writer by itself.
            let _ = queue.try_send(Job::Wake);
        }
    }

    /// Lines dropped since the start, over all workers.
    pub fn dropped(&self) -> DroppedLines {
        DroppedLines(Arc::clone(&self.shared))
    }

    /// Waits until all that was handed over is written, at most `patience`. Call it when every [`WorkerLog`] is gone.
    /// Whether all was written: a destination that blocks is left behind.
    pub fn close(mut self, patience: Duration) -> bool {
        let Some(queue) = self.queue.take() else { return true };
        let deadline = Instant::now() + patience;
        if !send_until(&queue, Job::Stop, deadline) {
            return false;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        !matches!(self.done.recv_timeout(left), Err(RecvTimeoutError::Timeout))
    }
}

/// Reads how many lines were dropped.
#[derive(Clone, Debug)]
pub struct DroppedLines(Arc<Shared>);

impl DroppedLines {
    /// The count so far.
    pub fn count(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

/// A worker's end: formats lines into a buffer and hands it over when it is full or [`tick`](WorkerLog::tick) comes.
#[derive(Debug)]
pub struct WorkerLog {
    writer: AccessWriter,
    buffer: Vec<u8>,
    lines: u64,
    queue: Option<SyncSender<Job>>,
    /// Goes along with each buffer, for it to come back by.
    back: SyncSender<Vec<u8>>,
    spare: Receiver<Vec<u8>>,
    shared: Arc<Shared>,
}

impl WorkerLog {
    /// Adds a line.
    pub fn log(&mut self, line: &AccessLine<'_>) {
        if self.queue.is_none() {
            return;
        }
        if self.buffer.capacity() == 0 {
            self.buffer = self.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(FULL_BUFFER + LINE_ROOM));
        }
        self.writer.write(line, &mut self.buffer);
        self.lines += 1;
        if self.buffer.len() >= FULL_BUFFER {
            self.flush();
        }
    }

    /// Hands over what is there. The worker calls it about every 200 ms, so that a quiet gateway's lines come too.
    pub fn tick(&mut self) {
        self.flush();
    }

    /// Hands over what is there, or drops it where the queue is full.
    pub fn flush(&mut self) {
        let Some((queue, job)) = self.job() else { return };
        match queue.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(refused) | TrySendError::Disconnected(refused)) => {
                if let Job::Lines { mut bytes, lines, .. } = refused {
                    self.shared.drop_lines(lines);
                    bytes.clear();
                    self.buffer = bytes;
                }
            }
        }
    }

    /// Hands over the last lines when the worker ends. Only here it may wait for room, at most `patience`.
    pub fn finish(mut self, patience: Duration) {
        let Some((queue, job)) = self.job() else { return };
        let lines = job.lines();
        if !send_until(&queue, job, Instant::now() + patience) {
            self.shared.drop_lines(lines);
        }
    }

    fn job(&mut self) -> Option<(SyncSender<Job>, Job)> {
        let queue = self.queue.clone()?;
        if self.buffer.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.buffer);
        let lines = std::mem::take(&mut self.lines);
        Some((queue, Job::Lines { bytes, lines, back: self.back.clone() }))
    }
}

impl Drop for WorkerLog {
    fn drop(&mut self) {
        self.flush();
    }
}

/// What is known on both sides of the queue.
#[derive(Debug, Default)]
struct Shared {
    dropped: AtomicU64,
    reopen: AtomicBool,
}

impl Shared {
    fn drop_lines(&self, lines: u64) {
        self.dropped.fetch_add(lines, Ordering::Relaxed);
    }
}

/// What the writer is asked to do.
#[derive(Debug)]
enum Job {
    /// Write whole lines, and send the buffer back.
    Lines { bytes: Vec<u8>, lines: u64, back: SyncSender<Vec<u8>> },
    /// Look whether the file is to be opened again.
    Wake,
    /// End, after all that came before.
    Stop,
}

impl Job {
    fn lines(&self) -> u64 {
        match self {
            Job::Lines { lines, .. } => *lines,
            Job::Wake | Job::Stop => 0,
        }
    }
}

fn send_until(queue: &SyncSender<Job>, mut job: Job, deadline: Instant) -> bool {
    loop {
        match queue.try_send(job) {
            Ok(()) => return true,
            Err(TrySendError::Full(refused)) if Instant::now() < deadline => {
                job = refused;
                thread::sleep(Duration::from_millis(2));
            }
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests;
