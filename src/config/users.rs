//! `users:`: who may log in, and the files that list them. Those who are elsewhere: `users_elsewhere`.

use std::path::Path;

use serde_json::{Map, Value as Json};

use super::{
    Problem,
    checked::{User, Users, UsersSource},
    environment::{Environment, why_unreadable},
    mask,
    reader::Reader,
    section::Section,
    tree::{self, Entry, Node, Scalar, Style, Value, is_whole_number},
    users_elsewhere,
};
use crate::password::PasswordHash;

/// Claims that the issuer alone writes: what is said of a user cannot stand in for them.
pub(super) const OF_THE_ISSUER: [&str; 7] = ["iss", "sub", "aud", "iat", "nbf", "exp", "jti"];

/// Longest name, in bytes: as much as a login reads from a request.
const LONGEST_NAME: usize = 256;

/// Reads the section.
pub(super) fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Section<Users> {
    Section::read(node, "users", "source of users", reader, users)
}

/// Reads a file of users, and what is to be said of it. There are none where any of it is wrong.
pub fn read_file(path: &Path, environment: &dyn Environment) -> (Option<Vec<User>>, Vec<Problem>) {
    let file = path.display().to_string();
    let unreadable = |message: String| (None, vec![super::whole_file(&file, message)]);
    let text = match environment.file(path).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => return unreadable("the file is not UTF-8".to_owned()),
        Err(error) => return unreadable(format!("the file of users cannot be read: {}", why_unreadable(&error))),
    };
    let mut reader = Reader::new(&file, &text, environment);
    let users = listed(&text, &mut reader);
    let users = users.filter(|_| !reader.found_errors());
    (users, reader.into_problems())
}

fn users(entry: &Entry, reader: &mut Reader<'_>) -> Option<Users> {
    let what = format!("the source of users {}", reader.quote(entry.key_place, &entry.key));
    let source = reader.one_key(&entry.value, &what, &["file", "sql", "http"])?;
    if source.key != "file" {
        let elsewhere = Box::new(users_elsewhere::read(source, reader)?);
        return Some(Users { name: entry.key.clone(), source: UsersSource::Elsewhere(elsewhere) });
    }
    let path = reader.path(&source.value, "the path of a file of users")?;
    let (users, problems) = match reader.environment.has_secrets() {
        true => read_file(&path, reader.environment),
        false => (Some(Vec::new()), Vec::new()),
    };
    reader.adopt(problems);
    Some(Users { name: entry.key.clone(), source: UsersSource::File { path, users: users? } })
}

fn listed(text: &str, reader: &mut Reader<'_>) -> Option<Vec<User>> {
    let tree = match tree::parse(text) {
        Ok(tree) => tree,
        Err(broken) => {
            // Whatever the line is, it may hold a hash.
            reader.hidden = true;
            reader.error(broken.place, broken.message);
            return None;
        }
    };
    reader.masks = mask::all(&tree);
    reader.masks.extend(mask::comments(text, Some(&tree)));
    super::report_duplicates(&tree, reader);
    let entries = reader.map(&tree.root, "a file of users")?;
    if entries.is_empty() {
        reader.warning(tree.root.place, "there is no user in this file: nobody can log in");
    }
    Some(entries.iter().filter_map(|entry| user(entry, reader)).collect())
}

fn user(entry: &Entry, reader: &mut Reader<'_>) -> Option<User> {
    let name = &entry.key;
    let shown = reader.quote(entry.key_place, name);
    if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        reader
            .error(entry.key_place, format!("{shown} cannot be the name of a user"))
            .expected(format!("1 to {LONGEST_NAME} bytes without control characters"));
    }
    let fields = reader.fields(&entry.value, &format!("the user {shown}"), &["password", "claims", "disabled"])?;
    let password = fields.required("password", reader).and_then(|node| hash(node, reader));
    let claims = fields.value("claims").map(|node| claims(node, reader)).unwrap_or_default();
    let disabled = fields.value("disabled").map_or(Some(false), |node| reader.boolean(node, "`disabled`"));
    Some(User { name: name.clone(), password: password?, claims: Json::Object(claims), disabled: disabled? })
}

fn hash(node: &Node, reader: &mut Reader<'_>) -> Option<PasswordHash> {
    let text = reader.text(node, "the hash of a password")?;
    match PasswordHash::parse(text) {
        Ok(hash) => Some(hash),
        Err(fault) => {
            reader
                .error(node.place, format!("this is no hash of a password: {fault}"))
                .hint("`countersign hash-password` makes one");
            None
        }
    }
}

fn claims(node: &Node, reader: &mut Reader<'_>) -> Map<String, Json> {
    let mut claims = Map::new();
    for entry in reader.map(node, "`claims` of a user").unwrap_or_default() {
        check_claim(entry, &OF_THE_ISSUER, reader);
        claims.insert(entry.key.clone(), json(&entry.value));
    }
    claims
}

/// Reports a claim that the issuer writes itself.
pub(super) fn check_claim(entry: &Entry, reserved: &[&str], reader: &mut Reader<'_>) {
    if reserved.contains(&entry.key.as_str()) {
        reader.error(entry.key_place, format!("the claim `{}` is written by the issuer itself", entry.key));
    }
}

/// A value as JSON: what is quoted is text, `true`, `false`, `null` and whole numbers are themselves.
pub(super) fn json(node: &Node) -> Json {
    match &node.value {
        Value::Scalar(scalar) => scalar_json(scalar),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect())
        }
    }
}

fn scalar_json(scalar: &Scalar) -> Json {
    let text = scalar.text.as_str();
    match (scalar.style, text) {
        (Style::Plain, "" | "~" | "null") => Json::Null,
        (Style::Plain, "true") => Json::Bool(true),
        (Style::Plain, "false") => Json::Bool(false),
        (Style::Plain, number) if is_whole_number(number) => {
            number.parse::<i64>().map_or_else(|_| Json::from(number), Json::from)
        }
        (_, text) => Json::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::environment::Fixed, *};

    const HASH: &str = "$2b$04$elenKc2cw8RjdgO1yuz.NOccPTEyrr8RoQ9PRKsGbHFjKv305PXKW";

    fn read(text: &str) -> (Option<Vec<User>>, String) {
        let text: &'static str = text.replace("HASH", HASH).leak();
        let environment = Fixed { files: vec![("users.yaml", text)], ..Fixed::default() };
        let (users, problems) = read_file(Path::new("users.yaml"), &environment);
        (users, problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn a_user_has_a_hash_and_claims_of_the_types_that_were_meant() {
        let (users, problems) = read(concat!(
            "alice: { password: HASH, claims: { role: admin, level: 3, '/x': '3', teams: [a, true], none: ~ } }\n",
            "'bob@example.com': { password: 'HASH', disabled: true }\n",
        ));
        let users = users.unwrap();
        assert_eq!(problems, "");
        let claims = r#"{"/x":"3","level":3,"none":null,"role":"admin","teams":["a",true]}"#;
        assert_eq!((users[0].name.as_str(), users[0].claims.to_string().as_str()), ("alice", claims));
        assert!(users[1].disabled && !users[0].disabled);
    }

    #[test]
    fn a_file_of_users_that_is_wrong_anywhere_gives_none_and_shows_no_hash() {
        for (text, said) in [
            ("alice: { password: hunter2-hunter2 }", "no hash of a password"),
            ("alice: { pasword: HASH }", "unknown key"),
            ("alice: {}", "`password` is missing"),
            ("alice: HASH", "must be a map"),
            ("alice: { password: HASH, claims: { sub: bob } }", "written by the issuer"),
            ("alice: { password: HASH }\nalice: { password: HASH }", "stands twice"),
            ("alice: { password: \"HASH }", ""),
            ("- HASH", "must be a map"),
            ("'a\\u0000': { password: HASH }\nb: { password: x }", "no hash"),
        ] {
            let (users, problems) = read(text);
            assert!(users.is_none() && problems.contains("error") && problems.contains(said), "{text}: {problems}");
            assert!(!problems.contains("hunter2") && !problems.contains("elenKc2"), "{text}: {problems}");
        }
    }
}
