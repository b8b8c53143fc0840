//! YAML: a list of records, or a map of ids and records. The members are those of JSON lines.
//!
//! It is read record by record, so that a large file needs no more memory than a small one. Only the part of YAML that keys
//! need: no anchors, aliases, tags or second documents. A text is what is written, whatever type it might be taken for.

use std::{
    cell::Cell,
    io::{self, BufRead},
    rc::Rc,
};

use serde_yaml::granit_parser::{
    self, ErrorKind, Event, FallibleBufferedInput, InputIoError, Marker, Options, Parser, ScalarStyle, ScanError,
};
use zeroize::Zeroizing;

use super::{
    super::ROUTES,
    fault::{FileFault, Why},
    members::{Member, Members, SECRETS},
    row::{ID, SECRET},
    table::Filling,
};

/// Most characters of one record, with what stands before it.
const LONGEST_RECORD: usize = 1 << 20;
/// Deepest nesting: the list, a record, its `secrets`, and one of these.
const DEEPEST: usize = 8;

/// Reads all records, or the first thing that is wrong.
pub(super) fn read(from: impl BufRead, filling: &mut Filling) -> Result<(), FileFault> {
    let mut events = Events::new(from);
    match events.node()? {
        (_, Node::List) => while records_item(&mut events, filling)? {},
        (_, Node::Map) => while records_entry(&mut events, filling)? {},
        (at, Node::Text(_) | Node::End) => return Err(at.fault(None, Why::Type("a list or a map of records"))),
    }
    events.end()
}

fn records_item<R: BufRead>(events: &mut Events<R>, filling: &mut Filling) -> Result<bool, FileFault> {
    match events.node()? {
        (_, Node::End) => Ok(false),
        (at, Node::Map) => record(at, None, events, filling).map(|()| true),
        (at, Node::Text(_) | Node::List) => Err(at.fault(None, Why::Type("a map"))),
    }
}

fn records_entry<R: BufRead>(events: &mut Events<R>, filling: &mut Filling) -> Result<bool, FileFault> {
    let Some((at, id)) = events.key()? else { return Ok(false) };
    if filling.record(id.as_bytes()).is_some() {
        return Err(at.fault(Some(ID), Why::Twice));
    }
    match events.node()? {
        (_, Node::Map) => record(at, Some(id), events, filling).map(|()| true),
        (at, Node::Text(_) | Node::List | Node::End) => Err(at.fault(None, Why::Type("a map"))),
    }
}

/// The rest of a record that begins at `start`; `id` is the key that it stands under.
fn record<R: BufRead>(
    start: At,
    id: Option<Zeroizing<String>>,
    events: &mut Events<R>,
    filling: &mut Filling,
) -> Result<(), FileFault> {
    events.begin();
    let (mut members, mut places) = (Members::default(), Places::default());
    if let Some(id) = id {
        members.texts.push((ID.to_owned(), id));
        places.note(None, ID, start);
    }
    while let Some((at, name)) = events.key()? {
        if places.has(None, &name) {
            return Err(at.fault(Some(&name), Why::Twice));
        }
        let (at, node) = events.node()?;
        places.note(None, &name, at);
        match node {
            Node::List if *name == SECRETS => members.secrets = Some(secrets(events, &mut places)?),
            Node::List if *name == ROUTES => members.texts.push((name.to_string(), routes(events)?)),
            Node::Text(_) if *name == SECRETS => return Err(at.fault(Some(SECRETS), Why::Type("a list"))),
            Node::Text(text) => members.texts.push((name.to_string(), text)),
            Node::List | Node::Map | Node::End => return Err(at.fault(Some(&name), Why::Type("a text"))),
        }
    }
    members.put(filling).map_err(|(secret, (name, why))| {
        places.find(secret, name.as_deref()).unwrap_or(start).fault(name.as_deref(), why)
    })
}

fn secrets<R: BufRead>(events: &mut Events<R>, places: &mut Places) -> Result<Vec<Vec<Member>>, FileFault> {
    let mut secrets = Vec::new();
    loop {
        let (at, node) = events.node()?;
        let index = Some(secrets.len());
        match node {
            Node::End => return Ok(secrets),
            Node::Text(text) => {
                places.note(index, SECRET, at);
                secrets.push(vec![(SECRET.to_owned(), text)]);
            }
            Node::Map => {
                let mut members = Vec::new();
                while let Some((at, name)) = events.key()? {
                    if places.has(index, &name) {
                        return Err(at.fault(Some(&name), Why::Twice));
                    }
                    let (at, Node::Text(text)) = events.node()? else {
                        return Err(at.fault(Some(&name), Why::Type("a text")));
                    };
                    places.note(index, &name, at);
                    members.push((name.to_string(), text));
                }
                secrets.push(members);
            }
            Node::List => return Err(at.fault(Some(SECRETS), Why::Type("texts or maps"))),
        }
    }
}

/// A list of routes stands for its names with spaces between.
fn routes<R: BufRead>(events: &mut Events<R>) -> Result<Zeroizing<String>, FileFault> {
    let mut names: Vec<String> = Vec::new();
    loop {
        match events.node()? {
            (_, Node::End) => return Ok(Zeroizing::new(names.join(" "))),
            (_, Node::Text(name)) if !name.contains(' ') => names.push(name.to_string()),
            (at, Node::Text(_) | Node::List | Node::Map) => {
                return Err(at.fault(Some(ROUTES), Why::Type("a list of names without spaces")));
            }
        }
    }
}

/// Where something stands: line from 1, column from 1 in characters.
#[derive(Clone, Copy)]
struct At {
    line: usize,
    column: usize,
}

impl At {
    fn of(marker: Marker) -> At {
        At { line: marker.line(), column: marker.col() + 1 }
    }

    fn fault(self, name: Option<&str>, why: Why) -> FileFault {
        let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
        FileFault { line: number(self.line), at: number(self.column), column: name.map(str::to_owned), why }
    }
}

/// Where the members of a record stand: its own, and those of each of its `secrets`.
#[derive(Default)]
struct Places(Vec<(Option<usize>, String, At)>);

impl Places {
    fn note(&mut self, secret: Option<usize>, name: &str, at: At) {
        self.0.push((secret, name.to_owned(), at));
    }

    fn has(&self, secret: Option<usize>, name: &str) -> bool {
        self.0.iter().any(|(of, known, _)| *of == secret && known == name)
    }

    /// The place of that member; where it is not known, of the secret that it is about, or of one of the record's own.
    fn find(&self, secret: Option<usize>, name: Option<&str>) -> Option<At> {
        let is_it =
            |of: Option<usize>| move |(known, own, _): &&(_, String, _)| *known == of && Some(own.as_str()) == name;
        let found = self.0.iter().find(is_it(secret)).or_else(|| self.0.iter().find(is_it(None)));
        let found = found.or_else(|| self.0.iter().find(|(of, ..)| secret.is_some() && *of == secret));
        found.map(|(.., at)| *at)
    }
}

/// What stands where a value may stand.
enum Node {
    Text(Zeroizing<String>),
    List,
    Map,
    /// The list or map that is open ends.
    End,
}

/// The events of a text, as far as they matter here.
struct Events<R: BufRead> {
    parser: Parser<'static, FallibleBufferedInput<Chars<R>>>,
    /// Characters that may yet be read of this record.
    left: Rc<Cell<usize>>,
}

impl<R: BufRead> Events<R> {
    fn new(from: R) -> Events<R> {
        let left = Rc::new(Cell::new(LONGEST_RECORD));
        let chars = Chars { from, left: left.clone() };
        Events { parser: Parser::new_from_fallible_iter_with_options(chars, options()), left }
    }

    /// A record begins.
    fn begin(&self) {
        self.left.set(LONGEST_RECORD);
    }

    fn node(&mut self) -> Result<(At, Node), FileFault> {
        loop {
            let (event, at) = self.next()?;
            let refused = |what: &'static str| Err(at.fault(None, Why::NotYaml(what.to_owned())));
            let node = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    let is_nothing = style == ScalarStyle::Plain && is_null(&text);
                    let text = Zeroizing::new(text.into_owned());
                    (anchor, tag.is_some(), Node::Text(if is_nothing { Zeroizing::default() } else { text }))
                }
                Event::SequenceStart(_, anchor, tag) => (anchor, tag.is_some(), Node::List),
                Event::MappingStart(_, anchor, tag) => (anchor, tag.is_some(), Node::Map),
                Event::SequenceEnd | Event::MappingEnd => (0, false, Node::End),
                Event::Alias(_) | Event::UnresolvedAlias(_) => return refused("aliases (`*name`) are not used here"),
                Event::StreamEnd => return refused("the file holds nothing"),
                _ => continue,
            };
            return match node {
                (0, false, node) => Ok((at, node)),
                (0, true, _) => refused("tags (`!name`) are not used here"),
                (..) => refused("anchors (`&name`) are not used here"),
            };
        }
    }

    /// The next key of the map that is open, or its end.
    fn key(&mut self) -> Result<Option<(At, Zeroizing<String>)>, FileFault> {
        match self.node()? {
            (_, Node::End) => Ok(None),
            (at, Node::Text(name)) => Ok(Some((at, name))),
            (at, Node::List | Node::Map) => Err(at.fault(None, Why::NotYaml("a key must be text".to_owned()))),
        }
    }

    /// Nothing may follow.
    fn end(&mut self) -> Result<(), FileFault> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(..), at) => {
                    return Err(at.fault(None, Why::NotYaml("a second document starts here".to_owned())));
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'static>, At), FileFault> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, At::of(span.start))),
            Some(Err(error)) => Err(fault(&error)),
            None => Ok((Event::StreamEnd, At { line: 0, column: 0 })),
        }
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

/// Whether it was written as nothing.
fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// What the parser says, without a character of the file.
fn fault(error: &ScanError) -> FileFault {
    let why = match error.kind() {
        ErrorKind::InputIo { error } => Why::Unreadable(io::Error::other(error.message().to_owned())),
        ErrorKind::InputDecoding { .. } => Why::NotText,
        ErrorKind::InputByteLimitExceeded { .. } => {
            Why::NotYaml(format!("a record has more than {LONGEST_RECORD} characters"))
        }
        ErrorKind::UnexpectedCharacter { .. } => {
            Why::NotYaml("this character begins no text; write the text in quotes".to_owned())
        }
        _ => Why::NotYaml(error.info()),
    };
    At::of(*error.marker()).fault(None, why)
}

/// The characters of a text in UTF-8, within the bound of a record.
struct Chars<R> {
    from: R,
    left: Rc<Cell<usize>>,
}

impl<R: BufRead> Chars<R> {
    fn byte(&mut self) -> Result<Option<u8>, ErrorKind> {
        let failed = |error| ErrorKind::InputIo { error: InputIoError::from_io(error) };
        let byte = self.from.fill_buf().map_err(failed)?.first().copied();
        self.from.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    fn character(&mut self) -> Result<Option<char>, ErrorKind> {
        let not_text = || ErrorKind::InputDecoding { message: String::new() };
        let Some(first) = self.byte()? else { return Ok(None) };
        let length = match first {
            0..=0x7f => return Ok(Some(char::from(first))),
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return Err(not_text()),
        };
        let mut bytes = [first, 0, 0, 0];
        for place in bytes.iter_mut().take(length).skip(1) {
            *place = self.byte()?.ok_or_else(not_text)?;
        }
        let text = bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.and_then(|text| text.chars().next()).ok_or_else(not_text).map(Some)
    }
}

impl<R: BufRead> Iterator for Chars<R> {
    type Item = Result<char, ErrorKind>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => return Some(Err(ErrorKind::InputByteLimitExceeded { limit: LONGEST_RECORD })),
        }
        self.character().transpose()
    }
}
