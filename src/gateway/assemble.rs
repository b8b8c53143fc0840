//! Checked config → the stages' own settings. The one place that knows both.

mod issuing;
mod limits;
mod read_headers;
mod signers;
mod stores;
mod tables;
mod tokens;

use std::{path::PathBuf, sync::Arc, time::Duration};

pub use self::issuing::minted_claims;
pub use self::stores::{Stores, StoresError};
pub use self::tokens::token_rule;
use self::{issuing::Issuing, read_headers::read_headers, signers::Signers, tables::Sources, tokens::TokenEntry};
use super::{
    carried::Carried,
    handshake::Handshake,
    publisher_book::PublisherBook,
    refusals::Shape,
    routes::{RouteConflict, RouteKey, Routes},
    snapshot::{Route, Service, Snapshot},
    windows::Windows,
};
use crate::{
    authenticate::{InForce, Leg, Requirement, SignatureRule, jwt},
    config::{self, Config, ForwardingHeader, OnStoreFailure, UpstreamKind},
    forward::{AnswerSigning, Assertion, Dress, NEVER_PASSED, ReadSet, Signing, StripSet, Target, Timeouts},
    http1,
    keys::{FileFault, SourceIndex},
    message::{Budgets, HoldLimits},
    observe::Labels,
    policy::{Believed, Edge, Networks, RateLimit},
    scheme::KeyFault,
};

/// Why a config that is well-formed cannot be used on this machine.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// Two routes match the same requests.
    #[error(transparent)]
    Routes(#[from] RouteConflict),
    /// A secret is no key of the scheme that it is for. The config's check says so with its place.
    #[error("scheme {scheme}: {source}")]
    Key {
        /// The scheme.
        scheme: String,
        /// Why.
        source: KeyFault,
    },
    /// A file of keys cannot be used.
    #[error("keys file {}: {source}", .path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: FileFault,
    },
    /// A tokens entry cannot be used.
    #[error("tokens {name}: {source}")]
    Tokens {
        /// The entry.
        name: String,
        /// Why.
        source: jwt::SettingsError,
    },
    /// A key source cannot be opened on this machine.
    #[error("keys {name}: {source}")]
    Keys {
        /// The source.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// A source of users cannot be opened on this machine.
    #[error("users {name}: {source}")]
    Users {
        /// The source.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// A database of refresh tokens cannot be opened on this machine.
    #[error("refresh tokens in a database: {0}")]
    Families(#[source] std::io::Error),
    /// An upstream's TLS settings cannot be used.
    #[error("upstream {name}: {source}")]
    Tls {
        /// The upstream.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// An issuer's key does not sign. The config's check says so with its place.
    #[error("issuer {0}: its key does not sign")]
    Issuer(String),
    /// Nothing can serve an upstream's requests. The config's check says why: this is for what it may have missed.
    #[error("upstream {0}: what is to answer there cannot be built")]
    Service(String),
    /// There are no threads to check passwords on.
    #[error("threads to check passwords on: {0}")]
    Passwords(#[source] std::io::Error),
    /// An upstream's host is no name that a certificate can have.
    #[error("upstream {0}: not a server name")]
    ServerName(String),
}

/// Builds everything that workers share under `config`. It changes nothing of what is carried over, so that a config that
/// comes to nothing leaves no trace.
///
/// # Errors
/// [`AssembleError`]
pub fn assemble(config: Config, carried: &Carried) -> Result<Snapshot, AssembleError> {
    let publishers = carried.publishers.turned(&config, &carried.clock);
    let keys = carried.keys.turned(&config, &carried.clock)?;
    let sources = Sources::new(&config, &keys);
    let windows = carried.windows.turned(&config, carried.clock.unix_millis());
    let rules = Rules::new(&config, &sources, &publishers, (&windows, &carried.in_force))?;
    let (targets, upstreams) = carried.upstreams.targets(&config)?;
    let strip = Arc::new(StripSet::new(
        NEVER_PASSED
            .into_iter()
            .chain(config.routes.iter().flat_map(|r| r.set_headers.iter().map(|(name, _)| name.as_str())))
            .chain(asserting_headers(&config)),
    ));
    let read = ReadSet::new(read_headers(&config).iter().map(String::as_str));
    let read = Arc::new(read.with_beginnings(config.schemes.iter().flat_map(|entry| entry.scheme.header_beginnings())));
    let labels = labels(&config);
    let edges = edges(&config);
    let largest = config.routes.iter().filter_map(|route| route.max_body).max().unwrap_or(0).max(config.limits.body);
    let budgets = Budgets { directory: config.limits.spool.clone(), ..carried.budgets.clone() };
    let clock = carried.clock.clone();
    let users = carried.users.turned(&config)?;
    let families = carried.family_tables.turned(&config).map_err(AssembleError::Families)?;
    let issuing = Issuing::new(&config, &budgets, carried, (&users, &families))?;
    let services = services(&config, targets, &issuing, &rules)?;
    let assertions: Vec<_> = config.upstreams.iter().map(|upstream| issuing.assertion(upstream)).collect();
    let signers = Signers { config: &config, rules: &rules.signatures, sources: &sources };
    let proofs = signers.proofs(&budgets, &clock)?;
    let guard = limits::guard(&config, &carried.strangers, &labels.limits);
    let key_sources = limits::key_sources(&config);
    let (limits, timeouts) = (config.limits.clone(), config.timeouts.clone());
    let mut entries = Vec::new();
    for (index, (route, proofs)) in config.routes.into_iter().zip(proofs).enumerate() {
        let key = key(&route);
        // A route without a service must not be left out: its requests would take a laxer one.
        let service = services.get(route.to).ok_or_else(|| AssembleError::Service(route.name.clone()))?;
        let requirement = rules.requirement(&route.require);
        let assertion = assertions.get(route.to).cloned().flatten();
        let dress =
            dress(&route, (proofs.sign, assertion), (&strip, &read), (&timeouts, &config.issuers, &config.schemes));
        let proven = (requirement, proofs.sign_response, proofs.handshake);
        let rates = limits::of_route(&route, &labels.limits, &key_sources);
        entries.push((key, Arc::new(self::route(index, route, proven, service, (dress, rates), &limits))));
    }
    Ok(Snapshot {
        edges,
        routes: Routes::build(entries)?,
        shape: shape(config.refusals),
        budgets,
        revocations: carried.revocations.clone(),
        claims: carried.stores.claims.clone(),
        upstreams,
        counters: carried.counters.clone(),
        guard,
        publishers,
        clock,
        head_limits: http1::Limits { head: limits.head, headers: limits.headers, ..http1::Limits::default() },
        largest_body: largest,
        limits,
        timeouts,
        labels,
        keys,
        users,
        families,
        windows,
        signatures: rules.signatures,
    })
}

/// The route table alone, each route held by its index: what [`assemble`] will route by.
///
/// # Errors
/// Two routes that match the same requests.
pub fn route_table(config: &Config) -> Result<Routes<usize>, RouteConflict> {
    Routes::build(config.routes.iter().enumerate().map(|(index, route)| (key(route), index)).collect())
}

fn key(route: &config::Route) -> RouteKey {
    RouteKey {
        hosts: route.hosts.clone(),
        path: route.path.clone(),
        methods: route.methods.clone(),
        listeners: route.listeners.clone(),
    }
}

/// The cookies of all sessions: a browser sends them along with everything. Refresh tokens are for us alone; a token goes on
/// where the route says that credentials do.
fn withheld_cookies(issuers: &[config::Issuer], route: &config::Route) -> Box<[String]> {
    let sessions = issuers.iter().filter_map(|issuer| issuer.session.as_ref());
    let names = |session: &config::Session| {
        let token = (!route.forward_credentials).then(|| session.token.clone());
        token.into_iter().chain([session.refresh.clone()])
    };
    sessions.flat_map(names).collect()
}

/// The headers in which any upstream is told who a caller is. `Authorization` is taken from clients where nobody writes it.
fn asserting_headers(config: &Config) -> impl Iterator<Item = &str> {
    let headers = config.upstreams.iter().filter_map(|upstream| Some(upstream.assertion.as_ref()?.header.as_str()));
    headers.filter(|header| !header.eq_ignore_ascii_case("authorization"))
}

fn edges(config: &Config) -> Vec<Edge> {
    let everywhere = config.addresses.as_ref().map(|of| Arc::new(limits::addresses(of)));
    let trusted_proxies = Networks::new(&config.trusted_proxies.nets);
    let believed = match config.trusted_proxies.header {
        None => Believed::Any,
        Some(ForwardingHeader::XForwardedFor) => Believed::XForwardedFor,
        Some(ForwardingHeader::Forwarded) => Believed::Forwarded,
    };
    let edge = |(index, listen): (usize, &config::Listen)| Edge {
        index,
        name: listen.name.clone().unwrap_or_else(|| listen.address.to_string()),
        scheme: if listen.tls.is_some() { "https" } else { "http" },
        public_origin: listen.public_origin.as_ref().map(|origin| (origin.scheme.clone(), origin.authority.clone())),
        trusted_proxies: trusted_proxies.clone(),
        believed,
        proxy_protocol: listen.proxy_protocol,
        addresses: {
            let here = listen.addresses.as_ref().map(|of| Arc::new(limits::addresses(of)));
            everywhere.iter().cloned().chain(here).collect()
        },
    };
    config.listen.iter().enumerate().map(edge).collect()
}

fn labels(config: &Config) -> Arc<Labels> {
    let callers = config.schemes.iter().map(|scheme| scheme.name.clone());
    Arc::new(Labels {
        routes: config.routes.iter().map(|route| route.name.clone()).collect(),
        callers: callers.chain(config.tokens.iter().map(|tokens| tokens.name.clone())).collect(),
        upstreams: config.upstreams.iter().map(|upstream| upstream.name.clone()).collect(),
        keys: config.keys.iter().map(tables::labels).collect(),
        limits: limits::names(config),
    })
}

fn dress(
    route: &config::Route,
    (sign, assertion): (Option<Arc<Signing>>, Option<Arc<Assertion>>),
    (strip, read): (&Arc<StripSet>, &Arc<ReadSet>),
    (timeouts, issuers, schemes): (&config::Timeouts, &[config::Issuer], &[config::SchemeConfig]),
) -> Dress {
    let lists_headers = |index: &usize| schemes.get(*index).is_some_and(|entry| entry.scheme.lists_headers());
    Dress {
        lists_headers: route.require.schemes().iter().any(lists_headers),
        set: route.set_headers.clone(),
        strip: strip.clone(),
        read: read.clone(),
        assertion,
        sign,
        forward_credentials: route.forward_credentials,
        withheld_cookies: withheld_cookies(issuers, route),
        upgrade: route.upgrade.clone(),
        timeouts: Timeouts {
            connect: timeouts.connect,
            head: route.upstream_timeout.unwrap_or(timeouts.upstream),
            body: timeouts.upstream_body,
        },
    }
}

fn route(
    index: usize,
    route: config::Route,
    (requirement, sign_response, handshake): (Requirement, Option<Arc<AnswerSigning>>, Option<Handshake>),
    service: &Service,
    (dress, rates): (Dress, Box<[RateLimit]>),
    limits: &config::Limits,
) -> Route {
    let hold = hold(route.max_body.unwrap_or(limits.body), limits);
    Route {
        index,
        name: route.name.as_str().into(),
        shape: Shape { accept_signature: requirement.accept_signature(), ..shape(route.refusals) },
        requirement,
        service: service.clone(),
        upstream: route.to,
        dress,
        sign_response,
        handshake,
        names_hosts: !route.hosts.is_empty(),
        addresses: route.addresses.as_ref().map(limits::addresses),
        limits: rates,
        hold,
        patience: patience(hold),
    }
}

fn hold(body: u64, limits: &config::Limits) -> HoldLimits {
    HoldLimits { body, memory: u64::try_from(limits.body_memory).unwrap_or(u64::MAX).min(body), may_spool: true }
}

/// A minute, and as long as the largest body takes at 32 KiB a second.
fn patience(hold: HoldLimits) -> Duration {
    Duration::from_secs(60 + hold.body / (32 * 1024))
}

fn shape(refusals: config::Refusals) -> Shape {
    let texts = refusals.causes.into_iter().map(|(cause, text)| (cause, text.status, text.detail));
    Shape { key: refusals.key, content_type: refusals.content_type, texts: texts.collect(), accept_signature: None }
}

/// The schemes and tokens that routes point at, each built once.
struct Rules {
    signatures: Vec<Arc<SignatureRule>>,
    tokens: Vec<TokenEntry>,
}

impl Rules {
    fn new(
        config: &Config,
        sources: &Sources,
        publishers: &PublisherBook,
        (windows, in_force): (&Windows, &Arc<InForce>),
    ) -> Result<Rules, AssembleError> {
        let signature = |entry: &config::SchemeConfig| {
            let table = sources.verifying(config, entry)?.at(SourceIndex(entry.keys));
            let may_go_unchecked = entry.on_store_failure == OnStoreFailure::Allow;
            let narrowed = windows.narrowed(&entry.name);
            Ok(Arc::new(SignatureRule {
                may_go_unchecked,
                narrowed,
                in_force: Some(in_force.clone()),
                ..SignatureRule::new(entry.scheme.clone(), table)
            }))
        };
        Ok(Rules {
            signatures: config.schemes.iter().map(signature).collect::<Result<_, AssembleError>>()?,
            tokens: config
                .tokens
                .iter()
                .map(|entry| TokenEntry::new(entry, publishers))
                .collect::<Result<_, AssembleError>>()?,
        })
    }

    fn requirement(&self, require: &config::Requirement) -> Requirement {
        match require {
            config::Requirement::Public => Requirement::Public,
            other => Requirement::AnyOf(self.alternatives(other)),
        }
    }

    /// `all_of` multiplied out over `any_of`, in file order.
    fn alternatives(&self, require: &config::Requirement) -> Vec<Vec<Leg>> {
        match require {
            config::Requirement::Public => Vec::new(),
            config::Requirement::Hmac(index) => {
                self.signatures.get(*index).map(|rule| vec![Leg::Signature(rule.clone())]).into_iter().collect()
            }
            config::Requirement::Jwt(index, leg) => {
                self.tokens.get(*index).map(|entry| vec![Leg::Token(Arc::new(entry.rule(leg)))]).into_iter().collect()
            }
            config::Requirement::AnyOf(options) => {
                options.iter().flat_map(|option| self.alternatives(option)).collect()
            }
            config::Requirement::AllOf(parts) => parts.iter().fold(vec![Vec::new()], |sofar, part| {
                let options = self.alternatives(part);
                sofar.iter().flat_map(|legs| options.iter().map(|more| [legs.as_slice(), more].concat())).collect()
            }),
        }
    }
}

/// Who serves the requests of each upstream, in the config's order.
fn services(
    config: &Config,
    targets: Vec<Option<Target>>,
    issuing: &Issuing,
    rules: &Rules,
) -> Result<Vec<Service>, AssembleError> {
    let service = |(upstream, target): (&config::Upstream, Option<Target>)| {
        let service = match &upstream.kind {
            UpstreamKind::Login(login) => issuing.login(&upstream.name, login),
            UpstreamKind::Refresh(renewal) => issuing.renewal(renewal),
            UpstreamKind::Logout(logout) => issuing.logout(logout),
            UpstreamKind::Token(endpoint) => issuing.token(&upstream.name, endpoint),
            UpstreamKind::Revoke(endpoint) => issuing.revocation(&upstream.name, endpoint, &rules.tokens),
            UpstreamKind::Mint(handout) => issuing.handout(handout),
            UpstreamKind::Jwks(issuer) => issuing.key_set(config, *issuer),
            UpstreamKind::Servers { .. } | UpstreamKind::Echo | UpstreamKind::Respond(_) => {
                target.map(Service::Forward)
            }
        };
        service.ok_or_else(|| AssembleError::Service(upstream.name.clone()))
    };
    config.upstreams.iter().zip(targets).map(service).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, config::System, store::revocations::Revocations};

    const CONFIG: &str = "\
        listen: [{ address: 127.0.0.1:0 }]\n\
        tokens: { api: { keys: [{ algorithm: HS256, secret: { value: 0123456789abcdef0123456789abcdef } }] } }\n\
        issuers: { api: { tokens: api } }\n\
        upstreams: { in: { login: { issuer: api, dangerously_without_password: true } }, ok: { echo: true } }\n\
        routes:\n  \
        - { match: { path: /login, methods: [POST] }, public: true, to: in }\n  \
        - { match: { path: /** }, public: true, to: ok }\n";

    /// Its requests would be served by the laxer route beside it.
    #[test]
    fn a_route_that_nothing_can_serve_is_never_left_out() {
        let (mut config, _) = config::parse(CONFIG, "t.yaml", &System).unwrap();
        config.issuers.clear();
        let stores = Stores::for_rehearsal(&config);
        let carried = Carried::new(&config, Clock::system(), stores, Revocations::none());
        assert!(matches!(assemble(config, &carried), Err(AssembleError::Service(name)) if name == "in"));
    }
}
