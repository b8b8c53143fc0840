//! `countersign token revoke`: a token that somebody has in hand is not to be good any more.

use clap::Args;
use serde_json::json;

use super::from_standard_input;
use crate::{
    authenticate::jwt,
    cli::{Exit, admin::AdminPlace, revoke::told, trouble::Trouble},
    json::Value,
};

/// How long after its `exp` a token may be believed somewhere, in seconds: leeways, and clocks that differ.
const BELIEVED_AFTER: i64 = 3_600;

/// Revoke the token on standard input
///
///   countersign token revoke < token.txt
///   countersign token revoke --reason "in a bug report" < token.txt
///
/// Asks the running gateway to revoke the token's `jti`, until an hour after its `exp`. The token is
/// not verified; `countersign token inspect` shows what it says. A token without `jti` cannot
/// be revoked alone: `countersign revoke` has other ways.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Revoke {
    /// Why, for people
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    place: AdminPlace,
}

impl Revoke {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let token = from_standard_input()?;
        let glimpse = jwt::Glimpse::of(&token);
        let claims = glimpse.claims.ok_or_else(|| no_jti("this is no token that can be read"))?;
        let Some(Value::String(jti)) = claims.pointer("/jti") else { return Err(no_jti("the token has no `jti`")) };
        let expires = claims.pointer("/exp").and_then(|exp| exp.to_string().parse::<f64>().ok());
        let until = expires.map(|exp| (exp.ceil() as i64).saturating_add(BELIEVED_AFTER));
        let mut document = json!({ "jti": jti });
        let more =
            [("until", until.map(serde_json::Value::from)), ("reason", self.reason.map(serde_json::Value::from))];
        if let Some(document) = document.as_object_mut() {
            document.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        let said = self.place.ask("POST", "/revocations", &document.to_string())?;
        if said.status != 200 {
            return Err(said.trouble());
        }
        told(said.body.get("already"));
        Ok(Exit::Ok)
    }
}

fn no_jti(why: &str) -> Trouble {
    Trouble::NotRevoked(format!("{why}: nothing names it"))
}
