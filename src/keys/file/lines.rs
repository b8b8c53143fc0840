//! JSON lines: an object a line, with an id and one secret or several.
//!
//! `{"id":"dev-1","secret":"…","tenant":"acme"}`, or with
//! `"secrets":["…",{"secret":"…","encoding":"hex","not_after":"…"}]`.

use std::io::BufRead;

use zeroize::Zeroizing;

use super::{
    super::{NotChanged, ROUTES},
    fault::{FileFault, Why},
    members::{Member, Members, SECRETS},
    rewrite::{Form, Item, Records},
    row::{ID, SECRET, Wrong},
    table::Filling,
};
use crate::json::{Document, Value};

/// Longest line, in bytes: the largest record there can be, written out.
const LONGEST_LINE: u64 = 1 << 20;

/// Reads all lines, or the first thing that is wrong.
pub(super) fn read(mut from: impl BufRead, filling: &mut Filling) -> Result<(), FileFault> {
    let mut line = Zeroizing::new(Vec::new());
    for number in 1.. {
        line.clear();
        let fault = |(column, why)| FileFault { line: number, at: 0, column, why };
        let read = std::io::Read::take(&mut from, LONGEST_LINE + 1).read_until(b'\n', &mut line);
        match read.map_err(|error| fault((None, error.into())))? {
            0 => break,
            length if u64::try_from(length).is_ok_and(|length| length > LONGEST_LINE) => {
                return Err(fault((None, Why::NotJson("the line is too long"))));
            }
            _ if line.trim_ascii().is_empty() => {}
            _ => {
                let members = members(line.trim_ascii()).map_err(fault)?;
                filling.noted.at(number);
                members.put(filling).map_err(|(_, wrong)| fault(wrong))?;
            }
        }
    }
    Ok(())
}

/// Where the records of `id` stand in `text`.
pub(super) fn records(text: &[u8], id: &str) -> Result<Records, NotChanged> {
    let (mut own, mut start) = (Vec::new(), 0);
    for (number, line) in (1..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
        let end = start + line.len();
        if !line.trim_ascii().is_empty() {
            let fault = |(column, why)| FileFault { line: number, at: 0, column, why };
            let members = members(line.trim_ascii()).map_err(fault)?;
            if members.text(ID) == Some(id) {
                own.push(Item { start, end, indent: 0, members });
            }
        }
        start = end;
    }
    Ok(Records { form: Form::Lines, own, end: text.len(), indent: 0 })
}

fn members(line: &[u8]) -> Result<Members, Wrong> {
    let document = Document::parse(line).map_err(|_| (None, Why::NotJson("see RFC 8259; no name may stand twice")))?;
    let Value::Object(object) = document.root() else { return Err((None, Why::Type("an object"))) };
    let mut members = Members::default();
    for (name, value) in object.iter() {
        match (&*name, value) {
            (SECRETS, Value::Array(all)) => {
                members.secrets = Some(all.iter().map(|secret| one_of(&secret)).collect::<Result<_, Wrong>>()?);
            }
            (SECRETS, _) => return Err((Some(SECRETS.to_owned()), Why::Type("a list"))),
            (name, value) => members.texts.push((name.to_owned(), Zeroizing::new(text(name, &value)?))),
        }
    }
    Ok(members)
}

fn one_of(secret: &Value<'_>) -> Result<Vec<Member>, Wrong> {
    match secret {
        Value::String(text) => Ok(vec![(SECRET.to_owned(), Zeroizing::new(text.to_string()))]),
        Value::Object(object) => {
            let member = |(name, value): (std::borrow::Cow<'_, str>, Value<'_>)| {
                let text = text(&name, &value)?;
                Ok((name.into_owned(), Zeroizing::new(text)))
            };
            object.iter().map(member).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Err((Some(SECRETS.to_owned()), Why::Type("texts or objects")))
        }
    }
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
