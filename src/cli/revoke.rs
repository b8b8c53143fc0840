//! `countersign revoke`, `countersign unrevoke` and `countersign revocations`: take back what was given, let it be good again, and
//! see what was taken back.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use serde_json::Value;

use super::{Exit, admin::AdminPlace, data, trouble::Trouble, words};
use crate::{
    clock::Clock,
    config,
    store::revocations::{LogError, Revocation, Revocations, Standing},
};

/// Revoke a token, a key, or everything of a subject
///
///   countersign revoke --jti 7d1f --until 2026-12-31T00:00:00Z --reason "lost laptop"
///   countersign revoke --key-id dev-1 -c gateway.yaml
///   countersign revoke --subject alice
///   countersign revoke --issued-before now --tokens api
///   countersign revoke --key-id dev-1 --file /var/lib/countersign/revoked
///
/// Asks the running gateway over its admin listener, or writes to the file where none
/// runs. When it returns with 0 the revocation is kept, on the disk or in the
/// store that gateways share, and in force. What was revoked already stays as it is,
/// and that is said: a revocation is never shortened. `countersign unrevoke` lifts it.
/// A token without `iat` counts as issued before any time.
#[derive(Args)]
#[command(verbatim_doc_comment)]
#[group(id = "what", required = true, multiple = true)]
pub(super) struct Revoke {
    /// The token with this `jti`
    #[arg(long, group = "what", value_name = "ID")]
    jti: Option<String>,
    /// Everything of this subject; with --issued-before its older tokens alone
    #[arg(long, group = "what", value_name = "NAME")]
    subject: Option<String>,
    /// Everything signed with a key of this id
    #[arg(long, group = "what", value_name = "ID")]
    key_id: Option<String>,
    /// Tokens issued before this time: RFC 3339, seconds since 1970, or `now`
    #[arg(long, group = "what", value_name = "TIME")]
    issued_before: Option<String>,
    /// With --issued-before: those of this `tokens` entry alone
    #[arg(long, value_name = "NAME", requires = "issued_before")]
    tokens: Option<String>,
    /// When it may be forgotten [default: never]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Why, for people
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    list: ListToChange,
}

/// Lift what was revoked
///
///   countersign unrevoke --key-id dev-1
///   countersign unrevoke --subject alice -c gateway.yaml
///   countersign unrevoke --issued-before --tokens api
///   countersign unrevoke --key-id dev-1 --file /var/lib/countersign/revoked
///
/// Takes what `revoke` took, without a time. When it returns with 0 nothing is revoked
/// under that name any more, and what stood there is printed. After a leak, first see
/// that the leaked secret is nowhere known, or it is good again. A token that its holder
/// gave back, with a logout or by revoking it, stays revoked.
#[derive(Args)]
#[command(verbatim_doc_comment)]
#[group(id = "which", required = true, multiple = true)]
pub(super) struct Unrevoke {
    /// The token with this `jti`
    #[arg(long, group = "which", value_name = "ID")]
    jti: Option<String>,
    /// This subject; with --issued-before its older tokens
    #[arg(long, group = "which", value_name = "NAME")]
    subject: Option<String>,
    /// Keys of this id
    #[arg(long, group = "which", value_name = "ID")]
    key_id: Option<String>,
    /// Tokens issued before a time, whichever it was
    #[arg(long, group = "which")]
    issued_before: bool,
    /// With --issued-before: those of this `tokens` entry
    #[arg(long, value_name = "NAME", requires = "issued_before")]
    tokens: Option<String>,
    #[command(flatten)]
    list: ListToChange,
}

/// The list that is changed: a file that no gateway has, or a gateway's.
#[derive(Args)]
struct ListToChange {
    /// Write to this file; no gateway may have it open
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How many may be in that file: the `capacity` of the gateway that will read it
    #[arg(long, value_name = "N", requires = "file", default_value_t = config::Revocations::USUAL_CAPACITY)]
    capacity: usize,
    #[command(flatten)]
    place: AdminPlace,
}

impl ListToChange {
    fn open(&self, file: &Path, now_unix: i64) -> Result<Revocations, LogError> {
        Revocations::open(file, self.capacity, now_unix)
    }
}

/// List what is revoked
///
///   countersign revocations
///   countersign revocations --file /var/lib/countersign/revoked
///
/// One JSON document a line, as `revoke` wrote it.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct ListRevocations {
    /// Read this file, and change nothing in it; no gateway may have it open
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    place: AdminPlace,
}

/// As many as are shown of a file: what any gateway may have.
const MOST_SHOWN: usize = 10_000_000;

impl Revoke {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let clock = Clock::system();
        let now_unix = clock.unix();
        let document = self.document(now_unix)?;
        let already = match &self.list.file {
            None => {
                let said = self.list.place.ask("POST", "/revocations", &document.to_string())?;
                if said.status != 200 {
                    return Err(said.trouble());
                }
                said.body.get("already").cloned()
            }
            Some(file) => {
                let revocation = Revocation::parse(document.to_string().as_bytes(), now_unix)
                    .map_err(|error| Trouble::NotRevoked(error.to_string()))?;
                let revocations =
                    self.list.open(file, now_unix).map_err(|error| Trouble::NotRevoked(error.to_string()))?;
                let revoked = revocations.revoke(revocation, now_unix);
                match revoked.map_err(|error| Trouble::NotRevoked(error.to_string()))? {
                    Standing::New(_) => None,
                    Standing::Before(standing) => Some(standing.to_json()),
                }
            }
        };
        if self.is_until_now() {
            wait_for(before_now(now_unix), &clock);
        }
        told(already.as_ref());
        Ok(Exit::Ok)
    }

    fn is_until_now(&self) -> bool {
        self.issued_before.as_deref() == Some(NOW)
    }

    fn document(&self, now_unix: i64) -> Result<Value, Trouble> {
        let issued_before = match self.is_until_now() {
            true => Some(before_now(now_unix)),
            false => self.issued_before.as_deref().map(|text| time(text, now_unix)).transpose()?,
        };
        let time = |text: &Option<String>| text.as_deref().map(|text| time(text, now_unix)).transpose();
        let members = [
            ("jti", self.jti.clone().map(Value::from)),
            ("subject", self.subject.clone().map(Value::from)),
            ("key_id", self.key_id.clone().map(Value::from)),
            ("tokens", self.tokens.clone().map(Value::from)),
            ("issued_before", issued_before.map(Value::from)),
            ("until", time(&self.until)?.map(Value::from)),
            ("reason", self.reason.clone().map(Value::from)),
        ];
        Ok(document_of(members))
    }
}

/// Tokens say in whole seconds when they were issued: what was issued in this one, before it was revoked, is meant too.
fn before_now(now_unix: i64) -> i64 {
    now_unix.saturating_add(1)
}

/// Whoever is told that it is revoked finds that what is issued from then on is not.
fn wait_for(unix: i64, clock: &Clock) {
    let left = unix.saturating_mul(1000).saturating_sub(clock.unix_millis());
    // A clock that was set meanwhile does not make it longer.
    std::thread::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0).min(1000)));
}

/// The document of what was given.
fn document_of<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Says that it is revoked, and where it was already, until when.
pub(super) fn told(already: Option<&Value>) {
    match already {
        None => words(format_args!("revoked")),
        Some(standing) => words(format_args!(
            "revoked already, {}: nothing has changed. It says {standing}",
            match standing.get("until").and_then(Value::as_i64).map(jiff::Timestamp::from_second) {
                Some(Ok(until)) => format!("until {until}"),
                Some(Err(_)) | None => "without end".to_owned(),
            }
        )),
    }
}

impl Unrevoke {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let now_unix = Clock::system().unix();
        let document = self.document().to_string();
        let lifted = match &self.list.file {
            None => {
                let said = self.list.place.ask("DELETE", "/revocations", &document)?;
                match said.body.get("lifted") {
                    Some(lifted) if said.status == 200 => lifted.clone(),
                    _ => return Err(said.trouble()),
                }
            }
            Some(file) => {
                let named = Revocation::parse(document.as_bytes(), now_unix)
                    .map_err(|error| Trouble::NotLifted(error.to_string()))?;
                // A file that is not there has nothing in it, and is not to be made for that.
                std::fs::metadata(file).map_err(|error| Trouble::NotLifted(format!("{}: {error}", file.display())))?;
                let revocations =
                    self.list.open(file, now_unix).map_err(|error| Trouble::NotLifted(error.to_string()))?;
                let lifted = revocations.lift(&named.revoked, now_unix);
                lifted.map_err(|error| Trouble::NotLifted(error.to_string()))?.to_json()
            }
        };
        words(format_args!("lifted. It said {lifted}"));
        Ok(Exit::Ok)
    }

    fn document(&self) -> Value {
        let members = [
            ("jti", self.jti.clone().map(Value::from)),
            ("subject", self.subject.clone().map(Value::from)),
            ("key_id", self.key_id.clone().map(Value::from)),
            ("tokens", self.tokens.clone().map(Value::from)),
            // One name has one moment, whichever it is.
            ("issued_before", self.issued_before.then(|| Value::from(0))),
        ];
        document_of(members)
    }
}

impl ListRevocations {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let list = match &self.file {
            None => {
                let said = self.place.ask("GET", "/revocations", "")?;
                match said.body.get("revocations").and_then(Value::as_array) {
                    Some(list) if said.status == 200 => list.clone(),
                    _ => return Err(said.trouble()),
                }
            }
            Some(file) => {
                let now_unix = Clock::system().unix();
                let standing = Revocations::in_file(file, MOST_SHOWN, now_unix).map_err(Trouble::NotListed)?;
                standing.iter().map(Revocation::to_json).collect()
            }
        };
        list.iter().for_each(|revocation| data(format_args!("{revocation}")));
        Ok(Exit::Ok)
    }
}

/// The time that it is.
const NOW: &str = "now";

fn time(text: &str, now_unix: i64) -> Result<i64, Trouble> {
    let unix = match text {
        NOW => Some(now_unix),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second),
    };
    unix.ok_or_else(|| Trouble::Time(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_now_a_number_or_a_date() {
        assert_eq!(time("now", 7).unwrap(), 7);
        assert_eq!(time("1700000000", 7).unwrap(), 1_700_000_000);
        assert_eq!(time("2023-11-14T22:13:20Z", 7).unwrap(), 1_700_000_000);
        assert!(time("yesterday", 7).is_err() && time("", 7).is_err() && time("-1", 7).is_err());
    }
}
