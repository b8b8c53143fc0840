//! Where a request comes from: the socket's address, or what a trusted proxy says of it.

use std::{borrow::Cow, fmt, net::IpAddr, sync::Arc};

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
    /// Whether that is not its own but the balancer's, which tells nothing of whom it serves.
    is_hidden: bool,
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
        Peer { address, is_hidden: false, certificate: None, plain: address.to_string(), node }
    }

    /// Who is at the other end of a connection that may have come through a balancer.
    pub fn of(whence: Whence) -> Peer {
        match whence {
            Whence::At(address) => Peer::new(address),
            Whence::Behind(balancer) => {
                let (plain, node) = ("unknown".to_owned(), "for=unknown".to_owned());
                Peer { is_hidden: true, plain, node, ..Peer::new(balancer) }
            }
        }
    }

    /// The same, with the SHA-256 of the certificate that it showed.
    pub fn with_certificate(self, certificate: Option<[u8; 32]>) -> Peer {
        Peer { certificate, ..self }
    }

    /// Its address as text.
    pub fn text(&self) -> &str {
        &self.plain
    }
}

/// Who the client is, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whence {
    /// Its address: the socket's, or the one that the nearest untrusted hop had.
    At(IpAddr),
    /// Somebody behind this trusted proxy, which names an address that cannot be read, or none.
    Behind(IpAddr),
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub struct Client<'p> {
    /// Who the client is.
    pub whence: Whence,
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
            true => Cow::Owned(self.whence.to_string()),
            false => Cow::Borrowed(self.peer.text()),
        }
    }
}

impl fmt::Display for Whence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whence::At(address) => address.fmt(f),
            // The word of RFC 7239 section 6.2.
            Whence::Behind(_) => f.write_str("unknown"),
        }
    }
}

/// Finds out who is there. Forwarding headers count only from trusted proxies; of a chain the rightmost address that is
/// not one of them is the client, for everything left of it is the client's own word.
pub fn screen<'p>(edge: &Edge, peer: &'p Peer, head: &RequestHead) -> Client<'p> {
    let tls = edge.scheme == "https";
    let whence = if peer.is_hidden { Whence::Behind(peer.address) } else { Whence::At(peer.address) };
    let stranger = Client { whence, peer, behind_proxy: false, continues: None, tls };
    // Whoever is hidden may have written what is there himself: only the balancer's address is trusted, not he.
    if peer.is_hidden || edge.trusted_proxies.is_empty() || !edge.trusted_proxies.contains(peer.address) {
        return stranger;
    }
    let hops = match edge.believed {
        Believed::Forwarded => chain::forwarded(head.values("forwarded")),
        Believed::XForwardedFor | Believed::Any => chain::x_forwarded_for(head.values("x-forwarded-for")),
    };
    let proxied = Client { behind_proxy: true, continues: Some(edge.believed), ..stranger };
    let mut address = peer.address;
    for hop in hops.into_iter().rev() {
        match hop {
            Some(hop) => address = hop,
            // Not the proxy's own: nothing that holds for a proxy may hold for whoever is behind it.
            None => return Client { whence: Whence::Behind(address), ..proxied },
        }
        if !edge.trusted_proxies.contains(address) {
            break;
        }
    }
    Client { whence: Whence::At(address), ..proxied }
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

    fn from(edge: &Edge, peer: &str, forwarded: &[&str]) -> Whence {
        from_fields(edge, peer, &forwarded.iter().map(|value| ("x-forwarded-for", *value)).collect::<Vec<_>>())
    }

    fn from_fields(edge: &Edge, peer: &str, fields: &[(&'static str, &str)]) -> Whence {
        let fields: Vec<(&str, &[u8])> = [("host", &b"h"[..])]
            .into_iter()
            .chain(fields.iter().map(|(name, value)| (*name, value.as_bytes())))
            .collect();
        let head = RequestHead::from_parts("GET", "/", &fields).unwrap();
        screen(edge, &Peer::new(peer.parse().unwrap()), &head).whence
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
    fn whoever_has_an_address_that_cannot_be_read_is_not_taken_for_the_proxy() {
        let edge = edge(&["10.0.0.0/8"]);
        for hops in ["198.51.100.1, unknown", "198.51.100.256", "x", "", "198.51.100.1,"] {
            assert_eq!(from(&edge, "10.0.0.1", &[hops]), Whence::Behind("10.0.0.1".parse().unwrap()), "{hops}");
        }
        let behind_the_next = Whence::Behind("10.0.0.2".parse().unwrap());
        assert_eq!(from(&edge, "10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"]), behind_the_next);
        assert_eq!(from(&edge, "10.0.0.1", &["unknown, 198.51.100.1"]).to_string(), "198.51.100.1");
        assert_eq!(from(&edge, "10.0.0.1", &[]).to_string(), "10.0.0.1", "the proxy's own request");
        assert_eq!(from(&edge, "203.0.113.5", &["unknown"]).to_string(), "203.0.113.5");
    }

    #[test]
    fn what_a_client_breaks_in_a_line_that_its_proxy_goes_on_with_does_not_make_it_the_proxy() {
        let edge = Edge { believed: Believed::Forwarded, ..edge(&["10.0.0.0/8"]) };
        let fields = [("forwarded", "for=\", for=203.0.113.9")];
        assert_eq!(from_fields(&edge, "10.0.0.1", &fields), Whence::Behind("10.0.0.1".parse().unwrap()));
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
