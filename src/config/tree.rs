//! YAML text as a tree in which every key and value knows its place.
//!
//! Only the part of YAML that a config needs: one document of maps, lists and scalars. Anchors, aliases and tags are
//! refused, so what is in memory is never larger than what was written. Meaning is not looked at here.

use std::{collections::HashMap, ops::Range};

use serde_yaml::granit_parser::{self, Event, Marker, Options, Parser, ScalarStyle, Span};

/// Largest text read, in bytes.
const LARGEST: usize = 4 << 20;
/// Most keys and values in one text.
const MOST_NODES: usize = 200_000;
/// Deepest nesting.
const DEEPEST: usize = 64;

/// Where something stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1.
    pub(super) line: usize,
    /// From 1, in characters.
    pub(super) column: usize,
    /// Characters on its first line; at least 1.
    pub(super) length: usize,
    /// First byte.
    pub(super) start: usize,
    /// The byte after the last.
    pub(super) end: usize,
}

impl Place {
    /// The bytes it takes.
    pub(super) fn bytes(self) -> Range<usize> {
        self.start..self.end
    }

    /// The same start, `length` characters wide.
    pub(super) fn wide(self, length: usize) -> Place {
        Place { length: length.max(1), ..self }
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// Text, and how it was written.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    /// `|`: its lines are the text's, behind the indentation.
    Literal,
    /// `>`: columns inside are not known.
    Folded,
    /// From a preset: its place is that of the preset's name.
    Elsewhere,
}

/// One key of a map.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) value: Node,
    /// Values of the same key further down: never used, but they must not be shown where they are secrets.
    pub(super) shadowed: Vec<Node>,
}

/// A key that stands twice in one map. The first one stays in the tree.
#[derive(Debug)]
pub(super) struct Duplicate {
    pub(super) key: String,
    pub(super) first: Place,
    pub(super) second: Place,
}

/// A whole text.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: Node,
    pub(super) duplicates: Vec<Duplicate>,
}

/// Why there is no tree.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) place: Place,
    pub(super) message: String,
    /// Whether it is not even YAML, rather than YAML of a kind that is not used here.
    pub(super) is_syntax: bool,
}

impl Node {
    /// Whether nothing was written: empty, `~` or `null`. A preset never leaves out a value.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(Scalar { text, style: Style::Plain })
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The same value with every place moved to `place`: how a preset's values speak of the file that names it.
    pub(super) fn moved(&mut self, place: Place) {
        self.place = place;
        match &mut self.value {
            Value::Scalar(scalar) => scalar.style = Style::Elsewhere,
            Value::List(items) => items.iter_mut().for_each(|item| item.moved(place)),
            Value::Map(entries) => entries.iter_mut().for_each(|entry| {
                entry.key_place = place;
                entry.value.moved(place);
            }),
        }
    }
}

/// Whether a text is a whole number as JSON writes it.
pub(super) fn is_whole_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Tree, Broken> {
    let start = Place { line: 1, column: 1, length: 1, start: 0, end: 0 };
    if text.len() > LARGEST {
        return broken(start, &format!("the file is larger than {} MiB", LARGEST >> 20));
    }
    let mut builder = Builder { text, stack: Vec::new(), root: None, duplicates: Vec::new(), nodes: 0 };
    for event in Parser::new_from_str_with_options(text, options()) {
        let (event, span) = event.map_err(|error| Broken {
            place: builder.place(*error.marker(), *error.marker()),
            message: format!("not YAML: {}", error.info()),
            is_syntax: true,
        })?;
        builder.take(event, span)?;
    }
    match builder.root {
        Some(root) => Ok(Tree { root, duplicates: builder.duplicates }),
        None => broken(start, "the file holds nothing"),
    }
}

fn options() -> Options {
    granit_parser::options! {
        disallow_directives: true,
        emit_comments: false,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    }
}

struct Builder<'t> {
    text: &'t str,
    stack: Vec<Frame>,
    root: Option<Node>,
    duplicates: Vec<Duplicate>,
    nodes: usize,
}

/// A list or map that is not closed yet.
enum Frame {
    List { place: Place, items: Vec<Node> },
    Map { place: Place, entries: Vec<Entry>, seen: HashMap<String, usize>, key: Option<(String, Place)> },
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Broken> {
        let place = self.place(span.start, span.end);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.plain(place, anchor, tag.is_some())?;
                let place = if is_block(style) { self.trimmed(place) } else { place };
                self.add(Node { place, value: scalar(text.into_owned(), style) })
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.plain(place, anchor, tag.is_some())?;
                self.open(place.wide(1), Frame::List { place: place.wide(1), items: Vec::new() })
            }
            Event::MappingStart(_, anchor, tag) => {
                self.plain(place, anchor, tag.is_some())?;
                let (entries, seen) = (Vec::new(), HashMap::new());
                self.open(place.wide(1), Frame::Map { place: place.wide(1), entries, seen, key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::DocumentStart(..) if self.root.is_some() => broken(place, "a second YAML document starts here"),
            Event::Alias(_) | Event::UnresolvedAlias(_) => broken(place, "YAML aliases (`*name`) are not used here"),
            _ => Ok(()),
        }
    }

    /// Refuses anchors and tags.
    fn plain(&self, place: Place, anchor: usize, tagged: bool) -> Result<(), Broken> {
        if anchor != 0 {
            return broken(self.in_front(place, '&'), "YAML anchors (`&name`) are not used here");
        }
        if tagged {
            return broken(self.in_front(place, '!'), "YAML tags (`!name`) are not used here");
        }
        Ok(())
    }

    fn open(&mut self, place: Place, frame: Frame) -> Result<(), Broken> {
        if let Some(Frame::Map { key: None, .. }) = self.stack.last() {
            return broken(place, "a key must be text, not a list or a map");
        }
        if self.stack.len() >= DEEPEST {
            return broken(place, &format!("nested deeper than {DEEPEST} levels"));
        }
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Broken> {
        let node = match self.stack.pop() {
            Some(Frame::List { place, items }) => Node { place, value: Value::List(items) },
            Some(Frame::Map { place, entries, .. }) => Node { place, value: Value::Map(entries) },
            None => return Ok(()),
        };
        self.add(node)
    }

    /// Puts a finished node where it belongs: into the open list, as key or value of the open map, or at the root.
    fn add(&mut self, node: Node) -> Result<(), Broken> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return broken(node.place, &format!("more than {MOST_NODES} keys and values"));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, seen, key, .. }) => match (key.take(), node.value) {
                (None, Value::Scalar(Scalar { text, .. })) => *key = Some((text, node.place)),
                (None, _) => return broken(node.place, "a key must be text, not a list or a map"),
                (Some((name, key_place)), value) => {
                    let value = Node { place: node.place, value };
                    match seen.get(&name).and_then(|&index| entries.get_mut(index)) {
                        Some(first) => {
                            let (first_place, second) = (first.key_place, key_place);
                            first.shadowed.push(value);
                            self.duplicates.push(Duplicate { key: name, first: first_place, second });
                        }
                        None => {
                            seen.insert(name.clone(), entries.len());
                            entries.push(Entry { key: name, key_place, value, shadowed: Vec::new() });
                        }
                    }
                }
            },
        }
        Ok(())
    }

    fn place(&self, start: Marker, end: Marker) -> Place {
        let (first, last) = (self.byte(start), self.byte(end));
        let shown = self.text.get(first..last.max(first)).unwrap_or_default();
        let length = shown.lines().next().map_or(0, |line| line.trim_end().chars().count()).max(1);
        Place { line: start.line().max(1), column: start.col() + 1, length, start: first, end: last.max(first) }
    }

    /// The place of the anchor or tag in front of `place`, which begins with `mark`.
    fn in_front(&self, place: Place, mark: char) -> Place {
        let before = self.text.get(..place.start).unwrap_or_default();
        let Some(last) = before.rfind(mark) else { return place };
        let start = before.get(..=last).unwrap_or_default().trim_end_matches(mark).len();
        let name = before.get(start..).unwrap_or_default();
        let length = name.split_whitespace().next().map_or(1, |name| name.chars().count());
        let line = place.line - name.matches('\n').count().min(place.line - 1);
        let column = before.get(..start).unwrap_or_default().chars().rev().take_while(|c| *c != '\n').count() + 1;
        Place { line, column, length, start, end: start + length }
    }

    /// A block's place without the indentation of what follows it.
    fn trimmed(&self, place: Place) -> Place {
        let written = self.text.get(place.bytes()).unwrap_or_default();
        Place { end: place.start + written.trim_end().len(), ..place }
    }

    fn byte(&self, marker: Marker) -> usize {
        marker.byte_offset().unwrap_or(self.text.len()).min(self.text.len())
    }
}

fn broken<T>(place: Place, message: &str) -> Result<T, Broken> {
    Err(Broken { place, message: message.to_owned(), is_syntax: false })
}

fn is_block(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
}

fn scalar(text: String, style: ScalarStyle) -> Value {
    let style = match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    };
    Value::Scalar(Scalar { text, style })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(node: &Node) -> &[Entry] {
        match &node.value {
            Value::Map(entries) => entries,
            other => panic!("not a map: {other:?}"),
        }
    }

    #[test]
    fn every_key_and_value_knows_its_line_and_column() {
        let tree = parse("a: 1\nlist:\n  - { b: 'x y' }\n").unwrap();
        let entries = map(&tree.root);
        assert_eq!((entries[1].key_place.line, entries[1].key_place.column), (2, 1));
        let Value::List(items) = &entries[1].value.value else { panic!("not a list") };
        let inner = &map(&items[0])[0];
        assert_eq!((inner.key_place.line, inner.key_place.column), (3, 7));
        assert_eq!((inner.value.place.column, inner.value.place.length), (10, 5));
    }

    #[test]
    fn columns_count_characters_and_bytes_count_bytes() {
        let tree = parse("ключ: { é: b }").unwrap();
        let inner = &map(&map(&tree.root)[0].value)[0];
        assert_eq!(inner.value.place.column, 12);
        assert_eq!(inner.value.place.bytes(), 16..17);
    }

    #[test]
    fn a_duplicate_key_is_reported_with_both_places_and_the_first_stays() {
        let tree = parse("a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(map(&tree.root).len(), 2);
        let duplicate = &tree.duplicates[0];
        assert_eq!((duplicate.key.as_str(), duplicate.first.line, duplicate.second.line), ("a", 1, 3));
    }

    #[test]
    fn anchors_aliases_tags_and_second_documents_are_refused() {
        for text in ["a: &x 1\nb: *x\n", "a: !!str 1\n", "a: 1\n---\nb: 2\n", "? [a]\n: 1\n", "a: *x\n", ""] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_overflowing_the_stack() {
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"- ".repeat(100_000)).is_err());
        assert!(parse(&format!("a: {}1{}", "{a: ".repeat(70), "}".repeat(70))).is_err());
    }
}
