//! Where a secret comes from: a variable, a file, or (with a warning) the config itself.

use zeroize::Zeroizing;

use super::{
    environment::why_unreadable,
    mask::is_variable_name,
    reader::Reader,
    shape::Fields,
    tree::{Entry, Node, Place, Value},
};
use crate::{
    keys::{Encoding, SHORTEST_GOOD_SECRET},
    secret::Secret,
};

/// Shortest HMAC key that draws no warning, in bytes: 128 bits.
pub(super) const SHORTEST_HMAC: usize = SHORTEST_GOOD_SECRET;

/// Characters that would hardly all be hexadecimal digits if they were base64: one in 10^15 is.
const SHORTEST_HEX: usize = 32;

const FORMS: &str = "`{ env: NAME }`, `{ file: path }` or `{ value: \"…\" }`";

/// One secret. `shortest` bytes are wanted for `purpose`; fewer draw a warning.
pub(super) fn secret(node: &Node, reader: &mut Reader<'_>, shortest: usize, purpose: &str) -> Option<Secret> {
    secret_beside(&[], node, reader, shortest, purpose)
}

/// The same where `beside` are other keys that its map may have, and that are somebody else's to read.
pub(super) fn secret_beside(
    beside: &[&str],
    node: &Node,
    reader: &mut Reader<'_>,
    shortest: usize,
    purpose: &str,
) -> Option<Secret> {
    let secret = match &node.value {
        Value::Scalar(_) => inline(node, Encoding::Text, reader)?,
        Value::Map(_) => from_map(node, beside, reader)?,
        Value::List(_) => {
            reader.error(node.place, "a secret cannot be a list").expected(FORMS);
            return None;
        }
    };
    if secret.is_empty() {
        reader
            .error(node.place, "the secret is empty")
            .hint("an empty key lets everyone in; `openssl rand -hex 32` makes a good one");
        return None;
    }
    if secret.len() < shortest {
        let bytes = if secret.len() == 1 { "byte" } else { "bytes" };
        reader
            .warning(
                node.place,
                format!("the secret has {} {bytes}; {purpose} should have {shortest} or more", secret.len()),
            )
            .hint("`openssl rand -hex 32` makes a good one");
    }
    Some(secret)
}

fn from_map(node: &Node, beside: &[&str], reader: &mut Reader<'_>) -> Option<Secret> {
    let known = [&["env", "file", "value", "encoding"], beside].concat();
    let fields = reader.fields(node, "a secret", &known)?;
    let encoding = match fields.value("encoding") {
        None => Encoding::Text,
        Some(node) => reader.choice(node, "the encoding of a secret", &Encoding::NAMES)?,
    };
    let source = only_source(&fields, beside, reader)?;
    match source.key.as_str() {
        "env" => from_variable(&source.value, encoding, reader),
        "file" => from_file(&source.value, encoding, reader),
        _ => inline(&source.value, encoding, reader),
    }
}

fn only_source<'t>(fields: &Fields<'t>, beside: &[&str], reader: &mut Reader<'_>) -> Option<&'t Entry> {
    let mut sources = fields.entries().iter().filter(|entry| ["env", "file", "value"].contains(&entry.key.as_str()));
    let first = sources.next();
    if let Some(second) = sources.next() {
        reader.error(second.key_place, "a secret comes from one place").expected(FORMS);
        return None;
    }
    // A map with an unknown key has been reported already.
    if first.is_none()
        && fields.entries().iter().map(|entry| entry.key.as_str()).all(|key| key == "encoding" || beside.contains(&key))
    {
        reader.error(fields.place, "a secret must say where it comes from").expected(FORMS);
    }
    first
}

fn from_variable(node: &Node, encoding: Encoding, reader: &mut Reader<'_>) -> Option<Secret> {
    let name = reader.text(node, "the name of a variable")?;
    if !is_variable_name(name) {
        reader.error(node.place, "this is not the name of an environment variable").expected("letters, digits and `_`");
        return None;
    }
    let Some(value) = reader.environment.variable(name) else {
        reader
            .error(node.place, format!("the environment variable `{name}` is not set"))
            .hint("`export` hands a variable on; `sudo` and service managers hand on only those that they are told of");
        return None;
    };
    warn_of_oddities(&value, &format!("the value of `{name}`"), node.place, reader);
    decode(Zeroizing::new(value), encoding, node.place, reader)
}

fn from_file(node: &Node, encoding: Encoding, reader: &mut Reader<'_>) -> Option<Secret> {
    let path = reader.path(node, "the path of a secret")?;
    match reader.environment.file(&path) {
        Ok(content) => {
            let mut content = Zeroizing::new(content);
            cut_newline(&mut content);
            warn_of_oddities(&content, "the secret's file", node.place, reader);
            decode(content, encoding, node.place, reader)
        }
        Err(error) => {
            reader.error(node.place, format!("the secret's file cannot be read: {}", why_unreadable(&error)));
            None
        }
    }
}

/// Warns of what an editor, a shell or a file of variables may have put around a secret.
fn warn_of_oddities(written: &[u8], what: &str, place: Place, reader: &mut Reader<'_>) {
    let is_document = [b"-----BEGIN".as_slice(), b"{"].into_iter().any(|begin| written.starts_with(begin));
    let is_quoted = |quote: u8| written.len() > 2 && written.starts_with(&[quote]) && written.ends_with(&[quote]);
    let odd = match written {
        [0xef, 0xbb, 0xbf, ..] => "begins with a byte order mark",
        _ if is_document => return,
        [.., last] if last.is_ascii_whitespace() => "ends in white space",
        [first, ..] if first.is_ascii_whitespace() => "begins with white space",
        _ if is_quoted(b'"') || is_quoted(b'\'') => "stands in quotes",
        _ => return,
    };
    reader.warning(place, format!("{what} {odd}, which is part of the key"));
}

/// Editors end a file with a newline that nobody means as part of the key; only one is cut.
fn cut_newline(content: &mut Vec<u8>) {
    if content.last() == Some(&b'\n') {
        content.pop();
        if content.last() == Some(&b'\r') {
            content.pop();
        }
    }
}

fn inline(node: &Node, encoding: Encoding, reader: &mut Reader<'_>) -> Option<Secret> {
    let text = &reader.scalar(node, "a secret")?.text;
    if let Some(name) = placeholder(text) {
        let meant = name.map_or("`{ env: NAME }`, with the variable's name".to_owned(), |name| {
            format!("did you mean `{{ env: {name} }}`?")
        });
        reader
            .error(node.place, "nothing is put in the place of this: the text itself would be the secret")
            .expected(FORMS)
            .hint(meant);
        return None;
    }
    reader
        .warning(node.place, "this secret stands in the config itself")
        .hint("`{ env: NAME }` or `{ file: path }` keeps it out of the file, and out of its history");
    decode(Zeroizing::new(text.clone().into_bytes()), encoding, node.place, reader)
}

/// Whether a text is what other programs replace: `${NAME}`, `$NAME`, `{{ … }}`. With the variable's name, where it is one.
fn placeholder(text: &str) -> Option<Option<&str>> {
    let is_shouted = |name: &&str| is_variable_name(name) && !name.bytes().any(|byte| byte.is_ascii_lowercase());
    if let Some(name) = text.strip_prefix('$').filter(|name| name.len() > 2).filter(is_shouted) {
        return Some(Some(name));
    }
    let within = |open: &str, close: &str| Some(text.split_once(open)?.1.split_once(close)?.0);
    if let Some(inner) = within("${", "}") {
        // `${NAME:-default}`
        let name = inner.split([':', '-', '?']).next().unwrap_or_default();
        return Some(Some(name).filter(is_shouted));
    }
    within("{{", "}}").map(|_| None)
}

fn decode(written: Zeroizing<Vec<u8>>, encoding: Encoding, place: Place, reader: &mut Reader<'_>) -> Option<Secret> {
    let decoded = encoding.bytes(&written);
    if decoded.is_none() {
        let error = reader.error(place, format!("the secret is not {}", encoding.form()));
        let mut others = Encoding::NAMES.iter().filter(|(_, other)| !matches!(other, Encoding::Text));
        if let Some((name, _)) = others.find(|(_, other)| other.bytes(&written).is_some()) {
            error.hint(format!("it can be read with `encoding: {name}`"));
        }
    }
    let is_hex = |written: &[u8]| written.len() >= SHORTEST_HEX && written.iter().all(u8::is_ascii_hexdigit);
    if matches!(encoding, Encoding::Base64 | Encoding::Base64Url)
        && is_hex(&written)
        && reader.environment.has_secrets()
    {
        let bytes = written.len() / 4 * 3;
        reader
            .warning(place, format!("the secret looks like hexadecimal, and is decoded as base64, to {bytes} bytes"))
            .hint("`encoding: hex` decodes it as such; without `encoding` the text itself is the key");
    }
    decoded.map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{environment::Fixed, mask, tree},
        *,
    };

    fn read(text: &str) -> (Option<Vec<u8>>, String) {
        let text = &format!("secret: {text}");
        let tree = tree::parse(text).unwrap();
        let environment = Fixed {
            variables: vec![
                ("LONG", "0123456789abcdef0123456789abcdef"),
                ("EMPTY", ""),
                ("SPACED", "0123456789abcdef\n"),
                ("QUOTED", "\"0123456789abcdef\""),
            ],
            files: vec![
                ("key", "file-secret-of-20-by\n"),
                ("two", "file-secret-of-20-by\n\n"),
                ("crlf", "0123456789abcdef\r\n"),
                ("marked", "\u{feff}0123456789abcdef\n"),
                ("led", " 0123456789abcdef\n"),
                ("pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n\n"),
            ],
        };
        let masks = mask::secrets(&tree);
        let mut reader = Reader::new("t.yaml", text, &environment);
        reader.masks = masks;
        let Value::Map(entries) = &tree.root.value else { panic!("not a map") };
        let secret = secret(&entries[0].value, &mut reader, 16, "an HMAC key");
        let shown: Vec<String> = reader.into_problems().iter().map(ToString::to_string).collect();
        (secret.map(|secret| secret.expose().to_vec()), shown.join("\n"))
    }

    #[test]
    fn a_variable_and_a_file_give_a_secret_without_a_word() {
        assert_eq!(read("{ env: LONG }"), (Some(b"0123456789abcdef0123456789abcdef".to_vec()), String::new()));
        assert_eq!(read("{ file: key }"), (Some(b"file-secret-of-20-by".to_vec()), String::new()));
        assert_eq!(read("{ env: LONG, encoding: hex }").0.unwrap().len(), 16);
        assert_eq!(read("{ env: LONG, encoding: base64 }").0.unwrap().len(), 24);
    }

    #[test]
    fn exactly_one_trailing_newline_of_a_file_is_cut() {
        assert_eq!(read("{ file: two }").0.unwrap(), b"file-secret-of-20-by\n");
        assert_eq!(read("{ file: crlf }").0.unwrap(), b"0123456789abcdef");
        assert!(read("{ env: SPACED }").1.contains("ends in white space"));
    }

    #[test]
    fn what_was_put_around_a_secret_by_mistake_is_warned_of() {
        for (text, wanted) in [
            ("{ env: SPACED }", "the value of `SPACED` ends in white space, which is part of the key"),
            ("{ env: QUOTED }", "the value of `QUOTED` stands in quotes"),
            ("{ file: two }", "the secret's file ends in white space"),
            ("{ file: marked }", "the secret's file begins with a byte order mark"),
            ("{ file: led }", "the secret's file begins with white space"),
        ] {
            let (secret, problems) = read(text);
            assert!(secret.is_some() && problems.contains(wanted), "{text}: {problems}");
        }
        assert_eq!(read("{ file: pem }").1, "", "white space is nothing in PEM");
    }

    #[test]
    fn what_other_programs_would_replace_is_no_secret() {
        for text in ["\"${LONG}\"", "\"${LONG:-hunter2}\"", "$LONG", "{ value: \"x-${LONG}\" }"] {
            let (secret, problems) = read(text);
            assert!(secret.is_none() && problems.contains("did you mean `{ env: LONG }`?"), "{text}: {problems}");
            assert!(!problems.contains("hunter2"), "{problems}");
        }
        let (secret, problems) = read("\"{{ .Values.key }}\"");
        assert!(secret.is_none() && problems.contains("hint: `{ env: NAME }`"), "{problems}");
        for text in [
            "'$2b$12$abcdefghijklmnop'",
            "'pa$$word-of-enough-bytes'",
            "'{{not-closed-of-enough'",
            "'$lower-of-enough'",
        ] {
            assert!(read(text).0.is_some(), "{text}");
        }
    }

    #[test]
    fn an_inline_secret_works_with_a_warning_that_does_not_show_it() {
        let (secret, problems) = read("hunter2-hunter2-hunter2");
        assert_eq!(secret.unwrap(), b"hunter2-hunter2-hunter2");
        assert!(problems.contains("stands in the config itself") && !problems.contains("hunter2"), "{problems}");
    }

    #[test]
    fn short_secrets_are_warned_of_and_empty_ones_refused() {
        let (secret, problems) = read("{ value: abc }");
        assert!(secret.is_some() && problems.contains("has 3 bytes") && !problems.contains("abc"), "{problems}");
        assert!(read("{ env: EMPTY }").0.is_none());
        assert!(read("''").0.is_none());
    }

    #[test]
    fn a_secret_in_another_encoding_than_the_one_named_is_told_which() {
        assert_eq!(read("{ value: -_-_YWJj, encoding: base64url }").0.unwrap(), b"\xfb\xff\xbfabc");
        for (text, hint) in [
            ("{ value: -_-_YWJj, encoding: base64 }", "with `encoding: base64url`"),
            ("{ value: +/+/YQ==, encoding: base64url }", "with `encoding: base64`"),
            ("{ value: YWJjZGVm, encoding: hex }", "with `encoding: base64`"),
        ] {
            let (secret, shown) = read(text);
            assert!(secret.is_none() && shown.contains(&format!("it can be read {hint}")), "{text}: {shown}");
        }
        assert!(!read("{ value: '!', encoding: hex }").1.contains("it can be read"));
    }

    #[test]
    fn unset_unreadable_undecodable_and_shapeless_secrets_are_refused() {
        for text in [
            "{ env: UNSET }",
            "{ env: 'not a name' }",
            "{ file: missing }",
            "{ value: xyz, encoding: hex }",
            "{ value: YQ, encoding: base64 }",
            "{ env: LONG, file: key }",
            "{ encoding: hex }",
            "{ env: LONG, encoding: rot13 }",
            "{ hunter2 }",
            "[a]",
            "~",
        ] {
            let (secret, problems) = read(text);
            assert!(secret.is_none() && problems.contains("error:"), "{text}: {problems}");
            assert!(!problems.contains("hunter2"), "{problems}");
        }
    }
}
