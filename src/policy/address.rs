//! Where a request comes from: the socket's address, or what a trusted proxy says of it.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use super::{Addresses, Networks, chain};
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
    pub trusted_proxies: Networks,
    /// What of them is believed.
    pub believed: Believed,
    /// Whether each connection must begin with a PROXY header of a trusted proxy.
    pub proxy_protocol: bool,
    /// Who may come here: each of these must let an address in.
    pub addresses: Vec<Arc<Addresses>>,
}

/// What is believed of what a trusted proxy says. A field that is not may be its client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Believed {
    /// `X-Forwarded-For` says who the client is; it, its siblings and `Forwarded` are continued.
    Any,
    /// `X-Forwarded-For` and its siblings alone.
    XForwardedFor,
    /// `Forwarded` alone.
    Forwarded,
}

/// The other end of a connection, written down once for all of its requests.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address; an IPv4 one mapped into IPv6 is IPv4.
    pub address: IpAddr,
    /// SHA-256 of the certificate that it showed, over TLS.
    pub certificate: Option<[u8; 32]>,
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
        Peer { address, certificate: None, plain: address.to_string(), node }
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
    /// What of it is kept.
    pub(super) continues: Option<Believed>,
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
    let stranger = Client { address: peer.address, peer, behind_proxy: false, continues: None, tls };
    if edge.trusted_proxies.is_empty() || !edge.trusted_proxies.contains(peer.address) {
        return stranger;
    }
    let hops = match edge.believed {
        Believed::Forwarded => chain::forwarded(head.values("forwarded")),
        Believed::XForwardedFor | Believed::Any => chain::x_forwarded_for(head.values("x-forwarded-for")),
    };
    let mut address = peer.address;
    for hop in hops.into_iter().rev() {
        match hop {
            Some(hop) => address = hop,
            // An unreadable hop ends what can be believed.
            None => break,
        }
        if !edge.trusted_proxies.contains(address) {
            break;
        }
    }
    Client { address, behind_proxy: true, continues: Some(edge.believed), ..stranger }
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
            trusted_proxies: Networks::new(&trusted.iter().map(|net| net.parse().unwrap()).collect::<Vec<_>>()),
            believed: Believed::Any,
            proxy_protocol: false,
            addresses: Vec::new(),
        }
    }

    fn from(edge: &Edge, peer: &str, forwarded: &[&str]) -> IpAddr {
        from_fields(edge, peer, &forwarded.iter().map(|value| ("x-forwarded-for", *value)).collect::<Vec<_>>())
    }

    fn from_fields(edge: &Edge, peer: &str, fields: &[(&'static str, &str)]) -> IpAddr {
        let fields: Vec<(&str, &[u8])> = [("host", &b"h"[..])]
            .into_iter()
            .chain(fields.iter().map(|(name, value)| (*name, value.as_bytes())))
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

    #[test]
    fn only_the_field_that_is_believed_says_who_the_client_is() {
        let fields = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=198.51.100.2, for=10.0.0.2")];
        let edge = |believed| Edge { believed, ..edge(&["10.0.0.0/8"]) };
        for (believed, client) in [
            (Believed::Any, "198.51.100.1"),
            (Believed::XForwardedFor, "198.51.100.1"),
            (Believed::Forwarded, "198.51.100.2"),
        ] {
            assert_eq!(from_fields(&edge(believed), "10.0.0.1", &fields).to_string(), client);
            assert_eq!(from_fields(&edge(believed), "203.0.113.5", &fields).to_string(), "203.0.113.5");
        }
    }
}
