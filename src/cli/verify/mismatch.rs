//! What was signed and what came, side by side, for whoever holds the secret: that is where a wrong signature is seen.

use std::fmt;

use super::{
    messages::{self, Bodies},
    slips,
};
use crate::{
    cli::{key_file::KeyFile, request::RawRequest, words},
    scheme::{Body, Carrier, Explanation, Scheme, View},
    secret::Secret,
};

/// Bytes of a message that are shown.
const MOST_SHOWN: usize = 4_096;

/// Shows message, signature and what may have gone wrong. Nothing where the request lacks what would be signed.
pub(super) fn show(scheme: &Scheme, keys: &KeyFile, request: &RawRequest, view: &View<'_>, now_millis: i64) {
    let Ok(explanation) = scheme.explain(view, now_millis) else { return };
    let (own, others) = keys.of(explanation.key_id.as_deref());
    let message = Escaped(&explanation.message);
    let length = explanation.message.len();
    words(format_args!(
        "\n  A signature is made of a key and a message. Of this request the scheme `{}` signs a message of\n  \
         {length} bytes; `\\n` stands for a newline:\n\n{message}",
        scheme.name()
    ));
    if !explanation.pieces.is_empty() {
        words(format_args!("  which has in it\n\n{}", Pieces(&explanation.pieces)));
    }
    let mut is_mac = false;
    for secret in &own {
        let Some(signature) = signature(scheme, &explanation, secret) else { continue };
        is_mac = true;
        let (algorithm, bytes) = (explanation.algorithm.name(), secret.len());
        words(format_args!("  {algorithm} of it, by the key of {bytes} bytes: {signature}"));
    }
    for came in &explanation.came {
        words(format_args!("  what came in {}: {}", carrier(scheme), OneLine(came)));
    }
    if is_mac {
        let other_bodies = messages::other_bodies(request.body()).into_iter().filter_map(|(told, body)| {
            let view = View { body: Body::Memory(&body), ..*view };
            Some((told, scheme.explain(&view, now_millis).ok()?.message))
        });
        let bodies = Bodies { whole: request.body(), others: other_bodies.collect() };
        hint(slips::find(scheme, &explanation, &own, &others, bodies));
    }
}

/// Shows where a signature was looked for, and in which headers it may have been put instead.
pub(super) fn show_carrier(scheme: &Scheme, request: &RawRequest) {
    words(format_args!("  it is looked for in {}", carrier(scheme)));
    let is_like_one = |name: &&str| {
        let name = name.to_ascii_lowercase();
        ["sign", "hmac", "auth", "mac"].iter().any(|part| name.contains(part))
    };
    let fields = request.head().fields();
    let names: Vec<String> = fields.map(|(name, _)| name).filter(is_like_one).map(|name| format!("`{name}`")).collect();
    if !names.is_empty() {
        words(format_args!("  hint: the request has {}", names.join(", ")));
    }
}

/// Ids shown of a keys file.
const MOST_IDS: usize = 10;

/// Shows who the request says to be from, and whom the keys file knows.
pub(super) fn show_ids(scheme: &Scheme, keys: &KeyFile, view: &View<'_>) {
    let explanation = scheme.explain(view, 0).ok();
    let Some(id) = explanation.and_then(|explanation| explanation.key_id) else { return };
    let ids = keys.ids();
    words(format_args!("  the request says to be from `{}`", OneLine(&id)));
    match ids.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(&id)) {
        Some(known) => {
            words(format_args!("  hint: the keys file has `{known}`; upper and lower case are not the same"))
        }
        // What is taken for an id may be a secret, or the beginning of one.
        None if !keys.has_named_ids() => words(format_args!("{}", counted(ids.len()))),
        None => {
            let more = if ids.len() > MOST_IDS { ", …" } else { "" };
            let shown: Vec<&str> = ids.into_iter().take(MOST_IDS).collect();
            words(format_args!("  the keys file has {}{more}", shown.join(", ")));
        }
    }
}

fn counted(ids: usize) -> String {
    match ids {
        0 => "  the keys file has no id".to_owned(),
        1 => "  the keys file has 1 id, another one".to_owned(),
        more => format!("  the keys file has {more} ids, and none is that one"),
    }
}

fn signature(scheme: &Scheme, explanation: &Explanation<'_>, secret: &Secret) -> Option<String> {
    let key = scheme.key_recipe().verifying(secret).ok()?;
    Some(explanation.written(&explanation.mac(&key, &explanation.message)?))
}

fn hint(found: Option<Vec<String>>) {
    match found {
        Some(slips) if slips.is_empty() => {
            words(format_args!("\n  hint: it is the right signature, written otherwise than the scheme wants it"));
        }
        Some(slips) => words(format_args!("\n  hint: it would fit if {}", slips.join(", and "))),
        None => words(format_args!(
            "\n  hint: none of the usual slips makes it fit; compare the message with what the client signs, byte for \
             byte,\n  and the key's length with that of the client's"
        )),
    }
}

fn carrier(scheme: &Scheme) -> String {
    match scheme.carrier() {
        Carrier::Header(name) => name.clone(),
        Carrier::Query(name) => format!("the query parameter `{name}`"),
        Carrier::Json(pointer) => format!("the JSON field `{pointer}`"),
        Carrier::Form(name) => format!("the form field `{name}`"),
    }
}

/// A message, line by line as it may stand on a terminal, with `\n` where a line ends.
struct Escaped<'m>(&'m [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..MOST_SHOWN).unwrap_or(self.0);
        for line in shown.split_inclusive(|byte| *byte == b'\n') {
            writeln!(f, "    {}", OneLine(line))?;
        }
        match self.0.len() - shown.len() {
            0 => Ok(()),
            more => writeln!(f, "    … and {more} bytes more"),
        }
    }
}

/// What a message is made of, a line each; the table is as wide as a terminal.
struct Pieces<'p>(&'p [(String, Vec<u8>)]);

/// Bytes of a piece that are shown.
const MOST_OF_PIECE: usize = 48;

impl fmt::Display for Pieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|(source, _)| source.chars().count()).max().unwrap_or(0);
        for (source, value) in self.0 {
            match value.get(..MOST_OF_PIECE) {
                None => writeln!(f, "    {source:width$}  {}", OneLine(value))?,
                Some(cut) => writeln!(f, "    {source:width$}  {}… ({} bytes)", OneLine(cut), value.len())?,
            }
        }
        Ok(())
    }
}

/// Bytes as they may stand on a terminal: what is no letter of any script is written as in a string of C.
struct OneLine<'m>(&'m [u8]);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    '\\' => f.write_str("\\\\")?,
                    ' '..='~' => write!(f, "{character}")?,
                    _ if character.is_alphanumeric() => write!(f, "{character}")?,
                    _ => write!(f, "\\u{{{:x}}}", u32::from(character))?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config_file;

    const BODY: &str = r#"{"mac_address":"12:34:56:78:9a:bc","timestamp":1714485600}"#;
    const MESSAGE: &str = "12:34:56:78:9a:bc:1714485600";
    const KEY: &str = "30313233343536373839616263646566";

    fn request(signature: &str) -> RawRequest {
        let text = format!("POST /verify HTTP/1.1\nHost: a\nX-HMAC-Signature: {signature}\n\n{BODY}");
        RawRequest::parse(text.as_bytes()).unwrap()
    }

    fn mac(key: &[u8], message: &str) -> Vec<u8> {
        let (scheme, request) = (config_file::scheme("device", None).unwrap(), request("x"));
        let explanation = scheme.explain(&request.view(request.origin(None)), 0).unwrap_or_else(|why| panic!("{why}"));
        let key = scheme.key_recipe().verifying(&Secret::new(key.to_vec())).unwrap();
        explanation.mac(&key, message.as_bytes()).unwrap()
    }

    fn found(signature: &str) -> Option<Vec<String>> {
        let (scheme, request) = (config_file::scheme("device", None).unwrap(), request(signature));
        let explanation = scheme.explain(&request.view(request.origin(None)), 0).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(explanation.message, MESSAGE.as_bytes());
        let others = [("dev-2", vec![Secret::new(b"another".to_vec())])];
        let bodies = Bodies { whole: request.body(), others: Vec::new() };
        slips::find(&scheme, &explanation, &[Secret::new(KEY.into())], &others, bodies)
    }

    #[test]
    fn the_slip_that_a_client_made_is_found() {
        let hex = |key: &str, message: &str| hex::encode(mac(key.as_bytes(), message));
        let told = |signature: &str| found(signature).map(|slips| slips.join(", and "));
        let message_ends = "the message ends in a newline (`echo` writes one, `printf %s` none)";
        let with_newline = format!("{MESSAGE}\n");
        let printed =
            |of_byte: fn(u8) -> String| -> String { mac(KEY.as_bytes(), MESSAGE).into_iter().map(of_byte).collect() };
        for (signature, wanted) in [
            (hex(KEY, MESSAGE).to_uppercase(), ""),
            (format!("sha256={}", hex(KEY, MESSAGE)), ""),
            (format!("SHA2-256(stdin)= {}", hex(KEY, MESSAGE)), ""),
            (hex(KEY, &with_newline), message_ends),
            (hex(&format!("{KEY}\n"), MESSAGE), "the key ends in a newline"),
            (hex::encode(mac(b"0123456789abcdef", MESSAGE)), "the key is hex-decoded first"),
            (hex(KEY, &MESSAGE.to_uppercase()), "the key id in the message is in upper case"),
            (hex("another", MESSAGE), "the key is that of `dev-2`"),
            (hex(KEY, BODY), "the message is the body alone"),
            (hex(KEY, ""), "the message is empty"),
            (hex(KEY, &MESSAGE.replacen(':', "-", 5)), "the key id in the message has `-` for `:`"),
            (hex(KEY, "123456789abc:1714485600"), "the key id in the message has no `:` and no `-`"),
            (hex(KEY, &format!("{MESSAGE}000")), "the time in the message is in milliseconds"),
            (hex(KEY, "1714485600:12:34:56:78:9a:bc"), "the two values of the message change places"),
            (hex(MESSAGE, KEY), "key and message change places"),
            (hex(KEY, "12:34:56:78:9a:bc|1714485600"), "a `|` stands between the values of the message"),
            (hex(KEY, MESSAGE).chars().take(32).collect(), "its first 16 of 32 bytes were enough"),
            (format!("0x{}", hex(KEY, MESSAGE)), ""),
            (printed(|byte| format!("{byte:02x}:")), ""),
            (
                printed(|byte| format!("{byte:x}")),
                "bytes below 16 were one digit, as `%x` writes them; `%02x` writes two",
            ),
            (
                printed(|byte| format!("{:02x}", i32::from(i8::from_ne_bytes([byte])))).chars().take(64).collect(),
                "bytes from 128 on had `ffffff` before them, as `%02x` writes a `char`; of an `unsigned char` it does not",
            ),
            ("e2c3e66ded6829139009ec89a40f623d1e0f0c65".to_owned(), "the algorithm is hmac-sha1"),
            (
                "9ce9fc581842804889c9cd6db5af63b7859f47db4000a5a34a803a93b36f6c7a".to_owned(),
                "a plain digest of the key and then the message were wanted, and no HMAC",
            ),
        ] {
            assert_eq!(told(&signature).as_deref(), Some(wanted), "{signature}");
        }
        let both = told(&hex::encode(mac(b"0123456789abcdef", &with_newline)));
        assert_eq!(both, Some(format!("the key is hex-decoded first, and {message_ends}")));
        let upper = told(&hex(KEY, &with_newline.to_uppercase()));
        assert_eq!(upper, Some(format!("the key id in the message is in upper case, and {message_ends}")));
        assert_eq!(told(&hex("nobody's", MESSAGE)), None);
        assert_eq!(told("zz"), None);
    }

    #[test]
    fn the_pieces_of_a_message_stand_beside_their_sources() {
        let (scheme, request) = (config_file::scheme("device", None).unwrap(), request("x"));
        let explanation = scheme.explain(&request.view(request.origin(None)), 0).unwrap_or_else(|why| panic!("{why}"));
        let shown = Pieces(&explanation.pieces).to_string();
        let lines: Vec<&str> = shown.lines().map(str::trim).collect();
        assert_eq!(lines, ["{json:/mac_address|…}  12:34:56:78:9a:bc", "{json:/timestamp}      1714485600"]);
        let long = Pieces(&[("{body}".to_owned(), vec![b'x'; 60])]).to_string();
        assert!(long.ends_with(&format!("{}… (60 bytes)\n", "x".repeat(MOST_OF_PIECE))), "{long}");
    }

    #[test]
    fn a_message_is_shown_line_by_line_and_nothing_of_it_reaches_the_terminal_as_a_command() {
        assert_eq!(Escaped(b"POST\n/a\n").to_string(), "    POST\\n\n    /a\\n\n");
        assert_eq!(Escaped(b"a\x1b[2J\xff\r\\n\tf\xc3\xbcr\xe2\x80\xae").to_string(), {
            "    a\\u{1b}[2J\\xff\\r\\\\n\\tfür\\u{202e}\n"
        });
        let long = Escaped(&[b'x'; MOST_SHOWN + 3]).to_string();
        assert!(long.ends_with("x\n    … and 3 bytes more\n"));
    }
}
