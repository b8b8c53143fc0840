//! `countersign revoke` and `countersign revocations`: take back what was given, and see what was.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::{Exit, admin::AdminPlace, data, trouble::Trouble, words};
use crate::{
    clock::Clock,
    config,
    store::revocations::{By, LogError, Revocation, Revocations},
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
/// store that gateways share, and in force. A token without `iat` counts as issued
/// before any time.
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
    /// Write to this file; no gateway may have it open
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How many may be in that file: the `capacity` of the gateway that will read it
    #[arg(long, value_name = "N", requires = "file", default_value_t = config::Revocations::USUAL_CAPACITY)]
    capacity: usize,
    #[command(flatten)]
    place: AdminPlace,
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
        let now_unix = Clock::system().unix();
        let document = self.document(now_unix)?;
        match &self.file {
            None => {
                let said = self.place.ask("POST", "/revocations", &document.to_string())?;
                if said.status != 200 {
                    return Err(said.trouble());
                }
            }
            Some(file) => {
                let revocation = Revocation::parse(document.to_string().as_bytes(), now_unix)
                    .map_err(|error| Trouble::NotRevoked(error.to_string()))?;
                let revocations = Revocations::open(file, self.capacity, now_unix).map_err(unusable)?;
                let revoked = revocations.revoke(revocation, By::Operator, now_unix);
                revoked.map_err(|error| Trouble::NotRevoked(error.to_string()))?;
            }
        }
        words(format_args!("revoked"));
        Ok(Exit::Ok)
    }

    fn document(&self, now_unix: i64) -> Result<Value, Trouble> {
        let time = |text: &Option<String>| text.as_deref().map(|text| time(text, now_unix)).transpose();
        let members = [
            ("jti", self.jti.clone().map(Value::from)),
            ("subject", self.subject.clone().map(Value::from)),
            ("key_id", self.key_id.clone().map(Value::from)),
            ("tokens", self.tokens.clone().map(Value::from)),
            ("issued_before", time(&self.issued_before)?.map(Value::from)),
            ("until", time(&self.until)?.map(Value::from)),
            ("reason", self.reason.clone().map(Value::from)),
        ];
        let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(Value::Object(given.collect()))
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

fn unusable(error: LogError) -> Trouble {
    Trouble::NotRevoked(error.to_string())
}

fn time(text: &str, now_unix: i64) -> Result<i64, Trouble> {
    let unix = match text {
        "now" => Some(now_unix),
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
