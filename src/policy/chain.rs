//! What proxies say of the addresses that a request came through: `X-Forwarded-For`, and `Forwarded` (RFC 7239) read by its
//! grammar and no wider.
//!
//! Whether a word of it is believed is screening's business. What cannot be read is `None` in its place, for it must not
//! disappear: what stands to the left of it would take its place.

use std::net::{IpAddr, Ipv6Addr};

use smallvec::SmallVec;

/// Hops, the one that is farthest from us first; `None` for one that has no address.
pub type Hops = SmallVec<[Option<IpAddr>; 4]>;

/// Most hops that are looked at. A longer chain is cut at its far end, of which nothing is believed anyway.
const MOST_HOPS: usize = 64;

/// The hops that lines of `X-Forwarded-For` name.
pub fn x_forwarded_for<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Hops {
    last(lines.flat_map(|line| line.split(|byte| *byte == b',')).map(|hop| bare(hop.trim_ascii())))
}

/// The hops that lines of `Forwarded` name. A line that breaks the grammar is one hop without an address: nothing of it,
/// nor of what stands to the left of it, can be told.
pub fn forwarded<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Hops {
    last(lines.flat_map(|line| elements(line).unwrap_or_else(|| SmallVec::from_elem(None, 1))))
}

fn last(hops: impl Iterator<Item = Option<IpAddr>>) -> Hops {
    let mut hops: Hops = hops.collect();
    let far = hops.len().saturating_sub(MOST_HOPS);
    hops.drain(..far);
    hops
}

/// An address, an IPv6 one also in brackets, and with a port where it can be told from the address: no document says what
/// stands in this field, and some proxies write one.
fn bare(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?;
    let address = text.parse::<IpAddr>().ok();
    address.map(|address| address.to_canonical()).or_else(|| node(hop))
}

/// `1#forwarded-element`. Empty elements are allowed in any list (RFC 9110 section 5.6.1.2).
fn elements(line: &[u8]) -> Option<Hops> {
    let mut hops = Hops::new();
    let mut rest = line;
    loop {
        let (element, after) = element(skip_blank(rest))?;
        if let Element::Hop(hop) = element {
            hops.push(hop);
        }
        match skip_blank(after) {
            [] => return Some(hops),
            [b',', more @ ..] => rest = more,
            _ => return None,
        }
    }
}

enum Element {
    Empty,
    Hop(Option<IpAddr>),
}

/// `[ forwarded-pair ] *( ";" [ forwarded-pair ] )`, no parameter twice (RFC 7239 section 4).
fn element(mut rest: &[u8]) -> Option<(Element, &[u8])> {
    let mut seen: SmallVec<[Vec<u8>; 4]> = SmallVec::new();
    let mut hop = None;
    loop {
        if rest.first().is_some_and(|byte| is_token(*byte)) {
            let (name, after) = token(rest);
            let name = name.to_ascii_lowercase();
            let (value, after) = value(after.strip_prefix(b"=")?)?;
            if seen.contains(&name) {
                return None;
            }
            if name == b"for" {
                hop = node(&value);
            }
            seen.push(name);
            rest = after;
        }
        match rest {
            [b';', more @ ..] => rest = more,
            _ if seen.is_empty() => return Some((Element::Empty, rest)),
            _ => return Some((Element::Hop(hop), rest)),
        }
    }
}

/// A token or a quoted string.
fn value(rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(mut rest) = rest.strip_prefix(b"\"") else {
        let (text, after) = token(rest);
        return (!text.is_empty()).then(|| (text.to_vec(), after));
    };
    let mut text = Vec::new();
    loop {
        match rest {
            [b'"', after @ ..] => return Some((text, after)),
            [b'\\', byte @ (b'\t' | b' '..=b'~' | 0x80..), after @ ..] => (text, rest) = (pushed(text, *byte), after),
            [byte @ (b'\t' | b' ' | b'!' | b'#'..=b'[' | b']'..=b'~' | 0x80..), after @ ..] => {
                (text, rest) = (pushed(text, *byte), after);
            }
            _ => return None,
        }
    }
}

fn pushed(mut text: Vec<u8>, byte: u8) -> Vec<u8> {
    text.push(byte);
    text
}

/// `nodename [ ":" node-port ]` (RFC 7239 section 6): an IPv6 address stands in brackets. `unknown` and names that hide an
/// address have none.
fn node(value: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(value).ok()?;
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']')?;
            (IpAddr::V6(inside.parse::<Ipv6Addr>().ok()?), after)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (inside, after) = text.split_at_checked(end)?;
            (IpAddr::V4(inside.parse().ok()?), after)
        }
    };
    is_port(port).then(|| address.to_canonical())
}

/// Nothing, or a colon and a port: up to five digits, or a name that hides them.
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else { return text.is_empty() };
    let hidden = |name: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        !name.is_empty() && name.bytes().all(fits)
    };
    let digits = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    digits || port.strip_prefix('_').is_some_and(hidden)
}

fn token(rest: &[u8]) -> (&[u8], &[u8]) {
    let end = rest.iter().position(|byte| !is_token(*byte)).unwrap_or(rest.len());
    rest.split_at_checked(end).unwrap_or((rest, &[]))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn skip_blank(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
    rest.get(end..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<String> {
        let shown = |hop: Option<IpAddr>| hop.map_or("-".to_owned(), |address| address.to_string());
        forwarded([line.as_bytes()].into_iter()).into_iter().map(shown).collect()
    }

    #[test]
    fn the_field_without_a_standard_may_have_ports_that_can_be_told_from_addresses() {
        for (hop, address) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:4711", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:", None),
            ("192.0.2.1:123456", None),
            ("192.0.2.1:80:80", None),
            ("[192.0.2.1]:80", None),
            ("unknown", None),
            ("", None),
        ] {
            let hops = x_forwarded_for([hop.as_bytes()].into_iter());
            assert_eq!(hops.as_slice(), [address.map(|text| text.parse::<IpAddr>().unwrap())], "{hop}");
        }
    }

    #[test]
    fn what_the_standard_shows_is_read() {
        for (line, hops) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", vec!["192.0.2.60"]),
            ("for=192.0.2.43, for=198.51.100.17", vec!["192.0.2.43", "198.51.100.17"]),
            ("for=192.0.2.43, for=\"[2001:db8:cafe::17]\"", vec!["192.0.2.43", "2001:db8:cafe::17"]),
            ("For=\"[2001:db8:cafe::17]:4711\"", vec!["2001:db8:cafe::17"]),
            ("for=\"192.0.2.43:47011\"", vec!["192.0.2.43"]),
            ("for=\"192.0.2.43:_hidden\"", vec!["192.0.2.43"]),
            ("for=_hidden, for=_SEVKISEK", vec!["-", "-"]),
            ("for=unknown;by=10.0.0.1", vec!["-"]),
            ("by=10.0.0.1", vec!["-"]),
            ("FOR=192.0.2.1;host=\"a;b,c\\\"d\"", vec!["192.0.2.1"]),
            (" , for=192.0.2.1 ,\t,", vec!["192.0.2.1"]),
            ("for=192.0.2.1;;proto=https;", vec!["192.0.2.1"]),
            ("for=\"[::ffff:192.0.2.1]\"", vec!["192.0.2.1"]),
        ] {
            assert_eq!(read(line), hops, "{line}");
        }
    }

    #[test]
    fn what_breaks_the_grammar_is_one_hop_without_an_address() {
        for line in [
            "for=192.0.2.1;for=192.0.2.2",
            "for = 192.0.2.1",
            "for=192.0.2.1 ;proto=http",
            "for=192.0.2.1; proto=http",
            "for=\"192.0.2.1",
            "for=\"192.0.2.1\\",
            "for=192.0.2.1 for=192.0.2.2",
            "for=[2001:db8::1]",
            "for=192.0.2.1:80",
            "for",
            "=192.0.2.1",
            "for=",
            "for=\"a\u{1}\"",
        ] {
            assert_eq!(read(line), ["-"], "{line}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_a_hop_without_one() {
        for value in [
            "192.0.2.256",
            "192.0.2",
            "192.0.2.1:",
            "192.0.2.1:123456",
            "192.0.2.1:x",
            "[2001:db8::1",
            "2001:db8::1",
            "[192.0.2.1]",
            "[2001:db8::1]x",
            "[2001:db8::1]:_",
            "0300.0.2.1",
            "[fe80::1%eth0]",
        ] {
            assert_eq!(read(&format!("for=\"{value}\"")), ["-"], "{value}");
        }
    }

    #[test]
    fn lines_are_one_list_and_a_broken_one_is_a_hop_of_its_own() {
        let lines: [&[u8]; 3] = [b"for=192.0.2.1", b"for=;", b"for=192.0.2.2"];
        let hops = forwarded(lines.into_iter());
        assert_eq!(hops.as_slice(), [Some([192, 0, 2, 1].into()), None, Some([192, 0, 2, 2].into())]);
    }

    #[test]
    fn of_a_long_chain_the_near_end_is_kept() {
        let line = (0..10_000).map(|number| format!("10.0.{}.{}", number / 250, number % 250)).collect::<Vec<_>>();
        let line = line.join(",");
        let hops = x_forwarded_for([line.as_bytes()].into_iter());
        assert_eq!(hops.len(), MOST_HOPS);
        assert_eq!(hops.last(), Some(&Some([10, 0, 39, 249].into())));
    }
}
