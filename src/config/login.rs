//! `login` of an upstream: what is read of a request, who may log in, and what is answered.

use super::{
    checked::{Issuer, Login, Users, Who},
    reader::Reader,
    section::Section,
    shape::Fields,
    template,
    tree::Node,
};
use crate::scheme::{Sources, Template};

/// What logins refer to.
pub(super) struct Issuing<'a> {
    pub(super) issuers: &'a mut Section<Issuer>,
    pub(super) users: &'a mut Section<Users>,
}

const KEYS: [&str; 6] = ["issuer", "users", "dangerously_without_password", "username_from", "password_from", "answer"];
/// RFC 6749 section 5.1.
const ANSWER: &str = r#"{"access_token":"{token}","token_type":"Bearer","expires_in":{expires_in}}"#;

/// Reads a login.
pub(super) fn read(node: &Node, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<Login> {
    let fields = reader.fields(node, "`login`", &KEYS)?;
    let issuer = fields.required("issuer", reader).and_then(|node| issuing.issuers.find(node, reader));
    let username = source(&fields, "username_from", "{json:/username}", reader);
    let who = who(&fields, issuing, reader);
    let answer = match fields.value("answer") {
        None => Template::compile(ANSWER, Sources::Issued).ok(),
        Some(node) => answer(node, reader),
    };
    Some(Login { issuer: issuer?, who: who?, username: username?, answer: answer? })
}

fn who(fields: &Fields<'_>, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<Who> {
    let password = source(fields, "password_from", "{json:/password}", reader);
    match (fields.value("users"), fields.entry("dangerously_without_password")) {
        (Some(node), None) => {
            let users = issuing.users.find(node, reader);
            if fields.value("password_from").is_some() {
                warn_of_query(fields, password.as_ref(), reader);
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

fn answer(node: &Node, reader: &mut Reader<'_>) -> Option<Template> {
    let template = compile(node, "`answer`", Sources::Issued, reader)?;
    if !template.source_names().any(|source| source == "token") {
        reader.error(node.place, "`answer` does not hold the token").expected("such as `'{\"token\":\"{token}\"}'`");
        return None;
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

fn warn_of_query(fields: &Fields<'_>, password: Option<&Template>, reader: &mut Reader<'_>) {
    let in_target = |name: String| matches!(name.as_str(), "query" | "target" | "url");
    if let (Some(node), Some(password)) = (fields.value("password_from"), password)
        && password.source_names().any(in_target)
    {
        reader
            .warning(node.place, "a password in the query ends up in the logs and histories of everything it passes")
            .hint("use it only for clients that cannot send a body");
    }
}
