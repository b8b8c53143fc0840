//! The gateway as its operator runs it: the real binary, a config file, an environment.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long a gateway may take to listen, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The binary under test, with an environment of nothing but what the caller adds.
pub(crate) fn countersign() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// A running gateway; ends with the value.
pub(crate) struct Gateway {
    child: Child,
    directory: TempDir,
}

impl Gateway {
    /// Runs the gateway with the config `text` and waits until something listens at `address`.
    pub(crate) fn start(text: &str, environment: &[(&str, &str)], address: SocketAddr) -> Gateway {
        let directory = tempfile::tempdir().expect("a directory");
        let config = directory.path().join("gateway.yaml");
        fs::write(&config, text).expect("the config is written");
        let output = |name: &str| File::create(directory.path().join(name)).expect("an output file");
        let child = countersign()
            .envs(environment.iter().copied())
            .args(["run", "--workers", "2", "-c"])
            .arg(&config)
            .stdout(output("stdout"))
            .stderr(output("stderr"))
            .spawn()
            .expect("the gateway starts");
        let mut gateway = Gateway { child, directory };
        gateway.wait_until_it_listens(address);
        gateway
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Puts another file in the place of one of the gateway's own, in one step: its config is `gateway.yaml`.
    pub(crate) fn put(&self, name: &str, content: &str) {
        fs::write(self.path("fresh"), content).expect("written");
        fs::rename(self.path("fresh"), self.path(name)).expect("renamed");
    }

    /// The path of one of the gateway's own files.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Sends it a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let status = Command::new("sh").args(["-c", "kill -\"$1\" \"$2\"", "sh", name, &id]).status();
        assert!(status.expect("a shell").success());
    }

    /// What it has written so far, access log and events, once `done` finds in it what it wants.
    ///
    /// The log is written in batches off the hot path, so a line may come a moment after its answer.
    pub(crate) fn output_when(&self, done: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let output = self.output();
            if done(&output) || start.elapsed() > Duration::from_secs(10) {
                return output;
            }
            sleep(Duration::from_millis(20));
        }
    }

    fn output(&self) -> String {
        let read = |name: &str| fs::read(self.path(name)).expect("the output is read");
        String::from_utf8_lossy(&[read("stdout"), read("stderr")].concat()).into_owned()
    }

    /// How it ended, if it does within `limit`.
    pub(crate) fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        while start.elapsed() < limit {
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                return Some(status);
            }
            sleep(Duration::from_millis(10));
        }
        None
    }

    fn wait_until_it_listens(&mut self, address: SocketAddr) {
        let start = Instant::now();
        while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
            let ended = self.child.try_wait().expect("the child can be asked");
            if ended.is_some() || start.elapsed() > PATIENCE {
                panic!("the gateway does not listen at {address} ({ended:?}):\n{}", self.output());
            }
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing of it stays.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // A task that panics takes its connection along, but not the process: only its words are left of it.
        let output = self.output();
        assert!(std::thread::panicking() || !output.contains(" panicked at "), "the gateway panicked:\n{output}");
    }
}
