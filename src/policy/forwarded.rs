//! What the upstream is told of the client: `X-Forwarded-*` and `Forwarded` (RFC 7239).

use std::net::IpAddr;

use super::{Believed, Client, Whence};
use crate::http1::RequestHead;

impl Client<'_> {
    /// Writes the forwarding fields of the request to the upstream. What is believed of a trusted proxy's is continued,
    /// others are begun.
    pub fn write_forwarding_fields(&self, head: &RequestHead, out: &mut Vec<u8>) {
        if !self.behind_proxy && self.continues.is_none() && !self.tls && !head.authority().is_empty() {
            return self.write_usual_fields(head.authority().as_bytes(), out);
        }
        self.write_any_fields(head, out);
    }

    fn write_any_fields(&self, head: &RequestHead, out: &mut Vec<u8>) {
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

    /// The same as it nearly always is, in few pieces.
    fn write_usual_fields(&self, authority: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(b"X-Forwarded-For: ");
        out.extend_from_slice(self.peer.plain.as_bytes());
        out.extend_from_slice(b"\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: ");
        out.extend_from_slice(authority);
        out.extend_from_slice(b"\r\nForwarded: ");
        out.extend_from_slice(self.peer.node.as_bytes());
        out.extend_from_slice(b";host=\"");
        out.extend_from_slice(authority);
        out.extend_from_slice(b"\";proto=http\r\n");
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
        let node = match self.whence {
            _ if !self.behind_proxy => return,
            Whence::At(address) if address == self.peer.address => return,
            Whence::At(IpAddr::V6(v6)) if !quote.is_empty() => format!("{before}{quote}[{v6}]{quote}, "),
            whence => format!("{before}{whence}, "),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Peer;

    #[test]
    fn what_is_usual_is_written_as_anything_would_be() {
        for address in ["127.0.0.1", "2001:db8::1"] {
            let peer = Peer::new(address.parse().unwrap());
            let client = Client {
                whence: Whence::At(peer.address),
                peer: &peer,
                behind_proxy: false,
                continues: None,
                tls: false,
            };
            let fields = [("Host", &b"gw.test:80"[..]), ("X-Forwarded-For", b"10.0.0.1"), ("Forwarded", b"for=x")];
            let head = RequestHead::from_parts("GET", "/", &fields).unwrap();
            let (mut usual, mut any) = (Vec::new(), Vec::new());
            client.write_forwarding_fields(&head, &mut usual);
            client.write_any_fields(&head, &mut any);
            assert_eq!(usual.escape_ascii().to_string(), any.escape_ascii().to_string());
        }
    }
}
