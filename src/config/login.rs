//! `login`, `refresh`, `logout` and `jwks` of an upstream: what is read of a request, who may have a token, and what is
//! answered.

use super::{
    checked::{Issuer, Login, Logout, Renewal, Tokens, Users, UsersSource, Who},
    oauth,
    reader::Reader,
    section::Section,
    shape::Fields,
    template, throttle,
    tree::Node,
};
use crate::{
    issue::users::Elsewhere,
    scheme::{Sources, Template},
};

/// What logins refer to.
pub(super) struct Issuing<'a> {
    pub(super) issuers: &'a mut Section<Issuer>,
    pub(super) users: &'a mut Section<Users>,
    pub(super) tokens: &'a Section<Tokens>,
    /// Whether there is a place for what is revoked.
    pub(super) can_revoke: bool,
}

const KEYS: [&str; 7] =
    ["issuer", "users", "dangerously_without_password", "username_from", "password_from", "answer", "throttle"];
/// RFC 6749 section 5.1.
const ANSWER: &str = r#"{"access_token":"{token}","token_type":"Bearer","expires_in":{expires_in}}"#;
/// The same with a refresh token.
const PAIR: &str = concat!(
    r#"{"access_token":"{token}","token_type":"Bearer","expires_in":{expires_in},"#,
    r#""refresh_token":"{refresh_token}"}"#
);
/// Where the tokens are in cookies.
const SESSION: &str = r#"{"expires_in":{expires_in},"csrf_token":"{csrf_token}"}"#;

/// Reads a login.
pub(super) fn read(node: &Node, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<Login> {
    let fields = reader.fields(node, "`login`", &KEYS)?;
    let issuer = fields.required("issuer", reader).and_then(|node| issuing.issuers.find(node, reader));
    let username = source(&fields, "username_from", "{json:/username}", reader);
    let who = who(&fields, issuing, reader);
    let answer = answer(&fields, issuer, issuing, reader);
    let throttle =
        throttle::read(&fields, [throttle::USER, throttle::ADDRESS], reader).map(|[user, address]| (user, address));
    Some(Login { issuer: issuer?, who: who?, username: username?, answer: answer?, throttle: throttle? })
}

/// Reads a refresh.
pub(super) fn refresh(node: &Node, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<Renewal> {
    let fields = reader.fields(node, "`refresh`", &["issuer", "users", "token_from", "answer"])?;
    let issuer = refreshing(&fields, issuing, reader);
    let users = fields.value("users").map(|node| still_there(node, issuing, reader));
    let token = refresh_token(&fields, issuer, issuing, reader);
    let answer = answer(&fields, issuer, issuing, reader);
    let users = super::definition::all_or_none(users)?;
    Some(Renewal { issuer: issuer?, users, token: token?, answer: answer? })
}

/// Reads a logout.
pub(super) fn logout(node: &Node, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<Logout> {
    let fields = reader.fields(node, "`logout`", &["issuer", "token_from", "and_token"])?;
    let issuer = fields.required("issuer", reader).and_then(|node| issuing.issuers.find(node, reader));
    if !in_session(issuer, issuing) {
        check_refreshing(&fields, issuer, issuing, reader);
    }
    let token = refresh_token(&fields, issuer, issuing, reader);
    let and_token = fields.value("and_token").map_or(Some(false), |node| reader.boolean(node, "`and_token`"));
    if let Some(node) = fields.value("and_token").filter(|_| and_token == Some(true)) {
        oauth::check_place(node, issuing, reader);
    }
    Some(Logout { issuer: issuer?, token: token?, and_token: and_token? })
}

/// Reads whose public keys are published.
pub(super) fn jwks(node: &Node, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<usize> {
    let entry = reader.one_key(node, "`jwks`", &["issuer"])?;
    let index = issuing.issuers.find(&entry.value, reader)?;
    let tokens = issuing.issuers.item(index).and_then(|issuer| issuing.tokens.item(issuer.tokens));
    let published =
        |tokens: &Tokens| tokens.keys.listed().iter().any(|key| key.signing.is_some() && key.secret.is_none());
    if reader.environment.has_secrets() && tokens.is_some_and(|tokens| !published(tokens)) {
        reader
            .error(entry.value.place, "this issuer has no public key: a secret that verifies also signs")
            .expected("`private_key` in its tokens entry");
    }
    Some(index)
}

/// Users of whom it can be asked without a password whether they are still there.
fn still_there(node: &Node, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<usize> {
    let index = issuing.users.find(node, reader)?;
    let is_login = |users: &Users| match &users.source {
        UsersSource::Elsewhere(elsewhere) => matches!(**elsewhere, Elsewhere::Http(_)),
        UsersSource::File { .. } => false,
    };
    if issuing.users.item(index).is_some_and(is_login) {
        reader
            .error(node.place, "these users are behind another login, which says nothing without a password")
            .hint("leave it out: claims stay what they were at the login; keep `absolute_lifetime` short");
        return None;
    }
    Some(index)
}

/// The issuer that is named, which must have refresh tokens.
fn refreshing(fields: &Fields<'_>, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<usize> {
    let index = fields.required("issuer", reader).and_then(|node| issuing.issuers.find(node, reader));
    check_refreshing(fields, index, issuing, reader);
    index
}

fn check_refreshing(fields: &Fields<'_>, index: Option<usize>, issuing: &Issuing<'_>, reader: &mut Reader<'_>) {
    let issuer = index.and_then(|index| issuing.issuers.item(index));
    if let Some(node) = fields.value("issuer").filter(|_| issuer.is_some_and(|issuer| issuer.refresh.is_none())) {
        reader
            .error(node.place, "this issuer has no refresh tokens")
            .expected("`refresh: {}` in it, for the usual ones");
    }
}

/// Whether the issuer's tokens are kept in cookies.
fn in_session(issuer: Option<usize>, issuing: &Issuing<'_>) -> bool {
    issuer.and_then(|index| issuing.issuers.item(index)).is_some_and(|issuer| issuer.session.is_some())
}

fn who(fields: &Fields<'_>, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<Who> {
    let password = source(fields, "password_from", "{json:/password}", reader);
    match (fields.value("users"), fields.entry("dangerously_without_password")) {
        (Some(node), None) => {
            let users = issuing.users.find(node, reader);
            if fields.value("password_from").is_some() {
                warn_of_query(fields, "password_from", password.as_ref(), "a password", reader);
            }
            Some(Who::Users { users: users?, password: password? })
        }
        (None, Some(entry)) => {
            if !reader.boolean(&entry.value, "`dangerously_without_password`")? {
                reader.error(entry.value.place, "`dangerously_without_password` can only be true").hint("remove it");
                return None;
            }
            reader.warning(entry.key_place, "whoever names a user gets that user's token").hint("for trying out alone");
            if let Some(entry) = fields.entry("password_from") {
                reader.error(entry.key_place, "`password_from` has no effect: no password is asked for");
            }
            Some(Who::Anyone)
        }
        (Some(_), Some(entry)) => {
            reader.error(entry.key_place, "users have passwords").expected("one of `users` and this key");
            None
        }
        (None, None) => {
            reader.error(fields.place, "`users` is missing in `login`").hint("`users: { NAME: { file: users.yaml } }`");
            None
        }
    }
}

fn refresh_token(
    fields: &Fields<'_>,
    issuer: Option<usize>,
    issuing: &Issuing<'_>,
    reader: &mut Reader<'_>,
) -> Option<Template> {
    if let Some(entry) = fields.entry("token_from").filter(|_| in_session(issuer, issuing)) {
        reader.error(entry.key_place, "`token_from` has no effect: this issuer's refresh tokens are in a cookie");
    }
    let token = source(fields, "token_from", "{json:/refresh_token}", reader);
    warn_of_query(fields, "token_from", token.as_ref(), "a refresh token", reader);
    token
}

/// A template of the request, such as `{json:/password}`.
fn source(fields: &Fields<'_>, key: &str, usual: &str, reader: &mut Reader<'_>) -> Option<Template> {
    let Some(node) = fields.value(key) else { return Template::compile(usual, Sources::Request).ok() };
    let template = compile(node, &format!("`{key}`"), Sources::Request, reader)?;
    if template.literal().is_some() {
        reader
            .error(node.place, format!("`{key}` names no part of the request"))
            .expected("such as `{json:/username}`, `{form:username}` or `{query:username}`");
        return None;
    }
    Some(template)
}

fn answer(
    fields: &Fields<'_>,
    issuer: Option<usize>,
    issuing: &Issuing<'_>,
    reader: &mut Reader<'_>,
) -> Option<Template> {
    let refreshes = issuer.and_then(|index| issuing.issuers.item(index)).map(|issuer| issuer.refresh.is_some());
    if in_session(issuer, issuing) {
        return session_answer(fields, reader);
    }
    answer_of(fields, refreshes, reader)
}

/// What is answered beside the cookies: nothing that they are there to keep from scripts.
fn session_answer(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<Template> {
    let Some(node) = fields.value("answer") else { return Template::compile(SESSION, Sources::Issued).ok() };
    let template = compile(node, "`answer`", Sources::Issued, reader)?;
    if template.source_names().any(|source| source == "token" || source == "refresh_token") {
        reader
            .error(node.place, "`answer` holds a token that is in a cookie, where no script can read it")
            .expected("`{csrf_token}`, which scripts need, and whatever else");
        return None;
    }
    Some(template)
}

/// The same of an issuer of which it is known whether it has refresh tokens.
pub(super) fn answer_of(fields: &Fields<'_>, refreshes: Option<bool>, reader: &mut Reader<'_>) -> Option<Template> {
    let Some(node) = fields.value("answer") else {
        return Template::compile(if refreshes == Some(true) { PAIR } else { ANSWER }, Sources::Issued).ok();
    };
    let template = compile(node, "`answer`", Sources::Issued, reader)?;
    let holds = |name: &str| template.source_names().any(|source| source == name);
    if !holds("token") {
        reader.error(node.place, "`answer` does not hold the token").expected("such as `'{\"token\":\"{token}\"}'`");
        return None;
    }
    if holds("csrf_token") {
        reader.error(node.place, "this issuer's tokens are in no cookie").expected("`cookie: {}` in it");
    }
    if holds("refresh_token") && refreshes == Some(false) {
        reader
            .error(node.place, "this issuer has no refresh tokens")
            .expected("`refresh: {}` in it, for the usual ones");
    }
    Some(template)
}

fn compile(node: &Node, what: &str, sources: Sources, reader: &mut Reader<'_>) -> Option<Template> {
    let scalar = reader.scalar(node, what)?;
    match Template::compile(&scalar.text, sources) {
        Ok(template) => Some(template),
        Err(fault) => {
            template::report(node.place, scalar, &fault, reader);
            None
        }
    }
}

/// What is secret and read of the request's target.
fn warn_of_query(fields: &Fields<'_>, key: &str, from: Option<&Template>, what: &str, reader: &mut Reader<'_>) {
    let in_target = |name: String| matches!(name.as_str(), "query" | "target" | "url");
    if let (Some(node), Some(from)) = (fields.value(key), from)
        && from.source_names().any(in_target)
    {
        reader
            .warning(
                node.place,
                format!("{what} in the query ends up in the logs and histories of everything it passes"),
            )
            .hint("use it only for clients that cannot send a body");
    }
}
