//! TLS on a listener: certificate and key from PEM files, read again when they change.

use std::{io, path::Path, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use crate::{
    config::ListenTls,
    transport::Transport,
    watch::{self, Watch},
};

/// How each listener's connections are taken.
pub(super) struct Acceptors {
    edges: Vec<Option<Arc<ArcSwap<ServerConfig>>>>,
    /// Alive for as long as the files are to be watched.
    _watch: Option<Watch>,
}

impl Acceptors {
    /// Reads every listener's files, and watches them from now on.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub(super) fn new<'l>(listeners: impl Iterator<Item = Option<&'l ListenTls>>) -> io::Result<Acceptors> {
        let mut edges = Vec::new();
        let mut watched = Vec::new();
        let mut noted = watch::Files::new();
        for tls in listeners {
            edges.push(match tls {
                None => None,
                Some(tls) => {
                    noted.add(&tls.certificate);
                    noted.add(&tls.key);
                    let files = Files::read(tls)?;
                    let config = Arc::new(ArcSwap::from_pointee(files.config(tls)?));
                    watched.push(Watched { tls: tls.clone(), files, config: config.clone() });
                    Some(config)
                }
            });
        }
        let watch = if watched.is_empty() { None } else { Some(Watch::start(noted, move || refresh(&mut watched))?) };
        Ok(Acceptors { edges, _watch: watch })
    }

    /// The connection's stream, after the handshake where there is one.
    pub(super) async fn accept(&self, edge: usize, tcp: TcpStream) -> io::Result<Transport> {
        match self.edges.get(edge) {
            Some(Some(config)) => {
                let tls = TlsAcceptor::from(config.load_full()).accept(tcp).await?;
                Ok(Transport::tls(tls.into()))
            }
            _ => Ok(Transport::plain(tcp)),
        }
    }
}

/// A listener's files as they were when its config was made of them.
struct Watched {
    tls: ListenTls,
    files: Files,
    config: Arc<ArcSwap<ServerConfig>>,
}

/// What stood in a certificate's and a key's file.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Watched {
    /// Another listener's files may be what changed; a config made anew would forget the sessions that clients could
    /// resume.
    fn refresh(&mut self) -> io::Result<()> {
        let files = Files::read(&self.tls)?;
        if files != self.files {
            // Kept also where they do not fit, so that it is said once.
            self.files = files;
            self.config.store(Arc::new(self.files.config(&self.tls)?));
        }
        Ok(())
    }
}

impl Files {
    fn read(tls: &ListenTls) -> io::Result<Files> {
        let content = |path: &Path| std::fs::read(path).map_err(|error| named(path, &error));
        Ok(Files { certificate: content(&tls.certificate)?, key: content(&tls.key)?.into() })
    }

    fn config(&self, tls: &ListenTls) -> io::Result<ServerConfig> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| named(&tls.certificate, &error))?;
        if chain.is_empty() {
            return Err(named(&tls.certificate, &"no certificate in it"));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| named(&tls.key, &error))?;
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| named(&tls.certificate, &error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn named(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

fn refresh(watched: &mut [Watched]) {
    for listener in watched {
        // Between two renames certificate and key may not fit: the pair in use stays.
        if let Err(error) = listener.refresh() {
            tracing::warn!(%error, "the changed certificate is not used");
        }
    }
}
