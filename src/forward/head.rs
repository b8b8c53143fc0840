//! The head that an upstream gets: request line, fields, framing, and the signature over them where there is one.

use std::{borrow::Cow, sync::Arc};

use crate::{http1::encode, message::Body, policy::Admitted};

use super::{
    Dress, Failure, HostPolicy, Server, Servers, headers,
    signing::{Outgoing, Signing},
};

/// Whom a head is for.
#[derive(Clone, Copy)]
pub(super) struct Recipient<'a> {
    pub(super) servers: &'a Servers,
    pub(super) server: &'a Server,
    pub(super) dress: &'a Dress,
    /// What the connection is asked to change to.
    pub(super) protocol: Option<&'a [u8]>,
    /// What the upstream is told of the caller.
    pub(super) assertion: Option<&'a str>,
}

impl Recipient<'_> {
    /// Writes the head to `out`, and says whether the body goes in chunks.
    pub(super) fn write_head(self, permit: &Admitted<'_>, out: &mut Vec<u8>) -> Result<bool, Failure> {
        encode::known_request_line(out, permit.head().method(), &self.target(permit));
        let chunked = self.write_fields(permit, out)?;
        encode::end(out);
        Ok(chunked)
    }

    /// The same, signed. A body that is covered must be held already.
    pub(super) async fn write_signed_head(
        self,
        signing: &Arc<Signing>,
        permit: &Admitted<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        let mut lines = Vec::new();
        let chunked = self.write_fields(permit, &mut lines)?;
        let outgoing = Outgoing {
            method: permit.head().method().to_owned(),
            target: self.target(permit).into_owned(),
            scheme: if self.server.tls.is_some() { "https" } else { "http" },
            authority: self.authority(permit).to_owned(),
            lines,
        };
        let (outgoing, emitted) = signing.sign(outgoing, permit.body()).await?;
        encode::request_line(out, &outgoing.method, emitted.target.as_deref().unwrap_or(&outgoing.target));
        out.extend_from_slice(&outgoing.lines);
        for (name, value) in &emitted.headers {
            encode::field(out, name, value.as_bytes());
        }
        encode::end(out);
        Ok(chunked)
    }

    fn target<'p>(self, permit: &'p Admitted<'_>) -> Cow<'p, str> {
        let target = headers::target(self.dress, permit);
        if self.server.prefix.is_empty() { target } else { Cow::Owned(format!("{}{target}", self.server.prefix)) }
    }

    fn authority<'p>(self, permit: &'p Admitted<'_>) -> &'p str
    where
        Self: 'p,
    {
        let authority = permit.head().authority();
        match &self.servers.host {
            _ if self.servers.in_own_name(authority) => &self.server.authority,
            HostPolicy::Client | HostPolicy::Server => authority,
            HostPolicy::Fixed(host) => host,
        }
    }

    fn write_fields(self, permit: &Admitted<'_>, out: &mut Vec<u8>) -> Result<bool, Failure> {
        encode::own_line(out, "Host: ", self.authority(permit).as_bytes());
        headers::write_passed_on(self.dress, permit, out);
        headers::write_added(self.dress, permit, out)?;
        if let (Some(assertion), Some(token)) = (&self.dress.assertion, self.assertion) {
            assertion.write(token, out);
        }
        if let Some(protocol) = self.protocol {
            encode::field(out, "Connection", b"upgrade");
            encode::line(out, b"Upgrade", protocol);
        } else if is_last(self.servers, permit) {
            // What changes protocols is the last by that alone, and whoever reads one line of two would miss the change.
            encode::field(out, "Connection", b"close");
        }
        Ok(frame(out, permit.head().method(), permit.body()))
    }
}

/// Whether nothing may follow this request on its connection: its upstream is to have one for each, or it has a body and a method
/// that gives bodies no meaning (RFC 9110 section 9.3), so its upstream may not look for one, and would take the body for the next
/// request, which nobody verified.
pub(super) fn is_last(servers: &Servers, permit: &Admitted<'_>) -> bool {
    let has_no_meaning = || matches!(permit.head().method(), "GET" | "HEAD" | "DELETE" | "OPTIONS");
    !servers.keep_alive || permit.body().length() != Some(0) && has_no_meaning()
}

fn frame(out: &mut Vec<u8>, method: &str, body: &Body) -> bool {
    match body.length() {
        // A length of zero is said only where a body is expected (RFC 9110 section 8.6).
        Some(0) if !matches!(method, "POST" | "PUT" | "PATCH") => false,
        Some(length) => {
            encode::own_line(out, "Content-Length: ", itoa::Buffer::new().format(length).as_bytes());
            false
        }
        None => {
            encode::field(out, "Transfer-Encoding", b"chunked");
            true
        }
    }
}
