//! Version 2: a binary header (section 2.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Header, LONGEST, Malformed, Source};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The signature, version and command, family and transport, and how much follows.
const FIXED: usize = 16;

pub(super) fn parse(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let Some((&[.., command, family, high, low], rest)) = bytes.split_first_chunk::<FIXED>() else {
        return Ok(None);
    };
    let is_proxied = match command {
        0x20 => false,
        0x21 => true,
        _ => return Err(Malformed::Binary),
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if FIXED + length > LONGEST {
        return Err(Malformed::TooLong);
    }
    let Some(block) = rest.get(..length) else { return Ok(None) };
    // LOCAL: the proxy speaks for itself, and what it says of addresses is to be passed over.
    let source = if is_proxied { source(family, block)? } else { Source::Proxy };
    Ok(Some(Header { source, length: FIXED + length }))
}

fn source(family: u8, block: &[u8]) -> Result<Source, Malformed> {
    match family {
        // TCP over IPv4 and over IPv6: both addresses, then both ports.
        0x11 => match block.split_first_chunk::<4>() {
            Some((source, rest)) if rest.len() >= 8 => Ok(Source::At(IpAddr::V4(Ipv4Addr::from(*source)))),
            _ => Err(Malformed::Binary),
        },
        0x21 => match block.split_first_chunk::<16>() {
            Some((source, rest)) if rest.len() >= 20 => {
                Ok(Source::At(IpAddr::V6(Ipv6Addr::from(*source)).to_canonical()))
            }
            _ => Err(Malformed::Binary),
        },
        // Not specified, or a UNIX socket: no address that anything is known of.
        0x00 => Ok(Source::Untold),
        0x31 if block.len() >= 216 => Ok(Source::Untold),
        // Datagrams do not come here, and nothing else is defined.
        _ => Err(Malformed::Binary),
    }
}
