//! What forwarding is told: plain settings, made by `gateway::assemble`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};

use super::{Assertion, Signing};
use crate::{http1::FieldName, scheme::Template};

/// Where a route's requests go.
#[derive(Debug, Clone)]
pub enum Target {
    /// Servers, used in turn.
    Servers(Arc<Servers>),
    /// An answer that shows what was received.
    Echo,
    /// A fixed answer.
    Respond(Arc<Respond>),
}

/// An upstream's servers.
#[derive(Debug)]
pub struct Servers {
    /// The upstream's name.
    pub name: String,
    /// At least one.
    pub servers: Vec<Server>,
    /// The Host they see.
    pub host: HostPolicy,
    /// Whether a connection to one serves one request after the other.
    pub keep_alive: bool,
    /// Requests at once that one worker may have there.
    pub most: usize,
    /// Whose turn it is; goes on over reloads.
    pub next: Arc<AtomicUsize>,
}

impl Servers {
    /// Whose turn it is now.
    pub(super) fn turn(&self) -> usize {
        if self.servers.len() == 1 { 0 } else { self.next.fetch_add(1, Ordering::Relaxed) }
    }

    /// Whether a request that asked for `authority` goes on in its server's own name.
    pub(super) fn in_own_name(&self, authority: &str) -> bool {
        match &self.host {
            HostPolicy::Client => authority.is_empty(),
            HostPolicy::Server => true,
            HostPolicy::Fixed(_) => false,
        }
    }

    /// The other servers for which a request looks as it does for `server`, where it names none itself.
    pub(super) fn like(&self, server: &Server) -> impl Iterator<Item = &Server> {
        let looks_alike = move |other: &&Server| {
            other.id != server.id && other.prefix == server.prefix && other.tls.is_some() == server.tls.is_some()
        };
        self.servers.iter().filter(looks_alike)
    }

    /// The server at that turn; `None` only where there is none at all.
    pub(super) fn nth(&self, turn: usize) -> Option<&Server> {
        match self.servers.as_slice() {
            [only] => Some(only),
            servers => servers.get(turn.checked_rem(servers.len())?),
        }
    }
}

/// One server.
#[derive(Debug)]
pub struct Server {
    /// Its place in each worker's [`Pools`](super::Pools): the same over reloads for as long as it is connected to in the
    /// same way, and no other server's ever.
    pub id: usize,
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Host and, where it is not the scheme's own, port.
    pub authority: String,
    /// Put before each request's target; empty for none.
    pub prefix: String,
    /// TLS settings and the name to verify, for https.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// Which Host an upstream sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPolicy {
    /// The client's.
    Client,
    /// The server's own.
    Server,
    /// This one.
    Fixed(String),
}

/// A fixed answer.
#[derive(Debug)]
pub struct Respond {
    /// HTTP status.
    pub status: u16,
    /// Header names and value templates.
    pub headers: Vec<(String, Template)>,
    /// Body template; values are escaped for JSON.
    pub body: Template,
}

/// How a route dresses a request for its upstream.
#[derive(Debug)]
pub struct Dress {
    /// Headers to set, after all removals.
    pub set: Vec<(String, Template)>,
    /// Names removed on every route.
    pub strip: Arc<StripSet>,
    /// Names that credentials and signatures stand in.
    pub read: Arc<ReadSet>,
    /// Whether a request may list headers of its own choice that its signature covers.
    pub lists_headers: bool,
    /// How the upstream is told who the caller is.
    pub assertion: Option<Arc<Assertion>>,
    /// How requests are signed, after everything else.
    pub sign: Option<Arc<Signing>>,
    /// Whether credentials go on.
    pub forward_credentials: bool,
    /// Cookies of sessions, which go on nowhere, also where nobody asked for one.
    pub withheld_cookies: Box<[String]>,
    /// Protocols that a connection may change to.
    pub upgrade: Vec<String>,
    /// Time-outs.
    pub timeouts: Timeouts,
}

/// Time-outs towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// To connect, TLS included.
    pub connect: Duration,
    /// From the request to the answer's head.
    pub head: Duration,
    /// Between two reads of the answer's body.
    pub body: Duration,
}

/// Header names that no client may set: compared without case, and whatever is no letter and no digit alike, for so do the
/// upstreams that turn names into variables (CGI, WSGI, PHP; lighttpd makes `_` of each such byte).
#[derive(Debug, Default)]
pub struct StripSet {
    names: hashbrown::HashSet<Box<[u8]>, foldhash::fast::RandomState>,
    /// By third and last letter, the lengths modulo 64 that a name in the set has.
    lengths: Lengths,
}

/// Most headers of most requests have letters and a length that no name in the set has: then nothing is hashed.
#[derive(Debug)]
struct Lengths(Box<[u64; 1024]>);

impl Default for Lengths {
    fn default() -> Lengths {
        Lengths(Box::new([0; 1024]))
    }
}

impl Lengths {
    fn insert(&mut self, name: &[u8]) {
        self.0[letters(name)] |= 1 << (name.len() % 64);
    }

    fn has(&self, name: &[u8]) -> bool {
        self.0[letters(name)] & 1 << (name.len() % 64) != 0
    }
}

/// A number below 1024 that is the same for names that differ in case or separators alone. Of many names the first letter is
/// the `X` of `X-`: the third tells more.
fn letters(name: &[u8]) -> usize {
    let letter = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(fold(byte) & 31));
    letter(name.get(2)) << 5 | letter(name.last())
}

impl StripSet {
    /// A set of those names.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> StripSet {
        let mut set = StripSet::default();
        for name in names {
            set.lengths.insert(name.as_bytes());
            set.names.insert(folded(name.as_bytes()).as_slice().into());
        }
        set
    }

    /// Whether `name` is one of them.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.lengths.has(name) && self.names.contains(folded(name).as_slice())
    }
}

/// Header names that schemes and token rules read. A twin of one (`X_Key` for `X-Key`) is signed by nobody, and an
/// upstream that folds names could take it for the real one.
#[derive(Debug, Default)]
pub struct ReadSet {
    folded: StripSet,
    exact: hashbrown::HashSet<Box<[u8]>, foldhash::fast::RandomState>,
    /// In lower case, how names begin of which every one is read.
    beginnings: Vec<Box<[u8]>>,
    /// Whether a name in it has another separator than `-` itself.
    has_odd: bool,
}

impl ReadSet {
    /// A set of those names.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str> + Clone) -> ReadSet {
        let exact = names.clone().into_iter().map(|name| name.to_ascii_lowercase().into_bytes().into()).collect();
        let has_odd = names.clone().into_iter().any(|name| name.bytes().any(|byte| is_odd(&byte)));
        ReadSet { folded: StripSet::new(names), exact, beginnings: Vec::new(), has_odd }
    }

    /// The same with every name that begins like one of those.
    #[must_use]
    pub fn with_beginnings<'n>(mut self, beginnings: impl IntoIterator<Item = &'n str>) -> ReadSet {
        self.beginnings = beginnings.into_iter().map(|begin| begin.to_ascii_lowercase().into_bytes().into()).collect();
        self.has_odd |= self.beginnings.iter().any(|begin| begin.iter().any(is_odd));
        self
    }

    /// Whether `name` is read, in whatever case.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.folded.contains(name) && self.exact.contains(name.to_ascii_lowercase().as_slice())
            || self.beginnings.iter().any(|begin| begins(name, begin))
    }

    /// Whether `name` only looks like one that is read.
    pub fn is_twin(&self, field: FieldName<'_>) -> bool {
        let name = field.bytes;
        (field.is_odd || self.has_odd)
            && (self.folded.contains(name) || self.beginnings.iter().any(|begin| looks_begun(name, begin)))
            && !self.contains(name)
    }
}

fn begins(name: &[u8], beginning: &[u8]) -> bool {
    name.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

fn looks_begun(name: &[u8], beginning: &[u8]) -> bool {
    name.get(..beginning.len()).is_some_and(|start| start.iter().map(fold).eq(beginning.iter().map(fold)))
}

fn is_odd(byte: &u8) -> bool {
    !(byte.is_ascii_alphanumeric() || *byte == b'-')
}

fn folded(name: &[u8]) -> smallvec::SmallVec<[u8; 64]> {
    name.iter().map(fold).collect()
}

pub(super) fn fold(byte: &u8) -> u8 {
    FOLDED[usize::from(*byte)]
}

/// What each byte of a name counts as.
const FOLDED: [u8; 256] = {
    let mut folded = [b'-'; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            folded[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    folded
};

/// TLS towards upstreams that these roots vouch for.
pub fn client_tls(trusted: Arc<RootCertStore>) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_whatever_their_case_and_separator() {
        let set = StripSet::new(["X-Auth-User"]);
        for name in ["x-auth-user", "X_Auth_User", "X.AUTH-USER"] {
            assert!(set.contains(name.as_bytes()), "{name}");
        }
        for separator in "!#$%&'*+-.^_`|~".chars() {
            let name = format!("X{separator}Auth-USER");
            assert!(set.contains(name.as_bytes()), "{name}");
        }
        assert!(!set.contains(b"x-auth-users") && !set.contains(b"x-auth0user") && !set.contains(b"xauth-user"));
    }

    #[test]
    fn a_name_that_ends_in_a_separator_is_found_under_any_other() {
        let set = StripSet::new(["X-Odd_"]);
        assert!(set.contains(b"x-odd~") && set.contains(b"X+ODD-") && !set.contains(b"x-oddm"));
    }

    #[test]
    fn a_twin_of_a_name_that_is_read_is_told_from_it() {
        let read = ReadSet::new(["X-Key-Id"]);
        let is_twin = |name: &str| read.is_twin(FieldName::new(name.as_bytes()));
        assert!(read.contains(b"x-key-ID") && !is_twin("X-KEY-ID"));
        assert!(is_twin("X_Key-Id") && is_twin("x.key.id") && !read.contains(b"X_Key_Id"));
        assert!(is_twin("X+Key-Id") && is_twin("x-key~id") && !read.contains(b"X+Key-Id"));
        assert!(!is_twin("X-Key-Ix"));
    }

    #[test]
    fn a_twin_of_a_beginning_is_told_from_what_begins_so() {
        let read = ReadSet::new(["X-Key-Id"]).with_beginnings(["X-Ms-"]);
        let is_twin = |name: &str| read.is_twin(FieldName::new(name.as_bytes()));
        for read_too in ["x-ms-", "X-MS-Meta", "x-ms-meta_a"] {
            assert!(read.contains(read_too.as_bytes()) && !is_twin(read_too), "{read_too}");
        }
        assert!(is_twin("x_ms_meta") && is_twin("X-MS.Meta") && is_twin("x.ms-") && !read.contains(b"x_ms-meta"));
        assert!(!is_twin("x_msx") && !is_twin("x_m") && is_twin("x-ms_x"));
        assert!(is_twin("X_Key-Id") && !read.contains(b"x-msx"));
    }
}
