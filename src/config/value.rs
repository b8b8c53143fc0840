//! Single values: text, words out of a few, numbers, quantities, paths. What does not fit becomes a problem and `None`.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    reader::Reader,
    shape::any_of,
    tree::{Node, Scalar, Value},
    units::{self, UnitError},
};

impl Reader<'_> {
    /// Text, as written.
    pub(super) fn scalar<'t>(&mut self, node: &'t Node, what: &str) -> Option<&'t Scalar> {
        match &node.value {
            Value::Scalar(scalar) if !node.is_null() => Some(scalar),
            _ => {
                let problem = self.wrong_type(node, what, "text");
                if is_bare_template(node) {
                    problem.hint("a template stands in quotes: `\"{…}\"`");
                }
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
        let read = self.choice(node, what, &[("true", true), ("false", false)]);
        if let (None, Value::Scalar(scalar)) = (read, &node.value) {
            match scalar.text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" | "1" => self.hint_at(node.place, "did you mean `true`?"),
                "no" | "off" | "n" | "0" => self.hint_at(node.place, "did you mean `false`?"),
                _ => {}
            }
        }
        read
    }

    /// One word out of a few.
    pub(super) fn choice<T: Copy>(&mut self, node: &Node, what: &str, choices: &[(&'static str, T)]) -> Option<T> {
        self.choose(node, what, choices, "")
    }

    /// The same where a map, shown as `form`, could stand as well.
    pub(super) fn choice_or<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        choices: &[(&'static str, T)],
        form: &str,
    ) -> Option<T> {
        self.choose(node, what, choices, &format!(", or {form}"))
    }

    fn choose<T: Copy>(&mut self, node: &Node, what: &str, choices: &[(&'static str, T)], others: &str) -> Option<T> {
        let text = self.scalar(node, what)?.text.as_str();
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let shown = self.quote(node.place, text);
        self.error(node.place, format!("{what} cannot be {shown}"))
            .expected(any_of(&names) + others)
            .suggest(text, names);
        None
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
        Some(self.beside(text))
    }

    /// A path as it is written, from the config's own directory on.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        let directory = Path::new(self.file).parent().unwrap_or(Path::new(""));
        directory.join(path)
    }
}

/// `{method}` without quotes is a map to YAML, of one key that has no value.
fn is_bare_template(node: &Node) -> bool {
    matches!(&node.value, Value::Map(entries) if matches!(entries.as_slice(), [entry] if entry.value.is_null()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::{
        super::{environment::Fixed, tree},
        *,
    };

    /// What `read` makes of the only value of a text, and what it says of it.
    pub(in super::super) fn with<T>(text: &str, read: impl FnOnce(&mut Reader<'_>, &Node) -> T) -> (T, Vec<String>) {
        let tree = tree::parse(text).unwrap();
        let environment = Fixed::default();
        let mut reader = Reader::new("t.yaml", text, &environment);
        let value = read(&mut reader, &tree.root);
        (value, reader.into_problems().into_iter().map(|problem| problem.message).collect())
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
