//! Host names, authorities and origins: what `listen`, `upstreams` and `routes` write them with.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::checked::{Origin, Server};
use crate::http1::usual_port;

/// Whether `text` is a lower-case host name or an IPv4 address.
pub(super) fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let plain =
            label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
        plain && !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    let looks_like_address = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    text.len() <= 253 && text.split('.').all(is_label) && (!looks_like_address || text.parse::<Ipv4Addr>().is_ok())
}

/// Why a URL cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error("it must begin with `http://` or `https://`")]
    Scheme,
    #[error("it must begin with `redis://` or `rediss://`")]
    RedisScheme,
    #[error("a user name or password in it is not used")]
    UserInfo,
    #[error("its host is not a lower-case name or an address")]
    Host,
    #[error("its port is not a number from 1 to 65535")]
    Port,
    #[error("a path is not wanted here")]
    Path,
    #[error("its path holds something other than plain path characters")]
    Prefix,
    #[error("a query or fragment is not wanted here")]
    Query,
    #[error("what follows the host is not the number of a database")]
    Database,
}

/// `https://api.example.com`: scheme and authority, nothing else. The scheme's own port is left out.
pub(crate) fn origin(text: &str) -> Result<Origin, UrlError> {
    let url = url(text)?;
    if !url.path.is_empty() {
        return Err(UrlError::Path);
    }
    let host = if url.host.contains(':') { format!("[{}]", url.host) } else { url.host.to_owned() };
    let scheme = url.scheme();
    let authority = match url.port {
        Some(port) if port != usual_port(scheme) => format!("{host}:{port}"),
        _ => host,
    };
    Ok(Origin { scheme: scheme.to_owned(), authority })
}

/// `http://host:port/prefix`. An IPv6 address is stored without its brackets.
pub(super) fn server(text: &str) -> Result<Server, UrlError> {
    let url = url(text)?;
    let prefix = url.path.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
    let odd = prefix.split('/').skip(1).any(|segment| matches!(segment, "" | "." | ".."));
    if odd || !prefix.bytes().all(plain) {
        return Err(UrlError::Prefix);
    }
    let port = url.port.unwrap_or_else(|| usual_port(url.scheme()));
    Ok(Server { tls: url.tls, host: url.host.to_owned(), port, prefix: prefix.to_owned() })
}

/// `redis://host:port/2`, or `rediss://` for TLS.
pub(super) fn redis(text: &str) -> Result<RedisUrl, UrlError> {
    let (tls, rest) = match (text.strip_prefix("redis://"), text.strip_prefix("rediss://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return Err(UrlError::RedisScheme),
    };
    let url = after_scheme(tls, rest)?;
    let database = match url.path.strip_prefix('/') {
        None | Some("") => None,
        Some(digits) => Some(digits.parse().ok().filter(|_| digits.len() <= 5).ok_or(UrlError::Database)?),
    };
    Ok(RedisUrl { tls, host: url.host.to_owned(), port: url.port.unwrap_or(6379), database })
}

/// Where a Redis is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RedisUrl {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: Option<u32>,
}

struct Url<'t> {
    tls: bool,
    host: &'t str,
    port: Option<u16>,
    path: &'t str,
}

impl Url<'_> {
    fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

fn url(text: &str) -> Result<Url<'_>, UrlError> {
    let (tls, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return Err(UrlError::Scheme),
    };
    after_scheme(tls, rest)
}

fn after_scheme(tls: bool, rest: &str) -> Result<Url<'_>, UrlError> {
    if rest.contains(['?', '#']) {
        return Err(UrlError::Query);
    }
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).ok_or(UrlError::Host)?;
    if authority.contains('@') {
        return Err(UrlError::UserInfo);
    }
    let (host, port) = host_and_port(authority)?;
    Ok(Url { tls, host, port, path })
}

fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), UrlError> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            address.parse::<Ipv6Addr>().map_err(|_| UrlError::Host)?;
            (address, port)
        }
        None => {
            let (host, port) =
                authority.split_at_checked(authority.find(':').unwrap_or(authority.len())).ok_or(UrlError::Host)?;
            (is_host_name(host).then_some(host).ok_or(UrlError::Host)?, port)
        }
    };
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok((host, None)),
        None => Err(UrlError::Host),
        Some(digits) => port_number(digits).map(|port| (host, Some(port))),
    }
}

fn port_number(digits: &str) -> Result<u16, UrlError> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|&port| plain && port != 0).ok_or(UrlError::Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_lower_case_labels_and_whole_addresses() {
        for good in ["a", "api.example.com", "127.0.0.1", "my_service", "xn--bcher-kva.example", "a1.b2"] {
            assert!(is_host_name(good), "{good}");
        }
        for bad in ["", "A.com", "-a.com", "a-.com", "a..b", ".a", "a.", "a b", "1.2.3", "256.1.1.1", "é.com", "a:80"]
        {
            assert!(!is_host_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_server_is_a_url_without_query_or_credentials() {
        let server = server("https://[::1]:8443/api/v1/").unwrap();
        assert_eq!(
            (server.tls, server.host.as_str(), server.port, server.prefix.as_str()),
            (true, "::1", 8443, "/api/v1")
        );
        assert_eq!(super::server("http://h").unwrap().port, 80);
        for (text, why) in [
            ("h:80", UrlError::Scheme),
            ("ftp://h", UrlError::Scheme),
            ("http://u:p@h", UrlError::UserInfo),
            ("http://", UrlError::Host),
            ("http://H", UrlError::Host),
            ("http://[::g]", UrlError::Host),
            ("http://[::1]x", UrlError::Host),
            ("http://h:", UrlError::Port),
            ("http://h:0", UrlError::Port),
            ("http://h:+1", UrlError::Port),
            ("http://h:65536", UrlError::Port),
            ("http://h/a/../b", UrlError::Prefix),
            ("http://h/a//b", UrlError::Prefix),
            ("http://h/a b", UrlError::Prefix),
            ("http://h/?q", UrlError::Query),
        ] {
            assert_eq!(super::server(text).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn an_origin_has_no_path_and_leaves_the_usual_port_out() {
        assert_eq!(origin("https://a.b:443").unwrap().authority, "a.b");
        assert_eq!(origin("http://[::1]:8000").unwrap().authority, "[::1]:8000");
        assert_eq!(origin("https://a.b/").unwrap_err(), UrlError::Path);
    }
}
