//! `sql:`: the database, and the query that finds a key in it.

use super::{
    super::{reader::Reader, sql_server, tree::Node},
    SHARED_KEYS, shared, timeout,
};
use crate::{
    keys::{Elsewhere, Place, sql::Settings},
    sql_link::{Address, Kind},
};

pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Elsewhere> {
    let keys = [sql_server::KEYS.as_slice(), SHARED_KEYS.as_slice()].concat();
    let fields = reader.fields(node, "`sql`", &keys)?;
    let timeout = timeout(&fields, reader);
    let database = sql_server::read(&fields, timeout.unwrap_or_default(), reader);
    let address = database.as_ref().map(|database| &database.address);
    let query = fields.required("query", reader).and_then(|node| query(node, address, reader));
    let shared = shared(&fields, timeout.unwrap_or_default(), reader)?;
    timeout?;
    let settings = Settings { database: database?, query: query?, encoding: shared.encoding };
    Some(Elsewhere { place: Place::Sql(settings), cache: shared.cache })
}

/// The id must come in as a parameter: a query without one would give every client the same key.
fn query(node: &Node, address: Option<&Address>, reader: &mut Reader<'_>) -> Option<String> {
    let query = reader.text(node, "`query`")?;
    let (parameter, is_there) = match address.map(Address::kind)? {
        Kind::Postgres(_) => ("$1", query.contains("$1")),
        Kind::MySql(_) => ("?", query.matches('?').count() == 1),
        Kind::Sqlite(_) => ("?", query.contains('?') || query.contains("$1")),
    };
    if !is_there {
        reader
            .error(node.place, format!("`query` has no place for the key id: `{parameter}`"))
            .expected(format!("such as `select secret from devices where id = {parameter}`"));
        return None;
    }
    if matches!(address.map(Address::kind), Some(Kind::MySql(_))) && !has_word(query, "id") {
        reader
            .error(node.place, "`query` does not select the key id as `id`")
            .expected("such as `select id, secret from devices where id = ?`, or `select mac as id, …`")
            .hint("MySQL finds `DEV-1` where `dev-1` is asked for; the id shows which it was");
        return None;
    }
    Some(query.to_owned())
}

fn has_word(text: &str, word: &str) -> bool {
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    text.split(is_end).any(|found| found.eq_ignore_ascii_case(word))
}
