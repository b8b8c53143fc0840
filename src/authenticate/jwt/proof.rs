//! DPoP proofs (RFC 9449 section 4): a token of the sender's own, made for one request, that shows that it has the key that
//! its access token is bound to.
//!
//! Read as strictly as any token. Its key is in it, and is believed only because the access token names its thumbprint.
//! That a proof comes once only is the business of admission.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{Segment, Thumbprint, TokenError, claims::Registered, header, verifier};
use crate::{
    http1::{is_same_server, usual_port},
    jose::{Algorithm, Jwk, JwkFault, SetRules, ShortRsa},
    json::{Document, JsonError, Object, Value},
    secret::are_equal,
};

/// Longer proofs are refused unread, in bytes: an RSA key of 8192 bits and its signature fit.
pub const MAX_PROOF_BYTES: usize = 6144;
/// Longest `jti`, in bytes.
const LONGEST_ID: usize = 256;

/// The algorithms that a proof may be signed with: none whose key is a secret.
pub const PROOF_ALGORITHMS: [Algorithm; 9] = [
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
];

/// Header parameters that change how a proof is read, or lead elsewhere for a key.
const FORBIDDEN: [&str; 7] = ["crit", "b64", "zip", "enc", "jku", "x5u", "x5c"];

/// What a proof has to be for.
#[derive(Clone, Copy, Debug)]
pub struct ProofWanted<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The public scheme.
    pub scheme: &'a str,
    /// The public host, with its port where that is not the scheme's own.
    pub authority: &'a str,
    /// The path as it came.
    pub path: &'a str,
    /// The access token beside it.
    pub token: &'a [u8],
    /// The key that the token is bound to.
    pub key: Thumbprint,
    /// Seconds since 1970.
    pub now_unix: i64,
    /// How long ago it may have been made.
    pub past: Duration,
    /// How far its sender's clock may be ahead.
    pub future: Duration,
}

/// A proof that holds, and what tells it from any other of its key.
#[derive(Debug)]
pub struct Proof {
    /// `jti`, 1 to 256 bytes.
    pub id: String,
    /// `iat` in seconds since 1970.
    pub issued: i64,
}

/// Why a proof proves nothing. For the log; it holds nothing of the proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// RFC 9449 section 4.3, 1.
    #[error("there is not exactly one DPoP header")]
    NotOne,
    /// More than [`MAX_PROOF_BYTES`].
    #[error("it is too long")]
    TooLong,
    /// RFC 9449 section 4.3, 2: the form of a token.
    #[error("{0}")]
    Form(Box<TokenError>),
    /// The header is not strict JSON.
    #[error("its header is not strict JSON: {0}")]
    Header(#[source] JsonError),
    /// A header parameter that is missing, of a wrong type, or never accepted.
    #[error("its header's {0:?} is missing, malformed or not accepted")]
    HeaderMember(&'static str),
    /// RFC 9449 section 4.3, 4.
    #[error("its typ is not \"dpop+jwt\"")]
    WrongType,
    /// RFC 9449 section 4.3, 5: unknown, or that of a secret.
    #[error("its alg is none that a proof may be signed with")]
    WrongAlgorithm,
    /// RFC 9449 section 4.3, 6 and 7.
    #[error("its key cannot be used: {0}")]
    Key(#[from] JwkFault),
    /// RFC 9449 section 4.3, 12.
    #[error("its key is not the one that the token is bound to")]
    OtherKey,
    /// RFC 9449 section 4.3, 6.
    #[error("its signature does not match")]
    WrongSignature,
    /// A claim that is missing or of a wrong type.
    #[error("its claim {0:?} is missing or malformed")]
    Claim(&'static str),
    /// RFC 9449 section 4.3, 8.
    #[error("it is for another method")]
    OtherMethod,
    /// RFC 9449 section 4.3, 9.
    #[error("it is for another address")]
    OtherAddress,
    /// RFC 9449 section 4.3, 11.
    #[error("it was made too long ago, or in the future")]
    Stale,
    /// RFC 9449 section 4.3, 12.
    #[error("it is for another access token")]
    OtherToken,
}

impl Proof {
    /// Checks a proof, all but whether it came before.
    ///
    /// # Errors
    /// [`ProofError`]
    pub fn verify(text: &[u8], wanted: &ProofWanted<'_>) -> Result<Proof, ProofError> {
        if text.len() > MAX_PROOF_BYTES {
            return Err(ProofError::TooLong);
        }
        let [header, payload, signature] = verifier::segments(text)?;
        let message = text.get(..text.len() - signature.len() - 1).ok_or(TokenError::SegmentCount)?;
        let header = header::decode(header, Segment::Header)?;
        let header = Document::parse(&header).map_err(ProofError::Header)?;
        let Value::Object(header) = header.root() else { return Err(TokenError::NotAnObject(Segment::Header).into()) };
        let (algorithm, jwk) = read_header(&header)?;
        let key = jwk.key(&SetRules { algorithms: vec![algorithm], secrets: false, short_rsa: ShortRsa::Refuse })?;
        if jwk.thumbprint()? != wanted.key {
            return Err(ProofError::OtherKey);
        }
        let payload = header::decode(payload, Segment::Payload)?;
        let claims = Document::parse(&payload).map_err(|error| TokenError::Json(Segment::Payload, error))?;
        let proof = wanted.read(&claims)?;
        // Last, for it costs most.
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| ProofError::WrongSignature)?;
        if key.accepts(message, &signature) { Ok(proof) } else { Err(ProofError::WrongSignature) }
    }
}

fn read_header<'d>(header: &Object<'d>) -> Result<(Algorithm, Jwk<'d>), ProofError> {
    if let Some(name) = FORBIDDEN.into_iter().find(|name| header.value(name).is_some()) {
        return Err(ProofError::HeaderMember(name));
    }
    let text =
        |name: &'static str| header.value(name).and_then(Value::into_string).ok_or(ProofError::HeaderMember(name));
    if text("typ")? != "dpop+jwt" {
        return Err(ProofError::WrongType);
    }
    let algorithm = Algorithm::named(&text("alg")?).filter(|named| PROOF_ALGORITHMS.contains(named));
    let jwk = header.value("jwk").ok_or(ProofError::HeaderMember("jwk"))?;
    Ok((algorithm.ok_or(ProofError::WrongAlgorithm)?, Jwk::new(jwk)?))
}

impl ProofWanted<'_> {
    fn read(&self, claims: &Document<'_>) -> Result<Proof, ProofError> {
        let registered = Registered::read(claims)?;
        let id = registered.jti.filter(|id| (1..=LONGEST_ID).contains(&id.len())).ok_or(ProofError::Claim("jti"))?;
        let Value::Object(members) = claims.root() else {
            return Err(TokenError::NotAnObject(Segment::Payload).into());
        };
        let text = |name: &'static str| members.value(name).and_then(Value::into_string).ok_or(ProofError::Claim(name));
        if text("htm")? != self.method {
            return Err(ProofError::OtherMethod);
        }
        if !self.is_address(&text("htu")?) {
            return Err(ProofError::OtherAddress);
        }
        let issued = registered.times.issued.ok_or(ProofError::Claim("iat"))?;
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let oldest = self.now_unix.saturating_sub(seconds(self.past));
        let newest = self.now_unix.saturating_add(seconds(self.future));
        // What else it says of its time is kept too.
        let counts = registered.times.check(self.now_unix, seconds(self.future)).is_ok();
        if !(oldest..=newest).contains(&issued) || !counts {
            return Err(ProofError::Stale);
        }
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(self.token));
        if !are_equal(text("ath")?.as_bytes(), hash.as_bytes()) {
            return Err(ProofError::OtherToken);
        }
        Ok(Proof { id, issued })
    }

    /// Whether `htu` is the address of the request, query and fragment apart. Scheme and host in any case, and the scheme's own
    /// port written or not (RFC 3986 section 6.2); the path byte for byte.
    fn is_address(&self, htu: &str) -> bool {
        let whole = htu.split(['?', '#']).next().unwrap_or_default();
        let Some((scheme, rest)) = whole.split_once("://") else { return false };
        let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or_default();
        let path = if path.is_empty() { "/" } else { path };
        scheme.eq_ignore_ascii_case(self.scheme)
            && is_same_server(authority, self.authority, usual_port(self.scheme))
            && path == self.path
    }
}

impl From<TokenError> for ProofError {
    fn from(error: TokenError) -> ProofError {
        ProofError::Form(Box::new(error))
    }
}
