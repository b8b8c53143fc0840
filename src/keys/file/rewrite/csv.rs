//! Changing rows of CSV.

use zeroize::Zeroizing;

use super::{
    super::row::{DISABLED, ENCODING, ID, LABEL, NOT_AFTER, NOT_BEFORE, SECRET},
    Edit, edited,
};
use crate::{
    keys::{Change, NewSecret, NotChanged, Position},
    sql_link::truth,
};

/// Columns that are about a secret, or find its id.
const OF_SECRET: [&str; 6] = [ID, SECRET, ENCODING, NOT_BEFORE, NOT_AFTER, LABEL];

/// The rows of a file.
struct Rows {
    columns: Vec<String>,
    rows: Vec<Row>,
}

/// Where a row begins and ends, and what stands in it.
struct Row {
    start: usize,
    end: usize,
    fields: csv::StringRecord,
}

/// The text with the change made in its rows.
///
/// # Errors
/// [`NotChanged`]
pub(super) fn changed(text: &[u8], id: &str, change: &Change) -> Result<Zeroizing<Vec<u8>>, NotChanged> {
    let rows = Rows::of(text)?;
    let own = rows.of_id(id);
    let put = |at, new| Ok::<_, NotChanged>(vec![Edit { start: at, end: at, text: rows.row(id, new)? }]);
    let edits = match (change, own.as_slice()) {
        (Change::Add(new), _) => put(text.len(), new)?,
        (_, []) => return Err(NotChanged::Unknown),
        (Change::Rotate(new, Position::First), [first, ..]) => put(first.start, new)?,
        (Change::Rotate(new, Position::Last), [.., last]) => put(last.end, new)?,
        (Change::Retire(chosen), own) => rows.retired(own, chosen.place)?,
        (Change::Enable, own) => rows.enabled(own)?,
        (Change::Disable, [first, ..]) => {
            let disabled = rows.column(DISABLED).ok_or(NotChanged::NoColumn(DISABLED))?;
            vec![rows.rewritten(
                first,
                |column, text| if column == disabled { "true".to_owned() } else { text.to_owned() },
            )?]
        }
    };
    Ok(edited(text, edits))
}

impl Rows {
    fn of(text: &[u8]) -> Result<Rows, NotChanged> {
        let mut reader = csv::Reader::from_reader(text);
        let columns = reader.headers().map_err(unwritable)?.iter().map(|name| name.trim().to_owned()).collect();
        let mut rows = Vec::new();
        let mut fields = csv::StringRecord::new();
        while reader.read_record(&mut fields).map_err(unwritable)? {
            let start = fields.position().and_then(|position| usize::try_from(position.byte()).ok());
            let end = usize::try_from(reader.position().byte()).ok();
            if let (Some(start), Some(end)) = (start, end) {
                rows.push(Row { start, end, fields: fields.clone() });
            }
        }
        Ok(Rows { columns, rows })
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    fn of_id(&self, id: &str) -> Vec<&Row> {
        let column = self.column(ID);
        self.rows.iter().filter(|row| column.and_then(|at| row.fields.get(at)) == Some(id)).collect()
    }

    fn row(&self, id: &str, new: &NewSecret) -> Result<Zeroizing<Vec<u8>>, NotChanged> {
        if new.label.is_some() && self.column(LABEL).is_none() {
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

    /// Without the row at that place. What it alone says of the id goes to another of its rows: a key that was tied to its
    /// routes must not come free with an old secret.
    fn retired(&self, own: &[&Row], place: usize) -> Result<Vec<Edit>, NotChanged> {
        // A row without a secret shuts its id out, and is none of those that were counted.
        let secret = self.column(SECRET);
        let has_secret = |row: &&&Row| secret.and_then(|at| row.fields.get(at)).is_some_and(|text| !text.is_empty());
        let gone = own.iter().filter(has_secret).nth(place).ok_or(NotChanged::NoSuchSecret)?;
        let heir = own.iter().find(|row| row.start != gone.start).ok_or(NotChanged::Only)?;
        let is_of_secret =
            |column: usize| self.columns.get(column).is_some_and(|name| OF_SECRET.contains(&name.as_str()));
        let mut edits = vec![Edit { start: gone.start, end: gone.end, text: Zeroizing::default() }];
        let leaves = gone.fields.iter().enumerate().any(|(column, text)| !is_of_secret(column) && !text.is_empty());
        if leaves {
            let disabled = self.column(DISABLED);
            edits.push(self.rewritten(heir, |column, text| {
                let left = gone.fields.get(column).unwrap_or_default();
                let takes = text.is_empty() || Some(column) == disabled && truth(left) == Some(true);
                if takes && !is_of_secret(column) { left.to_owned() } else { text.to_owned() }
            })?);
        }
        Ok(edits)
    }

    /// Every row that shuts the id out says so no more.
    fn enabled(&self, own: &[&Row]) -> Result<Vec<Edit>, NotChanged> {
        let Some(disabled) = self.column(DISABLED) else { return Ok(Vec::new()) };
        let shuts_out = |row: &&&Row| row.fields.get(disabled).and_then(truth) == Some(true);
        let text = |column: usize, text: &str| if column == disabled { String::new() } else { text.to_owned() };
        own.iter().filter(shuts_out).map(|row| self.rewritten(row, text)).collect()
    }

    fn rewritten(&self, row: &Row, text: impl Fn(usize, &str) -> String) -> Result<Edit, NotChanged> {
        let fields: Vec<Zeroizing<String>> =
            row.fields.iter().enumerate().map(|(column, own)| Zeroizing::new(text(column, own))).collect();
        Ok(Edit { start: row.start, end: row.end, text: written(fields.iter().map(|text| text.as_str()))? })
    }
}

fn written<'f>(fields: impl Iterator<Item = &'f str>) -> Result<Zeroizing<Vec<u8>>, NotChanged> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields).map_err(unwritable)?;
    writer.into_inner().map(Zeroizing::new).map_err(|error| NotChanged::Unwritable(error.to_string()))
}

fn unwritable(error: csv::Error) -> NotChanged {
    NotChanged::Unwritable(error.to_string())
}
