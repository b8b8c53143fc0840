//! What signs and encrypts JSON (JOSE): the algorithms of RFC 7518, and keys as documents: PEM, certificates, JWK and sets of
//! JWK.
//!
//! A key is read once into a type that serves one algorithm; what contradicts itself, or is weak, is refused while it is
//! read. Everything here is a pure function of bytes. Whether a token is believed is `authenticate`'s, and where a
//! document comes from is its reader's.

mod algorithm;
mod content;
mod decryption_key;
mod document;
mod jwk;
mod key;
mod pem;
mod public_key;
mod rsa;
#[cfg(test)]
pub(crate) mod sealing;
mod set;
mod signing_key;

pub use algorithm::{Algorithm, KeyType};
pub use content::Sealed;
pub use decryption_key::{DecryptionKey, DecryptionKeyFault, KeyManagement, Undecryptable};
pub use document::is_key_document;
pub use jwk::{Jwk, JwkFault, certificate_thumbprint};
pub use key::{Key, KeyFault};
pub use public_key::{PublicKey, PublicKeyFault, ShortRsa};
pub use set::{JwkSet, SetFault, SetRules};
pub use signing_key::{SigningKey, SigningKeyFault};
