//! The listeners as workers see them: which of them are open under a config, and with which TLS.
//!
//! A listener has an id for as long as it is the same address with or without TLS; its place in the config's list, its
//! name and its certificate may change under a connection that stays.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::net::TcpStream;

use super::tls::{Certificate, Secured, Trust};
use crate::{
    config::ListenTls,
    transport::Transport,
    watch::{Files, Seen, Watch},
};

/// A listener's name for as long as the process lives; no other listener ever has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DoorId(u64);

impl DoorId {
    /// One that no listener had.
    pub(super) fn unused() -> DoorId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        DoorId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The listeners of one config, in its order.
pub(super) struct Doors {
    doors: Vec<Door>,
    /// Alive for as long as the certificates are to be watched.
    _watch: Option<Watch>,
}

struct Door {
    id: DoorId,
    certificate: Option<Arc<Certificate>>,
}

impl Doors {
    /// Reads every listener's certificate, and watches them from now on. One that stands in `before` and did not change
    /// goes on, with the sessions that clients can resume.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub(super) fn open<'l>(
        listeners: impl Iterator<Item = (DoorId, Option<&'l ListenTls>)>,
        before: Option<&Doors>,
    ) -> io::Result<Doors> {
        let mut noted = Files::new();
        let mut doors = Vec::new();
        for (id, tls) in listeners {
            let known = |tls| before.and_then(|before| before.certificate_of(tls));
            let certificate = match tls {
                None => None,
                Some(tls) => {
                    noted.add(&tls.certificate);
                    noted.add(&tls.key);
                    if let Some(clients) = &tls.clients {
                        noted.add(&clients.roots);
                    }
                    Some(known(tls).map_or_else(|| Certificate::read(tls), Certificate::refreshed)?)
                }
            };
            doors.push(Door { id, certificate });
        }
        let watched: Vec<_> = doors.iter().filter_map(|door| door.certificate.clone()).collect();
        let watch = if watched.is_empty() { None } else { Some(Watch::start(noted, move || refresh(&watched))?) };
        Ok(Doors { doors, _watch: watch })
    }

    /// The place in the config's list of a listener that is open.
    pub(super) fn place(&self, id: DoorId) -> Option<usize> {
        self.doors.iter().position(|door| door.id == id)
    }

    /// Whether a listener is open and speaks TLS.
    pub(super) fn have_tls(&self, id: DoorId) -> bool {
        self.doors.iter().any(|door| door.id == id && door.certificate.is_some())
    }

    /// By what a listener that is open believes clients' certificates.
    pub(super) fn trust(&self, id: DoorId) -> Option<Trust> {
        let door = self.doors.iter().find(|door| door.id == id)?;
        Some(door.certificate.as_ref().map_or(Trust::NONE, |certificate| certificate.trust()))
    }

    /// The same of all that have TLS, to see whether any changed.
    pub(super) fn trusts(&self) -> Vec<Trust> {
        self.doors.iter().filter_map(|door| Some(door.certificate.as_ref()?.trust())).collect()
    }

    /// The connection's stream, after the handshake where there is one.
    pub(super) async fn accept(&self, id: DoorId, tcp: TcpStream) -> io::Result<Secured> {
        let door = self.doors.iter().find(|door| door.id == id);
        // Closed between the connection and this moment.
        let door = door.ok_or(io::ErrorKind::NotConnected)?;
        match &door.certificate {
            Some(certificate) => certificate.accept(tcp).await,
            None => Ok(Secured { transport: Transport::plain(tcp), trust: Trust::NONE }),
        }
    }

    fn certificate_of(&self, tls: &ListenTls) -> Option<Arc<Certificate>> {
        self.doors.iter().filter_map(|door| door.certificate.clone()).find(|known| known.is_of(tls))
    }
}

fn refresh(watched: &[Arc<Certificate>]) -> Seen {
    let mut seen = Seen::Read;
    for certificate in watched {
        // Between two renames certificate and key may not fit: the pair in use stays. That the new one is taken on is said then.
        if let Err(error) = certificate.refresh() {
            tracing::warn!(%error, "the changed certificate is not used; the one before stays until both files fit");
            seen = seen.max(Seen::failed(error.kind()));
        }
    }
    seen
}
