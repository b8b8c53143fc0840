//! Changing records: an object a line, or a list or map of them in YAML. A record that a change is about is written anew, on
//! one line that is JSON and YAML alike; a new secret gets a record of its own where an id may have several.

use zeroize::Zeroizing;

use super::{
    super::{
        Format, lines,
        members::{Member, Members},
        row::{DISABLED, ENCODING, ID, LABEL, NOT_AFTER, NOT_BEFORE, SECRET},
        yaml,
    },
    Edit, edited,
};
use crate::{
    keys::{Change, NewSecret, NotChanged, Position},
    sql_link::truth,
};

/// What is about a secret.
const OF_SECRET: [&str; 5] = [SECRET, ENCODING, NOT_BEFORE, NOT_AFTER, LABEL];

/// How records stand in a file.
#[derive(Clone, Copy, PartialEq)]
pub(in super::super) enum Form {
    /// An object a line.
    Lines,
    /// A list in YAML.
    List,
    /// A map in YAML, from ids.
    Map,
}

/// Where the lines of a record begin and end, and what it says.
pub(in super::super) struct Item {
    pub(in super::super) start: usize,
    pub(in super::super) end: usize,
    /// Blanks before it.
    pub(in super::super) indent: usize,
    pub(in super::super) members: Members,
}

/// The records of one id in a file, and where a record of another id would go.
pub(in super::super) struct Records {
    pub(in super::super) form: Form,
    pub(in super::super) own: Vec<Item>,
    /// The end of the last record of all, and the blanks before that.
    pub(in super::super) end: usize,
    pub(in super::super) indent: usize,
}

/// The text with the change made in its records.
///
/// # Errors
/// [`NotChanged`]
pub(super) fn changed(
    text: &[u8],
    format: Format,
    id: &str,
    change: &Change,
) -> Result<Zeroizing<Vec<u8>>, NotChanged> {
    let records = match format {
        Format::Yaml => yaml::records(text, id)?,
        Format::Csv | Format::JsonLines => lines::records(text, id)?,
    };
    let edits = match (change, records.own.as_slice()) {
        (Change::Add(new), _) => vec![records.put(records.end, records.indent, id, &own_record(id, new)?)],
        (_, []) => return Err(NotChanged::Unknown),
        (Change::Rotate(new, position), [only, ..]) if records.form == Form::Map => {
            vec![records.rewritten(only, id, &with_secret(&only.members, new, *position)?)]
        }
        (Change::Rotate(new, Position::First), [first, ..]) => {
            vec![records.put(first.start, first.indent, id, &own_record(id, new)?)]
        }
        (Change::Rotate(new, Position::Last), [.., last]) => {
            vec![records.put(last.end, last.indent, id, &own_record(id, new)?)]
        }
        (Change::Retire(chosen), _) => records.retired(id, chosen.place)?,
        (Change::Enable, _) => records.enabled(id),
        (Change::Disable, [first, ..]) => {
            let mut members = first.members.clone();
            set(&mut members.texts, DISABLED, "true");
            vec![records.rewritten(first, id, &members)]
        }
    };
    Ok(edited(text, edits))
}

impl Records {
    fn retired(&self, id: &str, place: usize) -> Result<Vec<Edit>, NotChanged> {
        let mut before = 0;
        let holder = self.own.iter().enumerate().find_map(|(at, item)| {
            let among = place.checked_sub(before)?;
            before += item.members.count();
            (among < item.members.count()).then_some((at, among))
        });
        let (at, among) = holder.ok_or(NotChanged::NoSuchSecret)?;
        let gone = self.own.get(at).ok_or(NotChanged::NoSuchSecret)?;
        if gone.members.count() > 1 {
            let mut members = gone.members.clone();
            members.secrets.iter_mut().for_each(|secrets| drop(secrets.remove(among)));
            return Ok(vec![self.rewritten(gone, id, &members)]);
        }
        let heir = self.own.iter().enumerate().find(|(other, _)| *other != at).map(|(_, item)| item);
        let heir = heir.ok_or(NotChanged::Only)?;
        let mut edits = vec![Edit { start: gone.start, end: gone.end, text: Zeroizing::default() }];
        if let Some(members) = heired(&heir.members, &gone.members) {
            edits.push(self.rewritten(heir, id, &members));
        }
        Ok(edits)
    }

    /// Every record that shuts the id out says so no more.
    fn enabled(&self, id: &str) -> Vec<Edit> {
        let says_so = |(name, text): &Member| name == DISABLED && truth(text) == Some(true);
        let shut = self.own.iter().filter(|item| item.members.texts.iter().any(says_so));
        shut.map(|item| {
            let mut members = item.members.clone();
            members.texts.retain(|(name, _)| name != DISABLED);
            self.rewritten(item, id, &members)
        })
        .collect()
    }

    fn rewritten(&self, item: &Item, id: &str, members: &Members) -> Edit {
        Edit { end: item.end, ..self.put(item.start, item.indent, id, members) }
    }

    fn put(&self, at: usize, indent: usize, id: &str, members: &Members) -> Edit {
        let record = written(members, self.form != Form::Map);
        let blanks = " ".repeat(indent);
        let line = match self.form {
            Form::Lines => format!("{}\n", *record),
            Form::List => format!("{blanks}- {}\n", *record),
            Form::Map => format!("{blanks}{}: {}\n", quoted(id), *record),
        };
        Edit { start: at, end: at, text: Zeroizing::new(line.into_bytes()) }
    }
}

/// `heir` with what `gone` alone says of the id: a key that was tied to its routes must not come free with an old secret.
/// `None` where that is nothing.
fn heired(heir: &Members, gone: &Members) -> Option<Members> {
    let mut members = heir.clone();
    let mut has_changed = false;
    for (name, text) in gone.texts.iter().filter(|(name, text)| is_of_id(name) && name != ID && !text.is_empty()) {
        let own = heir.texts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
        if own.is_none_or(str::is_empty)
            || name == DISABLED && truth(text) == Some(true) && own.and_then(truth) != Some(true)
        {
            set(&mut members.texts, name, text);
            has_changed = true;
        }
    }
    has_changed.then_some(members)
}

fn is_of_id(name: &str) -> bool {
    !OF_SECRET.contains(&name)
}

fn own_record(id: &str, new: &NewSecret) -> Result<Members, NotChanged> {
    let mut texts = vec![(ID.to_owned(), Zeroizing::new(id.to_owned()))];
    texts.extend(of_new(new)?);
    Ok(Members { texts, secrets: None })
}

fn of_new(new: &NewSecret) -> Result<Vec<Member>, NotChanged> {
    let secret = String::from_utf8(new.secret.expose().to_vec());
    let secret = secret.map_err(|_| NotChanged::Unwritable("the secret is no text".to_owned()))?;
    let label = new.label.iter().map(|label| (LABEL.to_owned(), Zeroizing::new(label.clone())));
    Ok([(SECRET.to_owned(), Zeroizing::new(secret))].into_iter().chain(label).collect())
}

/// The record with one more secret under `secrets`.
fn with_secret(members: &Members, new: &NewSecret, position: Position) -> Result<Members, NotChanged> {
    let mut new = of_new(new)?;
    let mut members = members.clone();
    let secrets = match &mut members.secrets {
        Some(secrets) => {
            // What the record says of all of them is not meant for this one.
            if members.texts.iter().any(|(name, _)| name == ENCODING) {
                new.push((ENCODING.to_owned(), Zeroizing::new("text".to_owned())));
            }
            secrets
        }
        None => {
            let had_one = members.count() == 1;
            let only: Vec<Member> = members.texts.extract_if(.., |(name, _)| !is_of_id(name)).collect();
            members.secrets.insert(if had_one { vec![only] } else { Vec::new() })
        }
    };
    match position {
        Position::First => secrets.insert(0, new),
        Position::Last => secrets.push(new),
    }
    Ok(members)
}

fn set(texts: &mut Vec<Member>, name: &str, text: &str) {
    let text = Zeroizing::new(text.to_owned());
    match texts.iter_mut().find(|(known, _)| known == name) {
        Some((_, own)) => *own = text,
        None => texts.push((name.to_owned(), text)),
    }
}

/// On one line: JSON, which YAML is as well.
fn written(members: &Members, with_id: bool) -> Zeroizing<String> {
    let mut parts = Zeroizing::new(Vec::new());
    for member in members.texts.iter().filter(|(name, text)| !text.is_empty() && (with_id || name != ID)) {
        parts.push(pair(member));
    }
    if let Some(secrets) = &members.secrets {
        let secret = |secret: &Vec<Member>| match secret.as_slice() {
            [(name, text)] if name == SECRET => quoted(text),
            members => format!("{{{}}}", members.iter().map(pair).collect::<Vec<_>>().join(", ")),
        };
        parts.push(format!("\"secrets\": [{}]", secrets.iter().map(secret).collect::<Vec<_>>().join(", ")));
    }
    Zeroizing::new(format!("{{{}}}", parts.join(", ")))
}

fn pair((name, text): &Member) -> String {
    match (name.as_str(), text.as_str()) {
        (DISABLED, "true" | "false") => format!("{}: {}", quoted(name), text.as_str()),
        (name, text) => format!("{}: {}", quoted(name), quoted(text)),
    }
}

/// As JSON has it; what YAML does not take as it is, is escaped.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let is_plain =
        |c: char| !matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    let escaped = |c: char| if is_plain(c) { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) };
    json.chars().map(escaped).collect()
}
