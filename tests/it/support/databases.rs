//! Real databases, each on a free port with a directory of its own: PostgreSQL, MariaDB, and SQLite's file.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::loopback;

/// How long a database may take to start, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running database server; ends with the value, and its data with it.
pub(crate) struct Database {
    child: Child,
    address: SocketAddr,
    directory: TempDir,
    kind: Kind,
    /// Its program and what that is told.
    command: Command,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Postgres,
    MariaDb,
}

/// The password that the gateway's user has.
pub(crate) const PASSWORD: &str = "the databases' own password";

impl Database {
    /// PostgreSQL, with a user `gateway`, its password, and a database `devices`.
    pub(crate) fn postgres() -> Database {
        let directory = directory_of("postgres");
        let data = directory.path().join("data");
        fs::write(directory.path().join("password"), PASSWORD).expect("the password is written");
        let mut initdb = as_user("postgres", &postgres_program("initdb"));
        initdb.args(["-U", "gateway", "-A", "scram-sha-256", "--no-sync", "--pwfile"]);
        finish(initdb.arg(directory.path().join("password")).arg("-D").arg(&data));
        let address = loopback();
        let mut server = as_user("postgres", &postgres_program("postgres"));
        server.arg("-D").arg(&data).arg("-k").arg(directory.path()).args(["-p", &address.port().to_string()]);
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        let child = start(&mut server, directory.path());
        let database = Database { child, address, directory, kind: Kind::Postgres, command: server };
        database.wait_for("select 1", "postgres");
        database.ask("create database devices", "postgres");
        database
    }

    /// MariaDB, which the driver takes for MySQL: the same.
    pub(crate) fn mariadb() -> Database {
        let directory = directory_of("mysql");
        let data = directory.path().join("data");
        let mut install = as_user("mysql", &program("mariadb-install-db", "mariadb-server"));
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        // Several at once get into one another's way in a common one.
        install.env("TMPDIR", directory.path());
        finish(install.arg(format!("--datadir={}", data.display())));
        let address = loopback();
        let mut server = as_user("mysql", &program("mariadbd", "mariadb-server"));
        server.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
        server.env("TMPDIR", directory.path());
        server.arg(format!("--port={}", address.port())).arg(format!("--datadir={}", data.display()));
        server.arg(format!("--socket={}", directory.path().join("socket").display()));
        server.arg("--innodb-flush-log-at-trx-commit=0").arg("--innodb-log-file-size=4M");
        let child = start(&mut server, directory.path());
        let database = Database { child, address, directory, kind: Kind::MariaDb, command: server };
        database.wait_for("select 1", "");
        database.ask("create database devices", "");
        database.ask(&format!("create user gateway@'127.0.0.1' identified by \"{PASSWORD}\""), "");
        database.ask("grant all on devices.* to gateway@'127.0.0.1'", "");
        database
    }

    /// Its URL without the password.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.kind == Kind::Postgres { "postgres" } else { "mysql" };
        format!("{scheme}://gateway@{}/devices", self.address)
    }

    /// Runs statements in the database `devices`.
    pub(crate) fn run(&self, statements: &str) -> String {
        self.ask(statements, "devices")
    }

    /// Holds what `statement` locks until it is let go.
    pub(crate) fn holding(&self, statement: &str) -> Held {
        let mut client = self.connecting("devices");
        if self.kind == Kind::MariaDb {
            // Or it would say nothing before its end.
            client.arg("--unbuffered");
        }
        Held::by(&mut client, &format!("begin;\n{statement};\nselect 'held';\n"))
    }

    /// Stops it as SIGSTOP does: it is there and says nothing.
    pub(crate) fn freeze(&self) {
        // A thread that is busy is stopped a moment later, and until then may have more children.
        let start = Instant::now();
        self.everybody(Signal::STOP);
        while !self.processes().all(is_stopped) {
            assert!(start.elapsed() < PATIENCE, "it does not stop");
            sleep(Duration::from_millis(1));
            self.everybody(Signal::STOP);
        }
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.everybody(Signal::CONT);
    }

    /// Ends it as a machine that loses its power does.
    pub(crate) fn kill(&mut self) {
        self.everybody(Signal::KILL);
        let _ = self.child.wait();
    }

    /// Starts it anew, where it was and with what it had.
    pub(crate) fn revive(&mut self) {
        self.child = start(&mut self.command, self.directory.path());
        self.wait_for("select 1", if self.kind == Kind::Postgres { "postgres" } else { "" });
    }

    /// The server and its children: PostgreSQL has a process a connection.
    fn everybody(&self, signal: Signal) {
        for process in self.processes() {
            // A child may have ended.
            let _ = kill_process(Pid::from_raw(process).expect("an id"), signal);
        }
    }

    fn processes(&self) -> impl Iterator<Item = i32> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let children: Vec<i32> = children.split_ascii_whitespace().filter_map(|child| child.parse().ok()).collect();
        children.into_iter().chain(i32::try_from(id))
    }

    fn wait_for(&self, statement: &str, database: &str) {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() || !self.client(statement, database).status.success() {
            let output = fs::read_to_string(self.directory.path().join("output")).unwrap_or_default();
            assert!(start.elapsed() < PATIENCE, "the database does not start:\n{output}");
            sleep(Duration::from_millis(50));
        }
    }

    fn ask(&self, statements: &str, database: &str) -> String {
        let done = self.client(statements, database);
        assert!(done.status.success(), "{statements}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    fn client(&self, statements: &str, database: &str) -> std::process::Output {
        let mut client = self.connecting(database);
        match self.kind {
            Kind::Postgres => client.args(["-v", "ON_ERROR_STOP=1", "-c", statements]),
            Kind::MariaDb => client.args(["-e", statements]),
        };
        client.stdin(Stdio::null()).output().expect("the client runs")
    }

    fn connecting(&self, database: &str) -> Command {
        match self.kind {
            Kind::Postgres => {
                let port = self.address.port().to_string();
                let mut psql = Command::new(program("psql", "postgresql"));
                psql.env("PGPASSWORD", PASSWORD).args(["-h", "127.0.0.1", "-p", &port, "-U", "gateway", "-XqAt"]);
                psql.args(["-d", database]);
                psql
            }
            Kind::MariaDb => {
                let mut mariadb = Command::new(program("mariadb", "mariadb-client"));
                mariadb
                    .arg("--no-defaults")
                    .arg(format!("--socket={}", self.directory.path().join("socket").display()));
                mariadb.args(["--user=root", "--batch", "--skip-column-names", &format!("--database={database}")]);
                mariadb
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.thaw();
        // At once, and with its children: what it keeps is thrown away.
        let signal = if self.kind == Kind::Postgres { Signal::QUIT } else { Signal::KILL };
        let id = i32::try_from(self.child.id()).expect("an id");
        let _ = kill_process(Pid::from_raw(id).expect("an id"), signal);
        let _ = self.child.wait();
    }
}

/// Runs statements in a SQLite file, which they may be the first of.
pub(crate) fn sqlite(file: &Path, statements: &str) -> String {
    finish(Command::new(program("sqlite3", "sqlite3")).arg("-batch").arg(file).arg(statements))
}

/// Writes to a SQLite file and does not come to an end: until it is dropped nobody else can.
pub(crate) fn sqlite_writer(file: &Path) -> Held {
    let mut sqlite = Command::new(program("sqlite3", "sqlite3"));
    Held::by(sqlite.args(["-batch", "-cmd", ".timeout 10000"]).arg(file), "begin immediate;\nselect 'held';\n")
}

/// A client that holds a lock until it is dropped.
pub(crate) struct Held(Child);

impl Held {
    /// Tells `client` those statements, the last of which says `held`.
    fn by(client: &mut Command, statements: &str) -> Held {
        let mut child = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the client starts");
        child.stdin.as_mut().expect("its input").write_all(statements.as_bytes()).expect("it is told");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        assert!(output.lines().any(|line| line.is_ok_and(|line| line == "held")), "it holds nothing");
        Held(child)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory that belongs to whom the server runs as: neither server runs as root.
fn directory_of(user: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    if is_root(directory.path()) {
        finish(Command::new("chown").arg(user).arg(directory.path()));
    }
    directory
}

/// Whether all threads of a process have stopped, or it has ended.
fn is_stopped(process: i32) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let mut states = threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    states.all(|state| state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['T', 'Z', 'X'])))
}

fn as_user(user: &str, program: &Path) -> Command {
    if !is_root(Path::new("/proc/self")) {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--init-groups"]).arg(program);
    command
}

fn is_root(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.uid() == 0)
}

/// Debian keeps the programs of each version apart and out of the way.
fn postgres_program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| program(name, "postgresql"))
}

fn program(name: &str, package: &str) -> PathBuf {
    let found = ["/usr/bin", "/usr/sbin", "/usr/local/bin"].map(|directory| Path::new(directory).join(name));
    let found = found.into_iter().find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: install the package {package} (scripts/test does)"))
}

fn start(command: &mut Command, directory: &Path) -> Child {
    let output = File::create(directory.join("output")).expect("an output file");
    let errors = output.try_clone().expect("the same file");
    command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().expect("the database starts")
}

fn finish(command: &mut Command) -> String {
    let done = command.current_dir("/").stdin(Stdio::null()).output().expect("the command runs");
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(done.status.success(), "{command:?}: {}{}", words(&done.stdout), words(&done.stderr));
    words(&done.stdout)
}
