//! One line of the file, with a mark under the place that is meant and `***` over secrets.

use std::{fmt, ops::Range};

use super::tree::Place;

/// Characters shown of a line; the mark stays in view.
const WIDEST: usize = 140;
/// Characters kept in front of the mark when a line is cut.
const BEFORE: usize = 60;
/// Bytes looked at on either side of the mark's start.
const FAR: usize = 1_000;

/// A line and its mark, fit to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snippet {
    number: usize,
    line: String,
    /// Characters before the mark.
    indent: usize,
    /// Characters marked.
    marked: usize,
}

impl Snippet {
    /// The line of `text` that `place` begins on. `masks` are sorted byte ranges that must not be shown.
    pub(super) fn of(text: &str, place: Place, masks: &[Range<usize>]) -> Snippet {
        let (line, cut) = line_around(text, place.start);
        let mark = place.start..marked_end(text, place, &line);
        let mut shown = Shown::default();
        for (offset, character) in text.get(line.clone()).unwrap_or_default().char_indices() {
            shown.add(line.start + offset, character, &mark, masks);
        }
        shown.finish(place.line, cut)
    }
}

/// The bytes of the line that holds `at`, without its end, and whether its start was left out: of a long line only the
/// part around `at` is looked at.
fn line_around(text: &str, at: usize) -> (Range<usize>, bool) {
    let bytes = text.as_bytes();
    let at = at.min(bytes.len());
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let (mut first, mut last) = (at.saturating_sub(FAR), (at + FAR).min(bytes.len()));
    let before = bytes.get(first..at).unwrap_or_default();
    let line_start = before.iter().rposition(is_break).map(|found| first + found + 1);
    let after = bytes.get(at..last).unwrap_or_default();
    last = after.iter().position(is_break).map_or(last, |found| at + found);
    first = line_start.unwrap_or(first);
    while !text.is_char_boundary(first) {
        first += 1;
    }
    while !text.is_char_boundary(last) {
        last -= 1;
    }
    (first..last.max(first), line_start.is_none() && first > 0)
}

fn marked_end(text: &str, place: Place, line: &Range<usize>) -> usize {
    let rest = text.get(place.start..line.end).unwrap_or_default();
    place.start + rest.chars().take(place.length).map(char::len_utf8).sum::<usize>()
}

/// The line as it is built up, character by character.
#[derive(Default)]
struct Shown {
    characters: Vec<char>,
    indent: Option<usize>,
    marked: usize,
    masked: Option<usize>,
}

impl Shown {
    fn add(&mut self, at: usize, character: char, mark: &Range<usize>, masks: &[Range<usize>]) {
        let after = masks.partition_point(|range| range.end <= at);
        let mask = masks.get(after).filter(|range| range.contains(&at)).map(|_| after);
        if at >= mark.start && self.indent.is_none() {
            self.indent = Some(self.characters.len());
        }
        let before = self.characters.len();
        match mask {
            Some(_) if self.masked == mask => (),
            Some(_) => self.characters.extend("***".chars()),
            None => self.characters.push(if character.is_control() { ' ' } else { character }),
        }
        self.masked = mask;
        if mark.contains(&at) {
            self.marked += self.characters.len() - before;
        }
    }

    fn finish(mut self, number: usize, cut: bool) -> Snippet {
        let mut indent = self.indent.unwrap_or(self.characters.len());
        if cut || indent > WIDEST - BEFORE {
            let left_out = indent.saturating_sub(BEFORE);
            self.characters.splice(..left_out, ['…']);
            indent = indent - left_out + 1;
        }
        if self.characters.len() > WIDEST {
            self.characters.truncate(WIDEST);
            self.characters.push('…');
        }
        let marked = self.marked.min(self.characters.len().saturating_sub(indent)).max(1);
        let line = self.characters.into_iter().collect::<String>().trim_end().to_owned();
        Snippet { number, line, indent, marked }
    }
}

impl fmt::Display for Snippet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Snippet { number, line, indent, marked } = self;
        writeln!(f, "{number:>5} | {line}")?;
        write!(f, "      | {:indent$}{:^<marked$}", "", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: usize, start: usize, length: usize) -> Place {
        Place { line, column: 1, length, start, end: start + length }
    }

    #[test]
    fn the_mark_stands_under_the_place() {
        let shown = Snippet::of("a: 1\nkey: vale\n", place(2, 10, 4), &[]).to_string();
        assert_eq!(shown, "    2 | key: vale\n      |      ^^^^");
    }

    #[test]
    fn a_secret_is_masked_and_the_mark_follows() {
        let text = "k: { value: hunter22, encodin: hex }";
        let shown = Snippet::of(text, place(1, 22, 7), std::slice::from_ref(&(12..20))).to_string();
        assert_eq!(shown, "    1 | k: { value: ***, encodin: hex }\n      |                  ^^^^^^^");
        let itself = Snippet::of(text, place(1, 12, 8), std::slice::from_ref(&(12..20))).to_string();
        assert_eq!(itself, "    1 | k: { value: ***, encodin: hex }\n      |             ^^^");
    }

    #[test]
    fn a_secret_over_several_lines_is_masked_on_each() {
        let text = "a: |\n  top\n  secret\n";
        let shown = Snippet::of(text, place(3, 14, 2), std::slice::from_ref(&(5..18))).to_string();
        assert!(!shown.contains("secret") && shown.contains("***"), "{shown}");
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let text = "x".repeat(5000);
        let shown = Snippet::of(&text, place(1, 3000, 3), &[]).to_string();
        assert!(shown.chars().count() < 400 && shown.contains("^^^"), "{shown}");
    }

    #[test]
    fn a_place_beyond_the_end_is_shown_at_the_end() {
        assert_eq!(Snippet::of("ab", place(1, 99, 3), &[]).to_string(), "    1 | ab\n      |   ^");
    }
}
