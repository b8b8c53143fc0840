//! The thread's side of the sink: it alone touches the file or stream, and may block on it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering, mpsc::Receiver},
};

use super::{FULL_BUFFER, Job, LINE_ROOM, Shared};

/// What is written to.
pub(super) enum Target {
    /// A file, and where to find it again.
    File { path: PathBuf, file: File },
    /// Anything else.
    Stream(Box<dyn Write + Send>),
}

/// Opens a file for appending; one that is made is not for everybody to read, for lines name clients.
pub(super) fn open_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.open(path)
}

/// Writes buffers until it is told to stop.
pub(super) struct Writer {
    target: Target,
    shared: Arc<Shared>,
    /// The last write broke off inside a line.
    torn: bool,
    /// The last write failed, so the next failure is no news.
    failing: bool,
}

impl Writer {
    pub(super) fn new(target: Target, shared: Arc<Shared>) -> Writer {
        Writer { target, shared, torn: false, failing: false }
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            if self.shared.reopen.swap(false, Ordering::AcqRel) {
                self.reopen();
            }
            match job {
                Job::Lines { mut bytes, lines, back } => {
                    self.write_lines(&bytes, lines);
                    bytes.clear();
                    bytes.shrink_to(FULL_BUFFER + LINE_ROOM);
                    // A worker that has spares enough, or is gone, lets this one go.
                    let _ = back.try_send(bytes);
                }
                Job::Wake => {}
                Job::Stop => return,
            }
        }
    }

    fn write_lines(&mut self, bytes: &[u8], lines: u64) {
        match self.try_write(bytes) {
            Ok(()) if self.failing => {
                self.failing = false;
                let dropped = self.shared.dropped.load(Ordering::Relaxed);
                tracing::info!(dropped, "the access log takes lines again");
            }
            Ok(()) => {}
            Err(Broken { written, source }) => {
                let whole = bytes.iter().take(written).filter(|&&byte| byte == b'\n').count();
                self.torn |= written > 0 && bytes.get(written - 1) != Some(&b'\n');
                self.shared.drop_lines(lines.saturating_sub(u64::try_from(whole).unwrap_or(u64::MAX)));
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(error = %source, "the access log cannot be written, lines are dropped");
                }
            }
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if self.torn {
            // Of the buffer itself nothing went out then.
            self.write_all(b"\n").map_err(|broken| Broken { written: 0, ..broken })?;
            self.torn = false;
        }
        self.write_all(bytes)
    }

    /// As [`Write::write_all`], but tells how far it came.
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let mut written = 0;
        while let Some(rest @ [_, ..]) = bytes.get(written..) {
            match self.stream().write(rest) {
                Ok(0) => return Err(Broken { written, source: io::ErrorKind::WriteZero.into() }),
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Broken { written, source }),
            }
        }
        self.stream().flush().map_err(|source| Broken { written, source })
    }

    fn stream(&mut self) -> &mut dyn Write {
        match &mut self.target {
            Target::File { file, .. } => file,
            Target::Stream(stream) => stream,
        }
    }

    /// A file that cannot be opened again leaves the old one in use.
    fn reopen(&mut self) {
        let Target::File { path, file } = &mut self.target else { return };
        match open_append(path) {
            Ok(opened) => {
                *file = opened;
                self.torn = false;
            }
            Err(error) => tracing::warn!(%error, path = %path.display(), "the access log cannot be opened again"),
        }
    }
}

struct Broken {
    /// Bytes that went out before.
    written: usize,
    source: io::Error,
}
