//! Programs that are not ours: where they are, and how one is run to its end.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long a program may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The program of that name, which Debian's `package` has.
pub(super) fn tool(name: &str, package: &str) -> Command {
    let path = env::var_os("PATH").unwrap_or_default();
    // Servers are in sbin, which a user's PATH may lack.
    let mut directories = env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = directories.find_map(|directory| Some(directory.join(name)).filter(|file| file.is_file()));
    let missing = || panic!("{name} is missing: install the package {package} (scripts/test does)");
    plain(&found.unwrap_or_else(missing))
}

/// Python with what `requirements.txt` lists.
pub(super) fn python() -> Command {
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers").join("bin/python");
    assert!(python.is_file(), "{} is missing: run scripts/test, which makes it", python.display());
    let mut command = plain(&python);
    command.arg("-B"); // Nothing is written beside the scripts.
    command
}

/// Node.
pub(super) fn node() -> Command {
    tool("node", "nodejs")
}

/// Where what `package.json` lists is installed.
pub(super) fn node_peers() -> PathBuf {
    let peers = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("node-peers");
    assert!(peers.join("node_modules").is_dir(), "{} is missing: run scripts/test, which makes it", peers.display());
    peers
}

/// A file beside these tests.
pub(super) fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers").join(name)
}

/// A command with an environment in which no proxy and no setting of a user's can get in between.
fn plain(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    command.envs(["PATH", "HOME"].into_iter().filter_map(|name| Some((name, env::var_os(name)?))));
    command
}

/// What a program that ended well has printed.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) out: String,
    pub(super) err: String,
}

/// Runs `command` to its end, which must be a good one.
pub(super) fn run(command: &mut Command) -> Printed {
    let directory = tempfile::tempdir().expect("a directory");
    // Files, for a pipe that nobody reads would stop the program.
    let file = |name: &str| fs::File::create(directory.path().join(name)).expect("a file");
    let child = command.stdout(file("out")).stderr(file("err")).spawn();
    let status = wait(child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}")));
    let text =
        |name: &str| String::from_utf8_lossy(&fs::read(directory.path().join(name)).expect("its output")).into_owned();
    let printed = Printed { out: text("out"), err: text("err") };
    assert!(status.is_some_and(|success| success), "{command:?} ended with {status:?}: {printed:#?}");
    printed
}

/// Whether it ended well; `None` where it had to be ended.
fn wait(mut child: Child) -> Option<bool> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().expect("the child can be asked") {
            return Some(status.success());
        }
        sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}
