//! The demo's results, one line each, in columns that fit a terminal 100 characters wide.

use std::net::SocketAddr;

use super::{
    cases::{Case, Section},
    wire::Answer,
};
use crate::cli::terminal::{Ink, Paint};

const WHAT: usize = 27;
const VERDICT: usize = 17;
/// What is left of 100 for the detail.
const DETAIL: usize = 100 - (4 + WHAT + 2 + VERDICT + 2 + 6 + 2);

/// What was shown so far.
pub(super) struct Page {
    paint: Paint,
    right: usize,
    wrong: usize,
}

impl Page {
    pub(super) fn new(paint: Paint) -> Page {
        Page { paint, right: 0, wrong: 0 }
    }

    pub(super) fn title(&self, address: SocketAddr) -> String {
        let line = format!("A gateway on http://{address} in front of an echo server, with keys made just now.");
        let heads = format!("    {:WHAT$}  {:VERDICT$}  STATUS  DETAIL", "REQUEST", "EXPECTED");
        format!("{}\n\n{}", self.paint.ink(Ink::Title, line), self.paint.ink(Ink::Aside, heads))
    }

    pub(super) fn section(&self, section: &Section) -> String {
        format!("\n  {}\n  {}", self.paint.ink(Ink::Title, section.title), self.paint.ink(Ink::Aside, section.about))
    }

    /// Whether the answer is the one expected, and what it was.
    pub(super) fn result(&mut self, case: &Case, answer: &Answer) -> String {
        let is_right = is_as_expected(case, answer);
        *(if is_right { &mut self.right } else { &mut self.wrong }) += 1;
        let (mark, ink) = if is_right { ("✓", Ink::Good) } else { ("✗", Ink::Bad) };
        let expected = case.expected.map_or("accepted", |cause| cause.face().name);
        let (mark, expected) = (self.paint.ink(ink, mark), self.paint.ink(ink, format!("{expected:VERDICT$}")));
        let margin = format!("\n{:1$}", "", 100 - DETAIL);
        let detail = wrapped(&answer.detail, DETAIL).join(&margin);
        format!("  {mark} {:WHAT$}  {expected}  {:<6}  {detail}", case.what, answer.status)
    }

    /// Whether all was as expected.
    pub(super) fn all_right(&self) -> bool {
        self.wrong == 0
    }

    /// The last line.
    pub(super) fn sum(&self) -> String {
        let all = self.right + self.wrong;
        let (line, ink) = match self.wrong {
            0 => (format!("All {all} answers as expected."), Ink::Good),
            wrong => (format!("{wrong} of {all} answers not as expected."), Ink::Bad),
        };
        format!("\n{}", self.paint.ink(ink, line))
    }
}

fn is_as_expected(case: &Case, answer: &Answer) -> bool {
    let status = case.expected.map_or(200, |cause| cause.face().status);
    answer.cause == case.expected && answer.status == status
}

/// Lines of at most `width` characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Cause;

    fn answer(status: u16, cause: Option<Cause>) -> Answer {
        Answer { status, cause, detail: String::new() }
    }

    #[test]
    fn an_answer_is_right_only_with_its_cause_and_status() {
        let stale = Case { what: "old", request: Vec::new(), expected: Some(Cause::Stale) };
        let good = Case { what: "good", request: Vec::new(), expected: None };
        assert!(is_as_expected(&stale, &answer(403, Some(Cause::Stale))));
        assert!(!is_as_expected(&stale, &answer(403, Some(Cause::InvalidSignature))));
        assert!(!is_as_expected(&stale, &answer(200, None)));
        assert!(is_as_expected(&good, &answer(200, None)) && !is_as_expected(&good, &answer(502, None)));
    }

    #[test]
    fn one_wrong_answer_makes_the_whole_wrong() {
        let mut page = Page::new(Paint::plain());
        let good = Case { what: "good", request: Vec::new(), expected: None };
        assert!(page.result(&good, &answer(200, None)).starts_with("  ✓ good "));
        assert!(page.all_right());
        assert!(page.result(&good, &answer(403, Some(Cause::InvalidSignature))).starts_with("  ✗ good "));
        assert!(!page.all_right());
        assert_eq!(page.sum(), "\n1 of 2 answers not as expected.");
    }

    #[test]
    fn long_details_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert!(wrapped("", 7).is_empty());
    }
}
