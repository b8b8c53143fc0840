//! `sql:` and `http:` of `users`: the database that has them, or the login that knows them.

use std::time::Duration;

use ::http::{StatusCode, Uri};
use serde_json::Value as Json;

use super::{
    definition::all,
    elsewhere::http::{headers, pointer},
    reader::Reader,
    shape::Fields,
    sql_server,
    tree::{Entry, Node, Value},
    users,
};
use crate::{
    issue::users::{
        Elsewhere, http,
        http::{Body, Form},
        sql,
    },
    outcall,
    sql_link::{self, Kind},
};

/// What a login waits at most where nothing else is said: for a row, and for another login, which hashes passwords itself.
const TIMEOUT: Duration = Duration::from_secs(1);
const LOGIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How many are asked for at once, where nothing else is said.
const AT_ONCE: u64 = 64;
/// Largest answer of another login, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;
const USUAL_BODY: &str = r#"{"username":"{username}","password":"{password}"}"#;

/// Reads a source of the kind that its key names.
pub(super) fn read(source: &Entry, reader: &mut Reader<'_>) -> Option<Elsewhere> {
    match source.key.as_str() {
        "sql" => sql(&source.value, reader).map(Elsewhere::Sql),
        _ => login(&source.value, reader).map(Elsewhere::Http),
    }
}

fn sql(node: &Node, reader: &mut Reader<'_>) -> Option<sql::Settings> {
    let keys = [sql_server::KEYS.as_slice(), &["look_ups"]].concat();
    let fields = reader.fields(node, "`sql`", &keys)?;
    let timeout = timeout(&fields, TIMEOUT, reader);
    let database = sql_server::read(&fields, timeout.unwrap_or_default(), reader);
    let query = fields.required("query", reader).and_then(|node| query(node, database.as_ref(), reader));
    let most_look_ups = at_once(&fields, "look_ups", reader);
    Some(sql::Settings { database: database?, query: query?, timeout: timeout?, most_look_ups: most_look_ups? })
}

/// The name must come in as a parameter, and somebody's hash come out.
fn query(node: &Node, database: Option<&sql_link::Settings>, reader: &mut Reader<'_>) -> Option<String> {
    let query =
        sql_server::query(node, database?, ("the name", "select hash as password from account where login"), reader)?;
    let missing = |word: &str| !sql_server::has_word(query, word);
    if missing("password") {
        reader
            .error(node.place, "`query` does not select `password`: the hash that a password is checked against")
            .expected("such as `select password_hash as password, role from account where …`");
        return None;
    }
    if matches!(database?.address.kind(), Kind::MySql(_)) && missing("username") {
        reader
            .error(node.place, "`query` does not select the name as `username`")
            .expected("such as `select login as username, …`")
            .hint("MySQL finds `Alice` where `alice` is asked for; the name shows which it was");
        return None;
    }
    Some(query.to_owned())
}

const LOGIN_KEYS: [&str; 9] = ["url", "headers", "roots", "body", "success", "refused", "subject", "claims", "timeout"];

fn login(node: &Node, reader: &mut Reader<'_>) -> Option<http::Settings> {
    let keys = [LOGIN_KEYS.as_slice(), &["calls"]].concat();
    let fields = reader.fields(node, "`http`", &keys)?;
    let url = fields.required("url", reader).and_then(|node| url(node, reader));
    let headers = fields.value("headers").map_or(Some(Vec::new()), |node| headers(node, reader));
    let roots = fields.value("roots").map_or(Some(None), |node| reader.roots(node).map(Some));
    let body = fields.value("body").map_or_else(|| Body::parse(Form::Json, USUAL_BODY).ok(), |node| body(node, reader));
    let success = success(&fields, reader);
    let refused = fields.value("refused").map_or_else(
        || Some(vec![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]),
        |node| statuses(node, "`refused`", reader),
    );
    let subject = fields.entry("subject").map_or(Some(None), |entry| pointer(entry, reader).map(Some));
    let claims = fields.value("claims").map_or(Some(Vec::new()), |node| claims(node, reader));
    let timeout = timeout(&fields, LOGIN_TIMEOUT, reader);
    let most_calls = at_once(&fields, "calls", reader);
    let ((success, equal), refused, url) = (success?, refused?, url?);
    if let Some(status) = refused.iter().find(|status| success.contains(status)) {
        reader.error(node.place, format!("the status {} cannot mean both yes and no", status.as_u16()));
    }
    let tls = url.scheme_str() == Some("https");
    if let Some(entry) = fields.entry("roots").filter(|_| !tls) {
        reader.warning(entry.key_place, "`roots` has no effect: the URL is not https");
    }
    let calls = outcall::Settings {
        tls,
        roots: roots?,
        connect_timeout: timeout?,
        timeout: timeout?,
        largest_answer: LARGEST_ANSWER,
        most_calls: most_calls?,
    };
    Some(http::Settings {
        url,
        headers: headers?,
        body: body?,
        success,
        equal,
        refused,
        subject: subject?,
        claims: claims?,
        calls,
    })
}

/// A URL without places: a password does not stand in one.
fn url(node: &Node, reader: &mut Reader<'_>) -> Option<Uri> {
    let text = reader.line(node, "`url`")?;
    let is_plain = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri
                .authority()
                .is_some_and(|authority| !authority.as_str().contains('@') && !authority.host().is_empty())
    };
    let uri = text.parse::<Uri>().ok().filter(|uri| is_plain(uri) && !text.contains(['{', '#']));
    let Some(uri) = uri else {
        let shown = reader.quote(node.place, text);
        reader
            .error(node.place, format!("{shown} cannot be the URL of a login"))
            .expected("such as `https://legacy.internal/login`; name and password stand in the `body`");
        return None;
    };
    if uri.scheme_str() == Some("http") && !uri.host().is_some_and(is_here) {
        reader.warning(node.place, "passwords go over a network in the clear").hint("use `https://`");
    }
    Some(uri)
}

fn is_here(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn body(node: &Node, reader: &mut Reader<'_>) -> Option<Body> {
    let entry = reader.one_key(node, "`body`", &["json", "form"])?;
    let form = if entry.key == "json" { Form::Json } else { Form::Form };
    let text = reader.text(&entry.value, "a body")?;
    match Body::parse(form, text) {
        Ok(body) => Some(body),
        Err(fault) => {
            reader.error(entry.value.place, format!("this cannot be sent to a login: {fault}")).expected(match form {
                Form::Json => r#"such as `'{"user":"{username}","pass":"{password}"}'`"#,
                Form::Form => "such as `user={username}&pass={password}`",
            });
            None
        }
    }
}

type Success = (Vec<StatusCode>, Vec<(String, Json)>);

/// Which answers say yes.
fn success(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<Success> {
    let Some(node) = fields.value("success") else { return Some((vec![StatusCode::OK], Vec::new())) };
    let fields = reader.fields(node, "`success`", &["status", "equal"])?;
    let status = fields
        .value("status")
        .map_or_else(|| Some(vec![StatusCode::OK]), |node| statuses(node, "`status` of `success`", reader));
    let mut equal = Vec::new();
    for entry in fields.value("equal").map_or(Some(&[][..]), |node| reader.map(node, "`equal`"))? {
        if !matches!(entry.value.value, Value::Scalar(_)) {
            reader.wrong_type(&entry.value, "what is equal", "a single value");
            return None;
        }
        equal.push((key_pointer(entry, reader)?, users::json(&entry.value)));
    }
    Some((status?, equal))
}

/// A pointer that stands as a key.
fn key_pointer(entry: &Entry, reader: &mut Reader<'_>) -> Option<String> {
    if entry.key.starts_with('/') {
        return Some(entry.key.clone());
    }
    let shown = reader.quote(entry.key_place, &entry.key);
    reader.error(entry.key_place, format!("{shown} is no JSON pointer")).expected("such as `/ok` (RFC 6901)");
    None
}

fn statuses(node: &Node, what: &str, reader: &mut Reader<'_>) -> Option<Vec<StatusCode>> {
    let items = reader.one_or_many(node, what);
    all(items.iter().map(|item| {
        let status = reader.count(item, what, 200..500)?;
        u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok())
    }))
    .filter(|statuses| !statuses.is_empty())
}

fn claims(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<(String, String)>> {
    all(reader.map(node, "`claims`")?.iter().map(|entry| {
        users::check_claim(entry, &users::OF_THE_ISSUER, reader);
        Some((entry.key.clone(), pointer(entry, reader)?))
    }))
}

fn timeout(fields: &Fields<'_>, usual: Duration, reader: &mut Reader<'_>) -> Option<Duration> {
    fields.value("timeout").map_or(Some(usual), |node| reader.positive_duration(node, "`timeout`"))
}

fn at_once(fields: &Fields<'_>, key: &str, reader: &mut Reader<'_>) -> Option<usize> {
    let count = fields.value(key).map_or(Some(AT_ONCE), |node| reader.count(node, &format!("`{key}`"), 1..10_001));
    usize::try_from(count?).ok()
}
