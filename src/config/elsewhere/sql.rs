//! `sql:`: the database, and the query that finds a key in it.

use super::{
    super::{reader::Reader, sql_server, tree::Node},
    SHARED_KEYS, shared, timeout,
};
use crate::{
    keys::{Elsewhere, Place, sql::Settings},
    sql_link::{self, Kind},
};

pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Elsewhere> {
    let keys = [sql_server::KEYS.as_slice(), SHARED_KEYS.as_slice()].concat();
    let fields = reader.fields(node, "`sql`", &keys)?;
    let timeout = timeout(&fields, reader);
    let database = sql_server::read(&fields, timeout.unwrap_or_default(), reader);
    let query = fields.required("query", reader).and_then(|node| query(node, database.as_ref(), reader));
    let shared = shared(&fields, timeout.unwrap_or_default(), reader)?;
    timeout?;
    let settings = Settings { database: database?, query: query?, encoding: shared.encoding };
    Some(Elsewhere { place: Place::Sql(settings), cache: shared.cache })
}

/// The id must come in as a parameter: a query without one would give every client the same key.
fn query(node: &Node, database: Option<&sql_link::Settings>, reader: &mut Reader<'_>) -> Option<String> {
    let query = sql_server::query(node, database?, ("the key id", "select secret from devices where id"), reader)?;
    if matches!(database?.address.kind(), Kind::MySql(_)) && !sql_server::has_word(query, "id") {
        reader
            .error(node.place, "`query` does not select the key id as `id`")
            .expected("such as `select id, secret from devices where id = ?`, or `select mac as id, …`")
            .hint("MySQL finds `DEV-1` where `dev-1` is asked for; the id shows which it was");
        return None;
    }
    Some(query.to_owned())
}
