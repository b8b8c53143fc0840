//! Claims out of JSON that is read strictly: names once, numbers that mean the same to whoever reads them.

use serde_json::{Map, Number, Value};

use super::fault::RowFault;
use crate::json;

/// Longest claims of one user, in bytes of JSON: they stand in a header with every request.
pub(super) const LONGEST: usize = 4096;

/// Claims that the issuer alone writes; whose tokens they are it says too.
const RESERVED: [&str; 7] = ["iss", "sub", "aud", "iat", "nbf", "exp", "jti"];

/// The same value, apart from the text it was read from. `None` where a number is beyond what JSON's readers agree on.
pub(super) fn owned(value: &json::Value<'_>) -> Option<Value> {
    Some(match value {
        json::Value::Null => Value::Null,
        json::Value::Bool(truth) => Value::Bool(*truth),
        json::Value::Number(text) => Value::Number(number(text)?),
        json::Value::String(text) => Value::String(text.to_string()),
        json::Value::Array(array) => Value::Array(array.iter().map(|value| owned(&value)).collect::<Option<_>>()?),
        json::Value::Object(object) => {
            let member =
                |(name, value): (std::borrow::Cow<'_, str>, json::Value<'_>)| Some((name.into_owned(), owned(&value)?));
            Value::Object(object.iter().map(member).collect::<Option<_>>()?)
        }
    })
}

fn number(text: &str) -> Option<Number> {
    let whole = text.parse::<i64>().ok().map(Number::from).or_else(|| text.parse::<u64>().ok().map(Number::from));
    whole.or_else(|| text.contains(['.', 'e', 'E']).then(|| Number::from_f64(text.parse().ok()?)).flatten())
}

/// Adds a claim, unless it is there or is the issuer's to write.
pub(super) fn add(claims: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), RowFault> {
    if RESERVED.contains(&name) {
        return Err(RowFault::Reserved(name.to_owned()));
    }
    match claims.insert(name.to_owned(), value) {
        Some(_) => Err(RowFault::Twice(name.to_owned())),
        None => Ok(()),
    }
}

/// All of them, if they are not too long.
pub(super) fn bounded(claims: Map<String, Value>) -> Result<Value, RowFault> {
    let claims = Value::Object(claims);
    match claims.to_string().len() <= LONGEST {
        true => Ok(claims),
        false => Err(RowFault::TooLong(LONGEST)),
    }
}
