//! A real redis-server, on a free port, with a directory of its own.

use std::{
    fs::File,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::loopback;

/// How long it may take to listen, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; ends with the value, and its data with it.
pub(crate) struct RedisServer {
    child: Option<Child>,
    address: SocketAddr,
    directory: TempDir,
    options: Vec<String>,
}

impl RedisServer {
    /// Starts a server that keeps nothing on disk.
    pub(crate) fn start() -> RedisServer {
        RedisServer::with(&[])
    }

    /// Starts one with more options, as on redis-server's command line.
    pub(crate) fn with(options: &[&str]) -> RedisServer {
        let mut server = RedisServer::stopped(options);
        server.run();
        server
    }

    /// One that is not started yet; its address is known.
    pub(crate) fn stopped(options: &[&str]) -> RedisServer {
        let directory = tempfile::tempdir().expect("a directory");
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        RedisServer { child: None, address: loopback(), directory, options }
    }

    /// Starts it, or starts it again.
    pub(crate) fn run(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
        if !self.options.iter().any(|option| option == "--port") {
            command.args(["--port", &self.address.port().to_string()]);
        }
        let has = |name| self.options.iter().any(|option| option == name);
        if has("--cluster-enabled") && !has("--cluster-port") {
            // Its own choice, ten thousand above the other, is among the ports that the system gives to clients.
            command.args(["--cluster-port", &loopback().port().to_string()]);
        }
        command.arg("--dir").arg(self.directory.path()).args(&self.options);
        self.spawn(&mut command);
    }

    /// Starts it as a sentinel, with a file of settings that it will write to.
    pub(crate) fn run_as_sentinel(&mut self, settings: &Path) {
        let mut command = Command::new("redis-server");
        command.arg(settings).args(["--sentinel", "--bind", "127.0.0.1"]).arg("--dir").arg(self.directory.path());
        self.spawn(&mut command);
    }

    fn spawn(&mut self, command: &mut Command) {
        let output = File::create(self.directory.path().join("output")).expect("an output file");
        let spawned = command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null()).spawn();
        let missing = |error| panic!("redis-server does not start: {error}; install redis-server (scripts/test does)");
        self.child = Some(spawned.unwrap_or_else(missing));
        let start = Instant::now();
        while std::net::TcpStream::connect(self.address).is_err() {
            assert!(start.elapsed() < PATIENCE, "redis-server does not listen:\n{}", self.output());
            sleep(Duration::from_millis(5));
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it keeps its files.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Ends it at once, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    /// Stops it without ending it: it accepts connections and answers nothing.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it one thing, over a connection of its own.
    pub(crate) fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(format!("redis://{}", self.address)).expect("a client");
        let mut connection = client.get_connection().expect("a connection");
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).query(&mut connection).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().expect("it runs").id();
        let id = Pid::from_raw(i32::try_from(id).expect("a process id")).expect("not zero");
        kill_process(id, signal).expect("it can be signalled");
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("output")).unwrap_or_default()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
