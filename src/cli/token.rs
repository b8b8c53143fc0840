//! `countersign token`: what a token says, whether a config would believe it, and one by hand; all that offline. And the
//! end of one, which the running gateway is asked for.

mod inspect;
mod issue;
mod revoke;
mod verify;

use std::io::{self, Read};

use clap::Subcommand;

use super::{Exit, trouble::Trouble};
use crate::{
    authenticate::jwt::MAX_TOKEN_BYTES,
    config::{Config, Tokens},
};

/// Look at tokens, judge them by a config, issue them by hand, and revoke them
#[derive(Subcommand)]
pub(super) enum TokenCommand {
    Inspect(inspect::Inspect),
    Issue(issue::Issue),
    Revoke(revoke::Revoke),
    Verify(verify::Verify),
}

impl TokenCommand {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        match self {
            TokenCommand::Inspect(inspect) => inspect.execute(),
            TokenCommand::Issue(issue) => issue.execute(),
            TokenCommand::Revoke(revoke) => revoke.execute(),
            TokenCommand::Verify(verify) => verify.execute(),
        }
    }
}

/// The token on standard input: an argument would be seen by every process on the machine. A whole `Authorization` value
/// will do.
fn from_standard_input() -> Result<Vec<u8>, Trouble> {
    let mut text = Vec::new();
    // More than a gateway reads, so that a token which is too long is refused here for the same reason.
    let most = u64::try_from(MAX_TOKEN_BYTES * 2).unwrap_or(u64::MAX);
    io::stdin().lock().take(most).read_to_end(&mut text).map_err(Trouble::Input)?;
    let text = text.trim_ascii();
    let bare = match text.split_at_checked(7) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"bearer ") => rest,
        _ => text,
    };
    if bare.is_empty() {
        return Err(Trouble::EmptyInput);
    }
    Ok(bare.trim_ascii().to_vec())
}

/// The entry of that name, or the only one that there is.
fn tokens_entry<'c>(name: Option<&str>, config: &'c Config) -> Result<&'c Tokens, Trouble> {
    let found = match (name, config.tokens.as_slice()) {
        (None, [only]) => Some(only),
        (Some(name), entries) => entries.iter().find(|entry| entry.name == name),
        (None, _) => None,
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = config.tokens.iter().map(|entry| entry.name.as_str()).collect();
        Trouble::WhichTokens(if names.is_empty() { "none".to_owned() } else { names.join(", ") })
    })
}
