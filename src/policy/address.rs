//! Where a request comes from: the socket's address, or what a trusted proxy says of it.

use std::{borrow::Cow, net::IpAddr};

use ipnet::IpNet;

use crate::http1::RequestHead;

/// What a listener knows of itself.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Its place in the config's list.
    pub index: usize,
    /// Its name or address, for the log.
    pub name: String,
    /// `http` or `https`, as clients reach it.
    pub scheme: &'static str,
    /// Scheme and authority as the public sees them, where they are configured.
    pub public_origin: Option<(String, String)>,
    /// Proxies that are believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// The other end of a connection, written down once for all of its requests.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address; an IPv4 one mapped into IPv6 is IPv4.
    pub address: IpAddr,
    /// The address as `X-Forwarded-For` has it.
    pub(super) plain: String,
    /// The address as `Forwarded` has it (RFC 7239 section 6).
    pub(super) node: String,
}

impl Peer {
    /// The peer at that address.
    pub fn new(address: IpAddr) -> Peer {
        let address = address.to_canonical();
        let node = match address {
            IpAddr::V4(v4) => format!("for={v4}"),
            IpAddr::V6(v6) => format!("for=\"[{v6}]\""),
        };
        Peer { address, plain: address.to_string(), node }
    }

    /// Its address as text.
    pub fn text(&self) -> &str {
        &self.plain
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub struct Client<'p> {
    /// The client's address: the socket's, or the one the nearest untrusted hop had.
    pub address: IpAddr,
    /// The socket's.
    pub peer: &'p Peer,
    /// Whether the peer is a trusted proxy, so that what it forwards is kept.
    pub behind_proxy: bool,
    pub(super) tls: bool,
}

impl Client<'_> {
    /// Its address as text.
    pub fn text(&self) -> Cow<'_, str> {
        match self.behind_proxy {
            true => Cow::Owned(self.address.to_string()),
            false => Cow::Borrowed(self.peer.text()),
        }
    }
}

/// Finds out who is there. Forwarding headers count only from trusted proxies; of a chain the rightmost address that is
/// not one of them is the client, for everything left of it is the client's own word.
pub fn screen<'p>(edge: &Edge, peer: &'p Peer, head: &RequestHead) -> Client<'p> {
    let tls = edge.scheme == "https";
    let is_trusted = |address: &IpAddr| edge.trusted_proxies.iter().any(|net| net.contains(address));
    if edge.trusted_proxies.is_empty() || !is_trusted(&peer.address) {
        return Client { address: peer.address, peer, behind_proxy: false, tls };
    }
    let mut address = peer.address;
    for hop in chain(head).rev() {
        match hop {
            Some(hop) => address = hop,
            // An unreadable hop ends what can be believed.
            None => break,
        }
        if !is_trusted(&address) {
            break;
        }
    }
    Client { address, peer, behind_proxy: true, tls }
}

/// The hops that `X-Forwarded-For` names, leftmost first; `None` for one that is no address.
fn chain(head: &RequestHead) -> impl DoubleEndedIterator<Item = Option<IpAddr>> {
    let lines: Vec<&[u8]> = head.values("x-forwarded-for").collect();
    let hops: Vec<Option<IpAddr>> =
        lines.iter().flat_map(|line| line.split(|byte| *byte == b',')).map(|hop| parse(hop.trim_ascii())).collect();
    hops.into_iter()
}

fn parse(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(trusted: &[&str]) -> Edge {
        Edge {
            index: 0,
            name: "test".to_owned(),
            scheme: "http",
            public_origin: None,
            trusted_proxies: trusted.iter().map(|net| net.parse().unwrap()).collect(),
        }
    }

    fn from(edge: &Edge, peer: &str, forwarded: &[&str]) -> IpAddr {
        let fields: Vec<(&str, &[u8])> = [("host", &b"h"[..])]
            .into_iter()
            .chain(forwarded.iter().map(|value| ("x-forwarded-for", value.as_bytes())))
            .collect();
        let head = RequestHead::from_parts("GET", "/", &fields).unwrap();
        screen(edge, &Peer::new(peer.parse().unwrap()), &head).address
    }

    #[test]
    fn a_stranger_s_forwarding_header_is_not_believed() {
        assert_eq!(from(&edge(&["10.0.0.0/8"]), "203.0.113.5", &["198.51.100.1"]).to_string(), "203.0.113.5");
        assert_eq!(from(&edge(&[]), "203.0.113.5", &["198.51.100.1"]).to_string(), "203.0.113.5");
    }

    #[test]
    fn the_rightmost_untrusted_hop_is_the_client() {
        let edge = edge(&["10.0.0.0/8"]);
        assert_eq!(from(&edge, "10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]).to_string(), "198.51.100.1");
        assert_eq!(from(&edge, "10.0.0.1", &["1.1.1.1", "198.51.100.1"]).to_string(), "198.51.100.1");
    }

    #[test]
    fn a_mapped_address_is_the_address_it_maps() {
        assert_eq!(from(&edge(&["10.0.0.0/8"]), "::ffff:10.0.0.1", &["198.51.100.1"]).to_string(), "198.51.100.1");
    }

    #[test]
    fn an_unreadable_hop_ends_the_chain() {
        assert_eq!(from(&edge(&["10.0.0.0/8"]), "10.0.0.1", &["198.51.100.1, unknown"]).to_string(), "10.0.0.1");
    }
}
