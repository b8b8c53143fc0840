//! What the upstream is told of the client: `X-Forwarded-*` and `Forwarded` (RFC 7239).

use std::{io::Write, net::IpAddr};

use super::Client;
use crate::http1::RequestHead;

impl Client {
    /// Visits the forwarding fields of the request to the upstream. A trusted proxy's are continued, others are begun.
    pub fn each_forwarding_field(&self, head: &RequestHead, visit: &mut dyn FnMut(&str, &[u8])) {
        let mut value = Vec::with_capacity(96);
        self.continued(head, "x-forwarded-for", &mut value);
        append(&mut value, format_args!("{}", self.peer));
        visit("X-Forwarded-For", &value);

        let proto = if self.tls { "https" } else { "http" };
        visit("X-Forwarded-Proto", self.kept(head, "x-forwarded-proto").unwrap_or(proto.as_bytes()));
        let host = self.kept(head, "x-forwarded-host").unwrap_or(head.authority().as_bytes());
        if !host.is_empty() {
            visit("X-Forwarded-Host", host);
        }

        value.clear();
        self.continued(head, "forwarded", &mut value);
        match self.peer {
            IpAddr::V4(address) => append(&mut value, format_args!("for={address}")),
            IpAddr::V6(address) => append(&mut value, format_args!("for=\"[{address}]\"")),
        }
        if !head.authority().is_empty() {
            // An authority may hold a colon, which only a quoted string may (RFC 7239 section 4).
            append(&mut value, format_args!(";host=\"{}\"", head.authority()));
        }
        append(&mut value, format_args!(";proto={proto}"));
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

fn append(value: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = value.write_fmt(text);
}
