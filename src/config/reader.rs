//! The file being read, and what is found wrong with it. Reading goes on after a problem, so that all are told at once.
//!
//! How values are read is in [`shape`](super::shape) (maps and lists) and [`value`](super::value) (everything else).

use std::ops::Range;

use super::{
    environment::Environment,
    problem::{Problem, Severity},
    snippet::Snippet,
    tree::Place,
};

/// The file being read, and what was found wrong with it.
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    /// Byte ranges that are never shown.
    pub(super) masks: Vec<Range<usize>>,
    /// Whether no line is shown at all: there was no telling what in them is secret.
    pub(super) hidden: bool,
    pub(super) environment: &'a dyn Environment,
    problems: Vec<Found>,
    /// What was found when there was no more room: the last problem, how many, and whether an error was among them.
    beyond: Beyond,
}

/// A problem, and where it is in this file. Its line is added at the end, when all that must not be shown is known.
struct Found {
    problem: Problem,
    place: Option<Place>,
}

/// Problems beyond the first thousand; they are counted and not kept.
#[derive(Default)]
struct Beyond {
    last: Option<Found>,
    count: usize,
    with_error: bool,
}

/// Most problems kept.
const MOST_PROBLEMS: usize = 1_000;

impl<'a> Reader<'a> {
    /// Nothing is masked until `masks` is set.
    pub(super) fn new(file: &'a str, text: &'a str, environment: &'a dyn Environment) -> Reader<'a> {
        let (masks, problems, beyond) = (Vec::new(), Vec::new(), Beyond::default());
        Reader { file, text, masks, hidden: false, environment, problems, beyond }
    }
}

impl Reader<'_> {
    /// Notes an error.
    pub(super) fn error(&mut self, place: Place, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Error, place, message.into())
    }

    /// Notes a warning.
    pub(super) fn warning(&mut self, place: Place, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Warning, place, message.into())
    }

    /// Notes something to know.
    pub(super) fn note(&mut self, place: Place, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Note, place, message.into())
    }

    fn add(&mut self, severity: Severity, place: Place, message: String) -> &mut Problem {
        let problem = Problem {
            severity,
            file: self.file.to_owned(),
            line: place.line,
            column: place.column,
            length: place.length,
            message,
            expected: None,
            hint: None,
            is_in_a_table: false,
            snippet: None,
        };
        let found = Found { problem, place: Some(place) };
        if self.problems.len() >= MOST_PROBLEMS {
            self.beyond.count += 1;
            self.beyond.with_error |= severity == Severity::Error;
            return &mut self.beyond.last.insert(found).problem;
        }
        let at = self.problems.len();
        self.problems.push(found);
        &mut self.problems[at].problem
    }

    /// Adds a hint to what was said last of `place`.
    pub(super) fn hint_at(&mut self, place: Place, hint: &str) {
        if let Some(found) = self.problems.iter_mut().rev().find(|found| found.place == Some(place)) {
            found.problem.hint(hint);
        }
    }

    /// The same where it has no hint yet.
    pub(super) fn hint_unless_hinted(&mut self, place: Place, hint: &str) {
        if let Some(found) = self.problems.iter_mut().rev().find(|found| found.place == Some(place)) {
            found.problem.hint.get_or_insert_with(|| hint.to_owned());
        }
    }

    /// Takes over what was found in another file that this one names.
    pub(super) fn adopt(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems.into_iter().map(|problem| Found { problem, place: None }));
    }

    /// Whether anything found is an error.
    pub(super) fn found_errors(&self) -> bool {
        self.beyond.with_error || self.problems.iter().any(|found| found.problem.severity == Severity::Error)
    }

    /// Everything found, in the file's order, and behind it what was found in others.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let masks = apart(self.masks);
        let shown = |Found { mut problem, place }: Found| {
            let place = place.filter(|_| !self.hidden);
            problem.snippet = place.map(|place| Snippet::of(self.text, place, &masks)).or(problem.snippet);
            problem
        };
        let mut problems: Vec<Problem> = self.problems.into_iter().map(shown).collect();
        problems.sort_by_key(|problem| (problem.file != self.file, problem.line, problem.column));
        if let Some(mut last) = self.beyond.last.map(shown) {
            last.severity = if self.beyond.with_error { Severity::Error } else { Severity::Warning };
            last.message = format!("{} more problems, this the last of them: {}", self.beyond.count, last.message);
            problems.push(last);
        }
        problems
    }

    /// Text from the file as it may stand in a message: short, without controls, and never a secret.
    pub(super) fn quote(&self, place: Place, text: &str) -> String {
        let touches = |mask: &Range<usize>| mask.start < place.end && place.start < mask.end;
        if self.masks.iter().any(touches) {
            return "***".to_owned();
        }
        if text.is_empty() {
            return "\"\"".to_owned();
        }
        let mut shown: String = text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if text.chars().count() > 60 {
            shown.push('…');
        }
        format!("`{shown}`")
    }
}

/// The same bytes as ranges that are sorted and do not overlap.
fn apart(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, kept| {
        let overlap = next.start < kept.end;
        kept.end = if overlap { kept.end.max(next.end) } else { kept.end };
        overlap
    });
    ranges
}
