//! On which lines the records of an id stand, so that they can be changed. Only for records that have lines of their own:
//! what is in brackets is for a person to change.

use std::ops::Range;

use super::{
    super::rewrite::{Form, Item, Records},
    Record, walk,
};
use crate::keys::NotChanged;

/// Where the records of `id` stand in `text`.
///
/// # Errors
/// A text that is broken, or in which records have no lines of their own.
pub(in super::super) fn records(text: &[u8], id: &str) -> Result<Records, NotChanged> {
    let (mut own, mut last) = (Vec::new(), None);
    let form = walk(text, |record| {
        last = Some((record.key.unwrap_or(record.start).index, record.end));
        if record.id() == id {
            own.push(record);
        }
        Ok(())
    })?;
    let text = std::str::from_utf8(text).map_err(|_| no_lines())?;
    let (start, end) = last.ok_or_else(|| NotChanged::Unwritable("write a first record by hand".to_owned()))?;
    let (last, indent) = lines(text, form, start, end).ok_or_else(no_lines)?;
    let item = |record: Record| {
        let start = record.key.unwrap_or(record.start).index;
        let (lines, indent) = lines(text, form, start, record.end).ok_or_else(no_lines)?;
        Ok(Item { start: lines.start, end: lines.end, indent, members: record.members })
    };
    Ok(Records { form, own: own.into_iter().map(item).collect::<Result<_, NotChanged>>()?, end: last.end, indent })
}

fn no_lines() -> NotChanged {
    NotChanged::Unwritable("a record of the file does not begin and end with a line".to_owned())
}

/// The bytes of the whole lines from the character `start` to the character `end`, and the blanks before them.
fn lines(text: &str, form: Form, start: usize, end: usize) -> Option<(Range<usize>, usize)> {
    let byte = |character: usize| text.char_indices().nth(character).map_or(text.len(), |(byte, _)| byte);
    let before = text.get(..byte(start))?;
    let before = match form {
        Form::List => before.trim_end().strip_suffix('-')?,
        Form::Map | Form::Lines => before,
    };
    let from = before.rfind('\n').map_or(0, |newline| newline + 1);
    let blanks = before.get(from..)?;
    // A block of text may count the newline at its end as its own.
    let written = text.get(..byte(end))?.trim_end().len();
    let rest = text.get(written..)?;
    let line = rest.split('\n').next()?;
    let left = line.trim_start_matches(':').trim();
    let is_whole = blanks.bytes().all(|byte| byte == b' ') && (left.is_empty() || left.starts_with('#'));
    is_whole.then_some((from..(written + line.len() + 1).min(text.len()), blanks.len()))
}
