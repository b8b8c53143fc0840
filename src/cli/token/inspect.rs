//! `countersign token inspect`: each member of a token in words. It proves nothing.

use clap::Args;
use jiff::{SignedDuration, Timestamp, fmt::friendly::SpanPrinter};

use super::from_standard_input;
use crate::{
    authenticate::jwt::{self, TokenError},
    cli::{Exit, data, table::Table, trouble::Trouble, words},
    clock::{Clock, TOO_LARGE_FOR_SECONDS},
    jose::{Algorithm, DecryptionKey, KeyManagement},
    json::{Document, Value},
};

/// Show what a token says, in words
///
///   countersign token inspect < token.txt
///   pbpaste | countersign token inspect
///   countersign token inspect --at 1714485600 < token.txt
///
/// Reads the token from standard input, bare or after `Bearer`. Nothing is verified: anyone can
/// write a token that says anything. Rules that hold whatever a config says are checked, and the
/// one that would refuse the token is named; then the exit code is 4.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Inspect {
    /// The time, in seconds since 1970 [default: now]
    #[arg(long, value_name = "UNIX", allow_negative_numbers = true)]
    at: Option<i64>,
}

impl Inspect {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let token = from_standard_input()?;
        let now = self.at.unwrap_or_else(|| Clock::system().unix());
        let glimpse = jwt::Glimpse::of(&token);
        for (title, document) in [("HEADER", &glimpse.header), ("CLAIM", &glimpse.claims)] {
            if let Some(document) = document {
                data(format_args!("{}", table(title, document, glimpse.encrypted_bytes.is_some(), now)));
            }
        }
        if let Some(bytes) = glimpse.signature_bytes {
            data(format_args!("  signature of {bytes} bytes, not verified: `countersign token verify` does that"));
        }
        if let Some(bytes) = glimpse.encrypted_bytes {
            data(format_args!(
                "  encrypted content of {bytes} bytes: `countersign token verify` opens it with a config's keys"
            ));
        }
        Ok(match glimpse.fault {
            None => Exit::Ok,
            Some(fault) => {
                words(format_args!("refused whatever a config says: {fault}"));
                hint(&fault);
                Exit::Refused
            }
        })
    }
}

fn hint(fault: &TokenError) {
    if matches!(fault, TokenError::SegmentCount) {
        words(format_args!("  hint: a signed token has three parts with dots between, an encrypted one five"));
    }
}

fn table(title: &str, document: &Document<'_>, is_encrypted: bool, now: i64) -> Table {
    let mut table = Table::new(&[title, "VALUE", "MEANING"]);
    let Value::Object(members) = document.root() else { return table };
    for (name, value) in members.iter() {
        let meaning = match title {
            "HEADER" if is_encrypted => header_of_encrypted(&name, &value),
            "HEADER" => header(&name, &value),
            _ => claim(&name, &value, now),
        };
        table.row([plain(&name, 32), plain(&shown(&value), 60), meaning]);
    }
    table
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::String(text) => text.clone().into_owned(),
        other => other.to_string(),
    }
}

/// What a token says must not steer the terminal it is shown on.
fn plain(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().take(most).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > most {
        shown.push('…');
    }
    shown
}

fn header(name: &str, value: &Value<'_>) -> String {
    let text = shown(value);
    match name {
        "alg" if Algorithm::named(&text).is_some() => "how it is signed; the key decides, the token only agrees".into(),
        "alg" => "no algorithm that is accepted here".into(),
        "kid" => "which key of the issuer".into(),
        "typ" => "what kind of token".into(),
        "cty" => "what its content is".into(),
        "crit" | "b64" | "zip" | "enc" => "changes how a token is read: refused".into(),
        "jwk" | "jku" | "x5u" | "x5c" => "brings its own key: refused".into(),
        _ => String::new(),
    }
}

fn header_of_encrypted(name: &str, value: &Value<'_>) -> String {
    let text = shown(value);
    match name {
        "alg" if KeyManagement::ALL.iter().any(|known| known.name() == text) => {
            "how the content's key is had; our key decides, the token only agrees".into()
        }
        "enc" if DecryptionKey::knows_content_encryption(&text) => "how the content is encrypted".into(),
        "enc" => "no encryption that is accepted here".into(),
        "kid" => "which key of the receiver".into(),
        "cty" => "what is inside: a signed token where it is JWT".into(),
        "epk" | "apu" | "apv" | "p2s" | "p2c" | "iv" | "tag" => {
            "belongs to an algorithm that is not accepted: refused".into()
        }
        _ => header(name, value),
    }
}

fn claim(name: &str, value: &Value<'_>, now: i64) -> String {
    match name {
        "iss" => "who issued it".into(),
        "sub" => "whom it is about: the subject".into(),
        "aud" => "whom it is for".into(),
        "jti" => "its own id".into(),
        "exp" => time("expires", "expired", value, now),
        "nbf" => time("counts from", "counts since", value, now),
        "iat" => time("issued in the future", "issued", value, now),
        "auth_time" => time("logged in in the future", "logged in", value, now),
        "scope" | "scp" => "what it may be used for".into(),
        "client_id" | "azp" => "which client it was given to".into(),
        "cnf" => binding(value),
        _ => String::new(),
    }
}

/// What its sender must have besides it. Nothing of that can be asked here.
fn binding(value: &Value<'_>) -> String {
    let Value::Object(members) = value else { return "no object: refused".into() };
    let known = members.iter().map(|(name, _)| match &*name {
        "jkt" => Some("the key (jkt) of which it needs a DPoP proof"),
        "x5t#S256" => Some("the certificate (x5t#S256) that its connection must be made with"),
        _ => None,
    });
    match known.collect::<Option<Vec<_>>>() {
        None => "bound to something that is not known here: refused".into(),
        Some(bindings) => format!("bound, which is not checked: {}", bindings.join("; ")),
    }
}

/// A time that no calendar of ours has.
fn beyond(seconds: f64) -> &'static str {
    match seconds < TOO_LARGE_FOR_SECONDS as f64 {
        true => "beyond the year 9999",
        false => "too large for seconds (milliseconds?): refused",
    }
}

/// `expires 2027-01-15T08:00:00Z, in 1h 10m`.
fn time(ahead: &str, behind: &str, value: &Value<'_>, now: i64) -> String {
    let Value::Number(text) = value else { return "not a number of seconds: refused".into() };
    let Ok(seconds) = text.parse::<f64>() else { return String::new() };
    #[allow(clippy::cast_possible_truncation)] // Saturates; what is out of range has no date below.
    let unix = seconds.floor() as i64;
    let Ok(date) = Timestamp::from_second(unix) else { return beyond(seconds).into() };
    let distance = SignedDuration::from_secs(unix.saturating_sub(now));
    let length = SpanPrinter::new().duration_to_string(&distance.abs());
    if distance.is_positive() {
        format!("{ahead} {date}, in {length}")
    } else {
        format!("{behind} {date}, {length} ago")
    }
}
