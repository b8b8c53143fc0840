//! `sql:`: the database, and the query that finds a key in it.

use super::{
    super::{reader::Reader, sql_server, tree::Node},
    SHARED_KEYS, shared, timeout,
};
use crate::{
    keys::{
        Elsewhere, Place,
        sql::{Parameter, Settings, Statement, Write},
    },
    sql_link::{self, Kind},
};

pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Elsewhere> {
    let keys = [sql_server::KEYS.as_slice(), SHARED_KEYS.as_slice(), &["write"]].concat();
    let fields = reader.fields(node, "`sql`", &keys)?;
    let timeout = timeout(&fields, reader);
    let database = sql_server::read(&fields, timeout.unwrap_or_default(), reader);
    let query = fields.required("query", reader).and_then(|node| query(node, database.as_ref(), reader));
    let write = match fields.value("write") {
        None => Some(Write::default()),
        Some(node) => write(node, database.as_ref(), reader),
    };
    let shared = shared(&fields, timeout.unwrap_or_default(), reader)?;
    timeout?;
    let settings = Settings { database: database?, query: query?, encoding: shared.encoding, write: write? };
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

/// How keys are changed there, by the command line alone.
fn write(node: &Node, database: Option<&sql_link::Settings>, reader: &mut Reader<'_>) -> Option<Write> {
    let fields = reader.fields(node, "`write`", &["add", "rotate", "retire", "disable", "enable", "count"])?;
    let kind = database?.address.kind();
    let mut statement = |key: &str, needs: &[&'static str]| {
        let Some(node) = fields.value(key) else { return Some(None) };
        let text = reader.text(node, &format!("`{key}`"))?;
        let read = Statement::parse(text, kind, needs);
        let fault = match &read {
            Ok(statement) if key == "retire" && !names_a_secret(statement) => {
                Some("it names no secret: it has neither `:secret` nor `:label`".to_owned())
            }
            Ok(_) => None,
            Err(fault) => Some(fault.to_string()),
        };
        if let Some(fault) = fault {
            reader
                .error(node.place, format!("this cannot be the statement `{key}`: {fault}"))
                .expected("a statement with `:id`, and `:secret` and `:label` where there is a secret");
            return None;
        }
        read.ok().map(Some)
    };
    let (add, rotate) = (statement("add", &["id", "secret"]), statement("rotate", &["id", "secret"]));
    let (retire, disable) = (statement("retire", &["id"]), statement("disable", &["id"]));
    let enable = statement("enable", &["id"]);
    let count = fields.value("count").map_or(Some(None), |node| reader.text(node, "`count`").map(Some));
    let count = count?.map(str::to_owned);
    Some(Write { add: add?, rotate: rotate?, retire: retire?, disable: disable?, enable: enable?, count })
}

fn names_a_secret(statement: &Statement) -> bool {
    statement.binds(Parameter::Secret) || statement.binds(Parameter::Label)
}
