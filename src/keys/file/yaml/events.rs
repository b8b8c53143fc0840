//! What a parser of YAML says, as far as keys need it: texts, lists and maps, each with its place.

use std::{
    cell::Cell,
    io::{self, BufRead},
    rc::Rc,
};

use serde_yaml::granit_parser::{
    self, ErrorKind, Event, FallibleBufferedInput, Marker, Options, Parser, ScalarStyle, ScanError, Span,
    StructureStyle,
};
use zeroize::Zeroizing;

use super::{
    super::fault::{FileFault, Why},
    chars::{Chars, LONGEST_RECORD},
};

/// Deepest nesting: the list, a record, its `secrets`, and one of these.
const DEEPEST: usize = 8;

/// Where something stands: line from 1, column from 1 in characters.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) line: usize,
    pub(super) column: usize,
    /// The character of the text, from 0.
    pub(super) index: usize,
}

impl At {
    fn of(marker: Marker) -> At {
        At { line: marker.line(), column: marker.col() + 1, index: marker.index() }
    }

    pub(super) fn fault(self, name: Option<&str>, why: Why) -> FileFault {
        FileFault { line: self.line(), at: number(self.column), column: name.map(str::to_owned), why }
    }

    pub(super) fn line(self) -> u64 {
        number(self.line)
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// What stands where a value may stand.
pub(super) enum Node {
    Text(Zeroizing<String>),
    List,
    Map,
    /// The list or map that is open ends.
    End,
}

/// The events of a text, as far as they matter here.
pub(super) struct Events<R: BufRead> {
    parser: Parser<'static, FallibleBufferedInput<Chars<R>>>,
    /// Characters that may yet be read of this record.
    left: Rc<Cell<usize>>,
    /// Of each list and map that is open, whether it is in brackets.
    open: Vec<bool>,
    /// The character behind the last that is no blank and no comment.
    end: usize,
}

impl<R: BufRead> Events<R> {
    pub(super) fn new(from: R) -> Events<R> {
        let left = Rc::new(Cell::new(LONGEST_RECORD));
        let chars = Chars { from, left: left.clone() };
        let parser = Parser::new_from_fallible_iter_with_options(chars, options());
        Events { parser, left, open: Vec::new(), end: 0 }
    }

    /// A record begins.
    pub(super) fn begin(&self) {
        self.left.set(LONGEST_RECORD);
    }

    pub(super) fn node(&mut self) -> Result<(At, Node), FileFault> {
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
    pub(super) fn key(&mut self) -> Result<Option<(At, Zeroizing<String>)>, FileFault> {
        match self.node()? {
            (_, Node::End) => Ok(None),
            (at, Node::Text(name)) => Ok(Some((at, name))),
            (at, Node::List | Node::Map) => Err(at.fault(None, Why::NotYaml("a key must be text".to_owned()))),
        }
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), FileFault> {
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
            Some(Ok((event, span))) => {
                self.note(&event, span);
                Ok((event, At::of(span.start)))
            }
            Some(Err(error)) => Err(fault(&error)),
            None => Ok((Event::StreamEnd, At { line: 0, column: 0, index: 0 })),
        }
    }

    /// The character behind the last text or bracket.
    pub(super) fn written_to(&self) -> usize {
        self.end
    }

    /// What is not in brackets ends where something else begins, which does not say where its own text does.
    fn note(&mut self, event: &Event<'_>, span: Span) {
        let is_written = match event {
            Event::Scalar(..) => span.start.index() < span.end.index(),
            Event::SequenceStart(style, ..) | Event::MappingStart(style, ..) => {
                self.open.push(*style == StructureStyle::Flow);
                false
            }
            Event::SequenceEnd | Event::MappingEnd => self.open.pop().unwrap_or_default(),
            _ => false,
        };
        if is_written {
            self.end = span.end.index();
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
            Why::NotYaml("this character cannot stand here; a text may need quotes".to_owned())
        }
        _ => Why::NotYaml(error.info()),
    };
    At::of(*error.marker()).fault(None, why)
}
