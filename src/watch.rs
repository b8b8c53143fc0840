//! Files that are read again when they change: their directories are watched, and a burst of changes is told once.
//!
//! It says that something changed, never what, and reads nothing: whoever is told reads, and keeps what it had where the
//! new content is no good. Who could not read at all is told again at each look: what a file said may be that a key is shut out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::Metadata,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use notify::Watcher;

/// How long files must have stood still before anyone is told: one that is being written is not read in its middle.
const QUIET: Duration = Duration::from_millis(100);

/// A file that never stands still is told of all the same, after so many looks.
const MOST_LOOKS: usize = 20;

/// How often files are looked at without a word from the system: file systems over a network say nothing.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Files, and what each was like when it was [added](Files::add).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<PathBuf, Option<Stamp>>);

/// What changes with a file's content, or when another file is put in its place; links are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What came of a look at files that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// They were read. Whether they are of any use or not, only a change makes them others.
    Read,
    /// They were not, for a reason that may pass without a change: whoever was told is told again.
    NotRead,
}

/// Watches for as long as it lives.
#[derive(Debug)]
pub struct Watch {
    _watcher: Option<notify::RecommendedWatcher>,
    /// The thread ends when this is gone.
    _alive: Arc<()>,
    /// Keeps the thread listening where there is no watcher.
    _events: SyncSender<()>,
}

impl Files {
    /// None yet.
    pub fn new() -> Files {
        Files::default()
    }

    /// Notes what `file` is like now. Call it before the file is read: then no change goes unseen. One that is not there
    /// may come.
    pub fn add(&mut self, file: impl Into<PathBuf>) {
        let file = file.into();
        let stamp = Stamp::of(&file);
        self.0.insert(file, stamp);
    }

    /// Forgets a file.
    pub fn remove(&mut self, file: &Path) {
        self.0.remove(file);
    }

    /// The files, in the order of their names.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    fn as_they_are(&self) -> Files {
        Files(self.0.keys().map(|file| (file.clone(), Stamp::of(file))).collect())
    }

    /// Whether any changed since it was noted; waits then until they stand still.
    fn have_changed(&mut self) -> bool {
        let mut seen = self.as_they_are();
        if seen == *self {
            return false;
        }
        for _ in 0..MOST_LOOKS {
            thread::sleep(QUIET);
            let again = self.as_they_are();
            if again == seen {
                break;
            }
            seen = again;
        }
        *self = seen;
        true
    }
}

impl Seen {
    /// What became of reading a file that could not be read for that reason. One that is not there, or is another's, or holds
    /// what is of no use, must change to become better; a system that has no more file descriptors, or a disk that stumbles, may have more the next time.
    pub fn failed(why: io::ErrorKind) -> Seen {
        match why {
            io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidData
            | io::ErrorKind::FileTooLarge => Seen::Read,
            _ => Seen::NotRead,
        }
    }
}

impl Stamp {
    fn of(file: &Path) -> Option<Stamp> {
        let of = |about: Metadata| Stamp {
            inode: (about.dev(), about.ino()),
            size: about.size(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        };
        std::fs::metadata(file).ok().map(of)
    }
}

impl Watch {
    /// Calls `changed` on a thread of its own whenever any of `files` is no longer as it was noted, and at each look after one
    /// at which it could not read them.
    ///
    /// A file is commonly replaced by renaming another over it, or by turning a link: so its directory is watched, and of
    /// all that happens there only what concerns the files is told. Where the system cannot watch they are looked at every
    /// two seconds.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(files: Files, changed: impl FnMut() -> Seen + Send + 'static) -> io::Result<Watch> {
        let (wake, events) = sync_channel(1);
        let told = wake.clone();
        // A full queue says already what there is to say.
        let tell = move |_: notify::Result<notify::Event>| _ = told.try_send(());
        let watcher = watcher(&files, tell);
        let alive = Arc::new(());
        let is_alive = Arc::downgrade(&alive);
        thread::Builder::new().name("watch".into()).spawn(move || look(files, &events, &is_alive, changed))?;
        Ok(Watch { _watcher: watcher, _alive: alive, _events: wake })
    }
}

fn look(mut files: Files, events: &Receiver<()>, is_alive: &Weak<()>, mut changed: impl FnMut() -> Seen) {
    let mut seen = Seen::Read;
    loop {
        match events.recv_timeout(LOOK_AGAIN) {
            // Other files in the same directory change too, an access log all the time.
            Ok(()) => thread::sleep(QUIET),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let have_changed = files.have_changed();
        // Dropped in between: another watch may have begun from what these files are like by now.
        if is_alive.strong_count() == 0 {
            return;
        }
        if have_changed || seen == Seen::NotRead {
            seen = changed();
        }
    }
}

fn watcher(files: &Files, tell: impl notify::EventHandler) -> Option<notify::RecommendedWatcher> {
    let unwatched = |error: notify::Error| tracing::debug!(%error, "files are looked at now and then instead");
    let mut watcher = notify::recommended_watcher(tell).map_err(unwatched).ok()?;
    for directory in files.paths().map(directory).collect::<BTreeSet<_>>() {
        if let Err(error) = watcher.watch(directory, notify::RecursiveMode::NonRecursive) {
            tracing::warn!(%error, directory = %directory.display(), "files there are looked at now and then instead");
        }
    }
    Some(watcher)
}

fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::mpsc::{self, Receiver},
    };

    use super::*;

    const SOON: Duration = Duration::from_secs(10);
    const LONG_ENOUGH: Duration = Duration::from_millis(500);

    fn watched(file: &Path) -> (Watch, Receiver<()>) {
        let (told, hears) = mpsc::channel();
        let mut files = Files::new();
        files.add(file);
        (Watch::start(files, move || tell(&told)).unwrap(), hears)
    }

    fn tell(told: &mpsc::Sender<()>) -> Seen {
        let _ = told.send(());
        Seen::Read
    }

    #[test]
    fn a_file_that_is_written_renamed_over_removed_or_made_is_told_of() {
        let directory = tempfile::tempdir().unwrap();
        let (file, other) = (directory.path().join("a"), directory.path().join("b"));
        let (_watch, hears) = watched(&file);
        fs::write(&file, "1").unwrap();
        hears.recv_timeout(SOON).unwrap();
        fs::write(&other, "2").unwrap();
        fs::rename(&other, &file).unwrap();
        hears.recv_timeout(SOON).unwrap();
        fs::remove_file(&file).unwrap();
        hears.recv_timeout(SOON).unwrap();
    }

    #[test]
    fn a_link_that_is_turned_is_told_of() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for version in ["v1", "v2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("key"), version).unwrap();
        }
        std::os::unix::fs::symlink("v1", at("data")).unwrap();
        std::os::unix::fs::symlink("data/key", at("key")).unwrap();
        let (_watch, hears) = watched(&at("key"));
        std::os::unix::fs::symlink("v2", at("new")).unwrap();
        fs::rename(at("new"), at("data")).unwrap();
        hears.recv_timeout(SOON).unwrap();
    }

    #[test]
    fn what_changed_before_the_watch_began_is_told_of() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a");
        let mut files = Files::new();
        files.add(&file);
        fs::write(&file, "changed in between").unwrap();
        let (told, hears) = mpsc::channel();
        let _watch = Watch::start(files, move || tell(&told)).unwrap();
        hears.recv_timeout(SOON).unwrap();
    }

    #[test]
    fn who_could_not_read_is_told_again_though_nothing_changes() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a");
        let (told, hears) = mpsc::channel();
        let mut files = Files::new();
        files.add(&file);
        let mut times = 0;
        let _watch = Watch::start(files, move || {
            times += 1;
            tell(&told);
            if times < 3 { Seen::NotRead } else { Seen::Read }
        });
        fs::write(&file, "1").unwrap();
        for _ in 0..3 {
            hears.recv_timeout(SOON).unwrap();
        }
        assert!(hears.recv_timeout(2 * LOOK_AGAIN).is_err(), "and no longer once it has read");
    }

    #[test]
    fn only_what_may_pass_without_a_change_is_tried_again() {
        let out_of_descriptors = io::Error::from_raw_os_error(24);
        assert_eq!(Seen::failed(out_of_descriptors.kind()), Seen::NotRead);
        assert_eq!(Seen::failed(io::ErrorKind::NotFound), Seen::Read);
    }

    #[test]
    fn a_burst_is_told_once_and_other_files_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a");
        let (_watch, hears) = watched(&file);
        for content in 0..10 {
            fs::write(directory.path().join("access.log"), content.to_string()).unwrap();
        }
        assert!(hears.recv_timeout(LONG_ENOUGH).is_err());
        for content in 0..10 {
            fs::write(&file, content.to_string()).unwrap();
            thread::sleep(QUIET / 5);
        }
        hears.recv_timeout(SOON).unwrap();
        assert!(hears.recv_timeout(LONG_ENOUGH).is_err());
    }

    #[test]
    fn a_watch_that_is_dropped_ends() {
        let directory = tempfile::tempdir().unwrap();
        let (watch, hears) = watched(&directory.path().join("a"));
        drop(watch);
        // The callback is dropped with its thread.
        assert_eq!(hears.recv_timeout(SOON), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}
