//! YAML: a list of records, or a map of ids and records. The members are those of JSON lines.
//!
//! It is read record by record, so that a large file needs no more memory than a small one. Only the part of YAML that keys
//! need: no anchors, aliases, tags or second documents. A text is what is written, whatever type it might be taken for.

mod chars;
mod events;
mod lines;

use std::io::BufRead;

use zeroize::Zeroizing;

use self::events::{At, Events, Node};
pub(super) use self::lines::records;
use super::{
    super::ROUTES,
    fault::{FileFault, Why},
    members::{Member, Members, SECRETS},
    rewrite::Form,
    row::{ID, SECRET},
    table::Filling,
};

/// Reads all records, or the first thing that is wrong.
pub(super) fn read(from: impl BufRead, filling: &mut Filling) -> Result<(), FileFault> {
    let put = |record: Record| {
        if let Some(at) = record.key.filter(|_| filling.record(record.id().as_bytes()).is_some()) {
            return Err(at.fault(Some(ID), Why::Twice));
        }
        filling.noted.at(record.key.unwrap_or(record.start).line());
        record.members.put(filling).map_err(|(secret, (name, why))| {
            record.places.find(secret, name.as_deref()).unwrap_or(record.start).fault(name.as_deref(), why)
        })
    };
    walk(from, put).map(drop)
}

/// A record, and where it is.
struct Record {
    members: Members,
    places: Places,
    /// Where its map begins.
    start: At,
    /// Where the key that it stands under begins, in a map.
    key: Option<At>,
    /// The character behind it.
    end: usize,
}

impl Record {
    fn id(&self) -> &str {
        self.members.text(ID).unwrap_or_default()
    }
}

/// Shows `each` record in its turn, until one is wrong.
fn walk<R: BufRead>(from: R, mut each: impl FnMut(Record) -> Result<(), FileFault>) -> Result<Form, FileFault> {
    let mut events = Events::new(from);
    let (at, root) = events.node()?;
    let form = match root {
        Node::List => Form::List,
        Node::Map => Form::Map,
        Node::Text(_) | Node::End => return Err(at.fault(None, Why::Type("a list or a map of records"))),
    };
    loop {
        let key = match form {
            Form::Map => match events.key()? {
                None => break,
                key => key,
            },
            Form::List | Form::Lines => None,
        };
        match events.node()? {
            (_, Node::End) if key.is_none() => break,
            (at, Node::Map) => each(record(at, key, &mut events)?)?,
            (at, Node::Text(_) | Node::List | Node::End) => return Err(at.fault(None, Why::Type("a map"))),
        }
    }
    events.end().map(|()| form)
}

/// The rest of a record whose map begins at `start`; `key` is the id that it stands under.
fn record<R: BufRead>(
    start: At,
    key: Option<(At, Zeroizing<String>)>,
    events: &mut Events<R>,
) -> Result<Record, FileFault> {
    events.begin();
    let (mut members, mut places) = (Members::default(), Places::default());
    let key = key.map(|(at, id)| {
        members.texts.push((ID.to_owned(), id));
        places.note(None, ID, at);
        at
    });
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
    Ok(Record { members, places, start, key, end: events.written_to() })
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
