//! One JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037), whose members must agree with each other.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Algorithm, Key, KeyFault, KeyType, PublicKey, PublicKeyFault, SetRules, ShortRsa};
use crate::{
    json::{Object, Value},
    secret::Secret,
};

/// Members that only a private key has (RFC 7518 section 6, RFC 8037 section 2).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// A JSON object that is read as a key.
#[derive(Clone, Copy)]
pub struct Jwk<'d>(Object<'d>);

/// Why a JWK is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwkFault {
    /// It is not a JSON object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A member is missing, of a wrong type, or not canonical base64url.
    #[error("its {0:?} is missing or malformed")]
    Member(&'static str),
    /// A `kty` or `crv` that is none of ours.
    #[error("it is of a kind that no algorithm here uses")]
    Type,
    /// RFC 7517 sections 4.2 and 4.3.
    #[error("its {0:?} says that it is not for verifying signatures")]
    Purpose(&'static str),
    /// An `alg` that is unknown, or not that of such a key.
    #[error("its \"alg\" is not that of such a key")]
    Algorithm,
    /// An algorithm that the operator did not list, or none where one is needed.
    #[error("it has no algorithm that is accepted here")]
    NotAccepted,
    /// A secret where only public keys are taken.
    #[error("it is a shared secret, and only public keys are taken from here")]
    Secret,
    /// The private half.
    #[error("it is a private key; only the public one belongs here")]
    Private,
    /// The key itself.
    #[error("{0}")]
    Key(#[from] KeyFault),
    /// Its numbers.
    #[error("{0}")]
    PublicKey(#[from] PublicKeyFault),
    /// Another key that could be used has the same `kid`.
    #[error("another key has the same \"kid\"")]
    SameKid,
}

impl JwkFault {
    /// Whether the key is for something else than tokens of this gateway, and may be good for that.
    pub fn is_other_use(self) -> bool {
        match self {
            JwkFault::Type | JwkFault::Purpose(_) | JwkFault::Algorithm => true,
            JwkFault::NotAccepted | JwkFault::Secret => true,
            JwkFault::NotAnObject | JwkFault::Member(_) | JwkFault::Private => false,
            JwkFault::Key(_) | JwkFault::PublicKey(_) | JwkFault::SameKid => false,
        }
    }
}

/// SHA-256 of a certificate's DER: what `x5t#S256` names it by (RFC 7515 section 4.1.8, RFC 8705 section 3.1).
pub fn certificate_thumbprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

impl<'d> Jwk<'d> {
    /// Reads `value` as one.
    ///
    /// # Errors
    /// It is no object.
    pub fn new(value: Value<'d>) -> Result<Jwk<'d>, JwkFault> {
        match value {
            Value::Object(object) => Ok(Jwk(object)),
            _ => Err(JwkFault::NotAnObject),
        }
    }

    /// A key for tokens, under its one algorithm.
    ///
    /// # Errors
    /// Members contradict each other, or the key is weak or not accepted by `rules`.
    pub fn key(&self, rules: &SetRules) -> Result<Key, JwkFault> {
        self.check_purpose()?;
        let kid = self.optional("kid")?.map(Cow::into_owned);
        if self.required("kty")? == "oct" {
            return self.secret_key(kid, rules);
        }
        if PRIVATE.into_iter().any(|member| self.has(member)) {
            return Err(JwkFault::Private);
        }
        let key_type = self.key_type()?;
        let algorithm = self.algorithm(key_type, rules)?;
        let public = self.public_key(rules.short_rsa)?;
        Ok(Key::public(kid, algorithm, &public)?)
    }

    /// Its public half, whatever it may be used for.
    pub(crate) fn public_key(&self, short: ShortRsa) -> Result<PublicKey, JwkFault> {
        match self.key_type()? {
            KeyType::Secret => Err(JwkFault::Secret),
            KeyType::Rsa => {
                let (modulus, exponent) = (self.number("n")?, self.number("e")?);
                Ok(PublicKey::rsa(&modulus, &exponent, short)?)
            }
            KeyType::P256 => self.point(Algorithm::Es256, 32),
            KeyType::P384 => self.point(Algorithm::Es384, 48),
            KeyType::Ed25519 => {
                let x = self.bytes("x").filter(|x| x.len() == 32).ok_or(JwkFault::Member("x"))?;
                Ok(PublicKey::point(Algorithm::EdDsa, &x).ok_or(PublicKeyFault::Unknown)?)
            }
        }
    }

    /// SHA-256 over its required members alone, in their one order (RFC 7638), of a public key.
    ///
    /// # Errors
    /// A member is missing, or it is of no kind that is known here.
    pub fn thumbprint(&self) -> Result<[u8; 32], JwkFault> {
        let names: &[&'static str] = match self.key_type()? {
            KeyType::Secret => return Err(JwkFault::Secret),
            KeyType::Rsa => &["e", "kty", "n"],
            KeyType::P256 | KeyType::P384 => &["crv", "kty", "x", "y"],
            KeyType::Ed25519 => &["crv", "kty", "x"],
        };
        let member = |name: &&'static str| {
            let text = self.required(name)?;
            // base64url and the names of kinds and curves: nothing to escape.
            let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            is_plain.then(|| format!("\"{name}\":\"{text}\"")).ok_or(JwkFault::Member(name))
        };
        let members: Vec<String> = names.iter().map(member).collect::<Result<_, _>>()?;
        Ok(Sha256::digest(format!("{{{}}}", members.join(","))).into())
    }

    /// A member that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'d, str>> {
        self.0.value(name)?.into_string()
    }

    /// A member that is canonical base64url.
    pub(crate) fn bytes(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        BASE64_URL_SAFE_NO_PAD.decode(self.text(name)?.as_bytes()).ok().map(Zeroizing::new)
    }

    /// Whether there is such a member.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.value(name).is_some()
    }

    fn key_type(&self) -> Result<KeyType, JwkFault> {
        match (&*self.required("kty")?, self.optional("crv")?.as_deref()) {
            ("oct", None) => Ok(KeyType::Secret),
            ("RSA", None) => Ok(KeyType::Rsa),
            ("EC", Some("P-256")) => Ok(KeyType::P256),
            ("EC", Some("P-384")) => Ok(KeyType::P384),
            ("OKP", Some("Ed25519")) => Ok(KeyType::Ed25519),
            _ => Err(JwkFault::Type),
        }
    }

    /// The one it states; else the only one of its kind, or for RSA the first that the operator listed.
    fn algorithm(&self, key_type: KeyType, rules: &SetRules) -> Result<Algorithm, JwkFault> {
        let mut accepted = rules.algorithms.iter().copied();
        match self.optional("alg")? {
            None => accepted.find(|algorithm| algorithm.key_type() == key_type).ok_or(JwkFault::NotAccepted),
            Some(alg) => {
                let stated = Algorithm::named(&alg).filter(|stated| stated.key_type() == key_type);
                let stated = stated.ok_or(JwkFault::Algorithm)?;
                accepted.any(|algorithm| algorithm == stated).then_some(stated).ok_or(JwkFault::NotAccepted)
            }
        }
    }

    fn check_purpose(&self) -> Result<(), JwkFault> {
        if self.optional("use")?.is_some_and(|used| used != "sig") {
            return Err(JwkFault::Purpose("use"));
        }
        match self.0.value("key_ops") {
            None => Ok(()),
            Some(Value::Array(operations)) => {
                let verifies = operations.iter().any(|one| one.into_string().is_some_and(|one| one == "verify"));
                verifies.then_some(()).ok_or(JwkFault::Purpose("key_ops"))
            }
            Some(_) => Err(JwkFault::Member("key_ops")),
        }
    }

    /// A secret says which algorithm it is for, or nothing could tell an HMAC's from a cipher's.
    fn secret_key(&self, kid: Option<String>, rules: &SetRules) -> Result<Key, JwkFault> {
        if !rules.secrets {
            return Err(JwkFault::Secret);
        }
        self.required("alg")?;
        let algorithm = self.algorithm(self.key_type()?, rules)?;
        let secret = self.bytes("k").ok_or(JwkFault::Member("k"))?;
        if secret.len() < algorithm.shortest_secret() {
            return Err(KeyFault::ShortSecret(algorithm).into());
        }
        Ok(Key::secret(kid, algorithm, &Secret::new(secret.to_vec()))?)
    }

    /// `width`: bytes of a coordinate, which are never fewer.
    fn point(&self, algorithm: Algorithm, width: usize) -> Result<PublicKey, JwkFault> {
        let coordinate =
            |name: &'static str| self.bytes(name).filter(|bytes| bytes.len() == width).ok_or(JwkFault::Member(name));
        let (x, y) = (coordinate("x")?, coordinate("y")?);
        // An uncompressed point (SEC 1 section 2.3.3).
        let point = [&[4], x.as_slice(), y.as_slice()].concat();
        Ok(PublicKey::point(algorithm, &point).ok_or(PublicKeyFault::Unknown)?)
    }

    /// Without the leading zeros that RFC 7518 section 2 forbids.
    fn number(&self, name: &'static str) -> Result<Zeroizing<Vec<u8>>, JwkFault> {
        let number = self.bytes(name).filter(|number| number.first().is_some_and(|first| *first != 0));
        number.ok_or(JwkFault::Member(name))
    }

    fn required(&self, name: &'static str) -> Result<Cow<'d, str>, JwkFault> {
        self.text(name).ok_or(JwkFault::Member(name))
    }

    /// A wrong type is a failure, never "absent".
    fn optional(&self, name: &'static str) -> Result<Option<Cow<'d, str>>, JwkFault> {
        if self.has(name) { self.required(name).map(Some) } else { Ok(None) }
    }
}
