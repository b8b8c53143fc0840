//! Templates in the config: compiled where they stand, so that a fault has its line and column.

use super::{
    header,
    reader::Reader,
    tree::{Node, Place, Scalar, Style},
};
use crate::scheme::{Fault, Sources, Template};

/// An answer template and what it speaks of.
pub(super) struct Answer {
    pub(super) template: Template,
    pub(super) sources: Vec<Used>,
}

/// A source that a template uses.
pub(super) struct Used {
    /// `claim` of `{claim:sub}`.
    pub(super) source: String,
    /// The template.
    pub(super) place: Place,
}

/// Reads a template for an answer or a header to the upstream.
pub(super) fn answer(node: &Node, what: &str, reader: &mut Reader<'_>) -> Option<Answer> {
    let scalar = reader.scalar(node, what)?;
    match Template::compile(&scalar.text, Sources::Answer) {
        Ok(template) => {
            if let Some((written, meant)) = template.misspelt_source() {
                reader
                    .warning(node.place, format!("`{written}` is text here, and no source: it is written as it stands"))
                    .hint(format!("a source is written `{meant}`"));
            }
            let used = |source| Used { source, place: node.place };
            let sources = template.source_names().map(used).collect();
            Some(Answer { template, sources })
        }
        Err(fault) => {
            report(node.place, scalar, &fault, reader);
            None
        }
    }
}

/// Names and values.
pub(super) type Headers = Vec<(String, Template)>;

/// The headers of a map, each value an answer template, and the sources that any of them uses.
pub(super) fn headers(node: &Node, what: &str, reader: &mut Reader<'_>) -> Option<(Headers, Vec<Used>)> {
    let entries = reader.map(node, what)?;
    header::settable_headers(entries, reader);
    let (mut headers, mut sources) = (Vec::new(), Vec::new());
    for entry in entries {
        let Some(answer) = answer(&entry.value, &format!("the header `{}`", entry.key), reader) else { continue };
        if answer.template.literal().is_some_and(|text| text.chars().any(|c| c.is_control() && c != '\t')) {
            reader.error(entry.value.place, format!("the header `{}` holds a control character", entry.key));
        }
        headers.push((entry.key.clone(), answer.template));
        sources.extend(answer.sources);
    }
    Some((headers, sources))
}

/// Notes a fault of the template in `scalar`, under the very characters that are at fault.
pub(super) fn report(place: Place, scalar: &Scalar, fault: &Fault, reader: &mut Reader<'_>) {
    let place = within(place, scalar, fault.offset, fault.length, reader.text);
    let problem = reader.error(place, fault.message.clone());
    problem.hint.clone_from(&fault.hint);
}

/// The place of `length` bytes at `offset` of a scalar's text; `length` 0 means all of it. Only a literal block and a
/// scalar on one line know; any other is pointed at as a whole.
pub(super) fn within(place: Place, scalar: &Scalar, offset: usize, length: usize, text: &str) -> Place {
    let raw = text.get(place.bytes()).unwrap_or_default();
    if length > 0 && scalar.style == Style::Literal {
        return within_block(place, raw, &scalar.text, offset, length).unwrap_or(place);
    }
    if length == 0 || matches!(scalar.style, Style::Folded | Style::Elsewhere) || raw.contains(['\n', '\r']) {
        return place;
    }
    let (before, after) =
        (written(raw, scalar.style, offset), written(raw, scalar.style, offset.saturating_add(length)));
    let bytes = |characters: usize| raw.chars().take(characters).map(char::len_utf8).sum::<usize>();
    Place {
        line: place.line,
        column: place.column + before,
        length: after.saturating_sub(before).max(1),
        start: place.start + bytes(before),
        end: place.start + bytes(after),
    }
}

/// A literal block's lines are those of its text, each behind the same indentation. `None` where they are not.
fn within_block(place: Place, raw: &str, meant: &str, offset: usize, length: usize) -> Option<Place> {
    let before = meant.get(..offset)?;
    let number = before.matches('\n').count();
    let column = before.rsplit('\n').next()?.len();
    let line = meant.split('\n').nth(number)?;
    let written = raw.split('\n').nth(number)?;
    // The block's place begins behind the indentation of its first line.
    let indentation = if number == 0 { 0 } else { written.trim_end_matches('\r').len().checked_sub(line.len())? };
    let (blank, content) = written.split_at_checked(indentation)?;
    let (passed, rest) = line.split_at_checked(column)?;
    if !content.starts_with(line) || !blank.bytes().all(|byte| byte == b' ') {
        return None;
    }
    let in_front = if number == 0 { place.column } else { indentation + 1 };
    let start = place.start + raw.split('\n').take(number).map(|line| line.len() + 1).sum::<usize>();
    let start = start + indentation + column;
    let marked = rest.get(..length.min(rest.len()))?;
    Some(Place {
        line: place.line + number,
        column: in_front + passed.chars().count(),
        length: marked.chars().count().max(1),
        start,
        end: start + marked.len(),
    })
}

/// How many characters of `raw`, as written in the file, stand before byte `offset` of the text that it means.
fn written(raw: &str, style: Style, offset: usize) -> usize {
    let quote = usize::from(style != Style::Plain);
    let (mut characters, mut bytes) = (quote, 0);
    let mut rest = raw.chars().skip(quote).peekable();
    while let Some(character) = rest.next().filter(|_| bytes < offset) {
        let escape = match (style, character, rest.peek()) {
            (Style::Double, '\\', Some('x')) => 3,
            (Style::Double, '\\', Some('u')) => 5,
            (Style::Double, '\\', Some('U')) => 9,
            (Style::Double, '\\', Some(_)) | (Style::Single, '\'', Some('\'')) => 1,
            _ => 0,
        };
        bytes += if escape > 1 { 1 } else { character.len_utf8() };
        characters += 1 + escape;
        for _ in 0..escape {
            rest.next();
        }
    }
    characters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(raw: &str, style: Style, offset: usize) -> usize {
        let place = Place { line: 1, column: 1, length: 1, start: 0, end: raw.len() };
        within(place, &Scalar { text: String::new(), style }, offset, 1, raw).column
    }

    #[test]
    fn a_fault_in_plain_or_quoted_text_has_its_own_column() {
        assert_eq!(column("abc{x}", Style::Plain, 3), 4);
        assert_eq!(column("'abc{x}'", Style::Single, 3), 5);
        assert_eq!(column("'a''b{x}'", Style::Single, 3), 6);
        assert_eq!(column("\"a\\\"b{x}\"", Style::Double, 3), 6);
        assert_eq!(column("\"\\u0041b\"", Style::Double, 1), 8);
        assert_eq!(column("éa{x}", Style::Plain, 3), 3);
    }

    #[test]
    fn a_fault_in_a_folded_block_points_at_the_block() {
        assert_eq!(column(">\n  abc{x}", Style::Folded, 3), 1);
    }

    #[test]
    fn a_fault_in_a_literal_block_has_its_own_line_and_column() {
        let found = |text: &str, wrong: &str| {
            let tree = super::super::tree::parse(text).unwrap();
            let super::super::tree::Value::Map(entries) = &tree.root.value else { panic!("not a map") };
            let super::super::tree::Value::Scalar(scalar) = &entries[0].value.value else { panic!("not text") };
            let offset = scalar.text.find(wrong).unwrap();
            let place = within(entries[0].value.place, scalar, offset, wrong.len(), text);
            assert_eq!(text.get(place.bytes()), Some(wrong));
            (place.line, place.column)
        };
        assert_eq!(found("m: |\n  abc{x}\n", "{x}"), (2, 6));
        assert_eq!(found("m: |-\n  abc\n  é{x}\n", "{x}"), (3, 4));
        assert_eq!(found("m: |-\r\n  abc\r\n  d{x}\r\n", "{x}"), (3, 4));
        assert_eq!(found("m: |-\n  abc\n\n    {x}\nn: 1\n", "{x}"), (4, 5));
    }
}
