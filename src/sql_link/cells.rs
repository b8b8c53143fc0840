//! A database's row as named cells of bytes. A type that could be read in two ways is refused, with what to do about it.

use std::borrow::Cow;

use sqlx::{Column, Row as _, TypeInfo, ValueRef, mysql::MySqlRow, postgres::PgRow, sqlite::SqliteRow};
use zeroize::Zeroizing;

use super::SqlError;

/// What stands in one column; `None` is SQL's NULL. Its memory is wiped: it may be a secret.
pub type Cell = Option<Zeroizing<Vec<u8>>>;

/// A row: names of columns, in lower case, and what stands under them.
pub type Row = Vec<(Cow<'static, str>, Cell)>;

/// What people write for yes and no. Anything else could be meant as either.
pub fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" => Some(true),
        "false" | "f" | "0" | "no" | "n" => Some(false),
        _ => None,
    }
}

/// 2000-01-01, where PostgreSQL's times begin, in seconds since 1970.
const POSTGRES_EPOCH: i64 = 946_684_800;

pub(super) fn of_postgres(row: &PgRow) -> Result<Row, SqlError> {
    row.columns().iter().enumerate().map(|(at, column)| Ok((name(column), postgres(row, at)?))).collect()
}

fn postgres(row: &PgRow, at: usize) -> Result<Cell, SqlError> {
    let raw = row.try_get_raw(at).map_err(SqlError::of)?;
    if raw.is_null() {
        return Ok(None);
    }
    let kind = raw.type_info().name().to_ascii_uppercase();
    match kind.as_str() {
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" | "CITEXT" | "BYTEA" => {
            // Text and bytes are on the wire what they are.
            let bytes = raw.as_bytes().map_err(|_| unreadable(&kind))?;
            match raw.format() {
                sqlx::postgres::PgValueFormat::Binary => Ok(cell(bytes.to_vec())),
                sqlx::postgres::PgValueFormat::Text => Err(unreadable(&kind)),
            }
        }
        "BOOL" => row.try_get::<bool, _>(at).map(number).map_err(SqlError::of),
        "INT2" => row.try_get::<i16, _>(at).map(number).map_err(SqlError::of),
        "INT4" => row.try_get::<i32, _>(at).map(number).map_err(SqlError::of),
        "INT8" => row.try_get::<i64, _>(at).map(number).map_err(SqlError::of),
        "TIMESTAMPTZ" => {
            let micros = raw.as_bytes().ok().and_then(|bytes| Some(i64::from_be_bytes(bytes.try_into().ok()?)));
            Ok(time(micros.ok_or_else(|| unreadable(&kind))?))
        }
        _ => Err(unreadable(&kind)),
    }
}

/// Microseconds since 2000, as seconds since 1970. Infinity either way is no limit.
fn time(micros: i64) -> Cell {
    match micros {
        i64::MIN | i64::MAX => None,
        micros => number(micros.div_euclid(1_000_000).saturating_add(POSTGRES_EPOCH)),
    }
}

pub(super) fn of_mysql(row: &MySqlRow) -> Result<Row, SqlError> {
    row.columns().iter().enumerate().map(|(at, column)| Ok((name(column), mysql(row, at)?))).collect()
}

fn mysql(row: &MySqlRow, at: usize) -> Result<Cell, SqlError> {
    let raw = row.try_get_raw(at).map_err(SqlError::of)?;
    if raw.is_null() {
        return Ok(None);
    }
    let kind = raw.type_info().name().to_owned();
    match kind.as_str() {
        "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "ENUM" => {
            row.try_get_unchecked::<String, _>(at).map(|text| cell(text.into_bytes())).map_err(SqlError::of)
        }
        "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => {
            row.try_get_unchecked::<Vec<u8>, _>(at).map(cell).map_err(SqlError::of)
        }
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
            row.try_get_unchecked::<i64, _>(at).map(number).map_err(SqlError::of)
        }
        "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED" | "INT UNSIGNED" | "BIGINT UNSIGNED" => {
            row.try_get_unchecked::<u64, _>(at).map(number).map_err(SqlError::of)
        }
        _ => Err(unreadable(&kind)),
    }
}

pub(super) fn of_sqlite(row: &SqliteRow) -> Result<Row, SqlError> {
    row.columns().iter().enumerate().map(|(at, column)| Ok((name(column), sqlite(row, at)?))).collect()
}

fn sqlite(row: &SqliteRow, at: usize) -> Result<Cell, SqlError> {
    let raw = row.try_get_raw(at).map_err(SqlError::of)?;
    if raw.is_null() {
        return Ok(None);
    }
    // What the value is, not what the column was declared as: SQLite keeps any type anywhere.
    let kind = raw.type_info().name().to_owned();
    match kind.as_str() {
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked::<i64, _>(at).map(number).map_err(SqlError::of),
        "TEXT" | "DATETIME" | "DATE" | "TIME" => {
            row.try_get_unchecked::<String, _>(at).map(|text| cell(text.into_bytes())).map_err(SqlError::of)
        }
        "BLOB" => row.try_get_unchecked::<Vec<u8>, _>(at).map(cell).map_err(SqlError::of),
        _ => Err(unreadable(&kind)),
    }
}

/// In lower case: a column `DISABLED` must not pass for a mere attribute.
fn name(column: &impl Column) -> Cow<'static, str> {
    Cow::Owned(column.name().to_ascii_lowercase())
}

fn cell(bytes: Vec<u8>) -> Cell {
    Some(Zeroizing::new(bytes))
}

fn number(number: impl ToString) -> Cell {
    cell(number.to_string().into_bytes())
}

fn unreadable(kind: &str) -> SqlError {
    SqlError::unreadable(format_args!("a column of type {kind} cannot be read; make text of it, or a time's seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_postgres_is_seconds_since_1970_and_infinity_no_limit() {
        let text = |micros| time(micros).map(|cell| String::from_utf8(cell.to_vec()).unwrap());
        assert_eq!(text(0).unwrap(), "946684800");
        assert_eq!(text(-1).unwrap(), "946684799");
        assert_eq!((text(i64::MAX), text(i64::MIN)), (None, None));
    }
}
