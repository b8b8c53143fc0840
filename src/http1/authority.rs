//! A `host [":" port]`, as in `Host` and in an absolute-form target (RFC 3986 section 3.2).

use std::net::Ipv6Addr;

/// An authority whose parts were checked.
pub(super) struct Authority<'a> {
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// `None` for an empty host, user information, a port that is no number of 16 bits, or another byte.
    ///
    /// Percent-encoded bytes and sub-delimiters are grammatical in a registered name and are refused: no host name
    /// has them, and an upstream may decode the one and split at the other.
    pub(super) fn parse(text: &'a str) -> Option<Authority<'a>> {
        let (host, port) = match text.strip_prefix('[') {
            Some(literal) => {
                let (address, port) = literal.split_once(']')?;
                address.parse::<Ipv6Addr>().ok()?;
                (address, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
            }
            None => {
                let length = text.bytes().position(|byte| !is_unreserved(byte)).unwrap_or(text.len());
                let (host, port) = text.split_at_checked(length).filter(|(host, _)| !host.is_empty())?;
                (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
            }
        };
        let port = port.map(|digits| number(digits).ok_or(())).transpose().ok()?;
        Some(Authority { host, port })
    }

    /// Whether both name one server, where `default_port` stands for a port that was left out.
    pub(super) fn is_same(&self, other: &Authority<'_>, default_port: u16) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.unwrap_or(default_port) == other.port.unwrap_or(default_port)
    }
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

/// One to five digits; `parse` alone would take a sign.
fn number(digits: &str) -> Option<u16> {
    let plain = digits.len() <= 5 && digits.bytes().all(|digit| digit.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for good in ["gw.test", "GW.test:80", "127.0.0.1:65535", "[::1]", "[2001:db8::1]:0", "a_b~c-d"] {
            assert!(Authority::parse(good).is_some(), "{good:?}");
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
            assert!(Authority::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn case_and_a_default_port_do_not_make_another_server() {
        let same =
            |one, other| Authority::parse(one).expect("valid").is_same(&Authority::parse(other).expect("valid"), 80);
        assert!(same("gw.test", "GW.TEST:80"));
        assert!(same("[::A]:80", "[::a]"));
        assert!(!same("gw.test", "gw.test:8080"));
        assert!(!same("gw.test", "gw.test.evil"));
    }
}
