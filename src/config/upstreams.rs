//! `upstreams:`: servers, or answers that the gateway gives itself.

use super::{
    assertion,
    checked::{Keys, Respond, SchemeConfig, Server, UNIX, Upstream, UpstreamHost, UpstreamKind, UpstreamTls},
    habits::{self, In},
    host,
    login::{self, Issuing},
    oauth,
    reader::Reader,
    section::Section,
    shape::Fields,
    signing::{self, Signers},
    template::{self, Used},
    tree::{Entry, Node, Place, Value},
};
use crate::scheme::{Sources, Template};

/// An upstream and the sources that its answer templates use.
pub(super) struct ReadUpstream {
    pub(super) upstream: Upstream,
    pub(super) sources: Vec<Used>,
    /// Where the audience of its assertion stands.
    pub(super) audience: Option<Place>,
}

impl ReadUpstream {
    /// Whether the gateway answers in its place and reads nothing.
    pub(super) fn gets_no_requests(&self) -> bool {
        match self.upstream.kind {
            UpstreamKind::Respond(_)
            | UpstreamKind::Login(_)
            | UpstreamKind::Refresh(_)
            | UpstreamKind::Logout(_)
            | UpstreamKind::Mint(_)
            | UpstreamKind::Token(_)
            | UpstreamKind::Revoke(_)
            | UpstreamKind::Jwks(_) => true,
            UpstreamKind::Servers { .. } | UpstreamKind::Echo => false,
        }
    }

    /// Whether what it does must not be asked for by a method that is safe to repeat.
    pub(super) fn issues(&self) -> bool {
        match self.upstream.kind {
            UpstreamKind::Login(_)
            | UpstreamKind::Refresh(_)
            | UpstreamKind::Logout(_)
            | UpstreamKind::Mint(_)
            | UpstreamKind::Token(_)
            | UpstreamKind::Revoke(_) => true,
            UpstreamKind::Servers { .. } | UpstreamKind::Echo => false,
            UpstreamKind::Respond(_) | UpstreamKind::Jwks(_) => false,
        }
    }
}

/// Reads the section.
pub(super) fn read(
    node: Option<&Node>,
    schemes: &mut Section<SchemeConfig>,
    keys: &Section<Keys>,
    issuing: &mut Issuing<'_>,
    reader: &mut Reader<'_>,
) -> Section<ReadUpstream> {
    let mut signers = Signers { schemes, keys };
    Section::read(node, "upstreams", "upstream", reader, |entry, reader| upstream(entry, &mut signers, issuing, reader))
}

const KEYS: [&str; 15] = [
    "servers",
    "host",
    "keep_alive",
    "tls",
    "assertion",
    "sign",
    "echo",
    "respond",
    "login",
    "refresh",
    "logout",
    "mint",
    "token",
    "revoke",
    "jwks",
];
/// What only an upstream with servers has.
const OF_SERVERS: [&str; 3] = ["host", "keep_alive", "tls"];
const KINDS: [&str; 10] =
    ["servers", "echo", "respond", "login", "refresh", "logout", "mint", "token", "revoke", "jwks"];
const ONE_KIND: &str = "exactly one of `servers`, `echo`, `respond`, `login`, `refresh`, `logout`, `mint`, `token`, \
                        `revoke` and `jwks`";

fn upstream(
    entry: &Entry,
    signers: &mut Signers<'_>,
    issuing: &mut Issuing<'_>,
    reader: &mut Reader<'_>,
) -> Option<ReadUpstream> {
    let what = format!("the upstream {}", reader.quote(entry.key_place, &entry.key));
    let Some(fields) = reader.fields(&entry.value, &what, &KEYS) else {
        habits::hint_of_value(&entry.value, "`{ servers: [\"http://127.0.0.1:9001\"] }`", reader);
        return None;
    };
    habits::hint(fields.entries(), In::Upstream, reader);
    let mut kinds = fields.entries().iter().filter(|entry| KINDS.contains(&entry.key.as_str()));
    let Some(kind) = kinds.next() else {
        // An unknown key has been reported already, and may be meant for one.
        let is_no_kind = |key: &str| OF_SERVERS.contains(&key) || matches!(key, "assertion" | "sign");
        if fields.entries().iter().all(|entry| is_no_kind(&entry.key)) {
            reader.error(entry.key_place, format!("{what} is of no kind")).expected(ONE_KIND);
        }
        return None;
    };
    if let Some(second) = kinds.next() {
        reader.error(second.key_place, format!("{what} is of two kinds")).expected(ONE_KIND);
        return None;
    }
    if kind.key != "servers" {
        for key in OF_SERVERS {
            if let Some(entry) = fields.entry(key) {
                reader.warning(entry.key_place, format!("`{key}` has no effect: this upstream has no servers"));
            }
        }
    }
    let [sign, assertion] = ["sign", "assertion"].map(|key| fields.entry(key));
    for entry in [sign, assertion].into_iter().flatten().filter(|_| !matches!(kind.key.as_str(), "servers" | "echo")) {
        reader.error(entry.key_place, format!("`{}` has no effect: this upstream gets no requests", entry.key));
    }
    let assertion = assertion.and_then(|entry| assertion::read(&entry.value, issuing, reader));
    let sign = sign.map(|entry| signing::request(&entry.value, signers, reader));
    let (kind, mut sources) = match kind.key.as_str() {
        "servers" => (servers(&kind.value, &fields, reader)?, Vec::new()),
        "echo" => (echo(&kind.value, reader)?, Vec::new()),
        "login" => (UpstreamKind::Login(Box::new(login::read(&kind.value, issuing, reader)?)), Vec::new()),
        "refresh" => (UpstreamKind::Refresh(Box::new(login::refresh(&kind.value, issuing, reader)?)), Vec::new()),
        "logout" => (UpstreamKind::Logout(Box::new(login::logout(&kind.value, issuing, reader)?)), Vec::new()),
        "mint" => {
            let read = assertion::handout(&kind.value, issuing, reader)?;
            (UpstreamKind::Mint(Box::new(read.item)), read.sources)
        }
        "token" => (UpstreamKind::Token(Box::new(oauth::token(&kind.value, issuing, reader)?)), Vec::new()),
        "revoke" => (UpstreamKind::Revoke(Box::new(oauth::revoke(&kind.value, issuing, reader)?)), Vec::new()),
        "jwks" => (UpstreamKind::Jwks(login::jwks(&kind.value, issuing, reader)?), Vec::new()),
        _ => respond(&kind.value, reader)?,
    };
    let audience = assertion.as_ref().and_then(|read| read.audience);
    let assertion = assertion.map(|read| {
        sources.extend(read.sources);
        Box::new(read.item)
    });
    let upstream = Upstream { name: entry.key.clone(), kind, assertion, sign: sign.flatten() };
    Some(ReadUpstream { upstream, sources, audience })
}

fn servers(node: &Node, fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<UpstreamKind> {
    let items = reader.one_or_many(node, "`servers`");
    let servers: Vec<Server> = items.iter().filter_map(|item| server(item, reader)).collect();
    let host = match fields.value("host") {
        None => Some(UpstreamHost::Client),
        Some(node) => upstream_host(node, reader),
    };
    let keep_alive = match fields.value("keep_alive") {
        None => Some(true),
        Some(node) => reader.boolean(node, "`keep_alive`"),
    };
    let tls = match fields.value("tls") {
        None => Some(UpstreamTls::default()),
        Some(node) => upstream_tls(node, reader),
    };
    if let Some(entry) = fields.entry("tls").filter(|_| !servers.iter().any(|server| server.tls)) {
        reader.warning(entry.key_place, "`tls` has no effect: no server is reached over https");
    }
    let complete = servers.len() == items.len() && !servers.is_empty();
    let servers = complete.then_some(servers)?;
    Some(UpstreamKind::Servers { servers, tls: tls?, host: host?, keep_alive: keep_alive? })
}

fn server(node: &Node, reader: &mut Reader<'_>) -> Option<Server> {
    let text = reader.text(node, "a server")?;
    match host::server(text) {
        Ok(server) => Some(server),
        Err(why) => {
            let shown = reader.quote(node.place, text);
            let problem = reader
                .error(node.place, format!("{shown} cannot be a server: {why}"))
                .expected("such as `http://127.0.0.1:9001` or `https://api.internal/prefix`");
            if text.starts_with(UNIX) {
                problem.hint("a server is reached over TCP; Unix sockets are for `admin` alone");
            } else if why == host::UrlError::Scheme && !text.contains("://") && !text.contains('@') {
                problem.hint(format!("did you mean `http://{text}`?"));
            }
            None
        }
    }
}

fn upstream_host(node: &Node, reader: &mut Reader<'_>) -> Option<UpstreamHost> {
    if let Value::Scalar(_) = node.value {
        return match reader.choice_or(node, "`host`", &[("client", true), ("server", false)], "`{ fixed: … }`")? {
            true => Some(UpstreamHost::Client),
            false => Some(UpstreamHost::Server),
        };
    }
    let fixed = &reader.one_key(node, "`host`", &["fixed"])?.value;
    let text = reader.text(fixed, "`fixed`")?;
    match host::origin(&format!("http://{text}")) {
        Ok(_) => Some(UpstreamHost::Fixed(text.to_owned())),
        Err(_) => {
            let shown = reader.quote(fixed.place, text);
            reader.error(fixed.place, format!("{shown} cannot be a Host")).expected("a host, with a port if need be");
            None
        }
    }
}

fn upstream_tls(node: &Node, reader: &mut Reader<'_>) -> Option<UpstreamTls> {
    let fields = reader.fields(node, "`tls`", &["roots", "server_name"])?;
    let roots = fields.value("roots").map(|node| reader.roots(node));
    let server_name = fields.value("server_name").map(|node| {
        let text = reader.text(node, "`server_name`")?;
        if !host::is_host_name(text) {
            let shown = reader.quote(node.place, text);
            reader.error(node.place, format!("{shown} is not a host name"));
        }
        Some(text.to_owned())
    });
    Some(UpstreamTls { roots: roots.flatten(), server_name: server_name.flatten() })
}

fn echo(node: &Node, reader: &mut Reader<'_>) -> Option<UpstreamKind> {
    if !reader.boolean(node, "`echo`")? {
        reader.error(node.place, "`echo` can only be true").hint("remove it");
        return None;
    }
    Some(UpstreamKind::Echo)
}

fn respond(node: &Node, reader: &mut Reader<'_>) -> Option<(UpstreamKind, Vec<Used>)> {
    let fields = reader.fields(node, "`respond`", &["status", "headers", "body"])?;
    let status = fields.value("status").map_or(Some(200), |node| reader.count(node, "the status", 200..600));
    let status = status.and_then(|status| u16::try_from(status).ok());
    let (headers, mut sources) = match fields.value("headers") {
        None => (Vec::new(), Vec::new()),
        Some(node) => template::headers(node, "`headers`", reader)?,
    };
    let body = match fields.value("body") {
        None => Template::compile("", Sources::Answer).ok(),
        Some(node) => template::answer(node, "the body", reader).map(|answer| {
            sources.extend(answer.sources);
            answer.template
        }),
    };
    let (status, body) = (status?, body?);
    if let Some(node) = fields.value("body").filter(|_| matches!(status, 204 | 304) && body.literal() != Some("")) {
        reader.error(node.place, format!("an answer with status {status} has no body (RFC 9110 section 6.4.1)"));
    }
    Some((UpstreamKind::Respond(Respond { status, headers, body }), sources))
}
