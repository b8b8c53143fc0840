//! What tells a request of our own page from one that a page of another site has a browser send.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{
    http1::{RequestHead, is_same_server, usual_port},
    secret::are_equal,
};

/// The header that holds a CSRF token. Another site's page cannot set it: it is none that CORS lets pass unasked.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// Methods that change nothing (RFC 9110 section 9.2.1).
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// What was asked, as a browser's address line has it.
#[derive(Clone, Copy, Debug)]
pub struct Site<'s> {
    /// `http` or `https`.
    pub scheme: &'s str,
    /// Host and port.
    pub authority: &'s str,
}

/// The CSRF token of a session whose cookie holds `token`. Nothing is kept of it and no key is needed: who cannot read the
/// cookie cannot make it, and it tells nothing of the token, whose signature nobody can guess.
pub fn csrf_token(token: &[u8]) -> String {
    let digest = Sha256::new().chain_update(b"countersign csrf\0").chain_update(token).finalize();
    BASE64_URL_SAFE_NO_PAD.encode(digest)
}

/// Whether a request that has `token` in a cookie may be from a page of ours: it changes nothing, or shows the token's CSRF
/// token. A WebSocket is opened by a GET and without any header of a page's choice: then `Origin` will do, which must be
/// `site`, the one that was asked.
pub fn is_own(head: &RequestHead, token: &[u8], site: Site<'_>) -> bool {
    let opens = opens_socket(head);
    if SAFE.contains(&head.method()) && !opens {
        return true;
    }
    shown_csrf_token(head).is_some_and(|shown| are_equal(shown, csrf_token(token).as_bytes()))
        || opens && has_own_origin(head, site)
}

/// The CSRF token that a request shows; one that came twice is none.
pub fn shown_csrf_token(head: &RequestHead) -> Option<&[u8]> {
    let mut values = head.values(CSRF_HEADER);
    let first = values.next().filter(|value| !value.is_empty());
    if values.next().is_some() { None } else { first }
}

fn has_own_origin(head: &RequestHead, site: Site<'_>) -> bool {
    let mut origins = head.values("origin").map(|origin| site.is_of(origin)).peekable();
    origins.peek().is_some() && origins.all(|is_own| is_own)
}

/// A page of another site, or of another host of this one, had a browser send what was sent here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{header}` says `{said}`, and `{asked}` was asked")]
pub struct OtherPage {
    header: &'static str,
    said: String,
    asked: String,
}

/// That no browser says that a page of another site, or of another host of this one, has sent this to `site`. Whoever is no
/// browser says nothing.
///
/// # Errors
/// [`OtherPage`]: the page, where that is told.
pub fn check_page(head: &RequestHead, site: Site<'_>) -> Result<(), OtherPage> {
    let is_ours = |said: &[u8]| matches!(said, b"same-origin" | b"none");
    let origin = head.values("origin").find(|origin| !site.is_of(origin)).map(|said| ("Origin", said));
    let fetched = || head.values("sec-fetch-site").find(|said| !is_ours(said)).map(|said| ("Sec-Fetch-Site", said));
    match origin.or_else(fetched) {
        Some((header, said)) => Err(OtherPage::new(header, said, site)),
        None => Ok(()),
    }
}

impl OtherPage {
    fn new(header: &'static str, said: &[u8], site: Site<'_>) -> OtherPage {
        let said = String::from_utf8_lossy(said.get(..LONGEST_SAID).unwrap_or(said)).into_owned();
        OtherPage { header, said, asked: format!("{}://{}", site.scheme, site.authority) }
    }
}

/// Bytes of what a browser says that are told: as many as the longest host name has, and some.
const LONGEST_SAID: usize = 270;

impl Site<'_> {
    /// A page of `http` is none of a site of `https`: whoever is on the way may have written it. The other way round a proxy in
    /// front may speak TLS for us.
    fn is_of(self, origin: &[u8]) -> bool {
        let origin = std::str::from_utf8(origin).unwrap_or_default();
        let Some((scheme @ ("https" | "http"), host)) = origin.split_once("://") else { return false };
        (scheme == "https" || self.scheme != "https") && is_same_server(host, self.authority, usual_port(scheme))
    }
}

/// Whether a WebSocket is to be opened: then no page could have set a header.
pub fn opens_socket(head: &RequestHead) -> bool {
    let names = |value: &[u8]| value.to_ascii_lowercase().windows(9).any(|part| part == b"websocket");
    head.values("upgrade").any(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &[u8] = b"a.b.c";
    const SITE: Site<'_> = Site { scheme: "https", authority: "app.example" };

    fn head(method: &str, fields: &[(&str, &str)]) -> RequestHead {
        let fields: Vec<(&str, &[u8])> = fields.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let fields = [&[("Host", &b"app.example"[..])], fields.as_slice()].concat();
        RequestHead::from_parts(method, "/", &fields).unwrap()
    }

    fn is_own(method: &str, fields: &[(&str, &str)]) -> bool {
        super::is_own(&head(method, fields), TOKEN, SITE)
    }

    #[test]
    fn what_changes_something_must_show_the_token_that_belongs_to_the_cookie() {
        let (own, other) = (csrf_token(TOKEN), csrf_token(b"a.b.d"));
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert!(is_own(method, &[]), "{method}");
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "GETS"] {
            assert!(is_own(method, &[("X-CSRF-Token", &own)]), "{method}");
            for wrong in [&[][..], &[("X-CSRF-Token", "")], &[("X-CSRF-Token", &other)], &[("X-CSRF-Token", "a.b.c")]] {
                assert!(!is_own(method, wrong), "{method} {wrong:?}");
            }
            let twice = [("X-CSRF-Token", own.as_str()), ("X-CSRF-Token", own.as_str())];
            assert!(!is_own(method, &twice), "{method}");
            assert!(!is_own(method, &[("Origin", "https://app.example")]), "{method}");
        }
    }

    #[test]
    fn a_page_of_another_site_opens_no_socket() {
        let opens = |more: &[(&str, &str)]| is_own("GET", &[&[("Upgrade", "WebSocket")], more].concat());
        assert!(opens(&[("Origin", "https://app.example")]) && opens(&[("Origin", "https://APP.example")]));
        assert!(opens(&[("X-CSRF-Token", &csrf_token(TOKEN))]));
        for origin in [
            "https://evil.example",
            "https://app.example.evil.example",
            "https://x.app.example",
            "http://app.example",
            "null",
            "",
        ] {
            assert!(!opens(&[("Origin", origin)]), "{origin}");
        }
        assert!(!opens(&[]));
        assert!(!opens(&[("Origin", "https://app.example"), ("Origin", "https://evil.example")]));
        assert!(is_own("GET", &[("Upgrade", "h2c")]), "no page can ask for that");
    }

    #[test]
    fn a_browser_says_whose_page_it_was() {
        let is_other = |fields: &[(&str, &str)]| check_page(&head("POST", fields), SITE).is_err();
        assert!(!is_other(&[]));
        assert!(!is_other(&[("Sec-Fetch-Site", "same-origin"), ("Origin", "https://app.example")]));
        for fields in [
            [("Sec-Fetch-Site", "cross-site")],
            [("Sec-Fetch-Site", "same-site")],
            [("Origin", "https://evil.example")],
            [("Origin", "null")],
            [("Origin", "https://app.example:8443")],
            [("Origin", "http://app.example")],
        ] {
            assert!(is_other(&fields), "{fields:?}");
        }
    }

    #[test]
    fn a_port_that_goes_without_saying_may_be_said() {
        let is_other = |origin: &str, authority| {
            check_page(&head("POST", &[("Origin", origin)]), Site { authority, ..SITE }).is_err()
        };
        assert!(!is_other("https://app.example", "app.example:443"));
        assert!(!is_other("https://app.example:443", "app.example"));
        assert!(!is_other("https://app.example:8443", "app.example:8443"));
        assert!(
            is_other("https://app.example", "app.example:8443") && is_other("https://app.example", "app.example:80")
        );
        assert!(is_other("https://app.example/", "app.example") && is_other("https://", ""));
    }

    #[test]
    fn of_a_page_that_is_not_ours_both_hosts_are_told() {
        let told = |fields: &[(&str, &str)]| check_page(&head("POST", fields), SITE).unwrap_err().to_string();
        let (fetched, origin) = (("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example"));
        assert_eq!(told(&[fetched]), "`Sec-Fetch-Site` says `cross-site`, and `https://app.example` was asked");
        assert_eq!(
            told(&[fetched, origin]),
            "`Origin` says `https://evil.example`, and `https://app.example` was asked"
        );
        assert!(told(&[("Origin", &"x".repeat(5000))]).len() < 400);
    }

    #[test]
    fn a_site_that_is_asked_in_plain_text_may_have_tls_in_front() {
        let site = Site { scheme: "http", ..SITE };
        for own in ["http://app.example", "https://app.example"] {
            assert!(check_page(&head("POST", &[("Origin", own)]), site).is_ok(), "{own}");
        }
        assert!(check_page(&head("POST", &[("Origin", "http://evil.example")]), site).is_err());
    }
}
