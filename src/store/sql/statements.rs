//! The table of families, and all that is asked of it, in the words of each kind of database.
//!
//! Times are milliseconds since 1970 by the database's clock: a token that comes twice within its grace may come to two
//! gateways. `turn` counts the changes of a family, and a change names the turn that it saw: one that is late finds another.

use std::sync::Arc;

use crate::sql_link::Kind;

/// Rows that one statement removes, at most: none may hold others up for long.
pub(super) const BATCH: u64 = 1_000;

const COLUMNS: &str = "family, issuer, subject, holder, hash, granted, lifetime_ms, absolute_ms, grace_ms, begun_ms, \
                       renewed_ms, previous_ms, previous_hash, turn, ends_ms";

/// The statements for one table.
#[derive(Clone, Debug)]
pub struct Statements {
    dialect: Dialect,
    table: String,
    pub(super) probe: Arc<str>,
    pub(super) look: Arc<str>,
    pub(super) begin: Arc<str>,
    pub(super) renew: Arc<str>,
    pub(super) restore: Arc<str>,
    pub(super) forget: Arc<str>,
    pub(super) end: Arc<str>,
    pub(super) sweep: Arc<str>,
}

/// Where databases differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Postgres,
    MySql,
    Sqlite,
}

impl Statements {
    /// Those for `table`, a name that needs no quotes.
    pub fn new(kind: &Kind, table: &str) -> Statements {
        let dialect = match kind {
            Kind::Postgres(_) => Dialect::Postgres,
            Kind::MySql(_) => Dialect::MySql,
            Kind::Sqlite(_) => Dialect::Sqlite,
        };
        let written = |text: &str| dialect.written(text, table);
        Statements {
            dialect,
            table: table.to_owned(),
            // A change, and of nothing: whoever can only read is of no use.
            probe: written(&format!("insert into TABLE ({COLUMNS}) select {COLUMNS} from TABLE where 1 = 0")),
            look: written(
                "select hash, issuer, granted, lifetime_ms, absolute_ms, grace_ms, begun_ms, renewed_ms, previous_hash, turn, \
                 NOW as now_ms from TABLE where family = ?",
            ),
            begin: written(&format!(
                "insert into TABLE ({COLUMNS}) values (?, ?, ?, ?, ?, ?, NUMBER, NUMBER, NUMBER, NOW, NOW, null, null, 0, NOW + NUMBER)"
            )),
            // In this order: MySQL sets one after the other.
            renew: written(
                "update TABLE set previous_ms = renewed_ms, renewed_ms = NOW, previous_hash = hash, hash = ?, turn = turn + 1, \
                 ends_ms = case when NOW + lifetime_ms < begun_ms + absolute_ms then NOW + lifetime_ms \
                 else begun_ms + absolute_ms end where family = ? and hash = ? and turn = NUMBER",
            ),
            // A turn more in any case: the renewal may still be on its way, and must find nothing.
            restore: written(
                "update TABLE set renewed_ms = case when hash = ? then coalesce(previous_ms, renewed_ms) else renewed_ms end, \
                 previous_hash = nullif(previous_hash, ?), hash = ?, turn = turn + 1 where family = ? and hash in (?, ?)",
            ),
            forget: written("delete from TABLE where family = ? and hash = ? and turn = NUMBER"),
            end: written("delete from TABLE where family = ? and issuer = ?"),
            // An hour later: it costs room alone, and a clock that is a little ahead logs nobody out.
            sweep: written(&dialect.batch("ends_ms <= NOW - 3600000 order by ends_ms", 0)),
        }
    }

    /// Removes those families of a holder that were used longest ago, where he has more than that many. The one that he has
    /// just begun is not kept apart: two that begin at once would end each other. What was used in time to come, by a clock
    /// that was ahead, is ended first: it must not end all that begin after it.
    pub(super) fn trim(&self, most: usize) -> Arc<str> {
        let kept = u64::try_from(most).unwrap_or(u64::MAX >> 1);
        let which =
            "holder = ? order by case when renewed_ms > NOW + 60000 then 0 else renewed_ms end desc, family desc";
        self.dialect.written(&self.dialect.batch(which, kept), &self.table)
    }

    /// What makes the table, one after the other.
    pub fn making(&self) -> Vec<Arc<str>> {
        let short = self.table.rsplit('.').next().unwrap_or_default();
        let (text, hash, id, number) = match self.dialect {
            Dialect::Postgres => ("text", "text", "text", "bigint"),
            Dialect::MySql => ("longtext", "char(64)", "char(32)", "bigint"),
            Dialect::Sqlite => ("text", "text", "text", "integer"),
        };
        let columns = format!(
            "family {id} not null primary key, issuer {text} not null, subject {text} not null, holder {hash} not null, \
             hash {hash} not null, granted {text} not null, lifetime_ms {number} not null, absolute_ms {number} not null, \
             grace_ms {number} not null, begun_ms {number} not null, renewed_ms {number} not null, previous_ms {number}, \
             previous_hash {hash}, turn {number} not null, ends_ms {number} not null"
        );
        let table = &self.table;
        let made = match self.dialect {
            // By default it would take `A` for `a`.
            Dialect::MySql => vec![format!(
                "create table if not exists {table} ({columns}, key {short}_ends (ends_ms), key {short}_holder (holder)) \
                 character set utf8mb4 collate utf8mb4_bin"
            )],
            Dialect::Postgres | Dialect::Sqlite => vec![
                format!("create table if not exists {table} ({columns})"),
                format!("create index if not exists {short}_ends on {table} (ends_ms)"),
                format!("create index if not exists {short}_holder on {table} (holder)"),
            ],
        };
        made.into_iter().map(Into::into).collect()
    }
}

impl Dialect {
    /// Removes the rows that are found so, without the first ones. MySQL would look for each row of the table among those found,
    /// and lock them all; where they are joined it goes from those found to the rows.
    fn batch(self, which: &str, but: u64) -> String {
        let found = format!("(select family from TABLE where {which} limit {BATCH} offset {but})");
        match self {
            Dialect::MySql => {
                format!("delete gone from TABLE as gone join {found} as found on found.family = gone.family")
            }
            Dialect::Postgres | Dialect::Sqlite => format!("delete from TABLE where family in {found}"),
        }
    }

    fn written(self, text: &str, table: &str) -> Arc<str> {
        let (now, number) = match self {
            Dialect::Postgres => {
                ("cast(extract(epoch from statement_timestamp()) * 1000 as bigint)", "cast(? as bigint)")
            }
            Dialect::MySql => {
                ("(timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000)", "cast(? as signed)")
            }
            Dialect::Sqlite => ("cast(unixepoch('now', 'subsec') * 1000 as integer)", "cast(? as integer)"),
        };
        let text = text.replace("TABLE", table).replace("NOW", now).replace("NUMBER", number);
        match self {
            Dialect::MySql | Dialect::Sqlite => text.into(),
            Dialect::Postgres => numbered(&text).into(),
        }
    }
}

/// PostgreSQL numbers its parameters.
fn numbered(text: &str) -> String {
    let mut pieces = text.split('?');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.enumerate().fold(first, |written, (index, piece)| format!("{written}${}{piece}", index + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql_link::Address;

    fn statements(url: &str) -> Statements {
        Statements::new(Address::parse(url, None).unwrap().kind(), "own.families")
    }

    #[test]
    fn each_kind_of_database_is_spoken_to_in_its_own_words() {
        let end = |url| statements(url).end.to_string();
        assert_eq!(end("postgres://db/d"), "delete from own.families where family = $1 and issuer = $2");
        assert_eq!(end("sqlite:d.db"), "delete from own.families where family = ? and issuer = ?");
        assert!(statements("postgres://db/d").forget.ends_with("turn = cast($3 as bigint)"));
        assert!(statements("mysql://db/d").trim(10).ends_with("offset 10) as found on found.family = gone.family"));
    }

    #[test]
    fn what_the_documents_say_of_the_table_is_what_is_made() {
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(");
        let documents = plain(include_str!("../../../docs/stores.md"));
        let address = Address::parse("postgres://db/d", None).unwrap();
        for statement in Statements::new(address.kind(), "countersign_refresh_families").making() {
            assert!(documents.contains(&plain(&format!("{statement};"))), "{statement}");
        }
    }

    #[test]
    fn an_index_is_named_without_the_schema() {
        let made = statements("postgres://db/d").making();
        assert_eq!(&*made[1], "create index if not exists families_ends on own.families (ends_ms)");
        assert_eq!(statements("mysql://db/d").making().len(), 1);
    }
}
