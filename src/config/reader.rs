//! Typed access to the tree. What does not fit becomes a problem and `None`, and reading goes on.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    environment::Environment,
    problem::{Problem, Severity},
    snippet::Snippet,
    tree::{Entry, Node, Place, Scalar, Value},
    units::{self, UnitError},
};

/// The file being read, and what was found wrong with it.
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    /// Sorted byte ranges that are never shown.
    pub(super) masks: Vec<Range<usize>>,
    pub(super) environment: &'a dyn Environment,
    problems: Vec<Problem>,
    /// What was found when there was no more room: the last problem, how many, and whether an error was among them.
    beyond: Beyond,
}

/// Problems beyond the first thousand; they are counted and not kept.
#[derive(Default)]
struct Beyond {
    last: Option<Problem>,
    count: usize,
    with_error: bool,
}

/// Most problems kept.
const MOST_PROBLEMS: usize = 1_000;

/// A map whose keys are all known.
pub(super) struct Fields<'t> {
    pub(super) place: Place,
    entries: &'t [Entry],
    what: String,
    /// Said with each missing key.
    pub(super) hint: Option<&'static str>,
}

impl<'t> Fields<'t> {
    /// The value of a key, if it is there.
    pub(super) fn value(&self, key: &str) -> Option<&'t Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key and its value, if it is there.
    pub(super) fn entry(&self, key: &str) -> Option<&'t Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// All of them, in the file's order.
    pub(super) fn entries(&self) -> &'t [Entry] {
        self.entries
    }

    /// The value of a key that must be there.
    pub(super) fn required(&self, key: &str, reader: &mut Reader<'_>) -> Option<&'t Node> {
        let value = self.value(key);
        if value.is_none() {
            let problem = reader.error(self.place, format!("`{key}` is missing in {}", self.what));
            problem.hint = self.hint.map(str::to_owned);
        }
        value
    }
}

impl<'a> Reader<'a> {
    /// Nothing is masked until `masks` is set.
    pub(super) fn new(file: &'a str, text: &'a str, environment: &'a dyn Environment) -> Reader<'a> {
        Reader { file, text, masks: Vec::new(), environment, problems: Vec::new(), beyond: Beyond::default() }
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
            snippet: Some(Snippet::of(self.text, place, &self.masks)),
        };
        if self.problems.len() >= MOST_PROBLEMS {
            self.beyond.count += 1;
            self.beyond.with_error |= severity == Severity::Error;
            return self.beyond.last.insert(problem);
        }
        let at = self.problems.len();
        self.problems.push(problem);
        &mut self.problems[at]
    }

    /// Whether anything found is an error.
    pub(super) fn found_errors(&self) -> bool {
        self.beyond.with_error || self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Everything found, in the file's order.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems;
        problems.sort_by_key(|problem| (problem.line, problem.column));
        if let Some(mut last) = self.beyond.last {
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

    fn wrong_type(&mut self, node: &Node, what: &str, wanted: &str) {
        let found = match &node.value {
            _ if node.is_null() => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        };
        self.error(node.place, format!("{what} must be {wanted}, not {found}"));
    }

    /// A map, whatever its keys.
    pub(super) fn map<'t>(&mut self, node: &'t Node, what: &str) -> Option<&'t [Entry]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            _ => {
                self.wrong_type(node, what, "a map");
                None
            }
        }
    }

    /// A map with keys out of `allowed`; any other is an error each.
    pub(super) fn fields<'t>(&mut self, node: &'t Node, what: &str, allowed: &[&str]) -> Option<Fields<'t>> {
        let entries = self.map(node, what)?;
        for entry in entries.iter().filter(|entry| !allowed.contains(&entry.key.as_str())) {
            self.unknown_key(entry, what, allowed);
        }
        Some(Fields { place: node.place, entries, what: what.to_owned(), hint: None })
    }

    /// Notes a key that is not known there.
    pub(super) fn unknown_key(&mut self, entry: &Entry, what: &str, allowed: &[&str]) {
        let key = self.quote(entry.key_place, &entry.key);
        self.error(entry.key_place, format!("unknown key {key} in {what}"))
            .expected(any_of(allowed))
            .suggest(&entry.key, allowed.iter().copied());
    }

    /// A map with exactly one key, out of `allowed`.
    pub(super) fn one_key<'t>(&mut self, node: &'t Node, what: &str, allowed: &[&str]) -> Option<&'t Entry> {
        let entries = self.map(node, what)?;
        match entries {
            [entry] if allowed.contains(&entry.key.as_str()) => return Some(entry),
            [entry] => self.unknown_key(entry, what, allowed),
            [] => {
                self.error(node.place, format!("{what} is empty")).expected(format!("one of {}", any_of(allowed)));
            }
            [_, second, ..] => {
                self.error(second.key_place, format!("{what} must have exactly one key"))
                    .expected(format!("one of {}", any_of(allowed)));
            }
        }
        None
    }

    /// A list.
    pub(super) fn list<'t>(&mut self, node: &'t Node, what: &str) -> Option<&'t [Node]> {
        match &node.value {
            Value::List(items) => Some(items),
            _ => {
                self.wrong_type(node, what, "a list");
                None
            }
        }
    }

    /// The items of a list, or the one value that stands for a list of one.
    pub(super) fn one_or_many<'t>(&mut self, node: &'t Node, what: &str) -> &'t [Node] {
        match &node.value {
            Value::List(items) => {
                if items.is_empty() {
                    self.error(node.place, format!("{what} is an empty list"));
                }
                items
            }
            _ => std::slice::from_ref(node),
        }
    }

    /// Text, as written.
    pub(super) fn scalar<'t>(&mut self, node: &'t Node, what: &str) -> Option<&'t Scalar> {
        match &node.value {
            Value::Scalar(scalar) if !node.is_null() => Some(scalar),
            _ => {
                self.wrong_type(node, what, "text");
                None
            }
        }
    }

    /// Text that is not empty.
    pub(super) fn text<'t>(&mut self, node: &'t Node, what: &str) -> Option<&'t str> {
        let text = self.scalar(node, what)?.text.as_str();
        if text.is_empty() {
            self.error(node.place, format!("{what} is empty"));
            return None;
        }
        Some(text)
    }

    /// Text of one line that can stand in a header or a log: not empty, no control characters.
    pub(super) fn line<'t>(&mut self, node: &'t Node, what: &str) -> Option<&'t str> {
        let text = self.text(node, what)?;
        if text.chars().any(char::is_control) {
            self.error(node.place, format!("{what} holds a control character"));
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        self.choice(node, what, &[("true", true), ("false", false)])
    }

    /// One word out of a few.
    pub(super) fn choice<T: Copy>(&mut self, node: &Node, what: &str, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.scalar(node, what)?.text.as_str();
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let (names, shown): (Vec<_>, _) =
            (choices.iter().map(|(name, _)| *name).collect(), self.quote(node.place, text));
        self.error(node.place, format!("{what} cannot be {shown}")).expected(any_of(&names)).suggest(text, names);
        None
    }

    /// The same where a map, shown as `form`, could stand as well.
    pub(super) fn choice_or<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        choices: &[(&'static str, T)],
        form: &str,
    ) -> Option<T> {
        let before = self.problems.len();
        let read = self.choice(node, what, choices);
        for problem in self.problems.iter_mut().skip(before) {
            problem.expected = problem.expected.take().map(|words| format!("{words}, or {form}"));
        }
        read
    }

    /// A whole number within bounds.
    pub(super) fn count(&mut self, node: &Node, what: &str, bounds: Range<u64>) -> Option<u64> {
        let text = self.scalar(node, what)?.text.as_str();
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(number) if plain && bounds.contains(&number) => Some(number),
            _ => {
                let shown = self.quote(node.place, text);
                let (low, high) = (bounds.start, bounds.end - 1);
                self.error(node.place, format!("{what} cannot be {shown}"))
                    .expected(format!("a whole number from {low} to {high}"));
                None
            }
        }
    }

    /// A duration with its unit.
    pub(super) fn duration(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let text = self.scalar(node, what)?.text.as_str();
        let expected = "a whole number and ms, s, m, h or d, such as `30s`";
        self.quantity(node, what, text, expected, units::duration)
    }

    /// A duration that is not zero.
    pub(super) fn positive_duration(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let duration = self.duration(node, what)?;
        if duration.is_zero() {
            self.error(node.place, format!("{what} must be more than zero"));
            return None;
        }
        Some(duration)
    }

    /// A size in bytes.
    pub(super) fn size(&mut self, node: &Node, what: &str) -> Option<u64> {
        let text = self.scalar(node, what)?.text.as_str();
        let expected = "a whole number of bytes, or one with KiB, MiB or GiB, such as `10MiB`";
        self.quantity(node, what, text, expected, units::size)
    }

    fn quantity<T>(
        &mut self,
        node: &Node,
        what: &str,
        text: &str,
        expected: &str,
        read: fn(&str) -> Result<T, UnitError>,
    ) -> Option<T> {
        let why = match read(text) {
            Ok(value) => return Some(value),
            Err(why) => why,
        };
        let shown = self.quote(node.place, text);
        let closed_up = text.replace(' ', "");
        let problem = self.error(node.place, format!("{what} cannot be {shown}: {why}")).expected(expected);
        match (why, text.trim_end_matches(|c: char| c.is_ascii_alphabetic())) {
            (UnitError::Shape, _) if read(&closed_up).is_ok() => problem.hint(format!("did you mean `{closed_up}`?")),
            (UnitError::UnitMissing, number) => problem.hint(format!("for seconds write `{number}s`")),
            (UnitError::UnitUnknown, number) => match text.trim_start_matches(|c: char| c.is_ascii_digit()) {
                "KB" | "kB" | "K" | "k" | "Kib" | "kib" => problem.hint(format!("did you mean `{number}KiB`?")),
                "MB" | "M" | "Mib" | "mib" => problem.hint(format!("did you mean `{number}MiB`?")),
                "GB" | "G" | "Gib" | "gib" => problem.hint(format!("did you mean `{number}GiB`?")),
                "sec" | "secs" | "second" | "seconds" => problem.hint(format!("did you mean `{number}s`?")),
                "min" | "mins" | "minute" | "minutes" => problem.hint(format!("did you mean `{number}m`?")),
                _ => problem,
            },
            _ => problem,
        };
        None
    }

    /// A path; one that is not absolute is taken from the config file's directory.
    pub(super) fn path(&mut self, node: &Node, what: &str) -> Option<PathBuf> {
        let text = self.text(node, what)?;
        let directory = Path::new(self.file).parent().unwrap_or(Path::new(""));
        Some(directory.join(text))
    }

    /// A path to a file that can be read now.
    pub(super) fn readable_file(&mut self, node: &Node, what: &str) -> Option<PathBuf> {
        let path = self.path(node, what)?;
        match self.environment.file(&path) {
            Ok(_) => Some(path),
            Err(error) => {
                self.error(node.place, format!("{what} cannot be read: {}", error.kind()));
                None
            }
        }
    }
}

/// `a, b or c`.
pub(super) fn any_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{environment::Fixed, tree},
        *,
    };

    fn with<T>(text: &str, read: impl FnOnce(&mut Reader<'_>, &Node) -> T) -> (T, Vec<String>) {
        let tree = tree::parse(text).unwrap();
        let environment = Fixed::default();
        let mut reader = Reader::new("t.yaml", text, &environment);
        let value = read(&mut reader, &tree.root);
        (value, reader.into_problems().into_iter().map(|problem| problem.message).collect())
    }

    #[test]
    fn every_unknown_key_is_reported_and_the_known_ones_are_still_read() {
        let (value, problems) = with("{ a: 1, bb: 2, cc: 3 }", |reader, node| {
            let fields = reader.fields(node, "`x`", &["a", "b"]).unwrap();
            fields.value("a").is_some()
        });
        assert!(value);
        assert_eq!(problems, ["unknown key `bb` in `x`", "unknown key `cc` in `x`"]);
    }

    #[test]
    fn a_map_of_one_key_refuses_none_two_and_strangers() {
        for text in ["{}", "{ a: 1, b: 2 }", "{ c: 1 }", "[a]", "a"] {
            let (found, problems) = with(text, |reader, node| reader.one_key(node, "it", &["a", "b"]).is_some());
            assert!(!found && problems.len() == 1, "{text}: {problems:?}");
        }
        assert!(with("{ a: 1 }", |reader, node| reader.one_key(node, "it", &["a"]).is_some()).0);
    }

    #[test]
    fn numbers_are_digits_within_bounds() {
        assert_eq!(with("42", |reader, node| reader.count(node, "it", 1..100)).0, Some(42));
        for text in ["0", "100", "-1", "+1", "1.0", "0x10", "99999999999999999999"] {
            assert_eq!(with(text, |reader, node| reader.count(node, "it", 1..100)).0, None, "{text}");
        }
    }

    #[test]
    fn nothing_is_not_text_and_a_number_is() {
        assert!(with("~", |reader, node| reader.text(node, "it").is_none()).0);
        assert!(with("''", |reader, node| reader.text(node, "it").is_none()).0);
        assert!(with("'~'", |reader, node| reader.text(node, "it").is_some()).0);
        assert!(with("007", |reader, node| reader.text(node, "it") == Some("007")).0);
    }
}
