//! What is wrong with a config, told so that a person can put it right: place, line, what was wanted.
//!
//! A problem is finished when it is made: it holds the line it speaks of with every secret in it masked, so that
//! showing, logging or keeping one can give nothing away.

use std::fmt;

use super::snippet::Snippet;

/// How grave a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The config is not used.
    Error,
    /// It works and is probably not what was meant, or is weak.
    Warning,
    /// Something to know: what a scheme leaves unsigned.
    Note,
}

/// One finding about one place.
#[derive(Clone, Debug)]
pub struct Problem {
    /// How grave it is.
    pub severity: Severity,
    /// The file's name, as it was given.
    pub file: String,
    /// From 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// From 1, in characters; 0 where the file as a whole is meant, or the line.
    pub column: usize,
    /// Characters.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What would have been right.
    pub expected: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// Whether `check` has a table that says it too.
    pub is_in_a_table: bool,
    /// The line, masked.
    pub(super) snippet: Option<Snippet>,
}

impl Problem {
    /// A warning of a whole line of another file, which is not shown: it may be a secret.
    pub fn of_a_line(file: String, line: usize, message: String) -> Problem {
        Problem::without_a_column(Severity::Warning, file, line, message)
    }

    /// Of a whole line, or of the whole file where that is 0.
    pub(super) fn without_a_column(severity: Severity, file: String, line: usize, message: String) -> Problem {
        Problem {
            severity,
            file,
            line,
            column: 0,
            length: 0,
            message,
            expected: None,
            hint: None,
            is_in_a_table: false,
            snippet: None,
        }
    }

    /// Says what would have been right.
    pub(super) fn expected(&mut self, text: impl Into<String>) -> &mut Problem {
        self.expected = Some(text.into());
        self
    }

    /// Says what to do.
    pub(super) fn hint(&mut self, text: impl Into<String>) -> &mut Problem {
        self.hint = Some(text.into());
        self
    }

    /// Leaves it to the tables of `check`, where they can be made.
    pub(super) fn in_a_table(&mut self) {
        self.is_in_a_table = true;
    }

    /// Suggests the one of `names` that is most like `given`, if any is.
    pub(super) fn suggest<'n>(&mut self, given: &str, names: impl IntoIterator<Item = &'n str>) -> &mut Problem {
        if let Some(name) = closest(given, names) {
            self.hint = Some(format!("did you mean `{name}`?"));
        }
        self
    }
}

/// The name that a slip of the finger would turn into `given`.
fn closest<'n>(given: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let given = given.to_ascii_lowercase();
    let likeness = |name: &str| {
        let name = name.to_ascii_lowercase();
        // In a short name one slip changes much.
        let is_slip = given.len() > 1 && strsim::osa_distance(&given, &name) <= 1;
        if is_slip { 1.0 } else { strsim::jaro_winkler(&given, &name) }
    };
    let scored = names.into_iter().map(|name| (likeness(name), name));
    // Of equals the first: `hex` before `HEX`.
    let (likeness, name) = scored.min_by(|(left, _), (right, _)| right.total_cmp(left))?;
    (likeness > 0.82).then_some(name)
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => write!(f, "{}: {}: {}", self.file, self.severity, self.message)?,
            (line, 0) => write!(f, "{}:{line}: {}: {}", self.file, self.severity, self.message)?,
            (line, column) => write!(f, "{}:{line}:{column}: {}: {}", self.file, self.severity, self.message)?,
        }
        if let Some(snippet) = &self.snippet {
            write!(f, "\n{snippet}")?;
        }
        if let Some(expected) = &self.expected {
            write!(f, "\n  expected: {expected}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Every problem of a config that cannot be used, in the file's order; at least one is an error.
#[derive(Clone, Debug)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_suggested_and_a_stranger_is_not() {
        assert_eq!(closest("adress", ["address", "tls"]), Some("address"));
        assert_eq!(closest("kye", ["key", "content_type"]), Some("key"));
        assert_eq!(closest("hmca", ["jwt", "hmac"]), Some("hmac"));
        assert_eq!(closest("colour", ["address", "tls"]), None);
        assert_eq!(closest("", ["address"]), None);
    }

    #[test]
    fn a_problem_of_the_whole_file_has_no_line_and_one_of_a_line_no_column() {
        let mut problem = Problem::of_a_line("a.yaml".to_owned(), 0, "cannot be read".to_owned());
        problem.hint("look");
        assert_eq!(problem.to_string(), "a.yaml: warning: cannot be read\n  hint: look");
        let problem = Problem::of_a_line("a.csv".to_owned(), 3, "it is short".to_owned());
        assert_eq!(problem.to_string(), "a.csv:3: warning: it is short");
    }
}
