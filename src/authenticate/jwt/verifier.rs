//! The rules applied: first the form, then the signature, then the claims, expiry last.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use jsonwebtoken::{DecodingKey, crypto};
use smallvec::{SmallVec, smallvec};

use super::{
    Algorithm, MAX_KEYS_PER_KID, MAX_TOKEN_BYTES, Segment, Settings, SettingsError, Token, TokenError,
    claims::{self, Registered},
    header::{self, Header},
};
use crate::json::{Document, Value};

/// Verifies tokens of one kind.
pub struct Verifier {
    id: u64,
    name: String,
    keys: Vec<Key>,
    issuer: Option<String>,
    audience: Vec<String>,
    leeway: i64,
    require_exp: bool,
    required_claims: Vec<String>,
    equal_claims: Vec<(String, Document<'static>)>,
}

struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// What a right signature vouches for.
pub(super) struct Signed {
    pub(super) kid: Option<String>,
    pub(super) payload: Vec<u8>,
}

impl Verifier {
    /// Checks the settings and prepares the keys.
    pub fn new(settings: Settings) -> Result<Verifier, SettingsError> {
        settings.check_keys()?;
        let equal_claims = settings.equal_claim_values()?;
        Ok(Verifier {
            id: next_id(),
            name: settings.name,
            keys: settings
                .keys
                .into_iter()
                .map(|key| Key { key: key.algorithm.decoding_key(&key.secret), kid: key.kid, algorithm: key.algorithm })
                .collect(),
            issuer: settings.issuer,
            audience: settings.audience,
            leeway: i64::try_from(settings.leeway.as_secs()).unwrap_or(i64::MAX),
            require_exp: settings.require_exp,
            required_claims: settings.required_claims,
            equal_claims,
        })
    }

    /// What the configuration calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Verifies a compact token at `now_unix`, seconds since 1970.
    pub fn verify(&self, token: &[u8], now_unix: i64) -> Result<Token, TokenError> {
        let signed = self.check_signature(token)?;
        let claims =
            Document::parse_owned(signed.payload).map_err(|error| TokenError::Json(Segment::Payload, error))?;
        let registered = Registered::read(&claims)?;
        self.check_registered(&registered)?;
        self.check_others(&claims)?;
        registered.times.check(now_unix, self.leeway)?;
        Ok(Token { kid: signed.kid, subject: registered.subject, jti: registered.jti, times: registered.times, claims })
    }

    /// Differs between any two verifiers of a process, also between those of one name before and after a reload.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The rules that a token verified earlier may break since.
    pub(super) fn check_again(&self, token: &Token, now_unix: i64) -> Result<(), TokenError> {
        token.times.check(now_unix, self.leeway)
    }

    /// All of RFC 7515 and nothing of RFC 7519: the payload may be any bytes.
    pub(super) fn check_signature(&self, token: &[u8]) -> Result<Signed, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let [header, payload, signature] = segments(token)?;
        let header = Header::parse(header)?;
        let message = token.get(..token.len() - signature.len() - 1).ok_or(TokenError::SegmentCount)?;
        self.check_against_keys(&header, message, signature)?;
        Ok(Signed { payload: header::decode(payload, Segment::Payload)?, kid: header.kid })
    }

    fn check_against_keys(&self, header: &Header, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        let keys = self.keys_for(header.kid.as_deref());
        if keys.is_empty() {
            return Err(TokenError::UnknownKid);
        }
        let mut keys = keys.into_iter().filter(|key| key.algorithm.name() == header.algorithm).peekable();
        if keys.peek().is_none() {
            return Err(TokenError::WrongAlgorithm);
        }
        let signature = std::str::from_utf8(signature).map_err(|_| TokenError::WrongSignature)?;
        if keys.any(|key| key.signed(message, signature)) { Ok(()) } else { Err(TokenError::WrongSignature) }
    }

    /// The keys of a `kid`; of none, those without one, or the only key there is.
    fn keys_for(&self, kid: Option<&str>) -> SmallVec<[&Key; MAX_KEYS_PER_KID]> {
        match (kid, self.keys.as_slice()) {
            (None, [only]) => smallvec![only],
            (kid, keys) => keys.iter().filter(|key| key.kid.as_deref() == kid).collect(),
        }
    }

    fn check_registered(&self, claims: &Registered) -> Result<(), TokenError> {
        if self.require_exp && claims.times.expires.is_none() {
            return Err(TokenError::MissingClaim("exp".to_owned()));
        }
        if self.issuer.is_some() && claims.issuer != self.issuer {
            return Err(TokenError::WrongIssuer);
        }
        let named = claims.audience.iter().flatten().any(|name| self.audience.contains(name));
        if !self.audience.is_empty() && !named {
            return Err(TokenError::WrongAudience);
        }
        Ok(())
    }

    fn check_others(&self, claims: &Document<'_>) -> Result<(), TokenError> {
        for name in &self.required_claims {
            if matches!(claims::find(claims, name), None | Some(Value::Null)) {
                return Err(TokenError::MissingClaim(name.clone()));
            }
        }
        for (name, expected) in &self.equal_claims {
            if !claims::find(claims, name).is_some_and(|claim| equal(&claim, &expected.root())) {
                return Err(TokenError::UnequalClaim(name.clone()));
            }
        }
        Ok(())
    }
}

impl Key {
    /// jsonwebtoken compares in constant time and refuses a signature that is not canonical base64url.
    fn signed(&self, message: &[u8], signature: &str) -> bool {
        crypto::verify(signature, message, &self.key, self.algorithm.check()).unwrap_or(false)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({:?}, {} keys)", self.name, self.keys.len())
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn segments(token: &[u8]) -> Result<[&[u8]; 3], TokenError> {
    let mut segments = token.split(|byte| *byte == b'.');
    match (segments.next(), segments.next(), segments.next(), segments.next()) {
        (Some(header), Some(payload), Some(signature), None) => Ok([header, payload, signature]),
        _ => Err(TokenError::SegmentCount),
    }
}

fn equal(claim: &Value<'_>, expected: &Value<'_>) -> bool {
    match (claim, expected) {
        (Value::String(claim), Value::String(expected)) => claim == expected,
        (Value::Number(claim), Value::Number(expected)) => claim == expected,
        (Value::Bool(claim), Value::Bool(expected)) => claim == expected,
        _ => false,
    }
}
