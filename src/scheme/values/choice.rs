//! One of two templates, by what a third one gives.

use regex::bytes::Regex;

use crate::scheme::{Failure, Template, evaluate::Evaluation};

/// A condition and what follows from it.
#[derive(Debug)]
pub(in crate::scheme) struct Choice {
    pub(in crate::scheme) condition: Template,
    pub(in crate::scheme) test: Test,
    pub(in crate::scheme) then: Template,
    pub(in crate::scheme) otherwise: Template,
}

/// What the condition must be.
#[derive(Debug)]
pub(in crate::scheme) enum Test {
    Present,
    Is(String),
    Matches(Regex),
}

impl Choice {
    /// The template that counts for this request.
    pub(super) fn taken(&self, evaluation: &Evaluation<'_>) -> Result<&Template, Failure> {
        match self.holds(evaluation) {
            Ok(true) => Ok(&self.then),
            Ok(false) => Ok(&self.otherwise),
            Err(failure) if failure.is_absence() => Ok(&self.otherwise),
            Err(failure) => Err(failure),
        }
    }

    fn holds(&self, evaluation: &Evaluation<'_>) -> Result<bool, Failure> {
        match &self.test {
            Test::Present => evaluation.feed(&self.condition, &mut |_| {}).map(|()| true),
            Test::Is(text) => {
                // Compared as it comes: a body may be large, and need not be in memory.
                let mut rest = Some(text.as_bytes());
                evaluation.feed(&self.condition, &mut |piece| rest = rest.and_then(|rest| rest.strip_prefix(piece)))?;
                Ok(rest == Some(b""))
            }
            Test::Matches(expression) => Ok(expression.is_match(&evaluation.collect(&self.condition)?)),
        }
    }
}
