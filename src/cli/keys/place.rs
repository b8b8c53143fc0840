//! Which keys a command is about, and the line that says who changed what.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;

use super::{
    super::{trouble::Trouble, words},
    file_store::FileStore,
    remote_store::RemoteStore,
    store::KeyStore,
};
use crate::{
    clock::Clock,
    config::{self, KeySource},
    keys::Format,
};

/// Where the keys are, and where it is noted who changed them.
#[derive(Args)]
pub(super) struct Place {
    /// The file of keys: CSV, or what its name says (.jsonl, .yaml)
    #[arg(long, value_name = "FILE", required_unless_present = "keys", conflicts_with_all = ["config", "keys"])]
    file: Option<PathBuf>,
    /// The config that has them
    #[arg(short = 'c', long, value_name = "FILE", requires = "keys")]
    config: Option<PathBuf>,
    /// The key source in the config: `file`, `redis` or `sql`
    #[arg(long, value_name = "NAME", requires = "config")]
    keys: Option<String>,
    /// Append the audit line to this file [default: standard error]
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
}

impl Place {
    /// The keys themselves.
    ///
    /// # Errors
    /// There are none, or none that can be changed from here.
    pub(super) fn store(&self) -> Result<Box<dyn KeyStore>, Trouble> {
        match (&self.file, &self.config, &self.keys) {
            (None, Some(config), Some(keys)) => of_config(config, keys),
            (Some(path), ..) => {
                let format = Format::of(path).unwrap_or(Format::Csv);
                Ok(Box::new(FileStore { path: path.clone(), format }))
            }
            // clap asks for the one or the other two.
            (None, ..) => Err(Trouble::NoKeys { name: String::new(), known: "none".to_owned() }),
        }
    }

    /// Notes who did what to which id; never a secret.
    pub(super) fn note(&self, store: &dyn KeyStore, what: &str, id: &str) -> Result<(), Trouble> {
        let millis = Clock::system().unix_millis();
        let time = jiff::Timestamp::from_millisecond(millis).map(|time| time.to_string()).unwrap_or_default();
        let uid = rustix::process::getuid().as_raw();
        let line = json!({ "time": time, "uid": uid, "user": user(uid), "did": what, "keys": store.name(), "id": id });
        match &self.audit {
            None => words(format_args!("{line}")),
            Some(path) => {
                let mut file = File::options().append(true).create(true).open(path).map_err(Trouble::Audit)?;
                writeln!(file, "{line}").and_then(|()| file.sync_all()).map_err(Trouble::Audit)?;
            }
        }
        Ok(())
    }
}

fn of_config(path: &Path, name: &str) -> Result<Box<dyn KeyStore>, Trouble> {
    let (config, _) = config::load(path)?;
    let Some(keys) = config.keys.iter().find(|keys| keys.name == name) else {
        let known: Vec<&str> = config.keys.iter().map(|keys| keys.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Trouble::NoKeys { name: name.to_owned(), known });
    };
    match &keys.source {
        KeySource::File { path, format } => Ok(Box::new(FileStore { path: path.clone(), format: *format })),
        KeySource::Elsewhere(elsewhere) => Ok(Box::new(RemoteStore::open(name, elsewhere)?)),
        KeySource::Shared(_) | KeySource::Static(_) => Err(Trouble::KeysInConfig(name.to_owned())),
        KeySource::Derive { .. } => Err(Trouble::KeysComputed(name.to_owned())),
    }
}

/// The name of a user, as the system's list has it.
fn user(uid: u32) -> Option<String> {
    let list = fs::read_to_string("/etc/passwd").ok()?;
    let own = list.lines().find(|line| line.split(':').nth(2).is_some_and(|field| field == uid.to_string()))?;
    own.split(':').next().map(str::to_owned)
}
