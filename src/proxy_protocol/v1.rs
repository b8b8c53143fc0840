//! Version 1: one line of ASCII (section 2.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Header, Malformed, Source};

pub(super) const BEGINNING: &[u8] = b"PROXY ";

/// With its line end, in the worst case that the standard reckons with.
const LONGEST: usize = 107;

pub(super) fn parse(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let line = bytes.get(..LONGEST).unwrap_or(bytes);
    let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() >= LONGEST { Err(Malformed::TooLong) } else { Ok(None) };
    };
    let text = line.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Malformed::Line)?;
    let text = std::str::from_utf8(text).map_err(|_| Malformed::Line)?;
    let source = source(text.strip_prefix("PROXY ").ok_or(Malformed::Line)?)?;
    Ok(Some(Header { source, length: end + 1 }))
}

fn source(rest: &str) -> Result<Source, Malformed> {
    let mut words = rest.split(' ');
    let family = words.next().unwrap_or_default();
    if family == "UNKNOWN" {
        // Whatever follows is to be passed over.
        return Ok(Source::Untold);
    }
    let (Some(source), Some(destination), Some(from), Some(to), None) =
        (words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Malformed::Line);
    };
    let address = |text: &str| match family {
        "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => None,
    };
    let (source, destination) = (address(source), address(destination));
    let sound = destination.is_some() && is_port(from) && is_port(to);
    source.filter(|_| sound).map(|source| Source::At(source.to_canonical())).ok_or(Malformed::Line)
}

/// Decimal, without leading zeroes.
fn is_port(text: &str) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0')) && text.parse::<u16>().is_ok()
}
