//! A request as a scheme sees it: borrowed, uninterpreted, independent of any HTTP library.

use std::{borrow::Cow, fmt, io};

/// The parts of one request. Cheap to copy; nothing is decoded.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The method as it came.
    pub method: &'a str,
    /// Raw path and query, as they came.
    pub target: &'a str,
    /// The public scheme, `http` or `https`: configured, never what the client says.
    pub scheme: &'a str,
    /// The public authority.
    pub authority: &'a str,
    /// The header fields.
    pub headers: &'a dyn Headers,
    /// The body, as far as it is there.
    pub body: Body<'a>,
    /// What verification found out; [`Unknown`] before it.
    pub known: &'a dyn Known,
}

/// Access to header fields without naming the library that holds them.
pub trait Headers {
    /// Visits each value of the field, trimmed, in order. Names are compared without regard to case.
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8]));

    /// Visits the names of all fields, as they are written, in order; one that came twice, twice.
    fn names(&self, visit: &mut dyn FnMut(&str));

    /// The value of a field that came once; `None` where it did not come, came more than once, or takes more than a look.
    fn only(&self, _name: &str) -> Option<&[u8]> {
        None
    }
}

/// The body of a request.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    /// Not read yet: only the head can be judged.
    Unread,
    /// All of it (or none: an absent body is empty).
    Memory(&'a [u8]),
    /// All of it, but not in memory.
    Spooled(&'a dyn Spooled),
}

/// A body that is held outside memory.
pub trait Spooled {
    /// Visits the whole body from its start, in pieces.
    fn read(&self, visit: &mut dyn FnMut(&[u8])) -> io::Result<()>;
}

/// What is known of a request once it is verified.
pub trait Known {
    /// A claim of the token, as text. `None` where there is no token or no such claim.
    fn claim(&self, name: &str) -> Option<Cow<'_, str>>;
    /// An attribute of the key that verified. `None` where it has none of that name.
    fn attribute(&self, _name: &str) -> Option<Cow<'_, str>> {
        None
    }
    /// A fact. `None` where it does not apply.
    fn fact(&self, fact: Fact) -> Option<Cow<'_, str>>;
}

/// Facts about a verified request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Who sent it.
    Subject,
    /// Which key signed it.
    KeyId,
    /// Which scheme verified it.
    Scheme,
    /// The route's name.
    Route,
    /// The gateway's id of the request.
    RequestId,
    /// The client's address, behind trusted proxies.
    ClientAddress,
    /// The token that was issued.
    Token,
    /// How long it is good for, in seconds.
    ExpiresIn,
    /// The refresh token that came with it.
    RefreshToken,
    /// What must be shown with it where it stands in a cookie.
    CsrfToken,
}

/// Nothing is known yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unknown;

impl Known for Unknown {
    fn claim(&self, _name: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn fact(&self, _fact: Fact) -> Option<Cow<'_, str>> {
        None
    }
}

impl<'a> View<'a> {
    /// The target up to the first `?`.
    pub(super) fn path(&self) -> &'a str {
        self.target.split_once('?').map_or(self.target, |(path, _)| path)
    }

    /// What follows the first `?`; empty where there is none.
    pub(super) fn query(&self) -> &'a str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The port that is meant where none is written.
    pub(super) fn usual_port(&self) -> &'static str {
        if self.scheme == "https" { "443" } else { "80" }
    }

    /// The public host and its port, that of the scheme where none is written.
    pub(super) fn host_and_port(&self) -> (&'a str, &'a str) {
        match self.authority.rsplit_once(':') {
            // `[::1]` ends in a bracket, so what follows its last colon is no port.
            Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
            _ => (self.authority, self.usual_port()),
        }
    }
}

impl fmt::Debug for View<'_> {
    /// Neither query, headers nor body: they may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("method", &self.method).field("path", &self.path()).finish_non_exhaustive()
    }
}
