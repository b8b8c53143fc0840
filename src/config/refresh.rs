//! `refresh:` of an issuer: how long its refresh tokens are good, and where their families are kept.

use std::time::Duration;

use super::{
    checked::{FamilyTable, KeptIn, RefreshSettings},
    reader::Reader,
    shape::Fields,
    sql_server,
    tree::{Node, Value},
};
use crate::sql_link::{Kind, Settings};

const KEYS: [&str; 5] = ["lifetime", "absolute_lifetime", "grace", "kept_in", "per_subject"];
const SQL_KEYS: [&str; 5] = ["url", "password", "connections", "timeout", "table"];

/// Families of one subject at once, where nothing else is said.
const PER_SUBJECT: u64 = 1_000;
const TABLE: &str = "countersign_refresh_families";
/// Longest part of a table's name, in bytes: what its indexes are called must be a name too.
const LONGEST_NAME: usize = 48;
/// The longest that a question takes, where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(1);

const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Words that cannot be a table's name without quotes, in one of the databases at least, and that somebody might choose.
#[rustfmt::skip]
const RESERVED: [&str; 48] = [
    "all", "analyze", "and", "any", "as", "case", "check", "collate", "column", "constraint", "create", "cross",
    "current_user", "default", "delete", "desc", "distinct", "else", "end", "from", "grant", "group", "groups", "having",
    "in", "index", "insert", "into", "join", "key", "keys", "limit", "not", "null", "offset", "or", "order", "primary",
    "references", "select", "session_user", "table", "union", "unique", "update", "user", "values", "where",
];

/// Reads `refresh:`. `has_store`: whether there is a `store` that could keep families.
pub(super) fn read(node: &Node, has_store: bool, reader: &mut Reader<'_>) -> Option<RefreshSettings> {
    let fields = reader.fields(node, "`refresh`", &KEYS)?;
    let days = |days: u64| Duration::from_secs(days * 24 * 3600);
    let mut duration = |key: &str, usual| match fields.value(key) {
        None => Some(usual),
        Some(node) => reader.positive_duration(node, &format!("`{key}`")),
    };
    let lifetime = duration("lifetime", days(14))?;
    let absolute_lifetime = duration("absolute_lifetime", days(90).max(lifetime))?;
    let grace = match fields.value("grace") {
        None => Duration::from_secs(2),
        Some(node) => reader.duration(node, "`grace`")?,
    };
    if let Some(node) = fields.value("absolute_lifetime").filter(|_| absolute_lifetime < lifetime) {
        reader.error(node.place, "`absolute_lifetime` is less than the `lifetime` of one refresh token");
    }
    if let Some(node) = fields.value("grace").filter(|_| grace > Duration::from_secs(60)) {
        reader.error(node.place, "`grace` is more than a minute: a stolen token would go unnoticed for as long");
    }
    let kept_in = kept_in(&fields, has_store, reader);
    let per_subject = per_subject(&fields, kept_in.as_ref(), reader);
    Some(RefreshSettings { lifetime, absolute_lifetime, grace, kept_in: kept_in?, per_subject: per_subject? })
}

fn kept_in(fields: &Fields<'_>, has_store: bool, reader: &mut Reader<'_>) -> Option<KeptIn> {
    let Some(node) = fields.value("kept_in") else {
        return Some(if has_store { KeptIn::Redis } else { KeptIn::Memory });
    };
    if let Value::Map(_) = node.value {
        let entry = reader.one_key(node, "`kept_in`", &["sql"])?;
        return table(&entry.value, reader).map(|table| KeptIn::Sql(Box::new(table)));
    }
    // What stands by itself needs no box.
    let choices = [("memory", false), ("redis", true)];
    let in_redis = reader.choice_or(node, "`kept_in`", &choices, "`{ sql: { url: … } }`")?;
    if in_redis && !has_store {
        reader
            .error(node.place, "there is no `store`")
            .hint("`store: { redis: { url: \"redis://…\" } }` says which Redis");
    }
    Some(if in_redis { KeptIn::Redis } else { KeptIn::Memory })
}

fn table(node: &Node, reader: &mut Reader<'_>) -> Option<FamilyTable> {
    let fields = reader.fields(node, "`sql`", &SQL_KEYS)?;
    let timeout = fields.value("timeout").map_or(Some(TIMEOUT), |node| reader.positive_duration(node, "`timeout`"));
    if let Some(node) = fields.value("timeout").filter(|_| timeout.is_some_and(|timeout| timeout > LONGEST_TIMEOUT)) {
        reader
            .error(node.place, "`timeout` is more than a minute: whoever asks is gone by then")
            .expected("some seconds at most, such as `1s`");
    }
    let database = sql_server::read(&fields, timeout.unwrap_or_default(), reader);
    // A URL out of a secret that is not there says nothing of its database.
    let url = fields.value("url").filter(|node| reader.environment.has_secrets() || is_scalar(node));
    let table = match fields.value("table") {
        None => Some(TABLE),
        Some(node) => name(node, database.as_ref().filter(|_| url.is_some()), reader),
    };
    let mut database = database?;
    database.is_written = true;
    if let (Some(node), Err(fault)) = (url, database.address.can_keep()) {
        reader
            .error(node.place, fault.to_string())
            .expected("the path of a file that can be written, such as `sqlite:/var/lib/countersign/refresh.db`")
            .hint("`kept_in: memory` keeps families until the gateway ends");
        return None;
    }
    Some(FamilyTable { database, table: table?.to_owned(), timeout: timeout? })
}

fn is_scalar(node: &Node) -> bool {
    matches!(node.value, Value::Scalar(_))
}

/// It becomes part of statements, and must be the same with quotes and without.
fn name<'t>(node: &'t Node, database: Option<&Settings>, reader: &mut Reader<'_>) -> Option<&'t str> {
    let text = reader.text(node, "`table`")?;
    let is_name = |part: &str| {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        part.len() <= LONGEST_NAME && part.chars().all(is_plain) && part.starts_with(|c: char| !c.is_ascii_digit())
    };
    if text.split('.').count() > 2 || !text.split('.').all(is_name) {
        let shown = reader.quote(node.place, text);
        reader
            .error(node.place, format!("{shown} cannot be the name of the table"))
            .expected("small letters, digits and `_`, and the schema before it where need be, such as `auth.families`");
        return None;
    }
    if text.split('.').next().is_some_and(|first| RESERVED.contains(&first)) {
        reader
            .error(node.place, format!("`{text}` cannot be the name of the table: it begins with a word of SQL"))
            .expected(format!("a name that needs no quotes in any database, such as `{TABLE}`"))
            .hint("a schema before it helps, where the database has schemas: `auth.families`");
        return None;
    }
    if text.contains('.') && database.is_some_and(|database| matches!(database.address.kind(), Kind::Sqlite(_))) {
        reader
            .error(node.place, format!("`{text}` cannot be the name of the table: a SQLite file has no schemas"))
            .expected("the table's name alone, such as `families`")
            .hint("a file of their own keeps the tables of two issuers apart");
        return None;
    }
    Some(text)
}

fn per_subject(fields: &Fields<'_>, kept_in: Option<&KeptIn>, reader: &mut Reader<'_>) -> Option<usize> {
    let Some(entry) = fields.entry("per_subject") else { return usize::try_from(PER_SUBJECT).ok() };
    let number = reader.count(&entry.value, "`per_subject`", 1..1_000_001)?;
    if matches!(kept_in, Some(KeptIn::Memory)) {
        reader
            .warning(entry.key_place, "`per_subject` has no effect: these are kept in memory")
            .hint("`limits: { refresh_families: … }` bounds them all");
    }
    usize::try_from(number).ok()
}
