//! `listen:` and `admin:`: where the gateway is reached.

use std::{
    net::{Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use super::{
    checked::{Admin, AdminAddress, ClientCertificates, Config, Listen, ListenTls, Route, TrustedProxies, UNIX},
    definition::all_or_none,
    host, networks, pattern,
    reader::Reader,
    secret, section,
    shape::Fields,
    tree::{Node, Place, Value},
};
use crate::secret::Secret;

/// The public listeners. One that could not be read keeps its name and its index.
#[derive(Default)]
pub(super) struct Listeners {
    pub(super) names: Vec<Option<String>>,
    pub(super) places: Vec<Place>,
    items: Vec<Option<Listen>>,
    taken: Vec<(SocketAddr, Place)>,
    /// Where a listener requires a PROXY header.
    proxied: Vec<Place>,
}

impl Listeners {
    /// All that could be read.
    pub(super) fn into_items(self) -> Vec<Listen> {
        self.items.into_iter().flatten().collect()
    }

    /// Reports an address that another listener has.
    fn take(&mut self, address: SocketAddr, place: Place, reader: &mut Reader<'_>) {
        // Port 0 is a different port each time.
        let other = self.taken.iter().find(|(taken, _)| *taken == address && address.port() != 0);
        if let Some((_, first)) = other {
            let line = first.line;
            reader
                .error(place, format!("`{address}` is listened on twice"))
                .hint(format!("the other is on line {line}"));
        }
        self.taken.push((address, place));
    }
}

/// Reads `listen:`: one listener or several.
pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Listeners {
    let mut listeners = Listeners::default();
    for item in reader.one_or_many(node, "`listen`") {
        let (name, listen) = listener(item, &mut listeners, reader);
        listeners.names.push(name);
        listeners.places.push(item.place);
        listeners.items.push(listen);
    }
    listeners
}

/// Reports listeners that require a PROXY header where nobody is trusted to write one.
pub(super) fn check_proxied(listeners: &Listeners, proxies: &TrustedProxies, reader: &mut Reader<'_>) {
    for place in listeners.proxied.iter().filter(|_| proxies.nets.is_empty()) {
        reader
            .error(*place, "`proxy_protocol` is required here and nobody is trusted: no connection would be taken")
            .hint("trusted_proxies: [10.0.0.0/8], the networks of the load balancer");
    }
}

/// Says where the host that was asked is signed and nobody said which one that is: by a scheme, or in a proof.
pub(super) fn check_hosts(config: &Config, places: &[Place], reader: &mut Reader<'_>) {
    check_other_hosts(config, places, reader);
    for (index, (listen, place)) in config.listen.iter().zip(places).enumerate() {
        let here = config.routes.iter().filter(|route| route.is_at(index));
        let mut schemes =
            here.flat_map(|route| route.require.schemes()).filter_map(|scheme| config.schemes.get(scheme));
        if let Some(scheme) = schemes.find(|scheme| scheme.scheme.coverage().authority)
            && listen.public_origin.is_none()
        {
            let name = &scheme.name;
            reader
                .warning(*place, format!("the scheme `{name}` signs the host, which here is whatever `Host` says"))
                .hint("public_origin: \"https://api.example.com\", the origin that clients sign");
        }
        let mut here = config.routes.iter().filter(|route| route.is_at(index));
        if here.any(|route| route.takes_proofs() && !knows_its_address(route, listen)) {
            reader
                .error(*place, "DPoP proofs name the public address, which is not known here")
                .expected("`public_origin: \"https://api.example.com\"`, the origin that clients know")
                .hint("`Host` says what its sender likes; a proof that somebody made for another site would do");
        }
    }
}

/// Says which routes answer for no host that their callers could sign: those of another origin are refused there.
fn check_other_hosts(config: &Config, places: &[Place], reader: &mut Reader<'_>) {
    for route in config.routes.iter().filter(|route| !route.hosts.is_empty()) {
        let signs_host =
            |index: usize| config.schemes.get(index).is_some_and(|entry| entry.scheme.coverage().authority);
        if !route.takes_proofs() && !route.require.schemes().into_iter().any(signs_host) {
            continue;
        }
        let here = config.listen.iter().zip(places).enumerate();
        let mut here = here.filter(|(index, _)| route.is_at(*index));
        let fits =
            |listen: &Listen| listen.public_origin.as_ref().is_none_or(|origin| route.answers_for(&origin.authority));
        let Some((_, (_, place))) = here.clone().next() else { continue };
        if !here.any(|(_, (listen, _))| fits(listen)) {
            let message = format!("the route `{}` answers for none of the hosts that its callers sign", route.name);
            reader
                .warning(*place, message)
                .hint("a signature over the public origin's host is refused there: give that route a listener with its own `public_origin`");
        }
    }
}

impl Route {
    /// Whether one of its hosts is that of `authority`.
    fn answers_for(&self, authority: &str) -> bool {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_ascii_lowercase();
        self.hosts.iter().any(|named| pattern::host_rank(named, &host).is_some())
    }
}

/// Where TLS ends here the scheme is known, and the host where the route answers for no other.
fn knows_its_address(route: &Route, listen: &Listen) -> bool {
    let is_one = |host: &String| !host.starts_with('*');
    listen.public_origin.is_some() || listen.tls.is_some() && !route.hosts.is_empty() && route.hosts.iter().all(is_one)
}

fn listener(node: &Node, listeners: &mut Listeners, reader: &mut Reader<'_>) -> (Option<String>, Option<Listen>) {
    if let Value::Scalar(_) = node.value {
        let listen = address(node, reader).map(|address| {
            listeners.take(address, node.place, reader);
            Listen { address, public_origin: None, tls: None, addresses: None, proxy_protocol: false, name: None }
        });
        return (None, listen);
    }
    let Some(fields) =
        reader.fields(node, "a listener", &["address", "public_origin", "name", "tls", "addresses", "proxy_protocol"])
    else {
        return (None, None);
    };
    let name = fields.value("name").and_then(|node| listener_name(node, listeners, reader));
    let origin = fields.value("public_origin").and_then(|node| public_origin(node, reader));
    let tls = fields.value("tls").and_then(|node| listener_tls(node, reader));
    let addresses = fields.value("addresses").and_then(|node| networks::addresses(node, reader));
    let proxy_protocol = fields.value("proxy_protocol");
    let proxied = proxy_protocol.and_then(|node| reader.choice(node, "`proxy_protocol`", &[("required", true)]));
    listeners.proxied.extend(proxy_protocol.map(|node| node.place));
    let proxy_protocol = proxied.unwrap_or(false);
    let listen = fields.required("address", reader).and_then(|node| {
        let address = address(node, reader)?;
        listeners.take(address, node.place, reader);
        Some(Listen { address, public_origin: origin, tls, addresses, proxy_protocol, name: name.clone() })
    });
    (name, listen)
}

fn listener_name(node: &Node, listeners: &Listeners, reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text(node, "the name of a listener")?;
    if section::name(text, node.place, reader) && listeners.names.iter().flatten().any(|name| name == text) {
        reader.error(node.place, format!("two listeners are named `{text}`"));
    }
    Some(text.to_owned())
}

fn address(node: &Node, reader: &mut Reader<'_>) -> Option<SocketAddr> {
    let text = reader.text(node, "an address")?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        let shown = reader.quote(node.place, text);
        let problem = reader
            .error(node.place, format!("{shown} is not an address and port"))
            .expected("such as `127.0.0.1:8000` or `[::1]:8000`");
        let is_number = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        match text.rsplit_once(':') {
            Some(("localhost", port)) => problem.hint(format!("did you mean `127.0.0.1:{port}`?")),
            Some((host, port)) if is_number(port) && host.parse::<Ipv6Addr>().is_ok() => {
                problem.hint(format!("did you mean `[{host}]:{port}`?"))
            }
            _ if text.starts_with("http://") || text.starts_with("https://") => {
                problem.hint("an address and a port, without `http://`; what clients see is `public_origin`")
            }
            Some(("" | "*", port)) if is_number(port) => {
                problem.hint(format!("for every address of this host write `0.0.0.0:{port}`"))
            }
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                problem.hint(format!("did you mean `127.0.0.1:{text}`?"))
            }
            _ => problem,
        };
    }
    parsed
}

fn public_origin(node: &Node, reader: &mut Reader<'_>) -> Option<super::checked::Origin> {
    let text = reader.text(node, "`public_origin`")?;
    match host::origin(text) {
        Ok(origin) => Some(origin),
        Err(why) => {
            let shown = reader.quote(node.place, text);
            let problem = reader
                .error(node.place, format!("{shown} cannot be a public origin: {why}"))
                .expected("such as `https://api.example.com`");
            if why == host::UrlError::Path {
                problem.hint("scheme, host and port only, with no `/` after them");
            }
            None
        }
    }
}

fn listener_tls(node: &Node, reader: &mut Reader<'_>) -> Option<ListenTls> {
    let allowed = ["certificate", "key", "client_ca", "client_certificates"];
    let fields = reader.fields(node, "`tls`", &allowed)?;
    let clients = client_certificates(&fields, reader);
    let (certificate, key) = (fields.required("certificate", reader), fields.required("key", reader));
    let (certificate, key) = reader.certificate_and_key(certificate, key)?;
    Some(ListenTls { certificate, key, clients: all_or_none(clients)? })
}

/// `None` where clients are asked for none; the inner one where it was said what is wrong.
fn client_certificates(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<Option<ClientCertificates>> {
    let choices = [("required", true), ("optional", false)];
    let required = fields.value("client_certificates");
    let required = required.map_or(Some(true), |node| reader.choice(node, "`client_certificates`", &choices));
    let Some(node) = fields.value("client_ca") else {
        let entry = fields.entry("client_certificates")?;
        reader
            .error(entry.key_place, "`client_ca` is missing: nobody is said who signs clients' certificates")
            .expected("`client_ca: FILE`, a PEM file of roots");
        return Some(None);
    };
    let roots = reader.roots_file(node);
    Some(roots.zip(required).map(|(roots, required)| ClientCertificates { roots, required }))
}

/// Longest path of a Unix socket, in bytes, on every system.
const LONGEST_SOCKET: usize = 103;

/// Reads `admin:`, which must be on a Unix socket or a loopback address unless it says that it knows.
pub(super) fn read_admin(node: &Node, listeners: &mut Listeners, reader: &mut Reader<'_>) -> Option<Admin> {
    let (node, given) = match &node.value {
        Value::Map(_) => {
            let fields = reader.fields(node, "`admin`", &["address", "token", "hosts", "dangerously_not_loopback"])?;
            (fields.required("address", reader), AdminFields::read(&fields, reader))
        }
        _ => (Some(node), AdminFields::default()),
    };
    let (node, AdminFields { token, hosts, not_loopback }) = (node?, given);
    if let Some(path) = reader.text(node, "an address")?.strip_prefix(UNIX) {
        let path = socket(path, node, reader)?;
        return Some(Admin { address: AdminAddress::Unix(path), token, hosts });
    }
    let address = address(node, reader)?;
    if !address.ip().to_canonical().is_loopback() && !not_loopback {
        reader
            .error(node.place, format!("the admin listener on `{address}` can be reached by others"))
            .expected(
                "a loopback address, such as `127.0.0.1:9090`, or a Unix socket, such as `unix:/run/countersign.sock`",
            )
            .hint("if that is meant: `admin: { address: …, dangerously_not_loopback: true }`");
    }
    listeners.take(address, node.place, reader);
    Some(Admin { address: AdminAddress::Tcp(address), token, hosts })
}

fn socket(path: &str, node: &Node, reader: &mut Reader<'_>) -> Option<PathBuf> {
    let whole = reader.beside(path);
    if path.is_empty() || whole.as_os_str().len() > LONGEST_SOCKET {
        let shown = format!("{UNIX}{}", whole.display());
        reader.error(node.place, format!("`{shown}` cannot be the path of a Unix socket")).expected(format!(
            "`unix:` and a path of 1 to {LONGEST_SOCKET} bytes, such as `unix:/run/countersign.sock`"
        ));
        return None;
    }
    Some(whole)
}

/// Shortest token that draws no warning, in bytes: 128 bits.
const SHORTEST_TOKEN: usize = 16;

/// What may stand beside the address.
#[derive(Default)]
struct AdminFields {
    token: Option<Secret>,
    hosts: Vec<String>,
    not_loopback: bool,
}

impl AdminFields {
    fn read(fields: &Fields<'_>, reader: &mut Reader<'_>) -> AdminFields {
        let meant = fields.value("dangerously_not_loopback");
        let not_loopback = meant.and_then(|node| reader.boolean(node, "`dangerously_not_loopback`")).unwrap_or(false);
        let token = fields.value("token").and_then(|node| {
            let token = secret::secret(node, reader, SHORTEST_TOKEN, "an admin token")?;
            if !token.expose().iter().all(u8::is_ascii_graphic) {
                reader.error(node.place, "the admin token has something in it that cannot stand in a header");
            }
            Some(token)
        });
        let hosts = fields.value("hosts").map(|node| reader.one_or_many(node, "`hosts`")).unwrap_or_default();
        let hosts = hosts.iter().filter_map(|node| admin_host(node, reader)).collect();
        AdminFields { token, hosts, not_loopback }
    }
}

/// A whole name, for every name that is not one of ours may be a stranger's that points here.
fn admin_host(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    let name = reader.text(node, "a name in `hosts`")?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if !name.chars().all(is_part) {
        let shown = reader.quote(node.place, name);
        reader
            .error(node.place, format!("{shown} cannot be a name in `hosts`"))
            .expected("a whole name without a port, such as `gateway` or `gateway.internal`");
        return None;
    }
    Some(name.to_ascii_lowercase())
}
