//! Changing a file of keys in CSV, row by row: what a change does not concern stays byte for byte as it was.

use std::cmp::Reverse;

use zeroize::Zeroizing;

use super::{
    super::{KeyRecord, KeySecret, MOST_LIVE},
    FileFault, Format, KeyFileContent,
    row::{DISABLED, ENCODING, ID, LABEL, NOT_AFTER, NOT_BEFORE, SECRET},
};
use crate::secret::Secret;

/// What is done to one id.
#[derive(Debug)]
pub enum Change {
    /// A new id with its first secret.
    Add(NewSecret),
    /// One more secret of an id.
    Rotate(NewSecret, Position),
    /// Takes a secret away: the one at that place among the id's, from 0.
    Retire(usize),
    /// Shuts the id out.
    Disable,
}

/// A secret that is the text itself.
#[derive(Debug)]
pub struct NewSecret {
    /// Visible ASCII.
    pub secret: Secret,
    /// What it is called.
    pub label: Option<String>,
}

/// Where among those of its id a new secret goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Before the others: it signs from now on.
    First,
    /// Behind the others.
    Last,
}

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
pub enum NotChanged {
    /// The file is broken as it is.
    #[error(transparent)]
    Broken(#[from] FileFault),
    /// The id is there.
    #[error("the id is there already; `rotate` gives it one more secret")]
    Known,
    /// It is not.
    #[error("there is no such id")]
    Unknown,
    /// It has as many as it may.
    #[error("the id has {MOST_LIVE} secrets; `retire` one first")]
    Full,
    /// There is no secret there.
    #[error("the id has no secret at that place")]
    NoSuchSecret,
    /// It is the last.
    #[error("this is the id's only secret; `disable` shuts it out")]
    Only,
    /// The file has nowhere to write it.
    #[error("the file has no column `{0}`")]
    NoColumn(&'static str),
    /// It cannot be written.
    #[error("the change cannot be written: {0}")]
    Unwritable(String),
    /// What would be there then is not what was asked for.
    #[error("nothing is changed, for more would be than was asked, or less: {0}")]
    Beyond(&'static str),
}

/// Columns that are about a secret, or find its id. All others are about the id, on whichever of its rows they stand.
const OF_SECRET: [&str; 6] = [ID, SECRET, ENCODING, NOT_BEFORE, NOT_AFTER, LABEL];

/// The rows of a file, each with its bytes.
struct Rows<'t> {
    text: &'t [u8],
    columns: Vec<String>,
    /// Where each row begins and ends, and what stands in it.
    rows: Vec<Row>,
}

type Row = (usize, usize, csv::StringRecord);

/// The whole new text of a file. It was read again as a gateway reads it, and holds what was asked for and nothing else.
///
/// # Errors
/// [`NotChanged`]
pub fn changed(text: &[u8], id: &str, change: &Change) -> Result<Zeroizing<Vec<u8>>, NotChanged> {
    let before = KeyFileContent::parse(text, Format::Csv)?;
    let rows = Rows::of(text)?;
    let own = rows.of_id(id);
    let new = match (change, own.as_slice()) {
        (Change::Add(new), []) => spliced(text, text.len(), text.len(), &rows.row(id, new)?),
        (Change::Add(_), _) => return Err(NotChanged::Known),
        (_, []) => return Err(NotChanged::Unknown),
        (Change::Rotate(..), own) if own.len() >= MOST_LIVE => return Err(NotChanged::Full),
        (Change::Rotate(new, position), own) => {
            let at = match position {
                Position::First => own.first().map(|(start, ..)| *start),
                Position::Last => own.last().map(|(_, end, _)| *end),
            };
            let at = at.unwrap_or(text.len());
            spliced(text, at, at, &rows.row(id, new)?)
        }
        (Change::Retire(_), [_]) => return Err(NotChanged::Only),
        (Change::Retire(place), own) => {
            let gone = own.get(*place).ok_or(NotChanged::NoSuchSecret)?;
            let heir =
                own.iter().enumerate().find(|(at, _)| at != place).map(|(_, row)| row).ok_or(NotChanged::Only)?;
            rows.retired(gone, heir)?
        }
        (Change::Disable, [first, ..]) => {
            let column = rows.columns.iter().position(|column| column == DISABLED);
            let column = column.ok_or(NotChanged::NoColumn(DISABLED))?;
            let fields = first.2.iter().enumerate();
            let fields = fields.map(|(index, text)| if index == column { "true" } else { text });
            spliced(text, first.0, first.1, &written(fields)?)
        }
    };
    let after = KeyFileContent::parse(&new[..], Format::Csv)?;
    if after.ids() != before.ids() + usize::from(matches!(change, Change::Add(_))) {
        return Err(NotChanged::Beyond("other ids would come or go"));
    }
    verify(change, before.record(id.as_bytes()), after.record(id.as_bytes()))?;
    Ok(new)
}

/// Whether the id is what it was, but for what was asked.
fn verify(change: &Change, before: Option<KeyRecord>, after: Option<KeyRecord>) -> Result<(), NotChanged> {
    let before = before.unwrap_or_default();
    let after = after.ok_or(NotChanged::Beyond("the id would not be there"))?;
    let mut wanted = before.secrets;
    let new = |new: &NewSecret| KeySecret { label: new.label.as_deref().map(Into::into), ..new.secret.clone().into() };
    match change {
        Change::Add(secret) | Change::Rotate(secret, Position::Last) => wanted.push(new(secret)),
        Change::Rotate(secret, Position::First) => wanted.insert(0, new(secret)),
        Change::Retire(place) => drop(wanted.remove(*place)),
        Change::Disable => {}
    }
    let is_disabled = before.disabled || matches!(change, Change::Disable);
    let are_same = wanted.len() == after.secrets.len() && wanted.iter().zip(&after.secrets).all(is_same);
    match () {
        () if !are_same => Err(NotChanged::Beyond("the id would have other secrets")),
        () if after.disabled != is_disabled => Err(NotChanged::Beyond("`disabled` would be another")),
        () if after.attributes != before.attributes => Err(NotChanged::Beyond("the id would have other attributes")),
        () => Ok(()),
    }
}

fn is_same((one, other): (&KeySecret, &KeySecret)) -> bool {
    one.secret.expose() == other.secret.expose() && one.label == other.label && one.lifetime == other.lifetime
}

impl<'t> Rows<'t> {
    fn of(text: &'t [u8]) -> Result<Rows<'t>, NotChanged> {
        let unwritable = |error: csv::Error| NotChanged::Unwritable(error.to_string());
        let mut reader = csv::Reader::from_reader(text);
        let columns = reader.headers().map_err(unwritable)?.iter().map(|name| name.trim().to_owned()).collect();
        let mut rows = Vec::new();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(unwritable)? {
            let start = record.position().and_then(|position| usize::try_from(position.byte()).ok());
            let end = usize::try_from(reader.position().byte()).ok();
            if let (Some(start), Some(end)) = (start, end) {
                rows.push((start, end, record.clone()));
            }
        }
        Ok(Rows { text, columns, rows })
    }

    fn of_id(&self, id: &str) -> Vec<&Row> {
        let column = self.columns.iter().position(|column| column == ID);
        let is_own = |row: &&Row| column.and_then(|at| row.2.get(at)) == Some(id);
        self.rows.iter().filter(is_own).collect()
    }

    fn row(&self, id: &str, new: &NewSecret) -> Result<Zeroizing<Vec<u8>>, NotChanged> {
        if new.label.is_some() && !self.columns.iter().any(|column| column == LABEL) {
            return Err(NotChanged::NoColumn(LABEL));
        }
        let secret = std::str::from_utf8(new.secret.expose());
        let secret = secret.map_err(|_| NotChanged::Unwritable("the secret is no text".to_owned()))?;
        written(self.columns.iter().map(|column| match column.as_str() {
            ID => id,
            SECRET => secret,
            LABEL => new.label.as_deref().unwrap_or_default(),
            _ => "",
        }))
    }

    /// The text without the row `gone`. What that says of the id goes to `heir`, another of its rows: a key that was tied to
    /// its routes, or shut out, must not come free with an old secret.
    fn retired(&self, gone: &Row, heir: &Row) -> Result<Zeroizing<Vec<u8>>, NotChanged> {
        let fields = self.columns.iter().zip(&heir.2).zip(&gone.2).map(|((column, own), left)| {
            let is_left = own.is_empty() && !OF_SECRET.contains(&column.as_str());
            if is_left || column == DISABLED && left == "true" { left } else { own }
        });
        let fields: Vec<&str> = fields.collect();
        if heir.2.iter().eq(fields.iter().copied()) {
            return Ok(spliced(self.text, gone.0, gone.1, b""));
        }
        let mut edits = [(gone, Zeroizing::default()), (heir, written(fields.into_iter())?)];
        // The later one first: then the other still stands where it stood.
        edits.sort_by_key(|(row, _)| Reverse(row.0));
        let mut text = Zeroizing::new(self.text.to_vec());
        for ((start, end, _), new) in edits {
            text = spliced(&text, *start, *end, &new);
        }
        Ok(text)
    }
}

/// The text with `row` in the place of what stands from `start` to `end`.
fn spliced(text: &[u8], start: usize, end: usize, row: &[u8]) -> Zeroizing<Vec<u8>> {
    let (before, after) = (text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default());
    let open = !row.is_empty() && !before.is_empty() && !before.ends_with(b"\n");
    let between: &[u8] = if open { b"\n" } else { b"" };
    Zeroizing::new([before, between, row, after].concat())
}

fn written<'f>(fields: impl Iterator<Item = &'f str>) -> Result<Zeroizing<Vec<u8>>, NotChanged> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields).map_err(|error| NotChanged::Unwritable(error.to_string()))?;
    writer.into_inner().map(Zeroizing::new).map_err(|error| NotChanged::Unwritable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "id,secret,label,disabled,tenant\na,one,,,acme\n\"b\",\"two, with\nnewline\",x,,\na,three,,,\n";

    fn new(secret: &str) -> NewSecret {
        NewSecret { secret: Secret::new(secret.as_bytes().to_vec()), label: None }
    }

    fn after(text: &str, id: &str, change: &Change) -> Result<String, String> {
        let new = changed(text.as_bytes(), id, change).map_err(|why| why.to_string())?;
        Ok(String::from_utf8(new.to_vec()).unwrap())
    }

    #[test]
    fn what_a_change_does_not_concern_stays_as_it_was() {
        let added = after(TEXT, "c", &Change::Add(new("four"))).unwrap();
        assert_eq!(added, format!("{TEXT}c,four,,,\n"));
        let first = after(TEXT, "a", &Change::Rotate(new("new"), Position::First)).unwrap();
        assert_eq!(first, TEXT.replace("a,one", "a,new,,,\na,one"));
        let last = after(TEXT, "a", &Change::Rotate(new("new"), Position::Last)).unwrap();
        assert_eq!(last, format!("{TEXT}a,new,,,\n"));
        assert_eq!(after(TEXT, "a", &Change::Retire(1)).unwrap(), TEXT.replace("a,three,,,\n", ""));
        assert_eq!(after(TEXT, "a", &Change::Disable).unwrap(), TEXT.replace("a,one,,,acme", "a,one,,true,acme"));
        let quoted = after(TEXT, "b", &Change::Rotate(new("new"), Position::First)).unwrap();
        assert_eq!(quoted, TEXT.replace("\"b\",\"two", "b,new,,,\n\"b\",\"two"));
    }

    #[test]
    fn what_a_retired_secrets_row_said_of_the_id_still_holds() {
        let left = after(TEXT, "a", &Change::Retire(0)).unwrap();
        assert_eq!(left, TEXT.replace("a,one,,,acme\n", "").replace("a,three,,,", "a,three,,,acme"));
        for (text, place, wanted) in [
            ("id,secret,routes\na,one,told\na,two,\n", 0, "id,secret,routes\na,two,told\n"),
            ("id,secret,routes\na,one,\na,two,told\n", 1, "id,secret,routes\na,one,told\n"),
            ("id,secret,disabled\na,one,true\na,two,false\n", 0, "id,secret,disabled\na,two,true\n"),
            ("id,secret,routes\na,1,told\nb,x,\na,2,\na,3,", 0, "id,secret,routes\nb,x,\na,2,told\na,3,"),
            ("id,secret,not_after\na,one,4102444800\na,two,\n", 0, "id,secret,not_after\na,two,\n"),
        ] {
            assert_eq!(after(text, "a", &Change::Retire(place)).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn a_disabled_id_stays_so_whichever_secret_is_taken_away() {
        let disabled = after(TEXT, "a", &Change::Disable).unwrap();
        for place in [0, 1] {
            let left = after(&disabled, "a", &Change::Retire(place)).unwrap();
            assert!(KeyFileContent::parse(left.as_bytes(), Format::Csv).unwrap().record(b"a").unwrap().disabled);
        }
    }

    #[test]
    fn a_change_that_came_out_as_another_is_refused() {
        let record = |disabled, secrets: &[&str]| {
            let secrets = secrets.iter().map(|secret| Secret::new(secret.as_bytes().to_vec()));
            Some(KeyRecord { disabled, ..KeyRecord::of(secrets) })
        };
        let two = || record(false, &["a", "b"]);
        assert!(verify(&Change::Retire(0), two(), record(false, &["b"])).is_ok());
        assert!(verify(&Change::Retire(0), two(), record(false, &["a"])).is_err());
        assert!(verify(&Change::Retire(0), record(true, &["a", "b"]), record(false, &["b"])).is_err());
        assert!(verify(&Change::Disable, two(), two()).is_err());
        assert!(verify(&Change::Retire(0), two(), None).is_err());
    }

    #[test]
    fn a_file_without_a_newline_at_its_end_gets_one() {
        assert_eq!(after("id,secret\na,one", "b", &Change::Add(new("two"))).unwrap(), "id,secret\na,one\nb,two\n");
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        for (text, id, change, said) in [
            (TEXT, "a", Change::Add(new("x")), "the id is there already"),
            (TEXT, "z", Change::Disable, "there is no such id"),
            (TEXT, "b", Change::Retire(0), "this is the id's only secret"),
            (TEXT, "a", Change::Retire(2), "the id has no secret at that place"),
            ("id,secret\na,one\n", "a", Change::Disable, "the file has no column `disabled`"),
            ("id,secret\na,1\na,2\na,3\na,4\n", "a", Change::Rotate(new("x"), Position::Last), "the id has 4 secrets"),
            (
                TEXT,
                "a",
                Change::Rotate(new("three"), Position::Last),
                "line 6, `secret`: the id has this secret already",
            ),
            ("id\na\n", "a", Change::Disable, "line 1: the file has no column `secret`"),
            (TEXT, "b d", Change::Add(new("x")), "line 6, `id`: a key id is"),
        ] {
            let refused = after(text, id, &change).unwrap_err();
            assert!(refused.starts_with(said), "{id} {change:?}: {refused}");
        }
    }
}
