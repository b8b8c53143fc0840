//! The config, checked and fit for use: names resolved, templates compiled, secrets read, units applied.
//!
//! What stands here is still the operator's view. `gateway::assemble` turns it into the stages' own settings.

mod admission;
mod issuing;
mod operations;
mod proofs;
mod stores;
mod tokens;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

pub use admission::{Addresses, ForwardingHeader, Prefixes, RateLimit, RatePer, TrustedProxies, Unverified};
pub use issuing::{
    Assertion, ClaimValue, FamilyTable, GrantTypes, Handout, Issuer, KeptIn, Login, Logout, RefreshSettings,
    Registered, Renewal, RevocationEndpoint, Session, TokenEndpoint, User, Users, UsersSource, Who,
};
pub use operations::{Admin, AdminAddress, Revocations, RevocationsPlace, UNIX};
pub use proofs::{AnswerSigner, Handshake, Part, Signer};
pub use stores::{AfterStart, OnStoreFailure, RedisPlace, RedisServer, RedisTls, ReplayMemory, Store};
pub use tokens::{
    Decryption, Dpop, Introspection, PublishedFrom, PublishedKeys, TokenFrom, TokenKey, TokenKeys, TokenLeg, Tokens,
};

use crate::{
    keys::{Elsewhere, Format, KeyRecord, KeySecret, Method, Output},
    refusal::Cause,
    roots::Roots,
    scheme::{Scheme, Template},
};

/// One config file, whole. Lists keep the file's order; indices point into the lists beside them.
#[derive(Debug)]
pub struct Config {
    /// The public listeners; at least one.
    pub listen: Vec<Listen>,
    /// The admin listener, if any.
    pub admin: Option<Admin>,
    /// Proxies whose `X-Forwarded-For` and `Forwarded` are believed.
    pub trusted_proxies: TrustedProxies,
    /// Who may come to any listener.
    pub addresses: Option<Addresses>,
    /// Named key sources.
    pub keys: Vec<Keys>,
    /// Named signature schemes.
    pub schemes: Vec<SchemeConfig>,
    /// Named token rules.
    pub tokens: Vec<Tokens>,
    /// Named sources of users.
    pub users: Vec<Users>,
    /// Named issuers of tokens.
    pub issuers: Vec<Issuer>,
    /// Named upstreams.
    pub upstreams: Vec<Upstream>,
    /// The routes.
    pub routes: Vec<Route>,
    /// How refusals look where no route answers; the routes have it merged into their own already.
    pub refusals: Refusals,
    /// Bounds on what a client may send and hold.
    pub limits: Limits,
    /// Time-outs.
    pub timeouts: Timeouts,
    /// The access log.
    pub log: Log,
    /// Replay memory.
    pub replay: ReplayMemory,
    /// What is remembered outside of this process; `None`: nothing is.
    pub store: Option<Store>,
    /// What is revoked, and where that is kept.
    pub revocations: Option<Revocations>,
    /// Limits on what is not verified yet.
    pub unverified: Option<Unverified>,
}

/// `listen:`
#[derive(Debug, Clone)]
pub struct Listen {
    /// Where to bind.
    pub address: SocketAddr,
    /// Scheme and authority that clients see (`https://api.example.com`), used for `{scheme}` and `{authority}`.
    /// Without it: the listener's own scheme and the request's Host.
    pub public_origin: Option<Origin>,
    /// `tls:`
    pub tls: Option<ListenTls>,
    /// Who may come here.
    pub addresses: Option<Addresses>,
    /// Whether each connection must begin with a PROXY header of a trusted proxy.
    pub proxy_protocol: bool,
    /// The routes that answer here: all, unless a route names its listeners. Index into [`Config::listen`] is the id.
    pub name: Option<String>,
}

/// Scheme and authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: String,
    /// Host, with a port where it is not the scheme's own.
    pub authority: String,
}

/// Certificate and key in PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenTls {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// What is asked of clients.
    pub clients: Option<ClientCertificates>,
}

/// `client_ca` and `client_certificates` of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificates {
    /// PEM file of the roots that sign them.
    pub roots: PathBuf,
    /// Whether a client without one is turned away; else it is one that shows none.
    pub required: bool,
}

/// `keys: { NAME: … }`
#[derive(Debug)]
pub struct Keys {
    /// The name.
    pub name: String,
    /// What it holds.
    pub source: KeySource,
}

/// Where keys come from. More sources come later; each is one variant.
#[derive(Debug)]
pub enum KeySource {
    /// One key for any id. Several live secrets while it is rotated.
    Shared(KeyRecord),
    /// Ids and what is known of each.
    Static(Vec<(String, KeyRecord)>),
    /// Computed from a master secret and the id.
    Derive {
        /// The masters, in the order to try.
        masters: Vec<KeySecret>,
        /// How.
        method: Method,
        /// What of it is the key.
        output: Output,
    },
    /// A file, read again when it changes.
    File {
        /// Where it is.
        path: PathBuf,
        /// How it is written.
        format: Format,
    },
    /// Whoever has to be asked.
    Elsewhere(Box<Elsewhere>),
}

impl KeySource {
    /// Whether a key is chosen by the id that a request names: without one there is none.
    pub fn chooses_by_id(&self) -> bool {
        match self {
            KeySource::Shared(_) => false,
            KeySource::Static(_) | KeySource::Derive { .. } | KeySource::File { .. } | KeySource::Elsewhere(_) => true,
        }
    }

    /// The keys that stand in the config itself, each with its id where it has one.
    pub fn records(&self) -> Vec<(Option<&str>, &KeyRecord)> {
        match self {
            KeySource::Shared(record) => vec![(None, record)],
            KeySource::Static(ids) => ids.iter().map(|(id, record)| (Some(id.as_str()), record)).collect(),
            KeySource::Derive { .. } | KeySource::File { .. } | KeySource::Elsewhere(_) => Vec::new(),
        }
    }
}

/// `schemes: { NAME: … }`
#[derive(Debug)]
pub struct SchemeConfig {
    /// The name.
    pub name: String,
    /// Compiled.
    pub scheme: Arc<Scheme>,
    /// Index into [`Config::keys`].
    pub keys: usize,
    /// The preset it was made from, if any.
    pub preset: Option<String>,
    /// What becomes of a request whose claim no store can decide.
    pub on_store_failure: OnStoreFailure,
}

/// `upstreams: { NAME: … }`
#[derive(Debug)]
pub struct Upstream {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: UpstreamKind,
    /// How it is told who a caller is.
    pub assertion: Option<Box<Assertion>>,
    /// How requests to it are signed, unless their route says otherwise.
    pub sign: Option<Signer>,
}

/// A pool of servers, or an answer that the gateway gives itself.
#[derive(Debug)]
pub enum UpstreamKind {
    /// Servers, used in turn.
    Servers {
        /// At least one.
        servers: Vec<Server>,
        /// Trust for https servers.
        tls: UpstreamTls,
        /// `Host` towards the upstream: the client's (default) or the server's own authority.
        host: UpstreamHost,
        /// Whether a connection serves one request after the other.
        keep_alive: bool,
    },
    /// Answers what it received, as JSON.
    Echo,
    /// A fixed answer.
    Respond(Respond),
    /// A token for a name and a password.
    Login(Box<Login>),
    /// A refresh token for a new pair.
    Refresh(Box<Renewal>),
    /// The end of a refresh token.
    Logout(Box<Logout>),
    /// A token for whoever is known by another credential.
    Mint(Box<Handout>),
    /// What OAuth 2.0 takes for a token.
    Token(Box<TokenEndpoint>),
    /// The end of a token.
    Revoke(Box<RevocationEndpoint>),
    /// The public keys of an issuer; index into [`Config::issuers`].
    Jwks(usize),
}

/// One server of an upstream.
#[derive(Debug, Clone)]
pub struct Server {
    /// Whether it is spoken to over TLS.
    pub tls: bool,
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path prefix put before the request's target; empty for none, never ends in `/`.
    pub prefix: String,
}

/// Which Host an upstream sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamHost {
    /// The one the client sent.
    Client,
    /// The server's own.
    Server,
    /// This one.
    Fixed(String),
}

/// Whom an https upstream is believed by.
#[derive(Debug, Clone, Default)]
pub struct UpstreamTls {
    /// The roots; the system's where absent.
    pub roots: Option<Roots>,
    /// Name to verify instead of the host.
    pub server_name: Option<String>,
}

/// A fixed answer.
#[derive(Debug)]
pub struct Respond {
    /// HTTP status, 200 to 599.
    pub status: u16,
    /// Headers, values being answer templates.
    pub headers: Vec<(String, Template)>,
    /// Body, an answer template; values in it are escaped for JSON.
    pub body: Template,
}

/// One of `routes:`
#[derive(Debug)]
pub struct Route {
    /// As in logs and metrics: `name:`, else the match's path.
    pub name: String,
    /// Line in the file, for `routes` and `check`.
    pub line: usize,
    /// Hosts it answers for, lower case; empty: any.
    pub hosts: Vec<String>,
    /// Path pattern: literal, `{segment}`, final `/**`.
    pub path: String,
    /// Methods; empty: all.
    pub methods: Vec<String>,
    /// Listeners it answers on (indices); empty: all.
    pub listeners: Vec<usize>,
    /// What a caller must show.
    pub require: Requirement,
    /// Index into [`Config::upstreams`].
    pub to: usize,
    /// Headers set on the request to the upstream; values are answer templates.
    pub set_headers: Vec<(String, Template)>,
    /// Whether verified credentials are passed on.
    pub forward_credentials: bool,
    /// How refusals look here.
    pub refusals: Refusals,
    /// Largest body.
    pub max_body: Option<u64>,
    /// Time to the upstream's answer head.
    pub upstream_timeout: Option<Duration>,
    /// Protocols that a connection may change to, as `Upgrade` names them; empty: none.
    pub upgrade: Vec<String>,
    /// How requests are signed for the upstream, where the upstream does not say so itself.
    pub sign: Option<Signer>,
    /// How answers are signed.
    pub sign_response: Option<AnswerSigner>,
    /// The parts of a request that every way in signs.
    pub must_cover: Vec<Part>,
    /// What a webhook's sender is answered before it sends.
    pub handshake: Option<Handshake>,
    /// Who may come.
    pub addresses: Option<Addresses>,
    /// Its limits of rate, named ones and its own.
    pub rate_limits: Vec<Arc<RateLimit>>,
}

impl Route {
    /// Whether it answers on the listener of that index.
    pub fn is_at(&self, listener: usize) -> bool {
        self.listeners.is_empty() || self.listeners.contains(&listener)
    }
}

/// `require:`
#[derive(Debug)]
pub enum Requirement {
    /// Nothing: the route says `public: true`.
    Public,
    /// A signature; index into [`Config::schemes`].
    Hmac(usize),
    /// A token; index into [`Config::tokens`], and what the route says of it.
    Jwt(usize, TokenLeg),
    /// One of these.
    AnyOf(Vec<Requirement>),
    /// All of these.
    AllOf(Vec<Requirement>),
}

/// `refusals:` of a route (or of the whole config, as the default of all).
#[derive(Debug, Clone, Default)]
pub struct Refusals {
    /// `key:`: the body is `{"KEY": DETAIL}` and nothing else, as `application/json`. Without it: problem+json.
    pub key: Option<String>,
    /// Content type, where it is not the shape's own.
    pub content_type: Option<String>,
    /// Overrides per cause.
    pub causes: Vec<(Cause, RefusalText)>,
}

/// What a route says differently about one cause.
#[derive(Debug, Clone, Default)]
pub struct RefusalText {
    /// HTTP status 400 to 599.
    pub status: Option<u16>,
    /// `detail`.
    pub detail: Option<String>,
}

/// `limits:`
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open client connections, over all listeners. Default 10,000.
    pub connections: usize,
    /// Open connections of one address. Default: no bound of its own.
    pub connections_per_address: Option<usize>,
    /// Bytes of a request head. Default 32 KiB.
    pub head: usize,
    /// Header fields in a head. Default 100.
    pub headers: usize,
    /// Largest request body where the route does not say. Default 10 MiB.
    pub body: u64,
    /// Bytes of one covered body kept in memory. Default 64 KiB.
    pub body_memory: usize,
    /// Bytes of covered bodies kept in memory, all requests. Default 32 MiB.
    pub body_memory_total: u64,
    /// Bytes of covered bodies in temporary files, all requests. Default 1 GiB.
    pub spool_total: u64,
    /// Directory of those files. Default: the system's.
    pub spool: Option<PathBuf>,
    /// Requests at once towards one upstream. Default 1,024 a worker.
    pub upstream_requests: usize,
    /// Families of refresh tokens kept in memory. Default 100,000.
    pub refresh_families: usize,
    /// Passwords checked at once. Default: half as many as there are cores, at least one.
    pub password_checks: Option<usize>,
    /// Passwords that may wait to be checked. Default 32.
    pub password_queue: usize,
    /// Counters of rate limits kept in memory, and as many of addresses. Default 1,000,000.
    pub rate_counters: usize,
}

/// `timeouts:`
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// From the first byte of a head to its last. Default 10 s.
    pub head: Duration,
    /// Between two reads of a request body. Default 30 s.
    pub body: Duration,
    /// A kept connection without a request. Default 75 s.
    pub idle: Duration,
    /// Between two writes to a client that does not read. Default 30 s.
    pub write: Duration,
    /// To connect to an upstream. Default 5 s.
    pub connect: Duration,
    /// From the request to the upstream's answer head. Default 60 s.
    pub upstream: Duration,
    /// Between two reads of an answer's body. Default 60 s.
    pub upstream_body: Duration,
    /// An upgraded connection on which neither side sends. Default 1 h.
    pub tunnel: Duration,
    /// How long requests in flight may go on after SIGTERM. Default 30 s.
    pub drain: Duration,
}

/// `log:`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Where access lines go.
    pub access: LogSink,
    /// How they look; `None`: pretty on a terminal, JSON otherwise.
    pub format: Option<LogFormat>,
}

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSink {
    /// Nowhere.
    Off,
    /// Standard error.
    Stderr,
    /// Standard output (the default).
    Stdout,
    /// Appended to this file; opened again on SIGHUP.
    File(PathBuf),
}

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LogFormat {
    Pretty,
    Json,
}
