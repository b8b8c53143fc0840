//! What the upstream is told of the client: `X-Forwarded-*` and `Forwarded` (RFC 7239).

use super::Client;
use crate::http1::RequestHead;

impl Client<'_> {
    /// Visits the forwarding fields of the request to the upstream. A trusted proxy's are continued, others are begun.
    pub fn each_forwarding_field(&self, head: &RequestHead, visit: &mut dyn FnMut(&str, &[u8])) {
        let mut value = Vec::with_capacity(96);
        self.continued(head, "x-forwarded-for", &mut value);
        value.extend_from_slice(self.peer.plain.as_bytes());
        visit("X-Forwarded-For", &value);

        let proto = if self.tls { "https" } else { "http" };
        visit("X-Forwarded-Proto", self.kept(head, "x-forwarded-proto").unwrap_or(proto.as_bytes()));
        let host = self.kept(head, "x-forwarded-host").unwrap_or(head.authority().as_bytes());
        if !host.is_empty() {
            visit("X-Forwarded-Host", host);
        }

        value.clear();
        self.continued(head, "forwarded", &mut value);
        value.extend_from_slice(self.peer.node.as_bytes());
        if !head.authority().is_empty() {
            // An authority may hold a colon, which only a quoted string may (RFC 7239 section 4).
            value.extend_from_slice(b";host=\"");
            value.extend_from_slice(head.authority().as_bytes());
            value.push(b'"');
        }
        value.extend_from_slice(b";proto=");
        value.extend_from_slice(proto.as_bytes());
        visit("Forwarded", &value);
    }

    fn kept<'h>(&self, head: &'h RequestHead, name: &str) -> Option<&'h [u8]> {
        if self.behind_proxy { head.value(name) } else { None }
    }

    fn continued(&self, head: &RequestHead, name: &str, value: &mut Vec<u8>) {
        if self.behind_proxy {
            for line in head.values(name) {
                value.extend_from_slice(line);
                value.extend_from_slice(b", ");
            }
        }
    }
}
