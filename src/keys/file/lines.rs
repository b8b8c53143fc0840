//! JSON lines: an object a line, with an id and one secret or several.
//!
//! `{"id":"dev-1","secret":"…","tenant":"acme"}`, or with
//! `"secrets":["…",{"secret":"…","encoding":"hex","not_after":"…"}]`.

use std::io::BufRead;

use zeroize::Zeroizing;

use super::{
    super::ROUTES,
    fault::{FileFault, Why},
    row::{Row, SecretTexts, Wrong},
    table::Filling,
};
use crate::json::{Document, Value};

/// Longest line, in bytes: the largest record there can be, written out.
const LONGEST_LINE: u64 = 1 << 20;
const SECRETS: &str = "secrets";

/// Reads all lines, or the first thing that is wrong.
pub(super) fn read(mut from: impl BufRead, filling: &mut Filling) -> Result<(), FileFault> {
    let mut line = Zeroizing::new(Vec::new());
    for number in 1.. {
        line.clear();
        let fault = |(column, why)| FileFault { line: number, column, why };
        let read = std::io::Read::take(&mut from, LONGEST_LINE + 1).read_until(b'\n', &mut line);
        match read.map_err(|error| fault((None, error.into())))? {
            0 => break,
            length if u64::try_from(length).is_ok_and(|length| length > LONGEST_LINE) => {
                return Err(fault((None, Why::NotJson("the line is too long"))));
            }
            _ if line.trim_ascii().is_empty() => {}
            _ => object(line.trim_ascii(), filling).map_err(fault)?,
        }
    }
    Ok(())
}

fn object(line: &[u8], filling: &mut Filling) -> Result<(), Wrong> {
    let document = Document::parse(line).map_err(|_| (None, Why::NotJson("see RFC 8259; no name may stand twice")))?;
    let Value::Object(object) = document.root() else { return Err((None, Why::Type("an object"))) };
    let members: Vec<(String, Value<'_>)> = object.iter().map(|(name, value)| (name.into_owned(), value)).collect();
    let mut texts = Vec::new();
    let mut secrets = None;
    for (name, value) in &members {
        match (name.as_str(), value) {
            (SECRETS, Value::Array(all)) => secrets = Some(*all),
            (SECRETS, _) => return Err((Some(SECRETS.to_owned()), Why::Type("a list"))),
            (name, value) => texts.push((name, text(name, value)?)),
        }
    }
    let mut row = Row::default();
    texts.iter().for_each(|(name, text)| row.set(name, text));
    match secrets {
        None => row.put(filling),
        Some(_) if !row.secret.secret.is_empty() => {
            Err((Some(SECRETS.to_owned()), Why::Type("alone, without `secret`")))
        }
        Some(all) if all.iter().next().is_none() => Err((Some(SECRETS.to_owned()), Why::Missing)),
        Some(all) => all.iter().try_for_each(|secret| one_of(&row, &secret, filling)),
    }
}

/// Each secret of a list is as a row of its own.
fn one_of(row: &Row<'_>, secret: &Value<'_>, filling: &mut Filling) -> Result<(), Wrong> {
    let wrong = |why| Err((Some(SECRETS.to_owned()), why));
    let members: Vec<(String, String)> = match secret {
        Value::String(text) => vec![("secret".to_owned(), text.to_string())],
        Value::Object(object) => {
            let member = |(name, value): (std::borrow::Cow<'_, str>, Value<'_>)| {
                let text = text(&name, &value)?;
                Ok((name.into_owned(), text))
            };
            object.iter().map(member).collect::<Result<_, Wrong>>()?
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            return wrong(Why::Type("texts or objects"));
        }
    };
    let mut texts = SecretTexts { encoding: row.secret.encoding, ..SecretTexts::default() };
    for (name, text) in &members {
        if !texts.set(name, text) {
            return Err((Some(name.clone()), Why::Type("`secret`, `encoding`, `not_before`, `not_after` or `label`")));
        }
    }
    Row { secret: texts, ..row.clone() }.put(filling)
}

/// Numbers and truths stand for their text; a list of routes for its names with spaces between.
fn text(name: &str, value: &Value<'_>) -> Result<String, Wrong> {
    let wrong = || (Some(name.to_owned()), Why::Type("a text, a number, true or false"));
    match value {
        Value::String(text) => Ok(text.to_string()),
        Value::Number(number) => Ok((*number).to_owned()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(names) if name == ROUTES => {
            let name = |value: Value<'_>| match value {
                Value::String(text) if !text.contains(' ') => Ok(text.to_string()),
                _ => Err((Some(name.to_owned()), Why::Type("a list of names without spaces"))),
            };
            Ok(names.iter().map(name).collect::<Result<Vec<_>, Wrong>>()?.join(" "))
        }
        Value::Array(_) | Value::Object(_) => Err(wrong()),
    }
}
