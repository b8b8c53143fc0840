//! Whether a request's Host is one that only somebody who means this very address would send.
//!
//! A page whose name is made to point here sends its own name, and an address is not a name; so any IP address will
//! do, and `localhost`, which browsers resolve themselves. Other names are those that the config has.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, header};

/// What the Host header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// An IP address, `localhost` or one of the names given, with any port or none.
    Ours,
    /// Some other name.
    Foreign,
    /// None, several, or not a host and port (RFC 9112 section 3.2).
    Malformed,
}

impl Host {
    pub(super) fn of(headers: &HeaderMap, names: &[String]) -> Host {
        let mut values = headers.get_all(header::HOST).iter();
        match (values.next().map(|value| value.to_str()), values.next()) {
            (Some(Ok(host)), None) => Host::parse(host, names),
            _ => Host::Malformed,
        }
    }

    fn parse(host: &str, names: &[String]) -> Host {
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (name, port) = match bracketed {
            Some((_, rest)) => (host, rest),
            None => host.find(':').map_or((host, ""), |colon| host.split_at(colon)),
        };
        if name.is_empty() || !is_port(port) {
            return Host::Malformed;
        }
        let ours = match bracketed {
            Some((address, _)) => address.parse::<Ipv6Addr>().is_ok(),
            None => {
                let is = |known: &str| name.eq_ignore_ascii_case(known);
                name.parse::<Ipv4Addr>().is_ok() || is("localhost") || names.iter().any(|known| is(known))
            }
        };
        if ours { Host::Ours } else { Host::Foreign }
    }
}

/// Nothing, or a colon and a port.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok(),
        None => text.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn addresses_and_localhost_are_ours() {
        for host in ["127.0.0.1", "127.0.0.1:9090", "10.1.2.3:80", "[::1]", "[::1]:9090", "localhost", "LOCALHOST:9090"]
        {
            assert_eq!(Host::parse(host, &[]), Host::Ours, "{host}");
        }
    }

    #[test]
    fn names_of_the_config_are_ours() {
        let names = ["gateway".to_owned(), "gw.internal".to_owned()];
        for (host, wanted) in [
            ("gateway:9090", Host::Ours),
            ("GW.internal", Host::Ours),
            ("gw.internal.evil.example:9090", Host::Foreign),
            ("gw", Host::Foreign),
        ] {
            assert_eq!(Host::parse(host, &names), wanted, "{host}");
        }
    }

    #[test]
    fn names_are_foreign() {
        for host in
            ["evil.example", "localhost.evil.example:9090", "127.0.0.1.nip.io", "localhost.", "127.1", "[evil]:1"]
        {
            assert_eq!(Host::parse(host, &[]), Host::Foreign, "{host}");
        }
    }

    #[test]
    fn what_is_no_host_and_port_is_malformed() {
        for host in ["", ":9090", "127.0.0.1:", "127.0.0.1:+80", "127.0.0.1:99999", "[::1]x", "[::1]:", "::1", "a:1:2"]
        {
            assert_eq!(Host::parse(host, &[]), Host::Malformed, "{host}");
        }
    }

    #[test]
    fn exactly_one_host_is_needed() {
        let mut headers = HeaderMap::new();
        assert_eq!(Host::of(&headers, &[]), Host::Malformed);
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        assert_eq!(Host::of(&headers, &[]), Host::Ours);
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        assert_eq!(Host::of(&headers, &[]), Host::Malformed);
    }
}
