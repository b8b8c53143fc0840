//! Upstreams made ready for forwarding, and what of them goes on from one config to the next: the servers' ids, and so the
//! connections that workers keep to them, whose turn it is, and sessions of TLS.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicUsize},
};

use rustls::{ClientConfig, pki_types::ServerName};

use super::assemble::AssembleError;
use crate::{
    config::{self, Config, UpstreamHost, UpstreamKind},
    forward::{HostPolicy, Respond, Server, Servers, Target, client_tls},
    http1::usual_port,
    roots::Roots,
};

/// The servers of one config. A server whose settings did not change has the id that it had in the [book](Book) before; no
/// id is ever given to another one, for there may be connections behind it.
#[derive(Clone, Default)]
pub struct Book {
    /// Ids from here on were never given out.
    free: usize,
    servers: HashMap<Settled, usize>,
    turns: HashMap<String, Arc<AtomicUsize>>,
    clients: Vec<Client>,
}

/// All that decides what a connection to a server is good for.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Settled {
    upstream: String,
    host: String,
    port: u16,
    prefix: String,
    /// The id of its TLS settings, and the name that was verified.
    tls: Option<(usize, String)>,
    /// The how manieth of its kind in its upstream: one that stands there twice is two.
    number: usize,
}

/// TLS settings, with the roots that they were made of.
#[derive(Clone)]
struct Client {
    id: usize,
    roots: Roots,
    config: Arc<ClientConfig>,
}

impl Book {
    /// The targets of `config`, in its order, and the book that the next config goes on with. What the token issuer
    /// answers has none.
    ///
    /// # Errors
    /// [`AssembleError`]; this book stays as it is.
    pub fn targets(&self, config: &Config) -> Result<(Vec<Option<Target>>, Book), AssembleError> {
        let mut writing = Writing { before: self, book: Book { free: self.free, ..Book::default() } };
        let most = config.limits.upstream_requests;
        let targets =
            config.upstreams.iter().map(|upstream| writing.target(upstream, most)).collect::<Result<_, _>>()?;
        Ok((targets, writing.book))
    }
}

/// A book that is being written.
struct Writing<'b> {
    before: &'b Book,
    book: Book,
}

impl Writing<'_> {
    fn target(&mut self, upstream: &config::Upstream, most: usize) -> Result<Option<Target>, AssembleError> {
        let name = &upstream.name;
        Ok(Some(match &upstream.kind {
            UpstreamKind::Login(_) | UpstreamKind::Refresh(_) | UpstreamKind::Logout(_) => return Ok(None),
            UpstreamKind::Mint(_) | UpstreamKind::Jwks(_) => return Ok(None),
            UpstreamKind::Token(_) | UpstreamKind::Revoke(_) => return Ok(None),
            UpstreamKind::Echo => Target::Echo,
            UpstreamKind::Respond(respond) => Target::Respond(Arc::new(Respond {
                status: respond.status,
                headers: respond.headers.clone(),
                body: respond.body.clone(),
            })),
            UpstreamKind::Servers { servers, tls, host, keep_alive } => {
                let wants_tls = servers.iter().any(|server| server.tls);
                let client = wants_tls.then(|| self.client(name, tls)).transpose()?;
                let list = servers.iter().map(|server| self.server(name, server, tls, client.as_ref()));
                Target::Servers(Arc::new(Servers {
                    name: name.clone(),
                    servers: list.collect::<Result<_, _>>()?,
                    host: host_policy(host),
                    keep_alive: *keep_alive,
                    most,
                    next: self.turn(name),
                }))
            }
        }))
    }

    fn server(
        &mut self,
        upstream: &str,
        server: &config::Server,
        tls: &config::UpstreamTls,
        client: Option<&Client>,
    ) -> Result<Server, AssembleError> {
        let usual_port = usual_port(if server.tls { "https" } else { "http" });
        let host = if server.host.contains(':') { format!("[{}]", server.host) } else { server.host.clone() };
        let verified = tls.server_name.as_ref().unwrap_or(&server.host);
        let client = client.filter(|_| server.tls);
        let mut settled = Settled {
            upstream: upstream.to_owned(),
            host: server.host.clone(),
            port: server.port,
            prefix: server.prefix.clone(),
            tls: client.map(|client| (client.id, verified.clone())),
            number: 0,
        };
        while self.book.servers.contains_key(&settled) {
            settled.number += 1;
        }
        let tls = match client {
            None => None,
            Some(client) => {
                let name = ServerName::try_from(verified.clone());
                let name = name.map_err(|_| AssembleError::ServerName(upstream.to_owned()))?;
                Some((client.config.clone(), name))
            }
        };
        Ok(Server {
            id: self.id(settled),
            host: server.host.clone(),
            port: server.port,
            authority: if server.port == usual_port { host } else { format!("{host}:{}", server.port) },
            prefix: server.prefix.clone(),
            tls,
        })
    }

    fn id(&mut self, settled: Settled) -> usize {
        let id = self.before.servers.get(&settled).copied().unwrap_or_else(|| self.unused());
        self.book.servers.insert(settled, id);
        id
    }

    fn unused(&mut self) -> usize {
        self.book.free += 1;
        self.book.free - 1
    }

    fn turn(&mut self, upstream: &str) -> Arc<AtomicUsize> {
        let turn = self.before.turns.get(upstream).cloned().unwrap_or_default();
        self.book.turns.insert(upstream.to_owned(), turn.clone());
        turn
    }

    /// TLS settings with the roots as they are now. Those of before go on where the roots are the same.
    fn client(&mut self, upstream: &str, tls: &config::UpstreamTls) -> Result<Client, AssembleError> {
        let unusable = |source| AssembleError::Tls { name: upstream.to_owned(), source };
        let trusted = Roots::given_or_system(tls.roots.as_ref()).map_err(unusable)?;
        let known = self.book.clients.iter().chain(&self.before.clients);
        let client = match known.into_iter().find(|client| client.roots == trusted) {
            Some(client) => client.clone(),
            None => Client { id: self.unused(), config: client_tls(trusted.store()), roots: trusted },
        };
        if self.book.clients.iter().all(|known| known.id != client.id) {
            self.book.clients.push(client.clone());
        }
        Ok(client)
    }
}

fn host_policy(host: &UpstreamHost) -> HostPolicy {
    match host {
        UpstreamHost::Client => HostPolicy::Client,
        UpstreamHost::Server => HostPolicy::Server,
        UpstreamHost::Fixed(name) => HostPolicy::Fixed(name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    fn config(upstreams: &str) -> Config {
        let text = format!(
            "listen: 127.0.0.1:0\nupstreams: {{ {upstreams} }}\nroutes: [{{ match: {{ path: / }}, public: true, to: a }}]"
        );
        config::parse(&text, "t.yaml", &config::System).unwrap().0
    }

    impl Book {
        /// All that have one.
        fn made(&self, config: &Config) -> (Vec<Target>, Book) {
            let (targets, book) = self.targets(config).unwrap();
            (targets.into_iter().flatten().collect(), book)
        }
    }

    fn ids(targets: &[Target]) -> Vec<usize> {
        let servers = targets.iter().filter_map(|target| match target {
            Target::Servers(servers) => Some(servers),
            Target::Echo | Target::Respond(_) => None,
        });
        servers.flat_map(|servers| servers.servers.iter().map(|server| server.id)).collect()
    }

    #[test]
    fn a_server_keeps_its_id_wherever_it_stands_and_no_id_is_used_again() {
        let (targets, book) = Book::default()
            .made(&config(r#"a: { servers: ["http://h:1", "http://h:2"] }, b: { servers: ["http://h:1"] }"#));
        assert_eq!(ids(&targets), [0, 1, 2]);
        let moved = config(r#"a: { servers: ["http://h:3", "http://h:2", "http://h:1/v2", "http://h:1"] }"#);
        let (targets, book) = book.made(&moved);
        assert_eq!(ids(&targets), [3, 1, 4, 0]);
        let (targets, _) = book.made(&config(r#"a: { servers: ["http://h:4", "http://h:2"] }"#));
        assert_eq!(ids(&targets), [5, 1]);
    }

    #[test]
    fn a_server_that_stands_twice_is_two() {
        let twice = config(r#"a: { servers: ["http://h:1", "http://h:1"] }"#);
        let (targets, book) = Book::default().made(&twice);
        assert_eq!(ids(&targets), [0, 1]);
        assert_eq!(ids(&book.made(&twice).0), [0, 1]);
    }

    #[test]
    fn a_server_that_is_verified_otherwise_is_another_one() {
        let https = config(r#"a: { servers: ["https://h:1"] }"#);
        let (targets, book) = Book::default().made(&https);
        let (same, book) = book.made(&https);
        assert_eq!(ids(&targets), ids(&same));
        let (Target::Servers(one), Target::Servers(other)) = (&targets[0], &same[0]) else { panic!("no servers") };
        assert!(Arc::ptr_eq(&one.servers[0].tls.as_ref().unwrap().0, &other.servers[0].tls.as_ref().unwrap().0));
        let named = config(r#"a: { servers: ["https://h:1"], tls: { server_name: other } }"#);
        assert_ne!(ids(&book.made(&named).0), ids(&targets));
    }

    #[test]
    fn turns_go_on() {
        let config = config(r#"a: { servers: ["http://h:1", "http://h:2"] }"#);
        let (targets, book) = Book::default().made(&config);
        let (again, _) = book.made(&config);
        let (Target::Servers(one), Target::Servers(other)) = (&targets[0], &again[0]) else { panic!("no servers") };
        one.next.store(7, Ordering::Relaxed);
        assert_eq!(other.next.load(Ordering::Relaxed), 7);
    }
}
