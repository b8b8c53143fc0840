//! The forms of a request target (RFC 9112 section 3.2): which of its bytes are authority, path and query.

use memchr::memchr;

use super::authority::{Authority, usual_port};
use super::fields::Span;
use super::{BadHead, BadRequest};

/// Where a target's parts lie in the head.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Target {
    whole: Span,
    /// Path and query; `None` for an absolute form with neither, which means `/`.
    origin: Option<Span>,
    /// The path alone, where there is a query.
    path_before_query: Option<Span>,
    query: Option<Span>,
    /// Absolute form only.
    authority: Option<Span>,
    default_port: u16,
}

impl Target {
    pub(super) fn read(method: &str, target: &str, head: &[u8]) -> Result<Target, BadRequest> {
        // '#' is no part of a target, and readers differ on whether they cut there.
        if !target.bytes().fold(true, |sound, byte| sound & byte.is_ascii_graphic() & (byte != b'#')) {
            return Err(BadRequest::Target);
        }
        let form = Form::of(method, target).ok_or(BadRequest::Target)?;
        let (path, query) = match memchr(b'?', form.origin.as_bytes()) {
            Some(at) => (form.origin.get(..at), form.origin.get(at + 1..)),
            None => (None, None),
        };
        let span = |part: &str| Span::of(part.as_bytes(), head);
        let optional = |part: Option<&str>| part.map(span).transpose();
        Ok(Target {
            whole: span(target)?,
            origin: optional(Some(form.origin).filter(|origin| !origin.is_empty()))?,
            path_before_query: optional(path)?,
            query: optional(query)?,
            authority: optional(form.authority)?,
            default_port: form.default_port,
        })
    }

    /// A target in origin form, whose `?` is at `question` in its head.
    pub(super) fn plain(whole: Span, question: Option<usize>) -> Option<Target> {
        let (path_before_query, query) = match question {
            None => (None, None),
            Some(at) => {
                let path = Span::at(whole.start(), at.checked_sub(whole.start())?)?;
                (Some(path), Some(Span::at(at + 1, whole.end().checked_sub(at + 1)?)?))
            }
        };
        Some(Target { whole, origin: Some(whole), path_before_query, query, authority: None, default_port: 80 })
    }

    pub(super) fn whole(self, line: &str) -> &str {
        self.whole.within(line)
    }

    /// Where the target ends in its head: what is text in a request line ends there.
    pub(super) fn end(self) -> usize {
        self.whole.end()
    }

    pub(super) fn origin(self, line: &str) -> &str {
        self.origin.map_or("/", |origin| origin.within(line))
    }

    pub(super) fn path(self, line: &str) -> &str {
        self.path_before_query.map_or_else(|| self.origin(line), |path| path.within(line))
    }

    pub(super) fn query(self, line: &str) -> Option<&str> {
        self.query.map(|query| query.within(line))
    }

    /// The one authority of the request: that of `Host`, which an absolute form must repeat.
    pub(super) fn authority(self, host: Option<&[u8]>, head: &[u8]) -> Result<Span, BadRequest> {
        let own = self.authority.map(|authority| (authority, Authority::parse(authority.bytes(head))));
        let Some(host) = host else { return Ok(own.map(|(authority, _)| authority).unwrap_or_default()) };
        let server = Authority::parse(host).ok_or(BadRequest::Host)?;
        match own {
            Some((_, None)) => Err(BadRequest::Target),
            Some((_, Some(own))) if !own.is_same(&server, self.default_port) => Err(BadRequest::AuthorityMismatch),
            _ => Span::of(host, head).map_err(BadHead::into),
        }
    }
}

/// A target taken apart.
struct Form<'a> {
    authority: Option<&'a str>,
    default_port: u16,
    origin: &'a str,
}

impl<'a> Form<'a> {
    fn of(method: &str, target: &'a str) -> Option<Form<'a>> {
        if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
            return Some(Form { authority: None, default_port: usual_port("http"), origin: target });
        }
        let (scheme, rest) = target.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        let (authority, origin) = rest.split_at_checked(rest.find(['/', '?']).unwrap_or(rest.len()))?;
        Authority::parse(authority.as_bytes())?;
        // `http://host?query` would need a `/` that no byte of the head supplies; clients send it (RFC 9112 3.2.1).
        let default_port = usual_port(scheme);
        (!origin.starts_with('?')).then_some(Form { authority: Some(authority), default_port, origin })
    }
}
