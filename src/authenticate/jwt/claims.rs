//! The registered claims (RFC 7519 section 4.1) with their types checked, and when a token counts.

use super::{Segment, TokenError, binding::Confirmation};
use crate::{
    clock::TOO_LARGE_FOR_SECONDS,
    json::{Document, Object, Value},
};

/// The claims whose meaning the standard fixes. Each is absent or of its right type.
pub(super) struct Registered {
    pub(super) subject: Option<String>,
    pub(super) audience: Option<Vec<String>>,
    pub(super) jti: Option<String>,
    pub(super) times: Times,
    pub(super) confirmation: Option<Confirmation>,
}

/// When a token counts, in seconds since 1970, fractions rounded up: for a clock of whole seconds `now < 9.5` and
/// `now < 10` are the same, and so are `9.5 <= now` and `10 <= now`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) expires: Option<i64>,
    pub(super) not_before: Option<i64>,
    pub(super) issued: Option<i64>,
}

impl Registered {
    pub(super) fn read(document: &Document<'_>) -> Result<Registered, TokenError> {
        let Value::Object(claims) = document.root() else { return Err(TokenError::NotAnObject(Segment::Payload)) };
        let subject = string(&claims, "sub")?;
        // It will stand in a header or a log line.
        if subject.as_deref().is_some_and(|subject| subject.chars().any(char::is_control)) {
            return Err(TokenError::MalformedClaim("sub"));
        }
        // Whose it is was asked before the signature; here only its type, which is to be right whoever is asked for.
        string(&claims, "iss")?;
        Ok(Registered {
            subject,
            audience: audience(&claims)?,
            jti: string(&claims, "jti")?,
            times: Times::read(&claims)?,
            confirmation: Confirmation::read(&claims)?,
        })
    }
}

impl Times {
    fn read(claims: &Object<'_>) -> Result<Times, TokenError> {
        let (expires, issued) = (numeric_date(claims, "exp")?, numeric_date(claims, "iat")?);
        let not_before = numeric_date(claims, "nbf")?;
        if expires.zip(issued).is_some_and(|(expires, issued)| expires < issued) {
            return Err(TokenError::ExpiresBeforeIssued);
        }
        Ok(Times {
            expires: expires.map(whole_seconds),
            not_before: not_before.map(whole_seconds),
            issued: issued.map(whole_seconds),
        })
    }

    /// Whether the token counts at `now`. Expiry is asked last, so that `Expired` means that nothing else was wrong.
    pub(super) fn check(self, now: i64, leeway: i64) -> Result<(), TokenError> {
        let latest = now.saturating_add(leeway);
        if self.not_before.is_some_and(|not_before| not_before > latest) {
            return Err(TokenError::NotYetValid);
        }
        if self.issued.is_some_and(|issued| issued > latest) {
            return Err(TokenError::IssuedInFuture);
        }
        match self.expires {
            Some(expires) if now >= expires.saturating_add(leeway) => Err(TokenError::Expired),
            Some(_) | None => Ok(()),
        }
    }
}

/// A claim by its name, or by a JSON pointer if that starts with `/`.
pub(super) fn find<'c>(claims: &'c Document<'_>, name: &str) -> Option<Value<'c>> {
    match claims.root() {
        root if name.starts_with('/') => root.pointer(name),
        Value::Object(object) => object.value(name),
        _ => None,
    }
}

/// Whether a server that was asked means an access token that whoever bears it may use. `token_type` is RFC 7662's, `token_use`
/// is what servers say that answer for refresh tokens too.
pub(super) fn check_use(claims: &Document<'_>) -> Result<(), TokenError> {
    for (name, wanted) in [("token_type", "bearer"), ("token_use", "access_token")] {
        match find(claims, name) {
            None => {}
            Some(Value::String(text)) if text.eq_ignore_ascii_case(wanted) => {}
            Some(_) => return Err(TokenError::OtherUse(name)),
        }
    }
    Ok(())
}

fn string(claims: &Object<'_>, name: &'static str) -> Result<Option<String>, TokenError> {
    match claims.value(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.into_owned())),
        Some(_) => Err(TokenError::MalformedClaim(name)),
    }
}

/// A string, or an array of strings with at least one.
fn audience(claims: &Object<'_>) -> Result<Option<Vec<String>>, TokenError> {
    let malformed = TokenError::MalformedClaim("aud");
    match claims.value("aud") {
        None => Ok(None),
        Some(Value::String(one)) => Ok(Some(vec![one.into_owned()])),
        Some(Value::Array(several)) if !several.is_empty() => {
            let names: Option<Vec<String>> =
                several.iter().map(|name| name.into_string().map(|name| name.into_owned())).collect();
            names.map(Some).ok_or(malformed)
        }
        Some(_) => Err(malformed),
    }
}

/// RFC 7519 section 2, NumericDate: a JSON number of seconds, here not negative.
fn numeric_date(claims: &Object<'_>, name: &'static str) -> Result<Option<f64>, TokenError> {
    let malformed = Err(TokenError::MalformedClaim(name));
    match claims.value(name) {
        None => Ok(None),
        Some(Value::Number(text)) => match text.parse::<f64>() {
            Ok(_) if text.starts_with('-') => malformed,
            Ok(seconds) if seconds < TOO_LARGE_FOR_SECONDS as f64 => Ok(Some(seconds)),
            Ok(_) => Err(TokenError::NotSeconds(name)),
            Err(_) => malformed,
        },
        Some(_) => malformed,
    }
}

/// Nothing is lost: [`numeric_date`] lets no large number through.
#[allow(clippy::cast_possible_truncation)]
fn whole_seconds(seconds: f64) -> i64 {
    seconds.ceil() as i64
}
