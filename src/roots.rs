//! Whose certificates are believed when the gateway is the client: the system's roots, or those of a file.

use std::{io, path::Path};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The roots of a PEM file, or the system's own.
///
/// # Errors
/// The file cannot be read, or there is no root to be found.
pub fn trusted(file: Option<&Path>) -> io::Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match file {
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path).map_err(io::Error::other)? {
                store.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        return Err(io::Error::other("no root certificate found"));
    }
    Ok(store)
}
