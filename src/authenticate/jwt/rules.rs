//! Rules about claims that the standard leaves to whoever accepts a token.

use std::time::Duration;

use super::{
    SettingsError, TokenError,
    claims::{self, Times},
};
use crate::json::{Document, Value};

/// The rules, as the operator wrote them. A claim is named as in [`Token::claim`](super::Token::claim); values are JSON
/// texts of strings, numbers or booleans, and numbers are compared as they are written.
#[derive(Debug, Clone, Default)]
pub struct ClaimRules {
    /// Claims that must be present and not null.
    pub required: Vec<String>,
    /// Claims that must be a value.
    pub equal: Vec<(String, String)>,
    /// Claims that must be one of several values.
    pub one_of: Vec<(String, Vec<String>)>,
    /// Claims that must be a list with each of these in it; a single value is a list of one.
    pub contains: Vec<(String, Vec<String>)>,
    /// How long ago `iat` may be; it is required then.
    pub max_age: Option<Duration>,
    /// How long from `iat` to `exp`; both are required then.
    pub max_lifetime: Option<Duration>,
}

/// The same, ready to be applied.
pub(super) struct Rules {
    required: Vec<String>,
    equal: Vec<Values>,
    one_of: Vec<Values>,
    contains: Vec<Values>,
    max_age: Option<i64>,
    max_lifetime: Option<i64>,
}

/// A claim and the values it is compared with.
struct Values {
    claim: String,
    values: Vec<Document<'static>>,
}

impl Rules {
    pub(super) fn new(rules: ClaimRules) -> Result<Rules, SettingsError> {
        let single = rules.equal.into_iter().map(|(claim, value)| (claim, vec![value])).collect();
        let seconds = |time: Option<Duration>| time.map(|time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        Ok(Rules {
            required: rules.required,
            equal: compared(single)?,
            one_of: compared(rules.one_of)?,
            contains: compared(rules.contains)?,
            max_age: seconds(rules.max_age),
            max_lifetime: seconds(rules.max_lifetime),
        })
    }

    /// All that does not depend on the time.
    pub(super) fn check(&self, claims: &Document<'_>, times: Times) -> Result<(), TokenError> {
        for name in &self.required {
            if matches!(claims::find(claims, name), None | Some(Value::Null)) {
                return Err(TokenError::MissingClaim(name.clone()));
            }
        }
        let claim = |rule: &Values| claims::find(claims, &rule.claim);
        for rule in &self.equal {
            if !claim(rule).is_some_and(|claim| rule.has(&claim)) {
                return Err(TokenError::UnequalClaim(rule.claim.clone()));
            }
        }
        for rule in &self.one_of {
            if !claim(rule).is_some_and(|claim| rule.has(&claim)) {
                return Err(TokenError::ClaimNotAmong(rule.claim.clone()));
            }
        }
        for rule in &self.contains {
            if !claim(rule).is_some_and(|claim| rule.are_all_in(&claim)) {
                return Err(TokenError::ClaimLacks(rule.claim.clone()));
            }
        }
        self.check_lifetime(times)
    }

    /// What a token that was good a moment ago may break since.
    pub(super) fn check_age(&self, times: Times, now: i64, leeway: i64) -> Result<(), TokenError> {
        let Some(most) = self.max_age else { return Ok(()) };
        let issued = times.issued.ok_or_else(|| TokenError::MissingClaim("iat".to_owned()))?;
        if now > issued.saturating_add(most).saturating_add(leeway) { Err(TokenError::TooOld) } else { Ok(()) }
    }

    /// Both times are the issuer's, so its clock is not compared with ours and there is no leeway.
    fn check_lifetime(&self, times: Times) -> Result<(), TokenError> {
        let Some(most) = self.max_lifetime else { return Ok(()) };
        let expires = times.expires.ok_or_else(|| TokenError::MissingClaim("exp".to_owned()))?;
        let issued = times.issued.ok_or_else(|| TokenError::MissingClaim("iat".to_owned()))?;
        if expires.saturating_sub(issued) > most { Err(TokenError::LivesTooLong) } else { Ok(()) }
    }
}

impl Values {
    fn has(&self, claim: &Value<'_>) -> bool {
        self.values.iter().any(|value| equal(claim, &value.root()))
    }

    fn are_all_in(&self, claim: &Value<'_>) -> bool {
        match claim {
            Value::Array(list) => {
                self.values.iter().all(|value| list.iter().any(|element| equal(&element, &value.root())))
            }
            single => self.values.iter().all(|value| equal(single, &value.root())),
        }
    }
}

fn compared(rules: Vec<(String, Vec<String>)>) -> Result<Vec<Values>, SettingsError> {
    let rule = |(claim, texts): (String, Vec<String>)| {
        let values = texts.iter().map(|text| scalar(&claim, text)).collect::<Result<_, _>>()?;
        Ok(Values { claim, values })
    };
    rules.into_iter().map(rule).collect()
}

fn scalar(claim: &str, text: &str) -> Result<Document<'static>, SettingsError> {
    let document = Document::parse_owned(text.as_bytes().to_vec())
        .map_err(|error| SettingsError::ClaimNotJson(claim.to_owned(), error))?;
    match document.root() {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Ok(document),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(SettingsError::ClaimNotScalar(claim.to_owned())),
    }
}

fn equal(claim: &Value<'_>, expected: &Value<'_>) -> bool {
    match (claim, expected) {
        (Value::String(claim), Value::String(expected)) => claim == expected,
        (Value::Number(claim), Value::Number(expected)) => claim == expected,
        (Value::Bool(claim), Value::Bool(expected)) => claim == expected,
        _ => false,
    }
}
