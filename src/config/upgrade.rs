//! `upgrade:` of a route: the protocols that a connection may change to once its request was admitted.
//!
//! Not what happens then: the gateway passes the bytes on and looks at none of them.

use super::{header, reader::Reader, tree::Node};

/// Protocols that are HTTP again, or encrypt it: behind them requests would reach an upstream that nobody verified.
const HTTP_AGAIN: [&str; 4] = ["h2c", "h2", "http", "tls"];

/// Reads the list: names as a client writes them in `Upgrade`, with a version where they have one.
pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Vec<String> {
    let mut protocols: Vec<String> = Vec::new();
    for item in reader.one_or_many(node, "`upgrade`") {
        let Some(text) = reader.text(item, "a protocol") else { continue };
        match check(text) {
            Ok(()) if protocols.iter().any(|known| known.eq_ignore_ascii_case(text)) => {
                let shown = reader.quote(item.place, text);
                reader.error(item.place, format!("{shown} is listed twice")).hint("case makes no difference here");
            }
            Ok(()) => protocols.push(text.to_owned()),
            Err(why) => {
                let shown = reader.quote(item.place, text);
                let problem = reader.error(item.place, format!("{shown} cannot be upgraded to: {why}"));
                problem.expected("the name of a protocol, such as `websocket`");
            }
        }
    }
    protocols
}

/// Why a protocol cannot be listed, if it cannot (RFC 9110 section 7.8: `token ["/" token]`).
fn check(text: &str) -> Result<(), &'static str> {
    let (name, version) = text.split_once('/').map_or((text, None), |(name, version)| (name, Some(version)));
    if !header::is_token(name) || version.is_some_and(|version| !header::is_token(version)) {
        return Err("this is not a protocol");
    }
    if HTTP_AGAIN.iter().any(|http| http.eq_ignore_ascii_case(name)) {
        return Err("requests that nobody verified would follow in it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_a_token_and_perhaps_a_version() {
        for good in ["websocket", "WebSocket", "IRC/6.9", "RTA/x11", "echo"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "web socket", "a,b", "a/b/c", "/", "a/", "/b", "a\r\nb", "é"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_protocol_that_carries_requests_again_is_refused_in_any_case() {
        for bad in ["h2c", "H2C", "HTTP/2.0", "TLS/1.0", "h2"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
