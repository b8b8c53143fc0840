//! Where a database is: the keys that sources which ask one have in common.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{
    reader::Reader,
    secret,
    shape::Fields,
    tree::{Node, Value},
};
use crate::{
    secret::Secret,
    sql_link::{Address, Kind, Settings},
};

/// The keys that [`read`] reads, and two that whoever asks a database has besides.
pub(super) const KEYS: [&str; 5] = ["url", "password", "query", "connections", "timeout"];

/// Connections at once, where nothing else is said.
const CONNECTIONS: u64 = 4;

/// Reads a database out of a map that may have other keys besides. A connection is waited for as long as `timeout`.
pub(super) fn read(fields: &Fields<'_>, timeout: Duration, reader: &mut Reader<'_>) -> Option<Settings> {
    let address = address(fields, reader);
    let connections = fields.value("connections");
    let connections = connections.map_or(Some(CONNECTIONS), |node| reader.count(node, "`connections`", 1..101));
    let connections = u32::try_from(connections?).ok()?;
    Some(Settings { address: address?, connections, timeout, is_written: false })
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

/// A query that has a place for what is asked for, which must come in as a parameter.
pub(super) fn query<'t>(
    node: &'t Node,
    database: &Settings,
    (what, example): (&str, &str),
    reader: &mut Reader<'_>,
) -> Option<&'t str> {
    let query = reader.text(node, "`query`")?;
    let (parameter, is_there) = match database.address.kind() {
        Kind::Postgres(_) => ("$1", query.contains("$1")),
        Kind::MySql(_) => ("?", query.matches('?').count() == 1),
        Kind::Sqlite(_) => ("?", query.contains('?') || query.contains("$1")),
    };
    if !is_there {
        reader
            .error(node.place, format!("`query` has no place for {what}: `{parameter}`"))
            .expected(format!("such as `{example} = {parameter}`"));
        return None;
    }
    Some(query)
}

/// Whether that word stands in a query.
pub(super) fn has_word(query: &str, word: &str) -> bool {
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    query.split(is_end).any(|found| found.eq_ignore_ascii_case(word))
}
