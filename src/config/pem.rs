//! Certificates, private keys and roots: PEM files that must be fit for use before anything is bound. A listener's are read
//! again, and used, where the connections are.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use rustls::{
    CertificateError, RootCertStore, ServerConfig,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName, UnixTime,
        pem::{self, PemObject},
    },
};
use zeroize::Zeroizing;

use super::{environment::why_unreadable, reader::Reader, tree::Node};
use crate::roots::{Roots, RootsFault, in_words};

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
        let built = built(chain.clone(), private.clone_key());
        if let (Err(error), Some(node)) = (built, key) {
            self.unfit(&error, &chain, private, node);
            return None;
        }
        if let Some(node) = certificate {
            if let Some(end) = end_of(&chain) {
                self.warn_of_end(end, node);
            }
            self.warn_of_missing_issuer(&chain, node);
        }
        Some((certificate_file, key_file))
    }

    fn unfit(&mut self, error: &rustls::Error, chain: &Chain, key: PrivateKeyDer<'static>, node: &Node) {
        if !matches!(error, rustls::Error::InconsistentKeys(_)) {
            self.error(node.place, format!("the certificate and its key cannot be used: {}", in_words(error)));
            return;
        }
        let problem = self.error(node.place, in_words(error));
        let others = chain.iter().skip(1).rev().take(MOST_TRIED);
        if others.into_iter().any(|other| built(vec![other.clone()], key.clone_key()).is_ok()) {
            problem.hint("it is that of another certificate in the file: the leaf comes first, then its issuers");
        }
    }

    /// Browsers may find an issuer by themselves, devices and libraries do not.
    fn warn_of_missing_issuer(&mut self, chain: &Chain, node: &Node) {
        if is_without_issuer(chain, self.environment.unix()) {
            self.warning(node.place, "the file holds one certificate, and not that of whoever issued it").hint(
                "unless that is a root which clients know, they refuse it: put the whole chain there (`fullchain.pem`), the leaf first",
            );
        }
    }

    /// Of a certificate that is over, or will be soon.
    fn warn_of_end(&mut self, end: Timestamp, node: &Node) {
        let left = end.as_second() - self.environment.unix();
        let message = match left {
            ..0 => format!("the certificate is over since {end}: clients refuse it"),
            0..SOON => format!("the certificate ends at {end}, in {} days", left / DAY),
            _ => return,
        };
        self.warning(node.place, message)
            .hint("put a new one with its key in its place: they are read again without a restart");
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

const DAY: i64 = 86_400;
/// How long before its end a certificate is warned of.
const SOON: i64 = 14 * DAY;
/// When no certificate is good any more: the last second of the year 9999.
const AFTER_ALL: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(253_402_300_799));

/// When the first of a chain's certificates is over, as whoever verifies it says; `None` where that cannot be told, or it never is.
fn end_of(chain: &Chain) -> Option<Timestamp> {
    let mut roots = RootCertStore::empty();
    roots.add(chain.last()?.clone()).ok()?;
    let verifier = WebPkiServerVerifier::builder(Arc::new(roots)).build().ok()?;
    // A certificate's time is asked first of all: its name and its issuer do not matter.
    let name = ServerName::try_from("any.invalid").ok()?;
    let ends = chain.iter().filter_map(|certificate| {
        match verifier.verify_server_cert(certificate, &[], &name, &[], AFTER_ALL) {
            Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                Timestamp::from_second(i64::try_from(not_after.as_secs()).ok()?).ok()
            }
            _ => None,
        }
    });
    ends.min()
}

/// Whether it is one certificate alone, and signed by another.
fn is_without_issuer(chain: &Chain, now: i64) -> bool {
    let [leaf] = chain.as_slice() else { return false };
    let mut roots = RootCertStore::empty();
    let (Ok(()), Ok(now)) = (roots.add(leaf.clone()), u64::try_from(now)) else { return false };
    let Ok(verifier) = WebPkiServerVerifier::builder(Arc::new(roots)).build() else { return false };
    let Ok(name) = ServerName::try_from("any.invalid") else { return false };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
    // Its own root it is only where it signed itself; what else is the matter with it is told elsewhere.
    let judged = verifier.verify_server_cert(leaf, &[], &name, &[], now);
    matches!(judged, Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)))
}

fn built(chain: Chain, key: PrivateKeyDer<'static>) -> Result<ServerConfig, rustls::Error> {
    ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)
}

/// Certificates of a file that are tried with a key that is not the first one's.
const MOST_TRIED: usize = 8;

const PEM_CERTIFICATE: &str = "PEM, `-----BEGIN CERTIFICATE-----`";
const PEM_KEY: &str = "PEM, `-----BEGIN PRIVATE KEY-----`, without a password";

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn a_chain_ends_with_the_first_of_its_certificates() {
        let made = |year: i32| {
            let mut params = CertificateParams::new(vec!["gate.test".to_owned()]).unwrap();
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(year, 2, 3));
            params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
        };
        let end = |years: &[i32]| end_of(&years.iter().copied().map(made).collect()).map(|end| end.to_string());
        assert_eq!(end(&[2021]).as_deref(), Some("2021-02-03T00:00:00Z"));
        assert_eq!(end(&[2999, 2027]).as_deref(), Some("2027-02-03T00:00:00Z"));
        assert_eq!(end(&[]), None);
    }

    #[test]
    fn a_certificate_that_another_signed_is_missed_where_it_stands_alone() {
        let (root_key, leaf_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let named = |name: &str| {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params
        };
        let mut params = named("root.test");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = params.self_signed(&root_key).unwrap().der().clone();
        let issuer = rcgen::Issuer::new(params, root_key);
        let leaf = named("gate.test").signed_by(&leaf_key, &issuer).unwrap().der().clone();
        let own = named("gate.test").self_signed(&leaf_key).unwrap().der().clone();
        let now = 1_790_000_000;
        assert!(is_without_issuer(&vec![leaf.clone()], now));
        assert!(!is_without_issuer(&vec![leaf, root.clone()], now));
        assert!(!is_without_issuer(&vec![own], now));
        assert!(!is_without_issuer(&vec![root], now));
    }
}
