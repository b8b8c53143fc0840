//! Keys: how one is made of a secret, and what is computed beforehand.
//!
//! What depends on the secret alone is done once, when a key is loaded. What a request's own values go into (SigV4's date
//! and region, say) is done for each request, from the prepared state on.

use std::{fmt, sync::Arc};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use smallvec::SmallVec;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::{
    Algorithm, Encoding, Failure, Template,
    evaluate::Evaluation,
    mac::Mac,
    rfc9421::{self, AsymmetricKey, Purpose},
    tag::Tag,
    template::{Part, Scratch},
};
use crate::{jose::is_key_document, secret::Secret};

/// Bytes of an Ed25519 key, public or private (RFC 8032 section 5.1.5).
const ED25519_KEY: usize = 32;

/// How the keys of one scheme are made of secrets.
#[derive(Clone, Debug)]
pub struct KeyRecipe {
    algorithms: SmallVec<[Algorithm; 1]>,
    material: Material,
}

/// What a secret's bytes are.
#[derive(Clone, Debug)]
enum Material {
    /// The key, after this template where there is one.
    Key(Option<Arc<Template>>),
    /// An HMAC's key, or a document (PEM, JWK) with the key in it.
    Document,
}

/// A key made ready for each algorithm that its scheme allows.
#[derive(Clone)]
pub struct PreparedKey(SmallVec<[(Algorithm, State); 1]>);

#[derive(Clone)]
#[allow(clippy::large_enum_variant, reason = "nearly every key is a MAC's, and each request would pay for the box")]
enum State {
    Mac(Mac),
    Public([u8; ED25519_KEY]),
    Pair(Arc<Ed25519KeyPair>),
    Document(Arc<AsymmetricKey>),
}

/// Why a secret is no key of a scheme. No secret is in any text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// A filter of the scheme's `signing_key` refused it.
    #[error("the secret does not have the form that the scheme's `signing_key` wants")]
    Refused,
    /// It is not as long as the algorithm's keys are.
    #[error("a key of {} has {wanted} bytes, and this one has {found}", .algorithm.name())]
    Length {
        /// Whose key it should be.
        algorithm: Algorithm,
        /// Bytes of such a key.
        wanted: usize,
        /// Bytes of this one.
        found: usize,
    },
    /// A document where an HMAC's secret is wanted: were it taken for one, whoever has a public key could sign.
    #[error("this is a key document (PEM, DER or JWK), and an HMAC's key is a secret")]
    Document,
    /// No document where one is wanted.
    #[error("a key of these algorithms is one PEM key or one JWK, and this is neither")]
    NoDocument,
    /// A document for other algorithms, or of too short a key.
    #[error("this key document holds no key of the scheme's algorithms")]
    Unfit,
    /// A public key, which cannot sign.
    #[error("this is a public key; the private one signs")]
    NotPrivate,
}

/// What a request's values add to a key: each link is a MAC whose key is the one before it.
#[derive(Debug)]
pub(super) struct KeyChain {
    pub(super) links: Vec<Template>,
    pub(super) encoding: Option<Encoding>,
}

impl KeyRecipe {
    pub(super) fn new(algorithms: impl IntoIterator<Item = Algorithm>, from: Option<Template>) -> KeyRecipe {
        KeyRecipe { algorithms: distinct(algorithms), material: Material::Key(from.map(Arc::new)) }
    }

    /// Keys as RFC 9421 has them: HMAC secrets, or documents with public keys.
    pub(super) fn of_documents(algorithms: impl IntoIterator<Item = Algorithm>) -> KeyRecipe {
        KeyRecipe { algorithms: distinct(algorithms), material: Material::Document }
    }

    /// Whether a secret is an HMAC's key.
    pub fn takes_secrets(&self) -> bool {
        self.algorithms.iter().any(|algorithm| algorithm.is_hmac())
    }

    /// Whether a secret is the bytes of a public key, with nothing in them that says so.
    pub fn takes_bare_public_keys(&self) -> bool {
        let is_bare = matches!(self.material, Material::Key(_));
        is_bare && self.algorithms.iter().any(|algorithm| !algorithm.is_hmac())
    }

    /// The key that verifies what `secret` signs; of a public-key algorithm, `secret` is the public key.
    ///
    /// # Errors
    /// The secret is no such key. Any length will do for an HMAC (RFC 2104 section 3); empty and short ones are the
    /// config's concern.
    pub fn verifying(&self, secret: &Secret) -> Result<PreparedKey, KeyFault> {
        self.prepare(secret, Purpose::Verify, |bytes| Ok(State::Public(bytes)))
    }

    /// The key that signs; of a public-key algorithm, `secret` is the private key. It verifies as well.
    ///
    /// # Errors
    /// The secret is no such key.
    pub fn signing(&self, secret: &Secret) -> Result<PreparedKey, KeyFault> {
        self.prepare(secret, Purpose::Sign, |mut seed| {
            let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
            seed.zeroize();
            pair.map(|pair| State::Pair(Arc::new(pair))).map_err(|_| KeyFault::Refused)
        })
    }

    fn prepare(
        &self,
        secret: &Secret,
        purpose: Purpose,
        asymmetric: impl Fn([u8; ED25519_KEY]) -> Result<State, KeyFault>,
    ) -> Result<PreparedKey, KeyFault> {
        self.refuse_document(secret.expose())?;
        if let Material::Document = self.material
            && let Some(keys) = rfc9421::prepared(secret, &self.algorithms, purpose)?
        {
            let state = |(algorithm, key)| (algorithm, State::Document(key));
            return Ok(PreparedKey(keys.into_iter().map(state).collect()));
        }
        let bytes = self.bytes(secret)?;
        // What the secret was written in may have hidden one.
        self.refuse_document(&bytes)?;
        let state = |algorithm: Algorithm| match Mac::new(algorithm, &bytes) {
            Some(mac) => Ok((algorithm, State::Mac(mac))),
            None => {
                let found = bytes.len();
                let length = |_| KeyFault::Length { algorithm, wanted: ED25519_KEY, found };
                Ok((algorithm, asymmetric(bytes.as_slice().try_into().map_err(length)?)?))
            }
        };
        Ok(PreparedKey(self.algorithms.iter().copied().map(state).collect::<Result<_, KeyFault>>()?))
    }

    /// Anyone may have a public key, and whoever has it could sign where its text is taken for an HMAC's secret.
    fn refuse_document(&self, bytes: &[u8]) -> Result<(), KeyFault> {
        if self.takes_secrets() && is_key_document(bytes) { Err(KeyFault::Document) } else { Ok(()) }
    }

    fn bytes(&self, secret: &Secret) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
        let Material::Key(Some(template)) = &self.material else {
            return Ok(Zeroizing::new(secret.expose().to_vec()));
        };
        let mut bytes = Zeroizing::new(Vec::new());
        for part in template.parts() {
            match part {
                Part::Literal(literal) => bytes.extend_from_slice(literal.as_bytes()),
                Part::Chain(chain) => {
                    let mut value =
                        chain.filtered(Scratch::from_slice(secret.expose())).map_err(|_| KeyFault::Refused)?;
                    bytes.extend_from_slice(&value);
                    value.as_mut_slice().zeroize();
                }
            }
        }
        Ok(bytes)
    }
}

impl PreparedKey {
    /// The MAC that this key starts; `None` if it is for another algorithm.
    pub(super) fn mac(&self, algorithm: Algorithm) -> Option<Mac> {
        match self.state(algorithm)? {
            State::Mac(mac) => Some(mac.clone()),
            State::Public(_) | State::Pair(_) | State::Document(_) => None,
        }
    }

    /// The algorithms that this key serves.
    pub(super) fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.0.iter().map(|(algorithm, _)| *algorithm)
    }

    /// Whether `signature` is that of this key's owner over `message`, under any algorithm. A MAC is compared in
    /// constant time.
    pub(super) fn accepts(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match self.state(algorithm) {
            Some(State::Mac(_)) => {
                let computed = self.signature(algorithm, message).unwrap_or_default();
                !computed.is_empty() && bool::from(computed.ct_eq(signature))
            }
            Some(State::Document(key)) => key.accepts(message, signature),
            Some(State::Public(_) | State::Pair(_)) | None => false,
        }
    }

    /// The signature over `message`; `None` if this key only verifies, or is for another algorithm.
    pub(super) fn signature(&self, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        match self.state(algorithm)? {
            State::Mac(mac) => {
                let mut mac = mac.clone();
                mac.update(message);
                Some(mac.finish().as_bytes().to_vec())
            }
            State::Document(key) => key.sign(message),
            State::Pair(_) => self.sign(algorithm, message).map(|tag| tag.as_bytes().to_vec()),
            State::Public(_) => None,
        }
    }

    /// Whether this key's owner signed `message`, under an algorithm of public keys.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &Tag) -> bool {
        let public = match self.state(algorithm) {
            Some(State::Public(bytes)) => bytes.as_slice(),
            Some(State::Pair(pair)) => pair.public_key().as_ref(),
            Some(State::Mac(_) | State::Document(_)) | None => return false,
        };
        UnparsedPublicKey::new(&ED25519, public).verify(message, signature.as_bytes()).is_ok()
    }

    /// `None` if it only verifies, or is for another algorithm.
    pub(super) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Option<Tag> {
        match self.state(algorithm)? {
            State::Pair(pair) => Some(Tag::new(pair.sign(message).as_ref())),
            State::Mac(_) | State::Public(_) | State::Document(_) => None,
        }
    }

    fn state(&self, algorithm: Algorithm) -> Option<&State> {
        self.0.iter().find(|(own, _)| *own == algorithm).map(|(_, state)| state)
    }
}

fn distinct(algorithms: impl IntoIterator<Item = Algorithm>) -> SmallVec<[Algorithm; 1]> {
    let mut distinct: SmallVec<[Algorithm; 1]> = SmallVec::new();
    for algorithm in algorithms {
        if !distinct.contains(&algorithm) {
            distinct.push(algorithm);
        }
    }
    distinct
}

impl fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreparedKey(…)")
    }
}

impl KeyChain {
    /// What a request puts into a key, once for all keys that are tried.
    pub(super) fn texts(&self, evaluation: &Evaluation<'_>) -> Result<Vec<Scratch>, Failure> {
        self.links.iter().map(|link| evaluation.collect(link)).collect()
    }

    /// The MAC at the end of the chain that begins with `mac`.
    pub(super) fn derived(&self, mut mac: Mac, algorithm: Algorithm, texts: &[Scratch]) -> Option<Mac> {
        for text in texts {
            mac.update(text);
            let tag = mac.finish();
            mac = match self.encoding {
                None => Mac::new(algorithm, tag.as_bytes()),
                Some(encoding) => Mac::new(algorithm, encoding.write(tag.as_bytes()).as_bytes()),
            }?;
        }
        Some(mac)
    }
}
