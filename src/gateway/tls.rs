//! A listener's certificate and key, and the roots of its clients' certificates, from PEM files, read again when they
//! change.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use crate::{
    config::{ClientCertificates, ListenTls},
    observe::HandshakeFailure,
    roots,
    transport::{Socket, Transport},
};

/// A certificate in use, with the files that it is made of.
pub(super) struct Certificate {
    tls: ListenTls,
    files: Mutex<Files>,
    in_use: ArcSwap<InUse>,
}

/// What the files were made into.
struct InUse {
    config: Arc<ServerConfig>,
    trust: Trust,
}

/// By which roots a listener believes clients' certificates, and whether one must be shown: a hash of it, for it is compared with each
/// request. A connection keeps the certificate of its handshake, so it must not outlive this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trust(Option<u64>);

impl Trust {
    /// Nobody is asked for a certificate.
    pub(super) const NONE: Trust = Trust(None);
}

/// A connection after its handshake, where there is one.
pub(super) struct Secured {
    pub(super) transport: Transport,
    /// By what its client's certificate was believed.
    pub(super) trust: Trust,
}

/// What stood in a certificate's and a key's file.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    client_roots: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub(super) fn read(tls: &ListenTls) -> io::Result<Arc<Certificate>> {
        let files = Files::read(tls)?;
        let in_use = ArcSwap::from_pointee(files.in_use(tls)?);
        Ok(Arc::new(Certificate { tls: tls.clone(), files: Mutex::new(files), in_use }))
    }

    /// The same, with its files as they are now.
    ///
    /// # Errors
    /// As [`read`](Certificate::read).
    pub(super) fn refreshed(self: Arc<Certificate>) -> io::Result<Arc<Certificate>> {
        self.refresh()?;
        Ok(self)
    }

    /// Uses the files as they are now. Where they did not change nothing does: a config made anew would forget the
    /// sessions that clients could resume.
    ///
    /// # Errors
    /// As [`read`](Certificate::read); what was in use stays.
    pub(super) fn refresh(&self) -> io::Result<()> {
        let read = Files::read(&self.tls)?;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if read != *files {
            self.in_use.store(Arc::new(read.in_use(&self.tls)?));
            *files = read;
            tracing::info!(path = %self.tls.certificate.display(), "the changed certificate and key are in use");
        }
        Ok(())
    }

    /// Whether it is from these files.
    pub(super) fn is_of(&self, tls: &ListenTls) -> bool {
        self.tls == *tls
    }

    /// By what clients' certificates are believed now.
    pub(super) fn trust(&self) -> Trust {
        self.in_use.load().trust
    }

    /// The stream after the handshake.
    pub(super) async fn accept(&self, tcp: TcpStream) -> io::Result<Secured> {
        let (config, trust) = {
            let in_use = self.in_use.load();
            (in_use.config.clone(), in_use.trust)
        };
        let tls = TlsAcceptor::from(config).accept(Socket::new(tcp)).await?;
        Ok(Secured { transport: Transport::tls(tls.into()), trust })
    }
}

impl Files {
    fn read(tls: &ListenTls) -> io::Result<Files> {
        let content = |path: &Path| std::fs::read(path).map_err(|error| named(path, error.kind(), &error));
        let client_roots = tls.clients.as_ref().map(|clients| content(&clients.roots)).transpose()?;
        Ok(Files { certificate: content(&tls.certificate)?, key: content(&tls.key)?.into(), client_roots })
    }

    fn in_use(&self, tls: &ListenTls) -> io::Result<InUse> {
        Ok(InUse { config: Arc::new(self.config(tls)?), trust: self.trust(tls) })
    }

    fn trust(&self, tls: &ListenTls) -> Trust {
        let hash = |clients: &ClientCertificates| {
            let mut hasher = DefaultHasher::new();
            (clients.required, &self.client_roots).hash(&mut hasher);
            hasher.finish()
        };
        Trust(tls.clients.as_ref().map(hash))
    }

    fn config(&self, tls: &ListenTls) -> io::Result<ServerConfig> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| unusable(&tls.certificate, &error))?;
        if chain.is_empty() {
            return Err(unusable(&tls.certificate, &"no certificate in it"));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| unusable(&tls.key, &error))?;
        let builder = ServerConfig::builder();
        let builder = match &tls.clients {
            None => builder.with_no_client_auth(),
            Some(clients) => builder.with_client_cert_verifier(self.verifier(clients)?),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| unusable(&tls.certificate, &roots::in_words(&error)))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if tls.clients.is_some() {
            // A session that is resumed brings a certificate along that nobody looks at again, though it may be over.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }

    /// Whoever asks for certificates believes those of these roots alone, never the system's.
    fn verifier(&self, clients: &ClientCertificates) -> io::Result<Arc<dyn ClientCertVerifier>> {
        let unusable = |error: &dyn std::fmt::Display| unusable(&clients.roots, error);
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(self.client_roots.as_deref().unwrap_or_default()) {
            roots.add(root.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
        }
        let builder = WebPkiClientVerifier::builder(Arc::new(roots));
        let builder = if clients.required { builder } else { builder.allow_unauthenticated() };
        builder.build().map_err(|error| unusable(&error))
    }
}

/// What a client's handshake failed for.
pub(super) fn why_failed(error: &io::Error) -> HandshakeFailure {
    use rustls::Error;
    let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return HandshakeFailure::Gone;
    };
    match inner {
        Error::AlertReceived(_) => HandshakeFailure::RefusedByClient,
        Error::NoCertificatesPresented | Error::InvalidCertificate(_) => HandshakeFailure::ClientCertificate,
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => HandshakeFailure::Incompatible,
        // Its list of errors may grow; what is none of those above came from a client that does not keep to TLS.
        _ => HandshakeFailure::Malformed,
    }
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    named(path, io::ErrorKind::InvalidData, error)
}

fn named(path: &Path, kind: io::ErrorKind, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(kind, format!("{}: {error}", path.display()))
}
