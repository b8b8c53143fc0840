//! Which parts of the file must never be shown: inline secrets, where they belong and where they were put by mistake.

use std::ops::Range;

use super::tree::{Entry, Node, Style, Tree, Value};

/// Keys whose values are secrets, wherever they stand.
const SECRET_KEYS: [&str; 9] =
    ["shared", "static", "secret", "secrets", "value", "password", "verify_token", "private_key", "client_secret"];
/// Keys beside a secret whose values may be shown.
const OPEN_KEYS: [&str; 15] = [
    "env",
    "file",
    "encoding",
    "kid",
    "algorithm",
    "label",
    "not_before",
    "not_after",
    "disabled",
    "attributes",
    "path",
    "format",
    "method",
    "info",
    "output",
];

/// Keys of maps that are headers.
const HEADERS: [&str; 2] = ["headers", "set_headers"];
/// What is in the name of a header that lets somebody in.
const OF_CREDENTIALS: [&str; 7] = ["auth", "cookie", "credential", "key", "password", "secret", "token"];

/// Kinds of key sources that hold no keys themselves.
const ELSEWHERE: [&str; 3] = ["sql", "redis", "http"];

/// The byte ranges of every secret, sorted and apart.
pub(super) fn secrets(tree: &Tree) -> Vec<Range<usize>> {
    let mut masks = Vec::new();
    if let Value::Map(entries) = &tree.root.value {
        for entry in entries {
            match entry.key.as_str() {
                "keys" => each_value(entry).for_each(|value| collect_sources(value, &mut masks)),
                "admin" => each_value(entry).for_each(|value| collect_admin(value, &mut masks)),
                _ => collect_entry(entry, Inside::Open, &mut masks),
            }
        }
    } else {
        collect(&tree.root, Inside::Secret, &mut masks);
    }
    masks.sort_by_key(|range| range.start);
    masks
}

/// `keys:`. All is taken for secret but how to ask a source that is elsewhere.
fn collect_sources(node: &Node, masks: &mut Vec<Range<usize>>) {
    let Value::Map(sources) = &node.value else { return collect(node, Inside::Secret, masks) };
    for source in sources {
        match &source.value.value {
            Value::Map(kinds) if source.shadowed.is_empty() => {
                kinds.iter().for_each(|kind| collect_kind(kind, masks));
            }
            Value::Map(_) | Value::List(_) | Value::Scalar(_) => collect_entry(source, Inside::Secret, masks),
        }
    }
}

fn collect_kind(kind: &Entry, masks: &mut Vec<Range<usize>>) {
    match &kind.value.value {
        Value::Map(entries) if ELSEWHERE.contains(&kind.key.as_str()) && kind.shadowed.is_empty() => {
            for entry in entries {
                let inside = if entry.key == "headers" { Inside::Secret } else { Inside::Open };
                collect_entry(entry, inside, masks);
            }
        }
        Value::Map(_) | Value::List(_) | Value::Scalar(_) => collect_entry(kind, Inside::Secret, masks),
    }
}

/// The same of a file that holds nothing else.
pub(super) fn all(tree: &Tree) -> Vec<Range<usize>> {
    let mut masks = Vec::new();
    collect(&tree.root, Inside::Secret, &mut masks);
    masks.sort_by_key(|range| range.start);
    masks
}

/// Every comment of a text: an old secret is kept in one more often than not. What `#` is no comment is told by the keys and
/// values it stands in; of a text that could not be parsed each is taken for one.
pub(super) fn comments(text: &str, tree: Option<&Tree>) -> Vec<Range<usize>> {
    let mut written = Vec::new();
    if let Some(tree) = tree {
        collect_written(text, &tree.root, &mut written);
        written.extend(tree.duplicates.iter().map(|duplicate| duplicate.second.bytes()));
        written.sort_by_key(|range| range.start);
    }
    let (mut found, mut at, mut written) = (Vec::new(), 0, written.into_iter().peekable());
    while let Some(sign) = text.get(at..).and_then(|rest| rest.find('#')).map(|ahead| at + ahead) {
        while written.next_if(|range| range.end <= sign).is_some() {}
        if let Some(within) = written.peek().filter(|range| range.contains(&sign)) {
            at = within.end;
            continue;
        }
        let line = text.get(sign..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let shown = line.len() - line.trim_start_matches(['#', ' ', '\t']).len();
        found.push(sign + shown..sign + line.trim_end().len().max(shown));
        at = sign + line.len().max(1);
    }
    found.retain(|range| !range.is_empty());
    found
}

/// Where keys and values stand. A block's place may begin with its `|`, whose line may end in a comment.
fn collect_written(text: &str, node: &Node, written: &mut Vec<Range<usize>>) {
    match &node.value {
        Value::Scalar(scalar) if matches!(scalar.style, Style::Literal | Style::Folded) => {
            let Range { start, end } = node.place.bytes();
            let block = text.get(start..end).filter(|block| block.starts_with(['|', '>']));
            let head = block.map_or(0, |block| block.find('\n').unwrap_or(block.len()));
            written.push(start + head..end);
        }
        Value::Scalar(_) => written.push(node.place.bytes()),
        Value::List(items) => items.iter().for_each(|item| collect_written(text, item, written)),
        Value::Map(entries) => {
            for entry in entries {
                written.push(entry.key_place.bytes());
                each_value(entry).for_each(|value| collect_written(text, value, written));
            }
        }
    }
}

/// All that stands under a key that is not known: it may be a secret whose key was misspelt.
pub(super) fn below(entry: &Entry) -> Vec<Range<usize>> {
    let mut masks = Vec::new();
    each_value(entry).for_each(|value| collect_all(value, &mut masks));
    masks
}

fn collect_all(node: &Node, masks: &mut Vec<Range<usize>>) {
    match &node.value {
        Value::Scalar(_) if node.place.bytes().is_empty() => (),
        Value::Scalar(_) => masks.push(node.place.bytes()),
        Value::List(items) => items.iter().for_each(|item| collect_all(item, masks)),
        Value::Map(entries) => {
            for entry in entries {
                // `{ hunter2 }`, as below.
                masks.extend(entry.value.is_null().then(|| entry.key_place.bytes()));
                each_value(entry).for_each(|value| collect_all(value, masks));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Open,
    Secret,
}

/// Its `token` is a secret; what is called so elsewhere is none.
fn collect_admin(node: &Node, masks: &mut Vec<Range<usize>>) {
    let Value::Map(entries) = &node.value else { return };
    for entry in entries {
        let inside = if entry.key == "token" { Inside::Secret } else { Inside::Open };
        each_value(entry).for_each(|value| collect(value, inside, masks));
    }
}

fn collect(node: &Node, inside: Inside, masks: &mut Vec<Range<usize>>) {
    match &node.value {
        Value::Scalar(_) if inside == Inside::Secret && !node.place.bytes().is_empty() => {
            masks.push(node.place.bytes())
        }
        // A URL with a password in it.
        Value::Scalar(scalar) if scalar.text.contains('@') && scalar.text.contains("://") => {
            masks.push(node.place.bytes())
        }
        Value::Scalar(_) => (),
        Value::List(items) => items.iter().for_each(|item| collect(item, inside, masks)),
        Value::Map(entries) => entries.iter().for_each(|entry| collect_entry(entry, inside, masks)),
    }
}

fn collect_entry(entry: &Entry, inside: Inside, masks: &mut Vec<Range<usize>>) {
    let key = entry.key.as_str();
    let within = if SECRET_KEYS.contains(&key) || is_key_list(entry) {
        Inside::Secret
    } else if OPEN_KEYS.contains(&key) && each_value(entry).all(|value| may_be_shown(key, value)) {
        Inside::Open
    } else {
        inside
    };
    if within == Inside::Open && HEADERS.contains(&key) {
        return each_value(entry).for_each(|value| collect_headers(value, masks));
    }
    // `{ hunter2 }` is a map whose key is `hunter2`: a secret put in braces.
    if inside == Inside::Secret && within == Inside::Secret && entry.value.is_null() {
        masks.push(entry.key_place.bytes());
    }
    each_value(entry).for_each(|value| collect(value, within, masks));
}

/// What goes with requests and answers: a text that is always the same may be what an upstream lets the gateway in by.
fn collect_headers(node: &Node, masks: &mut Vec<Range<usize>>) {
    let Value::Map(entries) = &node.value else { return collect(node, Inside::Open, masks) };
    for entry in entries {
        let inside = if is_of_credentials(&entry.key) { Inside::Secret } else { Inside::Open };
        for value in each_value(entry) {
            let shown = matches!(&value.value, Value::Scalar(scalar) if has_source(&scalar.text));
            collect(value, if shown { Inside::Open } else { inside }, masks);
        }
    }
}

fn is_of_credentials(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    OF_CREDENTIALS.iter().any(|word| name.contains(word))
}

/// Whether a template is made of more than text.
fn has_source(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| matches!(pair, [b'{', b'a'..=b'z']))
}

/// Its value, and those of the same key further down.
fn each_value(entry: &Entry) -> impl Iterator<Item = &Node> {
    std::iter::once(&entry.value).chain(&entry.shadowed)
}

/// `keys:` of a `tokens` entry (a list), not of a scheme (a name).
fn is_key_list(entry: &Entry) -> bool {
    entry.key == "keys" && each_value(entry).any(|value| !matches!(value.value, Value::Scalar(_)))
}

/// `env: NAME` unless what stands there cannot be a name and so may be the secret itself.
fn may_be_shown(key: &str, value: &Node) -> bool {
    match &value.value {
        Value::Scalar(scalar) if key == "env" => is_variable_name(&scalar.text),
        Value::Scalar(_) => true,
        Value::Map(_) => key == "attributes",
        Value::List(_) => false,
    }
}

/// Whether a shell could set a variable of that name.
pub(super) fn is_variable_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether the line at `offset` of a text that could not be parsed may hold a secret.
///
/// There is no tree to ask, so only lines of the sections that hold none are shown.
pub(super) fn may_hold_secret(text: &str, offset: usize) -> bool {
    const HARMLESS: [&str; 9] =
        ["listen", "trusted_proxies", "schemes", "upstreams", "routes", "refusals", "limits", "timeouts", "log"];
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let rest = text.get(before.len()..).unwrap_or_default().lines().next().unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default().to_owned() + rest;
    let starts_section = |line: &&str| line.starts_with(|first: char| !" \t#-".contains(first));
    let section = before.lines().chain([line.as_str()]).rfind(starts_section);
    let name = section.and_then(|line| line.split_once(':')).map(|(name, _)| name);
    let is_header = |word: &str| {
        let name = word.strip_suffix(':').filter(|name| is_of_credentials(name));
        name.is_some_and(|name| {
            name.contains('-') || ["authorization", "cookie"].contains(&&*name.to_ascii_lowercase())
        })
    };
    let mut words = line.split(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | ':'));
    !name.is_some_and(|name| HARMLESS.contains(&name))
        || line.contains('@')
        || words.any(is_header)
        || SECRET_KEYS.iter().any(|key| line.contains(key))
}

#[cfg(test)]
mod tests {
    use super::{super::tree, *};

    fn masked(text: &str) -> Vec<&str> {
        secrets(&tree::parse(text).unwrap()).into_iter().map(|range| text.get(range).unwrap()).collect()
    }

    #[test]
    fn secrets_are_found_where_they_belong() {
        assert_eq!(masked("keys: { a: { shared: hunter2 } }"), ["hunter2"]);
        assert_eq!(masked("admin: { address: a, token: hunter2 }"), ["hunter2"]);
        assert!(masked("admin: { address: a, token: { env: ADMIN_TOKEN } }").is_empty());
        assert_eq!(masked("keys: { a: { static: { id: [{ value: s3, encoding: hex }, 'x y'] } } }"), ["s3", "'x y'"]);
        assert_eq!(masked("tokens: { t: { keys: [{ kid: k, algorithm: HS256, secret: { value: v } }] } }"), ["v"]);
        assert!(masked("keys: { a: { shared: { env: API_KEY } } }\nschemes: { s: { keys: a } }").is_empty());
    }

    #[test]
    fn of_a_source_elsewhere_only_what_lets_one_in_is_secret() {
        assert!(masked("keys: { a: { sql: { url: { env: URL }, query: select } } }").is_empty());
        assert_eq!(masked("keys: { a: { sql: { url: 'postgres://u:hunter2@h/d' } } }"), ["'postgres://u:hunter2@h/d'"]);
        assert_eq!(masked("keys: { a: { sql: { password: hunter2, timeout: 1s } } }"), ["hunter2"]);
        assert_eq!(masked("keys: { a: { http: { headers: { X-Key: hunter2 } } } }"), ["hunter2"]);
        assert_eq!(masked("keys: { a: { sql: hunter2 } }"), ["hunter2"]);
        assert_eq!(masked("keys: { a: { static: { sql: hunter2 } } }"), ["hunter2"]);
        assert_eq!(masked("keys: { a: { static: { sql: { query: hunter2 } } } }"), ["hunter2"]);
    }

    #[test]
    fn a_comment_is_what_stands_behind_a_number_sign_outside_of_keys_and_values() {
        let found = |text: &str| -> Vec<String> {
            let ranges = comments(text, Some(&tree::parse(text).unwrap()));
            ranges.into_iter().map(|range| text.get(range).unwrap().to_owned()).collect()
        };
        assert_eq!(found("k: { shared: { foo: x } } # old s3\nb: 1 #  \n## top\n"), ["old s3", "top"]);
        assert_eq!(found("a: '# no' # yes\n'b # no': c#d # ja\ne: \"x\n  # no\" # oui\r\n"), ["yes", "ja", "oui"]);
        assert_eq!(found("a: | # yes\n  # no\nb: [1, # si\n 2]\na: 'x # no'\n'a': '# no' # da\n"), ["yes", "si", "da"]);
        let broken = comments("a: [\nb: 'x # all' # s3\nc: 1", None);
        assert_eq!(broken.first(), Some(&(13..22)));
    }

    #[test]
    fn what_lets_the_gateway_in_elsewhere_is_a_secret_and_a_template_is_none() {
        let route = |headers: &str| format!("routes: [{{ to: a, set_headers: {{ {headers} }} }}]");
        assert_eq!(masked(&route("Authorization: Bearer hunter2, X-Plain: x")), ["Bearer hunter2"]);
        assert_eq!(masked(&route("X-Api-Key: hunter2, x-auth-token: s3, Cookie: 'a=b'")), ["hunter2", "s3", "'a=b'"]);
        assert!(masked(&route("Authorization: 'Bearer {claim:token}', X-Key: '{key:owner}'")).is_empty());
        assert_eq!(masked("users: { a: { http: { headers: { X-Key: hunter2, Accept: a } } } }"), ["hunter2"]);
        assert_eq!(masked("upstreams: { a: { respond: { headers: { Set-Cookie: hunter2 } } } }"), ["hunter2"]);
        assert!(masked("schemes: { s: { values: { l: { headers: [x-key], each: x } } } }").is_empty());
        let line = |text: &str| may_hold_secret(text, text.len());
        assert!(line("routes:\n  - set_headers: { Authorization: Basic hunter2, [ }"));
        assert!(line("routes:\n  - set_headers: { x-api-key: hunter2, [ }"));
        assert!(!line("routes:\n  - set_headers: { X-Subject: '{key:owner}', [ }"));
        assert!(!line("schemes:\n  s: { key_id: '{header:X-Key}', [ }"));
    }

    #[test]
    fn secrets_are_found_where_they_were_put_by_mistake() {
        assert_eq!(masked("keys: { a: { static: { d: { attributes: { tenant: acme }, secrets: s3 } } } }"), ["s3"]);
        assert_eq!(masked("keys: { a: { static: { d: { attributes: [s3] } } } }"), ["s3"]);
        assert_eq!(masked("keys: hunter2"), ["hunter2"]);
        assert_eq!(masked("keys: { a: hunter2 }"), ["hunter2"]);
        assert_eq!(masked("keys: { a: { shared: { vaule: hunter2 } } }"), ["hunter2"]);
        assert_eq!(masked("keys: { a: { shared: { hunter2 } } }"), ["hunter2"]);
        assert_eq!(masked("keys: { a: { shared: { env: 'hunter2!' } } }"), ["'hunter2!'"]);
        assert_eq!(masked("keys: { a: { shared: { env: K, env: 'hunter2!' } } }"), ["K", "'hunter2!'"]);
        assert_eq!(masked("schemes: { s: { keys: { shared: hunter2 } } }"), ["hunter2"]);
        assert_eq!(masked("tokens: { t: { keys: [hunter2] } }"), ["hunter2"]);
        assert_eq!(masked("secret: hunter2"), ["hunter2"]);
        assert_eq!(
            masked("keys: { a: { shared: x1, shared: [hunter2] } }\nkeys: hunter2"),
            ["x1", "hunter2", "hunter2"]
        );
        assert_eq!(masked("hunter2"), ["hunter2"]);
        assert_eq!(masked("upstreams: { u: { servers: [http://u:hunter2@h] } }"), ["http://u:hunter2@h"]);
    }

    #[test]
    fn a_broken_text_shows_no_line_of_a_section_with_secrets() {
        let text = "keys:\n  a: { shared: \"hun }\nroutes:\n  - path: [\n  - secret: x\n";
        assert!(may_hold_secret(text, 20));
        assert!(!may_hold_secret(text, 44));
        assert!(may_hold_secret(text, 56));
        assert!(may_hold_secret("{ keys: { a: b", 5));
    }
}
