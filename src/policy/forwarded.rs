//! What the upstream is told of the client: `X-Forwarded-*` and `Forwarded` (RFC 7239).

use std::net::IpAddr;

use super::{Believed, Client};
use crate::http1::RequestHead;

impl Client<'_> {
    /// Writes the forwarding fields of the request to the upstream. What is believed of a trusted proxy's is continued,
    /// others are begun.
    pub fn write_forwarding_fields(&self, head: &RequestHead, out: &mut Vec<u8>) {
        let proto: &[u8] = if self.tls { b"https" } else { b"http" };
        out.extend_from_slice(b"X-Forwarded-For: ");
        match self.keeps_x_forwarded() {
            true => continued(head, "x-forwarded-for", out),
            false => self.begun("", "", out),
        }
        out.extend_from_slice(self.peer.plain.as_bytes());
        out.extend_from_slice(b"\r\nX-Forwarded-Proto: ");
        out.extend_from_slice(self.kept(head, "x-forwarded-proto").unwrap_or(proto));
        let authority = head.authority().as_bytes();
        let host = self.kept(head, "x-forwarded-host").unwrap_or(authority);
        if !host.is_empty() {
            out.extend_from_slice(b"\r\nX-Forwarded-Host: ");
            out.extend_from_slice(host);
        }
        out.extend_from_slice(b"\r\nForwarded: ");
        match self.keeps_forwarded() {
            true => continued(head, "forwarded", out),
            false => self.begun("for=", "\"", out),
        }
        out.extend_from_slice(self.peer.node.as_bytes());
        if !authority.is_empty() {
            // An authority may hold a colon, which only a quoted string may (RFC 7239 section 4).
            out.extend_from_slice(b";host=\"");
            out.extend_from_slice(authority);
            out.push(b'"');
        }
        out.extend_from_slice(b";proto=");
        out.extend_from_slice(proto);
        out.extend_from_slice(b"\r\n");
    }

    fn keeps_x_forwarded(&self) -> bool {
        matches!(self.continues, Some(Believed::Any | Believed::XForwardedFor))
    }

    fn keeps_forwarded(&self) -> bool {
        matches!(self.continues, Some(Believed::Any | Believed::Forwarded))
    }

    fn kept<'h>(&self, head: &'h RequestHead, name: &str) -> Option<&'h [u8]> {
        if self.keeps_x_forwarded() { head.value(name) } else { None }
    }

    /// Where the other field said who the client is: its address, which stands before the peer's.
    fn begun(&self, before: &str, quote: &str, out: &mut Vec<u8>) {
        if !self.behind_proxy || self.address == self.peer.address {
            return;
        }
        let node = match self.address {
            IpAddr::V6(v6) if !quote.is_empty() => format!("{before}{quote}[{v6}]{quote}, "),
            address => format!("{before}{address}, "),
        };
        out.extend_from_slice(node.as_bytes());
    }
}

fn continued(head: &RequestHead, name: &str, value: &mut Vec<u8>) {
    for line in head.values(name) {
        value.extend_from_slice(line);
        value.extend_from_slice(b", ");
    }
}
