//! PEM (RFC 7468): the one section of a file that holds a key.

use rustls::{
    pki_types::{
        CertificateDer,
        pem::{PemObject, SectionKind},
    },
    server::ParsedCertificate,
};

use zeroize::Zeroizing;

use super::{PublicKeyFault, SigningKeyFault};

/// The encoded key: of a public key's section as it stands, of a certificate's what it certifies.
pub(super) fn public_der(text: &[u8]) -> Result<Vec<u8>, PublicKeyFault> {
    let sections: Result<Vec<(SectionKind, Vec<u8>)>, _> = PemObject::pem_slice_iter(text).collect();
    match sections.ok().as_deref() {
        Some([(SectionKind::Certificate, der), ..]) => certified_key(der),
        // RFC 8017's form is a section of its own, which this reader does not know.
        None | Some([]) => rsa_public_key(text),
        Some([(SectionKind::PublicKey, der)]) => Ok(der.clone()),
        Some([(SectionKind::PrivateKey | SectionKind::EcPrivateKey | SectionKind::RsaPrivateKey, _), ..]) => {
            Err(PublicKeyFault::Private)
        }
        Some(_) => Err(PublicKeyFault::NoDocument),
    }
}

/// Of a chain the first is the leaf's.
fn certified_key(der: &[u8]) -> Result<Vec<u8>, PublicKeyFault> {
    let certificate = CertificateDer::from(der);
    let parsed = ParsedCertificate::try_from(&certificate).map_err(|_| PublicKeyFault::NoDocument)?;
    Ok(parsed.subject_public_key_info().as_ref().to_vec())
}

fn rsa_public_key(text: &[u8]) -> Result<Vec<u8>, PublicKeyFault> {
    let text = std::str::from_utf8(text).map_err(|_| PublicKeyFault::NoDocument)?;
    let body = text.trim().strip_prefix("-----BEGIN RSA PUBLIC KEY-----");
    let body = body.and_then(|rest| rest.strip_suffix("-----END RSA PUBLIC KEY-----"));
    let digits: String = body.ok_or(PublicKeyFault::NoDocument)?.split_ascii_whitespace().collect();
    base64::Engine::decode(&base64::prelude::BASE64_STANDARD, digits).map_err(|_| PublicKeyFault::NoDocument)
}

/// The encoded private key of the one section that there is.
pub(super) fn private_der(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, SigningKeyFault> {
    let sections: Result<Vec<(SectionKind, Vec<u8>)>, _> = PemObject::pem_slice_iter(text).collect();
    let mut sections = sections.map_err(|_| SigningKeyFault::NoDocument)?;
    match (sections.pop(), sections.as_slice()) {
        (Some((SectionKind::PrivateKey | SectionKind::EcPrivateKey | SectionKind::RsaPrivateKey, der)), []) => {
            Ok(Zeroizing::new(der))
        }
        (Some((SectionKind::PublicKey | SectionKind::Certificate, _)), _) => Err(SigningKeyFault::Public),
        _ => Err(SigningKeyFault::NoDocument),
    }
}
