//! TLS on a listener: certificate and key from PEM files, read again when they change.

use std::{io, path::Path, sync::Arc};

use arc_swap::ArcSwap;
use notify::Watcher;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::{config::ListenTls, transport::Transport};

/// How each listener's connections are taken.
pub(super) struct Acceptors {
    edges: Vec<Option<Arc<ArcSwap<ServerConfig>>>>,
    /// Alive for as long as the files are to be watched.
    _watcher: Option<notify::RecommendedWatcher>,
}

impl Acceptors {
    /// Reads every listener's files, and watches them from now on.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub(super) fn new<'l>(listeners: impl Iterator<Item = Option<&'l ListenTls>>) -> io::Result<Acceptors> {
        let mut edges = Vec::new();
        let mut watched = Vec::new();
        for tls in listeners {
            edges.push(match tls {
                None => None,
                Some(tls) => {
                    let config = Arc::new(ArcSwap::from_pointee(read(tls)?));
                    watched.push((tls.clone(), config.clone()));
                    Some(config)
                }
            });
        }
        let watcher = if watched.is_empty() { None } else { watch(watched) };
        Ok(Acceptors { edges, _watcher: watcher })
    }

    /// The connection's stream, after the handshake where there is one.
    pub(super) async fn accept(&self, edge: usize, tcp: TcpStream) -> io::Result<Transport> {
        match self.edges.get(edge) {
            Some(Some(config)) => {
                let tls = TlsAcceptor::from(config.load_full()).accept(tcp).await?;
                Ok(Transport::Tls(Box::new(tls.into())))
            }
            _ => Ok(Transport::Plain(tcp)),
        }
    }
}

fn read(tls: &ListenTls) -> io::Result<ServerConfig> {
    let named = |path: &Path, error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
    let certificate = |error| named(&tls.certificate, &error);
    let chain: Vec<_> = CertificateDer::pem_file_iter(&tls.certificate)
        .map_err(certificate)?
        .collect::<Result<_, _>>()
        .map_err(certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| named(&tls.key, &error))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| named(&tls.certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Watches the files' directories, for a certificate is commonly replaced by renaming another over it.
fn watch(watched: Vec<(ListenTls, Arc<ArcSwap<ServerConfig>>)>) -> Option<notify::RecommendedWatcher> {
    let directories: Vec<_> = watched
        .iter()
        .flat_map(|(tls, _)| [&tls.certificate, &tls.key])
        .map(|file| file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned())
        .collect();
    let reload = move |event: notify::Result<notify::Event>| {
        if !event.is_ok_and(|event| event.kind.is_create() || event.kind.is_modify()) {
            return;
        }
        for (tls, config) in &watched {
            match read(tls) {
                Ok(fresh) => config.store(Arc::new(fresh)),
                // Between two renames certificate and key may not fit: the pair in use stays.
                Err(error) => tracing::warn!(%error, "the changed certificate is not used"),
            }
        }
    };
    let mut watcher = notify::recommended_watcher(reload).ok()?;
    for directory in directories {
        if let Err(error) = watcher.watch(&directory, notify::RecursiveMode::NonRecursive) {
            tracing::warn!(%error, directory = %directory.display(), "certificates there are not watched");
        }
    }
    Some(watcher)
}
