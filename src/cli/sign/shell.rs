//! A signed request as a command for a POSIX shell, every byte of it quoted.

use std::fmt::Write;

use crate::cli::request::RawRequest;

/// A curl command that sends `request` as it is to its Host, over `http` or `https`.
pub(super) fn curl(request: &RawRequest, scheme: &str) -> String {
    let head = request.head();
    // Nothing of the URL may be taken for a pattern or tidied up: its bytes are signed.
    let url = quoted(format!("{scheme}://{}{}", head.authority(), head.origin_form()).as_bytes());
    let mut command = String::new();
    let has_body = !request.body().is_empty();
    let is_inline = has_body && is_text(request.body()) && !request.body().starts_with(b"@");
    if has_body && !is_inline {
        let _ = write!(command, "printf {} | ", printf_format(request.body()));
    }
    let _ = write!(command, "curl -sS --globoff --path-as-is {} {url}", method(head.method()));
    for (name, value) in head.fields().filter(|(name, _)| is_passed(name)) {
        // `Name:` would take the header out; `Name;` sends it empty (curl's manual, --header).
        let field =
            if value.is_empty() { [name.as_bytes(), b";"].concat() } else { [name.as_bytes(), b": ", value].concat() };
        let _ = write!(command, " \\\n  -H {}", quoted(&field));
    }
    if has_body {
        // curl would otherwise call it a form.
        if head.value("content-type").is_none() {
            command.push_str(" \\\n  -H 'Content-Type:'");
        }
        let body = if is_inline { quoted(request.body()) } else { "@-".to_owned() };
        let _ = write!(command, " \\\n  --data-binary {body}");
    }
    command
}

fn method(method: &str) -> String {
    match method {
        "HEAD" => "--head".to_owned(),
        other => format!("-X {other}"),
    }
}

/// Whether a field has to be said. curl writes the framing itself, and Host from the URL.
fn is_passed(name: &str) -> bool {
    !["content-length", "transfer-encoding", "host"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')))
}

/// One word of a POSIX shell. What is no plain text is decoded by printf; newlines at its very end would be lost, but no
/// header value has any.
fn quoted(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_text(bytes) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => format!("\"$(printf {})\"", printf_format(bytes)),
    }
}

/// A format for printf(1) that gives exactly these bytes, NUL among them.
fn printf_format(bytes: &[u8]) -> String {
    let mut format = String::from("'");
    for &byte in bytes {
        match byte {
            b'%' => format.push_str("%%"),
            b'\'' | b'\\' | 0..=0x1f | 0x7f.. => {
                let _ = write!(format, "\\{byte:03o}");
            }
            plain => format.push(char::from(plain)),
        }
    }
    format.push('\'');
    format
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn printed(text: &[u8]) -> String {
        curl(&RawRequest::parse(text).unwrap(), "http")
    }

    /// What a shell makes of a piece of the command.
    fn shell(script: &str) -> Vec<u8> {
        Command::new("sh").args(["-c", script]).stderr(Stdio::inherit()).output().unwrap().stdout
    }

    #[test]
    fn a_request_is_one_command() {
        assert_eq!(
            printed(
                b"POST /a?b[]=1 HTTP/1.1\nHost: api.test\nContent-Type: application/json\nX-Empty:\n\n{\"a\":\"it's\"}"
            ),
            "curl -sS --globoff --path-as-is -X POST 'http://api.test/a?b[]=1' \\\n  -H 'Content-Type: application/json' \
             \\\n  -H 'X-Empty;' \\\n  --data-binary '{\"a\":\"it'\\''s\"}'"
        );
        assert_eq!(printed(b"HEAD / HTTP/1.1\nHost: a\n\n"), "curl -sS --globoff --path-as-is --head 'http://a/'");
    }

    #[test]
    fn a_shell_reads_back_every_byte() {
        let every: Vec<u8> = (0..=255).chain(*b"%s\\n'\"$HOME`id`\n").collect();
        assert_eq!(shell(&format!("printf {}", printf_format(&every))), every);
        for text in ["it's", "$HOME `id` \"x\" \\ !", "a\nb\tc", "", "é", "a\u{1}b"] {
            assert_eq!(shell(&format!("printf %s {}", quoted(text.as_bytes()))), text.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn a_body_that_no_argument_can_hold_is_piped() {
        let command = printed(b"POST / HTTP/1.1\nHost: a\n\na\0b");
        assert!(command.starts_with("printf 'a\\000b' | curl ") && command.ends_with("--data-binary @-"), "{command}");
        assert!(printed(b"POST / HTTP/1.1\nHost: a\n\n@file").ends_with("--data-binary @-"));
    }
}
