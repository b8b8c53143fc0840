//! Certificates, private keys and roots: PEM files that must be fit for use before anything is bound. A listener's are read
//! again, and used, where the connections are.

use std::path::PathBuf;

use rustls::{
    ServerConfig,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use zeroize::Zeroizing;

use super::{environment::why_unreadable, reader::Reader, tree::Node};
use crate::roots::{Roots, RootsFault};

type Chain = Vec<CertificateDer<'static>>;

impl Reader<'_> {
    /// The files of a certificate chain and of its key, which must belong together.
    pub(super) fn certificate_and_key(
        &mut self,
        certificate: Option<&Node>,
        key: Option<&Node>,
    ) -> Option<(PathBuf, PathBuf)> {
        if !self.environment.has_secrets() {
            let certificate = certificate.and_then(|node| self.path(node, "the file of the certificate"));
            let key = key.and_then(|node| self.path(node, "the certificate's key"));
            return certificate.zip(key);
        }
        let chain = certificate.and_then(|node| self.chain(node, "the file of the certificate"));
        let private = key.and_then(|node| self.private_key(node));
        let ((certificate_file, chain), (key_file, private)) = (chain?, private?);
        let built = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, private);
        if let (Err(error), Some(node)) = (built, key) {
            let message = match error {
                rustls::Error::InconsistentKeys(_) => "the key is not that of the certificate".to_owned(),
                other => format!("the certificate and its key cannot be used: {other}"),
            };
            self.error(node.place, message);
            return None;
        }
        Some((certificate_file, key_file))
    }

    /// Root certificates, as their file has them now.
    pub(super) fn roots(&mut self, node: &Node) -> Option<Roots> {
        self.roots_and_file(node).map(|(_, roots)| roots)
    }

    /// The file of root certificates, for those who read it again where the connections are.
    pub(super) fn roots_file(&mut self, node: &Node) -> Option<PathBuf> {
        self.roots_and_file(node).map(|(file, _)| file)
    }

    fn roots_and_file(&mut self, node: &Node) -> Option<(PathBuf, Roots)> {
        if !self.environment.has_secrets() {
            return self.path(node, "the file of roots").map(|file| (file, Roots::of_nobody()));
        }
        let (file, content) = self.named_file(node, "the file of roots")?;
        match Roots::of_pem(&content) {
            Ok(roots) => Some((file, roots)),
            Err(fault) => {
                let problem = self.error(node.place, format!("the file of roots {fault}"));
                if fault == RootsFault::None {
                    problem.expected(PEM_CERTIFICATE);
                }
                None
            }
        }
    }

    fn chain(&mut self, node: &Node, what: &str) -> Option<(PathBuf, Chain)> {
        let (file, content) = self.named_file(node, what)?;
        let read: Result<Chain, pem::Error> = CertificateDer::pem_slice_iter(&content).collect();
        match read {
            Ok(chain) if !chain.is_empty() => Some((file, chain)),
            Ok(_) | Err(_) => {
                self.error(node.place, format!("{what} holds no certificate")).expected(PEM_CERTIFICATE);
                None
            }
        }
    }

    fn private_key(&mut self, node: &Node) -> Option<(PathBuf, PrivateKeyDer<'static>)> {
        let (file, content) = self.named_file(node, "the certificate's key")?;
        match PrivateKeyDer::from_pem_slice(&content) {
            Ok(key) => Some((file, key)),
            Err(_) => {
                self.error(node.place, "the file of the key holds no private key").expected(PEM_KEY);
                None
            }
        }
    }

    fn named_file(&mut self, node: &Node, what: &str) -> Option<(PathBuf, Zeroizing<Vec<u8>>)> {
        let path = self.path(node, what)?;
        match self.environment.file(&path) {
            Ok(content) => Some((path, Zeroizing::new(content))),
            Err(error) => {
                self.error(node.place, format!("{what} cannot be read: {}", why_unreadable(&error)));
                None
            }
        }
    }
}

const PEM_CERTIFICATE: &str = "PEM, `-----BEGIN CERTIFICATE-----`";
const PEM_KEY: &str = "PEM, `-----BEGIN PRIVATE KEY-----`, without a password";
