//! What a database says of an id, as rows of named cells, read into a record.
//!
//! A row is a secret and what is known of it; an id may have several. What is written in a way that can be taken in two is
//! refused: a record must not come out weaker than whoever wrote it meant.

use std::{borrow::Cow, sync::Arc};

use zeroize::Zeroizing;

use super::{AttributeFault, Attributes, Encoding, KeyRecord, KeySecret, Lifetime, MOST_LIVE, moment};
use crate::sql_link::truth;

/// Longest label, in bytes.
const LONGEST_LABEL: usize = 64;

/// One row: names and what stands under them; `None` is nothing (SQL's NULL).
pub type Row<'r> = Vec<(Cow<'r, str>, Option<Zeroizing<Vec<u8>>>)>;

/// Why rows are no record. Names are the operator's own; no value is in any text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// There is nowhere to look for a secret.
    #[error("there is no `secret`")]
    NoSecretColumn,
    /// No row has one.
    #[error("no row has a `secret`")]
    NoSecret,
    /// A value that is not what its name says.
    #[error("`{name}` is not {wanted}")]
    Value {
        /// The name.
        name: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// An attribute that cannot be one.
    #[error("`{name}` cannot be an attribute: {fault}")]
    Attribute {
        /// Its name.
        name: String,
        /// Why not.
        fault: AttributeFault,
    },
    /// Rows of one id that say different things of it.
    #[error("the rows differ in what they say of the id besides its secrets")]
    Differ,
    /// A name that stands there twice.
    #[error("`{0}` stands there twice")]
    Twice(String),
    /// It would be read as nothing.
    #[error("a secret is over before it begins")]
    NeverGood,
}

/// The record of `id` that `rows` make, the newest secret first. A row whose `id` is another (some databases compare without
/// regard to case) is passed over. `None` where none is left.
///
/// # Errors
/// [`RowFault`]
pub(super) fn record(
    id: &[u8],
    rows: &[Row<'_>],
    encoding: Encoding,
    now_millis: i64,
) -> Result<Option<KeyRecord>, RowFault> {
    let mut record = whole(id, rows, encoding)?;
    if let Some(record) = &mut record {
        // One that is over will never be good again, and must not take the place of one that is.
        record.secrets.retain(|secret| secret.lifetime.until_millis > now_millis);
        record.secrets.truncate(MOST_LIVE);
    }
    Ok(record)
}

/// The same with every secret that there is.
///
/// # Errors
/// [`RowFault`]
pub(super) fn whole(id: &[u8], rows: &[Row<'_>], encoding: Encoding) -> Result<Option<KeyRecord>, RowFault> {
    let mut rows = own(id, rows).peekable();
    let Some(first) = rows.peek() else { return Ok(None) };
    names_are_unique(first)?;
    let attributes = attributes(first)?;
    let mut record = KeyRecord { attributes, ..KeyRecord::default() };
    for row in rows {
        if self::attributes(row)? != record.attributes {
            return Err(RowFault::Differ);
        }
        record.disabled |= flag(row, "disabled")?;
        record.secrets.extend(secret(row, encoding)?);
    }
    Ok(Some(record))
}

/// The secret at that place in [`whole`], as it is written, where that is text; and its label.
pub(super) fn written(
    id: &[u8],
    rows: &[Row<'_>],
    place: usize,
) -> Option<(Option<Zeroizing<String>>, Option<String>)> {
    let row = own(id, rows).filter(|row| cell(row, "secret").flatten().is_some()).nth(place)?;
    let text = |name| cell(row, name).flatten().and_then(|text| String::from_utf8(text.to_vec()).ok());
    Some((text("secret").map(Zeroizing::new), text("label").filter(|label| !label.is_empty())))
}

fn own<'r, 'c>(id: &[u8], rows: &'r [Row<'c>]) -> impl Iterator<Item = &'r Row<'c>> {
    rows.iter().filter(move |row| cell(row, "id").is_none_or(|own| own.is_some_and(|own| *own == *id)))
}

/// All rows of an answer have the same names.
fn names_are_unique(row: &Row<'_>) -> Result<(), RowFault> {
    let is_again = |(at, (name, _)): &(usize, &(Cow<'_, str>, _))| row.iter().take(*at).any(|(known, _)| known == name);
    match row.iter().enumerate().find(is_again) {
        Some((_, (name, _))) => Err(RowFault::Twice(name.to_string())),
        None => Ok(()),
    }
}

fn secret(row: &Row<'_>, encoding: Encoding) -> Result<Option<KeySecret>, RowFault> {
    let Some(written) = cell(row, "secret").ok_or(RowFault::NoSecretColumn)? else {
        // A row without one may stand for an id that is shut out; else somebody forgot it.
        return if flag(row, "disabled")? { Ok(None) } else { Err(RowFault::NoSecret) };
    };
    let encoding = match text(row, "encoding", Encoding::ONE_OF)? {
        None => encoding,
        Some(name) => Encoding::named(name).ok_or(RowFault::Value { name: "encoding", wanted: Encoding::ONE_OF })?,
    };
    let wanted = match encoding {
        Encoding::Text => "a secret of 1 byte to 16 KiB",
        Encoding::Hex => "a secret in hexadecimal",
        Encoding::Base64 => "a secret in padded base64",
        Encoding::Base64Url => "a secret in base64url",
    };
    let secret = encoding.decode(written).ok_or(RowFault::Value { name: "secret", wanted })?;
    let lifetime = Lifetime {
        from_millis: time(row, "not_before")?.unwrap_or(i64::MIN),
        until_millis: time(row, "not_after")?.unwrap_or(i64::MAX),
    };
    if lifetime.from_millis >= lifetime.until_millis {
        return Err(RowFault::NeverGood);
    }
    Ok(Some(KeySecret { secret, label: label(row)?, lifetime }))
}

fn label(row: &Row<'_>) -> Result<Option<Arc<str>>, RowFault> {
    let wanted = "a label of at most 64 characters on one line";
    let label = text(row, "label", wanted)?;
    match label {
        Some(label) if label.len() > LONGEST_LABEL || label.chars().any(char::is_control) => {
            Err(RowFault::Value { name: "label", wanted })
        }
        _ => Ok(label.map(Arc::from)),
    }
}

fn time(row: &Row<'_>, name: &'static str) -> Result<Option<i64>, RowFault> {
    let wanted = "a time: RFC 3339, or seconds since 1970";
    let Some(text) = text(row, name, wanted)? else { return Ok(None) };
    moment(text).map(Some).ok_or(RowFault::Value { name, wanted })
}

fn flag(row: &Row<'_>, name: &'static str) -> Result<bool, RowFault> {
    let wanted = "true or false";
    let Some(text) = text(row, name, wanted)? else { return Ok(false) };
    truth(text).ok_or(RowFault::Value { name, wanted })
}

/// Every other name is an attribute.
fn attributes(row: &Row<'_>) -> Result<Option<Arc<Attributes>>, RowFault> {
    const NONE: [&str; 7] = ["id", "secret", "encoding", "not_before", "not_after", "label", "disabled"];
    let mut texts = Vec::new();
    for (name, value) in row.iter().filter(|(name, _)| !NONE.contains(&&**name)) {
        let value = value.as_deref().map_or(Some(""), |value| std::str::from_utf8(value).ok());
        let fault = || RowFault::Attribute { name: name.to_string(), fault: AttributeFault::Value };
        texts.push((&**name, value.ok_or_else(fault)?));
    }
    let name = |index: usize| texts.get(index).map_or("", |(name, _)| name).to_owned();
    Attributes::new(texts.iter().copied()).map_err(|(index, fault)| RowFault::Attribute { name: name(index), fault })
}

/// Text under `name`; nothing where there is none or it is empty.
fn text<'r>(row: &'r Row<'_>, name: &'static str, wanted: &'static str) -> Result<Option<&'r str>, RowFault> {
    let Some(bytes) = cell(row, name).flatten() else { return Ok(None) };
    let text = std::str::from_utf8(bytes).map_err(|_| RowFault::Value { name, wanted })?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// What stands under `name`: nothing at all, or nothing, or something.
fn cell<'r>(row: &'r Row<'_>, name: &str) -> Option<Option<&'r [u8]>> {
    let (_, value) = row.iter().find(|(known, _)| **known == *name)?;
    Some(value.as_deref().map(Vec::as_slice).filter(|value| !value.is_empty() || name == "id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn row<'r>(cells: &[(&'r str, &str)]) -> Row<'r> {
        let cell = |(name, value): &(&'r str, &str)| {
            let value = (*value != "NULL").then(|| Zeroizing::new(value.as_bytes().to_vec()));
            (Cow::Borrowed(*name), value)
        };
        cells.iter().map(cell).collect()
    }

    fn read(rows: &[Row<'_>]) -> Result<Option<KeyRecord>, RowFault> {
        record(b"dev-1", rows, Encoding::Text, NOW)
    }

    fn secrets(record: &KeyRecord) -> Vec<&[u8]> {
        record.secrets.iter().map(|secret| secret.secret.expose()).collect()
    }

    #[test]
    fn a_row_is_a_secret_and_every_other_column_an_attribute() {
        let record = read(&[row(&[("secret", "s3cret"), ("tenant", "acme"), ("note", "NULL")])]).unwrap().unwrap();
        assert_eq!(secrets(&record), [b"s3cret"]);
        assert_eq!(record.attributes.unwrap().texts().collect::<Vec<_>>(), [("tenant", "acme")]);
        assert_eq!(record.secrets[0].lifetime, Lifetime::ALWAYS);
    }

    #[test]
    fn no_row_is_an_id_that_is_not_known() {
        assert!(read(&[]).unwrap().is_none());
    }

    #[test]
    fn several_rows_are_several_secrets_in_their_order() {
        let rows = [
            row(&[("secret", "6e6577"), ("encoding", "hex"), ("label", "2027"), ("not_before", "1600000000")]),
            row(&[("secret", "b2xk"), ("encoding", "base64"), ("label", ""), ("not_after", "2099-01-01T00:00:00Z")]),
        ];
        let record = read(&rows).unwrap().unwrap();
        assert_eq!(secrets(&record), [&b"new"[..], b"old"]);
        assert_eq!((record.secrets[0].label.as_deref(), record.secrets[1].label.as_deref()), (Some("2027"), None));
        assert_eq!(record.secrets[0].lifetime.from_millis, 1_600_000_000_000);
    }

    #[test]
    fn secrets_that_are_over_take_no_place() {
        let over = row(&[("secret", "over"), ("not_after", "1699999999")]);
        let rows = [over.clone(), over.clone(), over.clone(), over, row(&[("secret", "live"), ("not_after", "NULL")])];
        assert_eq!(secrets(&read(&rows).unwrap().unwrap()), [b"live"]);
    }

    #[test]
    fn a_row_of_another_id_is_not_believed_whatever_the_database_thinks_is_equal() {
        assert!(read(&[row(&[("id", "DEV-1"), ("secret", "x")])]).unwrap().is_none());
        assert!(read(&[row(&[("id", "dev-1 "), ("secret", "x")])]).unwrap().is_none());
        assert!(read(&[row(&[("id", "NULL"), ("secret", "x")])]).unwrap().is_none());
        assert!(read(&[row(&[("id", "dev-1"), ("secret", "x")])]).unwrap().is_some());
    }

    #[test]
    fn any_row_that_disables_disables_the_id() {
        let rows = [row(&[("secret", "a"), ("disabled", "0")]), row(&[("secret", "b"), ("disabled", "true")])];
        assert!(read(&rows).unwrap().unwrap().disabled);
        let record = read(&[row(&[("secret", "NULL"), ("disabled", "1")])]).unwrap().unwrap();
        assert!(record.disabled && record.secrets.is_empty());
    }

    #[test]
    fn what_could_be_meant_otherwise_is_refused() {
        let fault = |cells: &[(&'static str, &'static str)]| read(&[row(cells)]).unwrap_err().to_string();
        assert_eq!(fault(&[("tenant", "a")]), "there is no `secret`");
        assert_eq!(fault(&[("secret", "NULL")]), "no row has a `secret`");
        assert_eq!(fault(&[("secret", "")]), "no row has a `secret`");
        assert_eq!(fault(&[("secret", "x"), ("disabled", "maybe")]), "`disabled` is not true or false");
        assert_eq!(fault(&[("secret", "zz"), ("encoding", "hex")]), "`secret` is not a secret in hexadecimal");
        assert_eq!(
            fault(&[("secret", "x"), ("encoding", "rot13")]),
            "`encoding` is not text, hex, base64 or base64url"
        );
        assert_eq!(
            fault(&[("secret", "x"), ("not_before", "2"), ("not_after", "1")]),
            "a secret is over before it begins"
        );
        assert!(fault(&[("secret", "x"), ("not_after", "soon")]).starts_with("`not_after` is not a time"));
        assert!(fault(&[("secret", "x"), ("a b", "c")]).starts_with("`a b` cannot be an attribute"));
        assert_eq!(fault(&[("secret", "a"), ("secret", "b")]), "`secret` stands there twice");
        let differ = [row(&[("secret", "a"), ("tenant", "x")]), row(&[("secret", "b"), ("tenant", "y")])];
        assert_eq!(read(&differ).unwrap_err(), RowFault::Differ);
    }
}
