//! Changing a file of keys: what a change does not concern stays byte for byte as it was. The new file is read as a gateway
//! reads it, and must hold what was asked for and nothing else.

mod csv;
mod records;
#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

pub(super) use records::{Form, Item, Records};

use super::{Format, KeyFileContent};
use crate::keys::{Change, NotChanged};

/// The whole new text of a file.
///
/// # Errors
/// [`NotChanged`]
pub fn changed(text: &[u8], format: Format, id: &str, change: &Change) -> Result<Zeroizing<Vec<u8>>, NotChanged> {
    let before = KeyFileContent::parse(text, format)?;
    let known = before.record(id.as_bytes());
    change.check(known.as_ref())?;
    let new = match format {
        Format::Csv => csv::changed(text, id, change)?,
        Format::JsonLines | Format::Yaml => records::changed(text, format, id, change)?,
    };
    let after = KeyFileContent::parse(&new[..], format)?;
    change.verify(known.as_ref(), after.record(id.as_bytes()).as_ref(), false)?;
    match after.ids() == before.ids() + usize::from(matches!(change, Change::Add(_))) {
        true => Ok(new),
        false => Err(NotChanged::Beyond("other ids would come or go")),
    }
}

/// What goes into the place of what stands from `start` to `end`.
struct Edit {
    start: usize,
    end: usize,
    text: Zeroizing<Vec<u8>>,
}

/// The text with edits that do not overlap. Each is of whole lines: where the one before it is open, it is ended.
fn edited(text: &[u8], mut edits: Vec<Edit>) -> Zeroizing<Vec<u8>> {
    edits.sort_by_key(|edit| edit.start);
    let added: usize = edits.iter().map(|edit| edit.text.len() + 1).sum();
    let mut new = Zeroizing::new(Vec::with_capacity(text.len() + added));
    let mut from = 0;
    for Edit { start, end, text: own } in &edits {
        new.extend_from_slice(text.get(from..*start).unwrap_or_default());
        if !own.is_empty() && !new.is_empty() && !new.ends_with(b"\n") {
            new.push(b'\n');
        }
        new.extend_from_slice(own);
        from = *end;
    }
    new.extend_from_slice(text.get(from..).unwrap_or_default());
    new
}
