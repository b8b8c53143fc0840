//! The config: one YAML file, read into a checked [`Config`], or into every problem it has, each with its place.
//!
//! In two steps: `tree` knows where everything stands and nothing of what it means; the other files walk the tree, one
//! file a section, and note what is wrong while they go on. Nothing is bound, connected or started here; a config is
//! turned into running stages by the gateway.

mod assertion;
mod bare_keys;
mod believed;
pub mod checked;
mod conflicts;
mod decryption;
mod definition;
mod definition_values;
mod document;
mod doubled;
mod dpop;
mod elsewhere;
mod environment;
mod families;
mod habits;
mod handshake;
mod header;
mod host;
mod in_front;
mod introspection;
mod issuers;
mod key_record;
mod keys;
mod limits;
mod listen;
mod login;
mod mask;
mod message_signatures;
mod must_cover;
mod names;
mod near_misses;
mod networks;
mod oauth;
mod pattern;
mod pem;
mod problem;
mod published_keys;
mod rates;
mod reader;
mod redis_server;
mod refresh;
mod refusals;
mod requirement;
mod revocations;
mod routes;
mod schemes;
mod secret;
mod section;
mod session;
mod shape;
mod signing;
mod sites;
mod snippet;
mod sql_server;
mod store;
mod template;
mod throttle;
mod token_claims;
mod token_keys;
mod tokens;
mod tree;
mod twice;
mod units;
mod upgrade;
mod upstreams;
mod users;
mod users_elsewhere;
mod value;
mod yaml_slips;

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use checked::*;
pub use document::SECTIONS;
pub use environment::{Environment, System};
pub(crate) use host::{UrlError, origin};
pub use problem::{Problem, Problems, Severity};
use reader::Reader;
use tree::Place;
pub use users::read_file as read_users;

use crate::scheme::Scheme;

/// Reads the file at `path`, with secrets from the process's environment and the file system.
///
/// Paths in it that are not absolute are taken from its own directory. Beside the config come its warnings and notes.
pub fn load(path: &Path) -> Result<(Config, Vec<Problem>), Problems> {
    load_in(path, &System)
}

/// The same with the variables and files of another world than this process's.
pub fn load_in(path: &Path, environment: &dyn Environment) -> Result<(Config, Vec<Problem>), Problems> {
    let file = path.display().to_string();
    let unreadable = |message: String| Problems(vec![whole_file(&file, message)]);
    let bytes = environment.config(path).map_err(|error| {
        let mut problems = unreadable(format!("the file cannot be read: {error}"));
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => "`-c FILE` names the config file",
            std::io::ErrorKind::PermissionDenied => "it must be readable by the user that the gateway runs as",
            std::io::ErrorKind::IsADirectory => {
                "Docker makes a directory where a file that it is to mount is not there"
            }
            _ => return problems,
        };
        for problem in &mut problems.0 {
            problem.hint(hint);
        }
        problems
    })?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("the file is not UTF-8".to_owned()))?;
    parse(&text, &file, environment)
}

/// Reads a config from its text. `file` is the name that problems show and whose directory relative paths start from.
pub fn parse(text: &str, file: &str, environment: &dyn Environment) -> Result<(Config, Vec<Problem>), Problems> {
    let mut reader = Reader::new(file, text, environment);
    let config = match tree::parse(text) {
        Ok(tree) => {
            reader.masks = mask::secrets(&tree);
            reader.masks.extend(mask::comments(text, Some(&tree)));
            report_duplicates(&tree, &mut reader);
            document::read(&tree.root, &mut reader)
        }
        Err(broken) => {
            reader.hidden = mask::may_hold_secret(text, broken.place.start);
            reader.masks = mask::comments(text, None);
            let hint = yaml_slips::hint(text, &broken);
            reader.error(broken.place, broken.message).hint = hint;
            None
        }
    };
    match config {
        Some(config) if !reader.found_errors() => Ok((config, reader.into_problems())),
        _ => Err(Problems(reader.into_problems())),
    }
}

/// Reads a duration as configs write it: `250ms`, `30s`, `5m`, `1h`, `1d`.
pub fn duration(text: &str) -> Option<std::time::Duration> {
    units::duration(text).ok()
}

/// Compiles a preset as it is, without a config.
pub fn preset(name: &str) -> Result<Scheme, Problems> {
    schemes::preset(name)
}

fn whole_file(file: &str, message: String) -> Problem {
    Problem::without_a_column(Severity::Error, file.to_owned(), 0, message)
}

fn report_duplicates(tree: &tree::Tree, reader: &mut Reader<'_>) {
    for duplicate in &tree.duplicates {
        let key = reader.quote(duplicate.second, &duplicate.key);
        let Place { line, column, .. } = duplicate.first;
        reader
            .error(duplicate.second, format!("the key {key} stands twice in this map"))
            .hint(format!("the first is on line {line}, column {column}"));
    }
}
