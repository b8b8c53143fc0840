//! Values as views into the node table.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

use super::escape::Unescape;

/// One value of a document.
#[derive(Debug, Clone)]
pub enum Value<'d> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written: `1.70e9` stays `1.70e9`.
    Number(&'d str),
    /// A string, unescaped.
    String(Cow<'d, str>),
    /// An array.
    Array(Array<'d>),
    /// An object.
    Object(Object<'d>),
}

/// The elements of an array, in order.
#[derive(Clone, Copy)]
pub struct Array<'d>(Nodes<'d>);

/// The members of an object, in the order they were written. No name comes twice.
#[derive(Clone, Copy)]
pub struct Object<'d>(Nodes<'d>);

impl<'d> Value<'d> {
    /// The value whose node comes first, its parts right behind it.
    pub(super) fn read(text: &'d str, nodes: &'d [Node]) -> Value<'d> {
        let Some((node, parts)) = nodes.split_first() else { return Value::Null };
        match node.kind {
            Kind::Null => Value::Null,
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Number => Value::Number(node.text(text)),
            Kind::String | Kind::EscapedString => Value::String(node.string(text)),
            Kind::Array => Value::Array(Array(Nodes::new(text, parts))),
            Kind::Object => Value::Object(Object(Nodes::new(text, parts))),
        }
    }

    /// The value that a JSON pointer (RFC 6901) names, starting here.
    pub fn pointer(&self, pointer: &str) -> Option<Value<'d>> {
        let mut tokens = pointer.split('/');
        if tokens.next() != Some("") {
            return None;
        }
        tokens.try_fold(self.clone(), |value, token| match value {
            Value::Object(object) => object.value(&reference_token(token)?),
            Value::Array(array) => array.element(array_index(token)?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
    }

    /// Whether a reader that takes names less exactly could find another value where `pointer` names one: beside a name on
    /// the way to it there is one with another value that differs in case alone, as Go's and .NET's readers take it, in how its words are
    /// separated (`macAddress` for `mac_address`), as protobuf's do, or behind a NUL, as C's do.
    pub fn has_lookalike(&self, pointer: &str) -> bool {
        let mut value = self.clone();
        for token in pointer.split('/').skip(1) {
            let next = match (&value, reference_token(token)) {
                (Value::Object(object), Some(name)) if object.has_lookalike(&name) => return true,
                (Value::Object(object), Some(name)) => object.value(&name),
                (Value::Array(array), _) => array_index(token).and_then(|index| array.element(index)),
                _ => None,
            };
            let Some(next) = next else { return false };
            value = next;
        }
        false
    }

    /// The string's text, if this is a string.
    pub fn into_string(self) -> Option<Cow<'d, str>> {
        if let Value::String(text) = self { Some(text) } else { None }
    }
}

/// Compact JSON: no whitespace, numbers as they were written, only what must be escaped is.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(bool) => write!(f, "{bool}"),
            Value::Number(text) => f.write_str(text),
            Value::String(text) => write_string(f, text),
            Value::Array(array) => {
                f.write_char('[')?;
                for (index, element) in array.iter().enumerate() {
                    write!(f, "{}{element}", separator(index))?;
                }
                f.write_char(']')
            }
            Value::Object(object) => {
                f.write_char('{')?;
                for (index, (name, value)) in object.iter().enumerate() {
                    f.write_str(separator(index))?;
                    write_string(f, &name)?;
                    write!(f, ":{value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

impl<'d> Array<'d> {
    /// The elements, in order.
    pub fn iter(&self) -> impl Iterator<Item = Value<'d>> + use<'d> {
        self.0
    }

    /// The element at an index that starts at 0.
    pub fn element(&self, index: usize) -> Option<Value<'d>> {
        self.iter().nth(index)
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.0.nodes.is_empty()
    }
}

impl<'d> Object<'d> {
    /// Names and values, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'d, str>, Value<'d>)> + use<'d> {
        let mut nodes = self.0;
        std::iter::from_fn(move || nodes.member())
    }

    /// The value of a name, which is compared unescaped. `None` if the object does not have it.
    pub fn value(&self, name: &str) -> Option<Value<'d>> {
        let mut nodes = self.0;
        while let Some(key) = nodes.step() {
            let value = nodes.step()?;
            if key.first()?.string(nodes.text) == name {
                return Some(Value::read(nodes.text, value));
            }
        }
        None
    }

    /// Whether there is a member whose name could be taken for `name` and is not it, and which says something else: the same text
    /// or number under both names is one value to any reader, as where a client sends an older name with the new one.
    pub fn has_lookalike(&self, name: &str) -> bool {
        // Hardly any object has one, and names are looked at for less.
        Nodes::names(self.0).any(|own| is_lookalike(&own, name)) && !self.says_the_same_under_all(name)
    }

    fn says_the_same_under_all(&self, name: &str) -> bool {
        let Some(wanted) = self.value(name) else { return false };
        self.iter().filter(|(own, _)| is_lookalike(own, name)).all(|(_, value)| match (&value, &wanted) {
            (Value::String(one), Value::String(other)) => one == other,
            (Value::Number(one), Value::Number(other)) => one == other,
            _ => false,
        })
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.nodes.is_empty()
    }
}

impl fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// One entry of the table. `start..end` are byte offsets: of a string, what is between its quotes.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
    /// How many nodes the value takes, itself included.
    pub(super) size: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Number,
    String,
    EscapedString,
    Array,
    Object,
}

impl Node {
    fn text<'d>(&self, text: &'d str) -> &'d str {
        let offset = |at| usize::try_from(at).unwrap_or(usize::MAX);
        text.get(offset(self.start)..offset(self.end)).unwrap_or_default()
    }

    fn string<'d>(&self, text: &'d str) -> Cow<'d, str> {
        let inside = self.text(text);
        match self.kind {
            Kind::EscapedString => Cow::Owned(Unescape::new(inside).map_while(Result::ok).collect()),
            _ => Cow::Borrowed(inside),
        }
    }
}

/// A run of sibling values: an array's elements, or an object's names and values by turns.
#[derive(Clone, Copy)]
pub(super) struct Nodes<'d> {
    text: &'d str,
    nodes: &'d [Node],
}

impl<'d> Nodes<'d> {
    pub(super) fn new(text: &'d str, nodes: &'d [Node]) -> Nodes<'d> {
        Nodes { text, nodes }
    }

    /// The names of an object.
    pub(super) fn names(mut self) -> impl Iterator<Item = Cow<'d, str>> {
        std::iter::from_fn(move || {
            let name = self.step()?.first()?.string(self.text);
            self.step()?;
            Some(name)
        })
    }

    fn member(&mut self) -> Option<(Cow<'d, str>, Value<'d>)> {
        let name = self.step()?.first()?.string(self.text);
        Some((name, self.next()?))
    }

    /// The nodes of the next sibling.
    fn step(&mut self) -> Option<&'d [Node]> {
        let size = usize::try_from(self.nodes.first()?.size).ok()?;
        let (sibling, rest) = self.nodes.split_at_checked(size)?;
        self.nodes = rest;
        Some(sibling)
    }
}

impl<'d> Iterator for Nodes<'d> {
    type Item = Value<'d>;

    fn next(&mut self) -> Option<Value<'d>> {
        let sibling = self.step()?;
        Some(Value::read(self.text, sibling))
    }
}

/// Whether a lenient reader could take `own` for `name`, which it is not.
fn is_lookalike(own: &str, name: &str) -> bool {
    if own == name {
        return false;
    }
    if own.is_ascii() && name.is_ascii() && !own.contains('\0') {
        return lower(own).eq(lower(name));
    }
    significant(folded(own)).eq(significant(folded(name)))
}

fn lower(name: &str) -> impl Iterator<Item = char> {
    significant(name.chars()).map(|char| char.to_ascii_lowercase())
}

/// Up to a NUL. There and back, for some letters have the same capital: the Kelvin sign, and the long s.
fn folded(name: &str) -> impl Iterator<Item = char> {
    let whole = name.chars().take_while(|char| *char != '\0');
    whole.flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// Without what separates words. One in front makes another name of it: `_id` stands beside `id` in honest documents.
fn significant(name: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    name.enumerate().filter(|(at, char)| *at == 0 || !matches!(char, '_' | '-')).map(|(_, char)| char)
}

/// What one token of a pointer names (RFC 6901 section 4): `~1` first, then `~0`; any other `~` is malformed.
pub fn reference_token(token: &str) -> Option<Cow<'_, str>> {
    if !token.contains('~') {
        return Some(Cow::Borrowed(token));
    }
    let mut parts = token.split('~');
    let mut unescaped = String::from(parts.next()?);
    for part in parts {
        let (escaped, rest) =
            part.strip_prefix('0').map(|rest| ('~', rest)).or(part.strip_prefix('1').map(|rest| ('/', rest)))?;
        unescaped.push(escaped);
        unescaped.push_str(rest);
    }
    Some(Cow::Owned(unescaped))
}

/// RFC 6901 section 4: digits without a leading zero.
fn array_index(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (token.starts_with('0') && token.len() > 1) {
        return None;
    }
    token.parse().ok()
}

fn separator(index: usize) -> &'static str {
    if index == 0 { "" } else { "," }
}

fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
