//! `sql:`: the database, and the query that finds a key in it.

use zeroize::Zeroizing;

use super::{
    super::{
        reader::Reader,
        secret,
        shape::Fields,
        tree::{Node, Value},
    },
    SHARED_KEYS, count, shared, timeout,
};
use crate::{
    keys::{
        Elsewhere, Place,
        sql::{Address, Kind, Settings},
    },
    secret::Secret,
};

/// Connections at once, where nothing else is said.
const CONNECTIONS: usize = 4;

pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Elsewhere> {
    let keys = [&["url", "password", "query", "connections", "timeout"], SHARED_KEYS.as_slice()].concat();
    let fields = reader.fields(node, "`sql`", &keys)?;
    let address = address(&fields, reader);
    let query = fields.required("query", reader).and_then(|node| query(node, address.as_ref(), reader));
    let connections = count(&fields, "connections", 1..101, CONNECTIONS, reader);
    let timeout = timeout(&fields, reader);
    let shared = shared(&fields, timeout.unwrap_or_default(), reader)?;
    let settings = Settings {
        address: address?,
        query: query?,
        encoding: shared.encoding,
        connections: u32::try_from(connections?).ok()?,
        timeout: timeout?,
    };
    Some(Elsewhere { place: Place::Sql(settings), cache: shared.cache })
}

fn address(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<Address> {
    let node = fields.required("url", reader);
    let password = match fields.value("password") {
        None => Some(None),
        Some(node) => secret::secret(node, reader, 0, "a password").map(Some),
    };
    let (node, password) = (node?, password?);
    let url = url(node, reader)?;
    // Where secrets are not the real ones, a URL out of one is none.
    let is_real = reader.environment.has_secrets() || matches!(node.value, Value::Scalar(_));
    let text = if is_real { url.as_str() } else { "sqlite::memory:" };
    match Address::parse(text, password.as_ref().filter(|_| is_real)) {
        Ok(address) => {
            if !address.is_safe() {
                reader
                    .warning(
                        node.place,
                        "this database is not on this machine, and nothing proves that it is the right one",
                    )
                    .hint("`?sslmode=verify-full` (PostgreSQL) or `?ssl-mode=VERIFY_IDENTITY` (MySQL) does");
            }
            Some(address)
        }
        Err(fault) => {
            reader
                .error(node.place, format!("this cannot be the database's URL: {fault}"))
                .expected("such as `postgres://gateway@db.internal/devices` or `sqlite:/var/lib/devices.db`");
            None
        }
    }
}

/// As text, or out of a secret.
fn url(node: &Node, reader: &mut Reader<'_>) -> Option<Zeroizing<String>> {
    let Value::Scalar(_) = node.value else {
        let secret: Secret = secret::secret(node, reader, 0, "a URL")?;
        let text = String::from_utf8(secret.expose().to_vec());
        if text.is_err() {
            reader.error(node.place, "the database's URL is no text");
        }
        return text.ok().map(Zeroizing::new);
    };
    let text = reader.text(node, "`url`")?;
    if has_password(text) {
        reader
            .warning(node.place, "this URL has a password in it")
            .hint("leave it out and write `password: { env: NAME }`, or take the whole from `url: { env: NAME }`");
    }
    Some(Zeroizing::new(text.to_owned()))
}

fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
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
