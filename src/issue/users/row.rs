//! What a database says of a name, read into a user. What could be read in two ways is not read.

use serde_json::{Map, Value};

use super::{claims, fault::RowFault};
use crate::{
    json::{self, Document},
    password::PasswordHash,
    sql_link::{Row, truth},
};

/// What is known of a user.
#[derive(Debug)]
pub(super) struct Found {
    /// None where a user has none: they log in elsewhere.
    pub(super) password: Option<PasswordHash>,
    pub(super) disabled: bool,
    pub(super) claims: Value,
}

/// The user of that name among `rows`. A row whose `username` is another (some databases compare without regard to case) is
/// passed over; where that is so it must be there.
pub(super) fn user(name: &str, rows: &[Row], compares_loosely: bool) -> Result<Option<Found>, RowFault> {
    let own_name = |row: &Row| row.iter().find(|(column, _)| column == "username").map(|(_, cell)| cell.clone());
    if compares_loosely && rows.iter().any(|row| own_name(row).is_none()) {
        return Err(RowFault::NoNameColumn);
    }
    let is_theirs =
        |row: &&Row| own_name(row).is_none_or(|own| own.is_some_and(|own| own.as_slice() == name.as_bytes()));
    let mut theirs = rows.iter().filter(is_theirs);
    match (theirs.next(), theirs.next()) {
        (None, _) => Ok(None),
        (Some(row), None) => found(row).map(Some),
        (Some(_), Some(_)) => Err(RowFault::Several),
    }
}

fn found(row: &Row) -> Result<Found, RowFault> {
    let password = row.iter().find(|(column, _)| column == "password").ok_or(RowFault::NoPasswordColumn)?;
    let password = match text(row, &password.0)? {
        None => None,
        Some(text) => Some(PasswordHash::parse(text).map_err(RowFault::Hash)?),
    };
    Ok(Found { password, disabled: disabled(row)?, claims: all_claims(row)? })
}

fn disabled(row: &Row) -> Result<bool, RowFault> {
    let Some(text) = text(row, "disabled")? else { return Ok(false) };
    truth(text).ok_or_else(|| RowFault::Value { name: "disabled".to_owned(), wanted: "true or false" })
}

/// Every other column is a claim of that name, as text; `claims` is an object of them, each of its own type.
fn all_claims(row: &Row) -> Result<Value, RowFault> {
    let mut all = match text(row, "claims")? {
        None => Map::new(),
        Some(text) => of_object(text)?,
    };
    for (name, cell) in row {
        match (&**name, cell) {
            ("username" | "password" | "disabled" | "claims", _) | (_, None) => {}
            (name, Some(bytes)) => {
                let text = std::str::from_utf8(bytes).map_err(|_| not(name, "text"))?;
                claims::add(&mut all, name, Value::String(text.to_owned()))?;
            }
        }
    }
    claims::bounded(all)
}

fn of_object(text: &str) -> Result<Map<String, Value>, RowFault> {
    let fault = || not("claims", "a JSON object");
    let document = Document::parse(text.as_bytes()).map_err(|_| fault())?;
    let json::Value::Object(object) = document.root() else { return Err(fault()) };
    let mut all = Map::new();
    for (name, value) in object.iter() {
        claims::add(&mut all, &name, claims::owned(&value).ok_or_else(fault)?)?;
    }
    Ok(all)
}

/// Text in that column; nothing where there is none or it is empty. A column that stands there twice could be either.
fn text<'r>(row: &'r Row, name: &str) -> Result<Option<&'r str>, RowFault> {
    let mut cells = row.iter().filter(|(column, _)| column == name).map(|(_, cell)| cell);
    let (first, second) = (cells.next(), cells.next());
    if second.is_some() {
        return Err(RowFault::Twice(name.to_owned()));
    }
    let Some(Some(bytes)) = first else { return Ok(None) };
    let text = std::str::from_utf8(bytes).map_err(|_| not(name, "text"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn not(name: &str, wanted: &'static str) -> RowFault {
    RowFault::Value { name: name.to_owned(), wanted }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const HASH: &str = "$2b$04$elenKc2cw8RjdgO1yuz.NOccPTEyrr8RoQ9PRKsGbHFjKv305PXKW";

    fn row(cells: &[(&'static str, &str)]) -> Row {
        let cell = |(name, value): &(&'static str, &str)| {
            let value = (*value != "NULL").then(|| Zeroizing::new(value.as_bytes().to_vec()));
            ((*name).into(), value)
        };
        cells.iter().map(cell).collect()
    }

    fn read(cells: &[(&'static str, &str)]) -> Result<Option<Found>, RowFault> {
        user("alice", &[row(cells)], false)
    }

    #[test]
    fn every_other_column_is_a_claim_and_claims_keep_their_types() {
        let object = r#"{"level":3,"teams":["a","b"],"ratio":0.5}"#;
        let found = read(&[("password", HASH), ("role", "admin"), ("note", "NULL"), ("claims", object)]).unwrap();
        let claims = r#"{"level":3,"ratio":0.5,"role":"admin","teams":["a","b"]}"#;
        assert_eq!(found.unwrap().claims.to_string(), claims);
    }

    #[test]
    fn a_row_of_another_name_is_not_believed_whatever_the_database_thinks_is_equal() {
        for other in ["Alice", "alice ", "NULL", ""] {
            assert!(read(&[("username", other), ("password", HASH)]).unwrap().is_none(), "{other}");
        }
        let twice =
            [row(&[("username", "ALICE"), ("password", "x")]), row(&[("username", "alice"), ("password", HASH)])];
        assert!(user("alice", &twice, true).unwrap().is_some());
        let nameless = [row(&[("password", HASH)])];
        assert_eq!(user("alice", &nameless, true).unwrap_err(), RowFault::NoNameColumn);
        assert!(user("alice", &[], true).unwrap().is_none());
    }

    #[test]
    fn a_user_without_a_password_has_none_that_fits() {
        for none in ["NULL", ""] {
            assert!(read(&[("password", none)]).unwrap().unwrap().password.is_none());
        }
    }

    #[test]
    fn what_could_be_meant_otherwise_is_not_believed_and_no_value_is_told() {
        let fault = |cells: &[(&'static str, &str)]| read(cells).unwrap_err().to_string();
        assert!(fault(&[("password", "hunter2")]).starts_with("`password` is no hash: it is neither"));
        assert_eq!(fault(&[("role", "x")]), "the query has no column `password`");
        assert_eq!(fault(&[("password", HASH), ("password", HASH)]), "the claim `password` stands there twice");
        assert_eq!(fault(&[("password", HASH), ("disabled", "maybe")]), "`disabled` is not true or false");
        assert_eq!(fault(&[("password", HASH), ("sub", "root")]), "the claim `sub` is written by the issuer itself");
        assert_eq!(
            fault(&[("password", HASH), ("claims", r#"{"exp":1}"#)]),
            "the claim `exp` is written by the issuer itself"
        );
        assert_eq!(fault(&[("password", HASH), ("claims", "[1]")]), "`claims` is not a JSON object");
        assert_eq!(fault(&[("password", HASH), ("claims", r#"{"a":1,"a":2}"#)]), "`claims` is not a JSON object");
        assert_eq!(
            fault(&[("password", HASH), ("claims", r#"{"a":1}"#), ("a", "2")]),
            "the claim `a` stands there twice"
        );
        let long = "x".repeat(5000);
        assert_eq!(fault(&[("password", HASH), ("note", &long)]), "the claims are longer than 4096 bytes");
        let several = [row(&[("password", HASH)]), row(&[("password", HASH)])];
        assert_eq!(user("alice", &several, false).unwrap_err(), RowFault::Several);
    }
}
