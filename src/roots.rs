//! Whose certificates are believed when the gateway is the client: the system's roots, or those of a file; and what TLS says where one is not,
//! in words.
//!
//! A file's roots are read once, with the config that names it, and go with the settings that they belong to from there. Settings are
//! compared over a reload: by their roots, and never by the name of a file that may say something else by now.

use std::{fmt, io, sync::Arc};

use rustls::{
    CertificateError, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Roots, at least one where they are read from anywhere. Two are equal where they believe the same.
#[derive(Clone)]
pub struct Roots(Arc<RootCertStore>);

/// Why a file's roots cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootsFault {
    /// There is none in it.
    #[error("holds no certificate")]
    None,
    /// One cannot be read.
    #[error("holds something that is no certificate")]
    NoCertificate,
}

impl Roots {
    /// The roots of a PEM file that says `pem`.
    ///
    /// # Errors
    /// [`RootsFault`]
    pub fn of_pem(pem: &[u8]) -> Result<Roots, RootsFault> {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            store.add(certificate.map_err(|_| RootsFault::None)?).map_err(|_| RootsFault::NoCertificate)?;
        }
        if store.is_empty() { Err(RootsFault::None) } else { Ok(Roots(store.into())) }
    }

    /// Roots that believe nobody, for whoever only asks what a config describes.
    pub fn of_nobody() -> Roots {
        Roots(RootCertStore::empty().into())
    }

    /// `given`, or the system's own as they are now.
    ///
    /// # Errors
    /// The system has none.
    pub fn given_or_system(given: Option<&Roots>) -> io::Result<Roots> {
        if let Some(given) = given {
            return Ok(given.clone());
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            return Err(io::Error::other("no root certificate found"));
        }
        Ok(Roots(store.into()))
    }

    /// As who verifies takes them.
    pub fn store(&self) -> Arc<RootCertStore> {
        self.0.clone()
    }
}

impl PartialEq for Roots {
    fn eq(&self, other: &Roots) -> bool {
        self.0.roots == other.0.roots
    }
}

impl Eq for Roots {}

/// Shows how many there are.
impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roots({})", self.0.len())
    }
}

/// What TLS says, in words that say what to do where its own do not.
pub fn in_words(error: &rustls::Error) -> String {
    let text = error.to_string();
    match error {
        rustls::Error::InconsistentKeys(_) => "the key is not that of the certificate".to_owned(),
        rustls::Error::InvalidMessage(_) => "the other side does not speak TLS: is it `http://`?".to_owned(),
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "no root that is known here has signed the server's certificate: `roots` names others".to_owned()
        }
        // Those are named by their texts alone.
        rustls::Error::InvalidCertificate(CertificateError::Other(_)) if text.contains("CaUsedAsEndEntity") => {
            "the server shows a certificate that is made to sign others (`CA:TRUE`), as `openssl req -x509` makes them: \
             make it with `-addext basicConstraints=critical,CA:FALSE`, or one that your own authority signed"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(CertificateError::Other(_)) if text.contains("UnsupportedCertVersion") => {
            "the certificate is of X.509 version 1, and TLS is served with version 3 alone: make it with extensions, such \
             as `-addext subjectAltName=DNS:…`, or `-extfile` of `openssl x509`"
                .to_owned()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> String {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()
    }

    #[test]
    fn roots_are_equal_where_they_believe_the_same() {
        let (one, other) = (root(), root());
        let roots = |pem: &str| Roots::of_pem(pem.as_bytes()).unwrap();
        assert_eq!(roots(&one), roots(&one));
        assert_ne!(roots(&one), roots(&other));
        assert_ne!(roots(&one), roots(&format!("{one}{other}")));
    }

    #[test]
    fn what_tls_says_is_in_words_where_a_person_can_mend_it() {
        let of = |text: &str| {
            let other = rustls::OtherError(Arc::new(io::Error::other(text.to_owned())));
            in_words(&rustls::Error::InvalidCertificate(CertificateError::Other(other)))
        };
        assert!(in_words(&rustls::InvalidMessage::InvalidContentType.into()).contains("`http://`"));
        assert!(in_words(&rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)).contains("`roots`"));
        assert!(of("UnsupportedCertVersion").contains("X.509 version 1"));
        assert!(of("CaUsedAsEndEntity").contains("CA:FALSE"));
        assert!(of("else").contains("else"));
    }

    #[test]
    fn what_holds_no_root_is_none() {
        assert_eq!(Roots::of_pem(b"").unwrap_err(), RootsFault::None);
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(Roots::of_pem(no_certificate.as_bytes()).unwrap_err(), RootsFault::NoCertificate);
    }
}
