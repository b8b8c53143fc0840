//! Maps and lists: which keys they may have, and what is said of the others.

use super::{
    mask,
    problem::Problem,
    reader::Reader,
    tree::{Entry, Node, Place, Value},
};

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

impl Reader<'_> {
    /// Notes that something else stands where `wanted` should.
    pub(super) fn wrong_type(&mut self, node: &Node, what: &str, wanted: &str) -> &mut Problem {
        let found = match &node.value {
            _ if node.is_null() => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        };
        self.error(node.place, format!("{what} must be {wanted}, not {found}"))
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
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node, what, "a map").expected(any_of(allowed));
            return None;
        };
        for entry in entries.iter().filter(|entry| !allowed.contains(&entry.key.as_str())) {
            self.unknown_key(entry, what, allowed);
        }
        Some(Fields { place: node.place, entries, what: what.to_owned(), hint: None })
    }

    /// Notes a key that is not known there. What it has for a value is shown nowhere.
    pub(super) fn unknown_key(&mut self, entry: &Entry, what: &str, allowed: &[&str]) {
        self.masks.extend(mask::below(entry));
        let key = self.quote(entry.key_place, &entry.key);
        self.error(entry.key_place, format!("unknown key {key} in {what}"))
            .expected(any_of(allowed))
            .suggest(&entry.key, allowed.iter().copied());
    }

    /// A map with exactly one key, out of `allowed`.
    pub(super) fn one_key<'t>(&mut self, node: &'t Node, what: &str, allowed: &[&str]) -> Option<&'t Entry> {
        let Value::Map(entries) = &node.value else {
            let expected = match allowed {
                [only] => format!("`{{ {only}: … }}`"),
                several => format!("one of {}", any_of(several)),
            };
            self.wrong_type(node, what, "a map").expected(expected);
            return None;
        };
        match entries.as_slice() {
            [entry] if allowed.contains(&entry.key.as_str()) => return Some(entry),
            [entry] => self.unknown_key(entry, what, allowed),
            [] => {
                self.error(node.place, format!("{what} is empty")).expected(format!("one of {}", any_of(allowed)));
            }
            [_, second, ..] => {
                let unknown = entries.iter().filter(|entry| !allowed.contains(&entry.key.as_str()));
                self.masks.extend(unknown.flat_map(mask::below));
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

    /// The items of a list that may be empty, or the one value that stands for a list of one.
    pub(super) fn one_or_any<'t>(&mut self, node: &'t Node, what: &str) -> Option<&'t [Node]> {
        match &node.value {
            Value::Scalar(_) if !node.is_null() => Some(std::slice::from_ref(node)),
            _ => self.list(node, what),
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
    use super::super::value::tests::with;

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
}
