//! A `host [":" port]`, as in `Host` and in an absolute-form target (RFC 3986 section 3.2).

use std::net::Ipv6Addr;

use memchr::memchr;

/// An authority whose parts were checked.
pub(super) struct Authority<'a> {
    host: &'a [u8],
    port: Option<u16>,
}

/// Whether two texts name one host, whatever their ports and case. What is no authority names none.
pub fn is_same_host(one: &str, other: &str) -> bool {
    is_both(one, other, |one, other| one.host.eq_ignore_ascii_case(other.host))
}

/// Whether two texts name one server, where `default_port` stands for a port that was left out. What is no authority names none.
pub fn is_same_server(one: &str, other: &str, default_port: u16) -> bool {
    is_both(one, other, |one, other| one.is_same(other, default_port))
}

/// The port that is meant where none is written (RFC 9110 sections 4.2.1 and 4.2.2).
pub fn usual_port(scheme: &str) -> u16 {
    if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 }
}

fn is_both(one: &str, other: &str, is_same: impl Fn(&Authority<'_>, &Authority<'_>) -> bool) -> bool {
    let (one, other) = (Authority::parse(one.as_bytes()), Authority::parse(other.as_bytes()));
    matches!((one, other), (Some(one), Some(other)) if is_same(&one, &other))
}

impl<'a> Authority<'a> {
    /// `None` for an empty host, user information, a port that is no number of 16 bits, or another byte.
    ///
    /// Percent-encoded bytes and sub-delimiters are grammatical in a registered name and are refused: no host name
    /// has them, and an upstream may decode the one and split at the other. Nor has one two dots that touch, or one in front:
    /// where they are passed over `.a.test` and `a.test..` are another host than they look.
    pub(super) fn parse(text: &'a [u8]) -> Option<Authority<'a>> {
        let (host, port) = match text.strip_prefix(b"[") {
            Some(literal) => {
                let (address, port) = literal.split_at_checked(memchr(b']', literal)?)?;
                std::str::from_utf8(address).ok()?.parse::<Ipv6Addr>().ok()?;
                (address, port.strip_prefix(b"]")?)
            }
            None => {
                let length = text.iter().position(|byte| !is_unreserved(*byte)).unwrap_or(text.len());
                text.split_at_checked(length).filter(|(host, _)| has_whole_labels(host))?
            }
        };
        let port = if port.is_empty() { None } else { Some(number(port.strip_prefix(b":")?)?) };
        Some(Authority { host, port })
    }

    /// Whether both name one server, where `default_port` stands for a port that was left out.
    pub(super) fn is_same(&self, other: &Authority<'_>, default_port: u16) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.unwrap_or(default_port) == other.port.unwrap_or(default_port)
    }
}

/// Whether something is before the first dot, and between each two.
fn has_whole_labels(host: &[u8]) -> bool {
    !matches!(host, [] | [b'.', ..]) && !host.windows(2).any(|pair| pair == b"..")
}

fn is_unreserved(byte: u8) -> bool {
    UNRESERVED[usize::from(byte)]
}

const UNRESERVED: [bool; 256] = {
    let mut unreserved = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        unreserved[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        byte += 1;
    }
    unreserved
};

/// One to five digits.
fn number(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || digits.len() > 5 {
        return None;
    }
    let number = digits
        .iter()
        .try_fold(0_u32, |number, digit| digit.is_ascii_digit().then(|| 10 * number + u32::from(digit - b'0')));
    u16::try_from(number?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for good in
            ["gw.test", "GW.test:80", "127.0.0.1:65535", "[::1]", "[2001:db8::1]:0", "a_b~c-d", "a.test.", "a.test.:80"]
        {
            assert!(Authority::parse(good.as_bytes()).is_some(), "{good:?}");
        }
    }

    #[test]
    fn anything_else_is_no_host() {
        let bad = [
            "",
            ":80",
            "gw.test:",
            "gw.test:65536",
            "gw.test:+80",
            "gw.test:99999x",
            "gw.test:000080",
            "a:1:2",
            "a@b",
            "a b",
            "a,b",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "a%41",
            ".",
            "..",
            ".a.test",
            "a..test",
            "a.test..",
            "a.test..:80",
            "é",
            "[::1",
            "[::1]80",
            "[::1]:",
            "[1.2.3.4]",
            "[]",
            "[fe80::1%25eth0]",
            "[v1.a]",
            "::1",
        ];
        for bad in bad {
            assert!(Authority::parse(bad.as_bytes()).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn case_and_a_default_port_do_not_make_another_server() {
        fn parse(text: &str) -> Authority<'_> {
            Authority::parse(text.as_bytes()).expect("valid")
        }
        let same = |one: &str, other: &str| parse(one).is_same(&parse(other), 80);
        assert!(same("gw.test", "GW.TEST:80"));
        assert!(same("[::A]:80", "[::a]"));
        assert!(!same("gw.test", "gw.test:8080"));
        assert!(!same("gw.test", "gw.test.evil"));
    }

    #[test]
    fn a_host_is_the_same_at_every_port_and_a_server_is_not() {
        assert!(is_same_host("gw.test", "GW.test:8443") && is_same_host("[::A]:80", "[::a]"));
        assert!(is_same_server("gw.test", "GW.test:443", 443) && !is_same_server("gw.test", "gw.test:80", 443));
        for other in ["gw.test.evil", "evil.test", "gw.test@evil.test", "[::1]", ""] {
            assert!(!is_same_host("gw.test", other) && !is_same_server("gw.test", other, 443), "{other}");
        }
        assert!(!is_same_host("", "") && !is_same_server("", "", 80));
    }
}
