//! `countersign token verify`: would a config believe this token, and if not, by which rule.

mod difference;

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Args;

use super::{from_standard_input, tokens_entry};
use crate::{
    authenticate::{
        Reason,
        jwt::{Keys, Token, TokenError},
    },
    cli::{Exit, config_file::ConfigFile, data, trouble::Trouble, words},
    clock::Clock,
    config,
    gateway::{StartError, token_rule},
    jose::{JwkSet, SetRules},
};

/// Say whether a config believes a token, and which rule refused it
///
///   countersign token verify -c gateway.yaml < token.txt
///   countersign token verify -c gateway.yaml --tokens staff < token.txt
///   countersign token verify -c gateway.yaml --jwks keys.json --at 1714485600 < token.txt
///
/// Reads the token from standard input, bare or after `Bearer`. Keys come from the config; those
/// that an issuer publishes are not fetched, but taken from the entry's cache, or from --jwks.
///
/// Exit code 0 and `accepted` on standard output, or 4 and `refused: CAUSE: why` on standard
/// error. Replay, scopes that single routes want, and whether whoever sends a bound token has
/// the key or certificate that it names, are not looked at; what it is bound to is shown.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    config: ConfigFile,
    /// The tokens entry, needed where the config has several
    #[arg(long, value_name = "NAME")]
    tokens: Option<String>,
    /// A file with the issuer's key set, in place of the entry's keys
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// The time, in seconds since 1970 [default: now]
    #[arg(long, value_name = "UNIX", allow_negative_numbers = true)]
    at: Option<i64>,
}

impl Verify {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let (config, _) = config::load(&self.config.path)?;
        let entry = tokens_entry(self.tokens.as_deref(), &config)?;
        let rules = entry.keys.set_rules().ok_or_else(|| Trouble::OpaqueTokens(entry.name.clone()))?;
        let keys = self.jwks.as_ref().map(|file| key_set(file, rules)).transpose()?;
        let rule = token_rule(&config, entry, keys, Clock::system()).map_err(StartError::from)?;
        let now = self.at.unwrap_or_else(|| Clock::system().unix());
        let token = from_standard_input()?;
        let judged = rule.judge(&token, now);
        Ok(match judged {
            Ok(token) => {
                data(format_args!("accepted"));
                for (what, value) in [("subject", token.subject()), ("kid", token.kid()), ("id", token.jti())] {
                    if let Some(value) = value {
                        data(format_args!("  {what}: {}", value.escape_debug()));
                    }
                }
                show_binding(&token);
                Exit::Ok
            }
            Err(error) => {
                let reason = Reason::Token(error.clone());
                words(format_args!("refused: {}: {reason}", reason.cause().face().name));
                if self.jwks.is_none() {
                    difference::show(&error, &token, entry, |key| {
                        let rule = token_rule(&config, entry, Some(Keys::Fixed(vec![key])), Clock::system());
                        rule.map_or(Ok(()), |rule| rule.judge(&token, now).map(drop))
                    });
                }
                if error == TokenError::NoKeysYet {
                    words(format_args!("  hint: the keys are with the issuer; save its set and name that with --jwks"));
                }
                Exit::Refused
            }
        })
    }
}

/// What a thief of the token lacks. Nobody who sends it is here to be asked.
fn show_binding(token: &Token) {
    let bindings = [
        ("the key", "jkt", token.bound_key(), "a DPoP proof of it"),
        ("the certificate", "x5t#S256", token.bound_certificate(), "a connection that was made with it"),
    ];
    for (what, name, thumbprint, wanted) in bindings {
        if let Some(thumbprint) = thumbprint {
            let thumbprint = URL_SAFE_NO_PAD.encode(thumbprint);
            data(format_args!("  bound to {what} {thumbprint} ({name}): not checked; a request needs {wanted}"));
        }
    }
}

/// By the rules that the entry has for sets.
fn key_set(file: &PathBuf, rules: &SetRules) -> Result<Keys, Trouble> {
    let text = fs::read(file).map_err(Trouble::KeySetFile)?;
    let set = JwkSet::parse(&text, rules).map_err(Trouble::KeySet)?;
    for (place, kid, why) in &set.skipped {
        let kid = kid.as_deref().unwrap_or_default().escape_debug();
        words(format_args!("note: key {} ({kid}) of the set is not used: {why}", place + 1));
    }
    Ok(Keys::Fixed(set.keys))
}
