//! A map of named things that other parts of the config refer to by name.

use std::collections::HashMap;

use super::{
    reader::Reader,
    tree::{Entry, Node, Place},
};

/// Longest name, in bytes: names stand in log lines and metric labels.
const LONGEST_NAME: usize = 64;

/// `keys:`, `schemes:`, `tokens:` or `upstreams:`. A thing that could not be read keeps its name and its place in the
/// order, so that whatever refers to it is not reported as well.
pub(super) struct Section<T> {
    /// As in "unknown upstream".
    kind: &'static str,
    names: Vec<Name>,
    by_name: HashMap<String, usize>,
    items: Vec<Option<T>>,
}

struct Name {
    text: String,
    place: Place,
    used: bool,
}

impl<T> Section<T> {
    /// Reads each named thing under `key` with `read`.
    pub(super) fn read(
        node: Option<&Node>,
        key: &str,
        kind: &'static str,
        reader: &mut Reader<'_>,
        mut read: impl FnMut(&Entry, &mut Reader<'_>) -> Option<T>,
    ) -> Section<T> {
        let mut section = Section { kind, names: Vec::new(), by_name: HashMap::new(), items: Vec::new() };
        let entries = node.and_then(|node| reader.map(node, &format!("`{key}`"))).unwrap_or_default();
        for entry in entries {
            name(&entry.key, entry.key_place, reader);
            let item = read(entry, reader);
            section.by_name.insert(entry.key.clone(), section.names.len());
            section.names.push(Name { text: entry.key.clone(), place: entry.key_place, used: false });
            section.items.push(item);
        }
        section
    }

    /// The index of the thing that `node` names, and that it is used.
    pub(super) fn find(&mut self, node: &Node, reader: &mut Reader<'_>) -> Option<usize> {
        let given = reader.text(node, &format!("the name of {} {}", article(self.kind), self.kind))?;
        if let Some(&found) = self.by_name.get(given) {
            self.names[found].used = true;
            return Some(found);
        }
        let shown = reader.quote(node.place, given);
        let names = self.names.iter().map(|name| name.text.as_str());
        let problem = reader.error(node.place, format!("there is no {} {shown}", self.kind)).suggest(given, names);
        if given.contains("://") {
            problem.hint("a name stands here, and what it means in a section of its own");
        }
        None
    }

    /// The thing at `index`, unless it could not be read.
    pub(super) fn item(&self, index: usize) -> Option<&T> {
        self.items.get(index).and_then(Option::as_ref)
    }

    /// The same, and where its name stands.
    pub(super) fn named(&self, index: usize) -> Option<(Place, &T)> {
        Some((self.names.get(index)?.place, self.item(index)?))
    }

    /// All that could be read, and where their names stand.
    pub(super) fn each(&self) -> impl Iterator<Item = (Place, &T)> {
        self.names.iter().zip(&self.items).filter_map(|(name, item)| Some((name.place, item.as_ref()?)))
    }

    /// Warns of everything that nothing refers to.
    pub(super) fn report_unused(&self, reader: &mut Reader<'_>) {
        for name in self.names.iter().filter(|name| !name.used) {
            let shown = reader.quote(name.place, &name.text);
            reader.warning(name.place, format!("the {} {shown} has no effect: nothing refers to it", self.kind));
        }
    }

    /// Notes everything that nothing refers to, where that has a use outside of the gateway.
    pub(super) fn note_unused(&self, use_of_it: &str, reader: &mut Reader<'_>) {
        for name in self.names.iter().filter(|name| !name.used) {
            let shown = reader.quote(name.place, &name.text);
            reader.note(
                name.place,
                format!(
                    "the {} {shown} has no effect in the gateway, where nothing refers to it: {use_of_it}",
                    self.kind
                ),
            );
        }
    }

    /// All that could be read, in the file's order. Indices hold only where no problem was an error.
    pub(super) fn into_items(self) -> Vec<T> {
        self.items.into_iter().flatten().collect()
    }
}

fn article(kind: &str) -> &'static str {
    if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Reports a name that could not stand in a log line or metric label.
pub(super) fn name(text: &str, place: Place, reader: &mut Reader<'_>) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let good = !text.is_empty() && text.len() <= LONGEST_NAME && text.bytes().all(plain);
    if !good {
        let shown = reader.quote(place, text);
        reader
            .error(place, format!("{shown} cannot be a name"))
            .expected(format!("1 to {LONGEST_NAME} letters, digits, `-`, `_` and `.`"));
    }
    good
}

#[cfg(test)]
mod tests {
    use super::super::{Severity, environment::Fixed, parse};

    #[test]
    fn an_issuer_for_tokens_by_hand_alone_is_noted_and_not_warned_of() {
        let text = "listen: 127.0.0.1:8000\n\
            tokens: { t: { keys: [{ algorithm: HS256, secret: { env: KEY } }], issuer: i, audience: a } }\n\
            issuers: { by-hand: { tokens: t } }\nupstreams: { app: { echo: true } }\n\
            routes: [{ match: { path: / }, require: { jwt: t }, to: app }]\n";
        let environment = Fixed { variables: vec![("KEY", "0123456789abcdef0123456789abcdef")], files: Vec::new() };
        let (_, told) = parse(text, "t.yaml", &environment).unwrap();
        let about: Vec<_> = told.iter().filter(|problem| problem.message.contains("by-hand")).collect();
        let [note] = about.as_slice() else { panic!("{told:?}") };
        assert!(note.severity == Severity::Note && note.message.contains("`countersign token issue`"), "{note}");
    }
}
