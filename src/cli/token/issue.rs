//! `countersign token issue`: a token by hand, signed as a config's issuer or tokens entry would have it.

use std::{borrow::Cow, time::Duration};

use clap::Args;
use serde_json::{Map, Value};

use super::tokens_entry;
use crate::{
    authenticate::Reason,
    cli::{Exit, config_file::ConfigFile, data, trouble::Trouble, words},
    clock::Clock,
    config::{self, Config, Issuer, Tokens},
    gateway::{StartError, minted_claims, token_rule},
    minting::{ClaimValue, Minter, MintingFault, RESERVED_CLAIMS},
    scheme::{Body, Fact, Headers, Known, View},
};

/// Issue a token by hand, with the key of a config
///
///   countersign token issue -c gateway.yaml --issuer api --subject alice
///   countersign token issue -c gateway.yaml --issuer api --subject alice --claim role=admin --lifetime 10m
///   countersign token issue -c gateway.yaml --tokens api --subject job-7 --claim level=3
///
/// With --issuer it is as that issuer's own: its audience, lifetime and claims. With --tokens it
/// is signed with the first key of that entry, for an hour. Neither needs to be said where the
/// config has one issuer, or one tokens entry and no issuer.
///
/// The value of --claim is JSON where it is JSON, else text: `level=3` is a number, `level='"3"'` text.
///
/// Exit code 0 and the token on standard output; 1 where the config has only public keys; 4 and
/// `refused: CAUSE: why` where the config itself would not believe the token.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Issue {
    #[command(flatten)]
    config: ConfigFile,
    /// As this issuer of the config
    #[arg(long, value_name = "NAME", conflicts_with = "tokens")]
    issuer: Option<String>,
    /// With the key of this tokens entry
    #[arg(long, value_name = "NAME")]
    tokens: Option<String>,
    /// Whom it is for: `sub`
    #[arg(long, value_name = "TEXT")]
    subject: String,
    /// `aud`, needed where the tokens entry accepts several
    #[arg(long, value_name = "TEXT")]
    audience: Option<String>,
    /// One more claim; may be given several times
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, Value)>,
    /// From now to its expiry, such as `90s`, `10m`, `1h`
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    lifetime: Option<Duration>,
}

/// Of a tokens entry that no issuer speaks for.
const LIFETIME: Duration = Duration::from_secs(3600);

impl Issue {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let (config, _) = config::load(&self.config.path)?;
        let (issuer, tokens) = self.named(&config)?;
        let minter = self.minter(issuer, tokens)?;
        let now = Clock::system().unix();
        let told = Told(&self.subject);
        let claims = minter.claims(Map::new(), Some(&self.subject), &told.view()).map_err(unfilled)?;
        let minted = minter.mint_here(claims, now).map_err(unfilled)?;
        // What a gateway with this config would make of it.
        let rule = token_rule(&config, tokens, None, Clock::system()).map_err(StartError::from)?;
        if let Err(error) = rule.judge(minted.token.as_bytes(), now) {
            let reason = Reason::Token(error);
            words(format_args!("refused: {}: {reason}", reason.cause().face().name));
            words(format_args!("  hint: `--claim NAME=VALUE` says what the tokens entry `{}` wants", tokens.name));
            return Ok(Exit::Refused);
        }
        data(format_args!("{}", minted.token));
        Ok(Exit::Ok)
    }

    /// The issuer, where there is one to speak for, and whose key signs.
    fn named<'c>(&self, config: &'c Config) -> Result<(Option<&'c Issuer>, &'c Tokens), Trouble> {
        let issuer = match (&self.issuer, &self.tokens, config.issuers.as_slice()) {
            (_, Some(_), _) | (None, None, []) => None,
            (None, None, [only]) => Some(only),
            (name, None, issuers) => {
                let found = issuers.iter().find(|issuer| Some(&issuer.name) == name.as_ref());
                let names: Vec<&str> = issuers.iter().map(|issuer| issuer.name.as_str()).collect();
                Some(found.ok_or_else(|| Trouble::WhichIssuer(or_none(&names)))?)
            }
        };
        let tokens = match issuer {
            Some(issuer) => config.tokens.get(issuer.tokens).ok_or_else(|| Trouble::WhichTokens(or_none(&[])))?,
            None => tokens_entry(self.tokens.as_deref(), config)?,
        };
        Ok((issuer, tokens))
    }

    fn minter(&self, issuer: Option<&Issuer>, tokens: &Tokens) -> Result<Minter, Trouble> {
        let key = tokens.signing_key().cloned().ok_or_else(|| Trouble::PublicKeyAlone(tokens.name.clone()))?;
        let audience = self.audience.clone().or_else(|| issuer.and_then(|issuer| issuer.audience.clone()));
        let audience = match (audience, tokens.audience.as_slice()) {
            (Some(audience), _) => Some(audience),
            (None, []) => None,
            (None, [only]) => Some(only.clone()),
            (None, several) => return Err(Trouble::WhichAudience(several.join(", "))),
        };
        let mut claims = issuer.map(|issuer| minted_claims(&issuer.claims)).unwrap_or_default();
        claims.retain(|(name, _)| self.claims.iter().all(|(own, _)| own != name));
        claims.extend(self.claims.iter().map(|(name, value)| (name.clone(), ClaimValue::Json(value.clone()))));
        let lifetime = self.lifetime.or(issuer.map(|issuer| issuer.lifetime)).unwrap_or(LIFETIME);
        Ok(Minter { key, issuer: tokens.issuer.clone(), audience, lifetime, claims })
    }
}

fn or_none(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// There is no request that a claim could be taken from.
fn unfilled(fault: MintingFault) -> Trouble {
    match fault {
        MintingFault::Claim(name, _) => Trouble::ClaimOfRequest(name),
        MintingFault::Unsigned | MintingFault::NoRandomness => Trouble::NotMinted(fault),
    }
}

fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("wanted is NAME=VALUE")?;
    if name.is_empty() || name == "sub" || RESERVED_CLAIMS.contains(&name) {
        return Err(format!("`{name}` is not a claim that can be given so"));
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((name.to_owned(), value))
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = config::duration(text).ok_or("wanted is a number and a unit: `90s`, `10m`, `1h`, `1d`")?;
    if lifetime < Duration::from_secs(1) { Err("a second or more".to_owned()) } else { Ok(lifetime) }
}

/// All that is known: whom it is for.
struct Told<'t>(&'t str);

impl Told<'_> {
    fn view(&self) -> View<'_> {
        View { method: "", target: "", scheme: "", authority: "", headers: &NoHeaders, body: Body::Unread, known: self }
    }
}

impl Known for Told<'_> {
    fn claim(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn fact(&self, fact: Fact) -> Option<Cow<'_, str>> {
        (fact == Fact::Subject).then_some(Cow::Borrowed(self.0))
    }
}

struct NoHeaders;

impl Headers for NoHeaders {
    fn each(&self, _: &str, _: &mut dyn FnMut(&[u8])) {}

    fn names(&self, _: &mut dyn FnMut(&str)) {}
}
