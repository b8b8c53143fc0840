//! The rules applied: first the form and whether the token is from this issuer at all, then the signature, then the claims,
//! expiry last.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    Decryption, Introspection, MAX_TOKEN_BYTES, Segment, Settings, SettingsError, Token, TokenError,
    claims::{self, Registered, Times},
    header::{self, Header},
    key_set::{Current, KeySet, KeySource},
    rules::Rules,
};
use crate::{
    jose::Key,
    json::{Document, Value},
};

/// Verifies tokens of one kind.
pub struct Verifier {
    id: u64,
    name: String,
    keys: KeySource,
    decryption: Option<Decryption>,
    issuer: Option<String>,
    audience: Vec<String>,
    leeway: i64,
    require_exp: bool,
    rules: Rules,
}

/// A token taken apart, of which nothing is known to be genuine.
struct Unproven<'t> {
    header: Header,
    payload: &'t [u8],
    message: &'t [u8],
    signature: &'t [u8],
}

impl Unproven<'_> {
    fn read(token: &[u8]) -> Result<Unproven<'_>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let [header, payload, signature] = segments(token)?;
        let header = Header::parse(header)?;
        let message = token.get(..token.len() - signature.len() - 1).ok_or(TokenError::SegmentCount)?;
        Ok(Unproven { header, payload, message, signature })
    }
}

/// What a right signature vouches for.
#[cfg(test)]
pub(super) struct Signed {
    pub(super) kid: Option<String>,
    pub(super) payload: Vec<u8>,
}

impl Verifier {
    /// Checks the settings and prepares the keys.
    pub fn new(settings: Settings) -> Result<Verifier, SettingsError> {
        settings.decryption.as_ref().map_or(Ok(()), Decryption::check)?;
        Ok(Verifier {
            id: next_id(),
            name: settings.name,
            keys: KeySource::new(settings.keys)?,
            decryption: settings.decryption,
            issuer: settings.issuer,
            audience: settings.audience,
            leeway: i64::try_from(settings.leeway.as_secs()).unwrap_or(i64::MAX),
            require_exp: settings.require_exp,
            rules: Rules::new(settings.claims)?,
        })
    }

    /// What the configuration calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Verifies a compact token at `now_unix`, seconds since 1970.
    pub fn verify(&self, token: &[u8], now_unix: i64) -> Result<Token, TokenError> {
        self.verify_with(self.current_keys().keys(), token, now_unix)
    }

    /// The keys of this moment: what they vouched for is to be seen again when they are others.
    pub(super) fn current_keys(&self) -> Current<'_> {
        self.keys.current()
    }

    pub(super) fn verify_with(&self, keys: Option<&KeySet>, token: &[u8], now_unix: i64) -> Result<Token, TokenError> {
        match &self.decryption {
            None => self.verify_signed(keys, token, now_unix),
            Some(decryption) => self.verify_signed(keys, &decryption.open(token)?, now_unix),
        }
    }

    fn verify_signed(&self, keys: Option<&KeySet>, token: &[u8], now_unix: i64) -> Result<Token, TokenError> {
        let unproven = Unproven::read(token)?;
        let payload = header::decode(unproven.payload, Segment::Payload)?;
        let claims = Document::parse_owned(payload).map_err(|error| TokenError::Json(Segment::Payload, error))?;
        // Where several issuers stand on one route, the others' tokens cost no signature check here, and ask for no keys.
        self.check_issuer(&claims)?;
        let key = self.check_against(keys, &unproven)?;
        self.judge(key.kid().map(str::to_owned), claims, now_unix)
    }

    /// Judges what the server of an opaque token said of it (RFC 7662 section 2.2): by the rules of signed ones.
    pub(in crate::authenticate) fn judge_introspected(
        &self,
        answer: &[u8],
        now_unix: i64,
    ) -> Result<Token, TokenError> {
        let claims = Document::parse_owned(answer.to_vec());
        let claims = claims.map_err(|error| TokenError::Json(Segment::Payload, error))?;
        self.check_issuer(&claims)?;
        claims::check_use(&claims)?;
        self.judge(None, claims, now_unix)
    }

    /// Who is asked for each token, where they are opaque.
    pub(in crate::authenticate) fn introspection(&self) -> Option<&dyn Introspection> {
        match &self.keys {
            KeySource::Asked(server) => Some(&**server),
            KeySource::Fixed(_) | KeySource::Shared(_) => None,
        }
    }

    /// The claims of a token that is genuine.
    fn judge(&self, kid: Option<String>, claims: Document<'static>, now_unix: i64) -> Result<Token, TokenError> {
        let registered = Registered::read(&claims)?;
        self.check_registered(&registered)?;
        self.rules.check(&claims, registered.times)?;
        self.check_times(registered.times, now_unix)?;
        Ok(Token {
            kid,
            subject: registered.subject,
            jti: registered.jti,
            times: registered.times,
            confirmation: registered.confirmation,
            claims,
        })
    }

    /// Differs between any two verifiers of a process, also between those of one name before and after a reload.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The rules that a token verified earlier may break since.
    pub(super) fn check_again(&self, token: &Token, now_unix: i64) -> Result<(), TokenError> {
        self.check_times(token.times, now_unix)
    }

    /// Expiry last: it is told only of a token that breaks no other rule.
    fn check_times(&self, times: Times, now_unix: i64) -> Result<(), TokenError> {
        self.rules.check_age(times, now_unix, self.leeway)?;
        times.check(now_unix, self.leeway)
    }

    /// All of RFC 7515 and nothing of RFC 7519: the payload may be any bytes.
    #[cfg(test)]
    pub(super) fn check_signature(&self, token: &[u8]) -> Result<Signed, TokenError> {
        let unproven = Unproven::read(token)?;
        self.check_against(self.current_keys().keys(), &unproven)?;
        Ok(Signed { payload: header::decode(unproven.payload, Segment::Payload)?, kid: unproven.header.kid })
    }

    /// The key that signed it.
    fn check_against<'k>(&self, keys: Option<&'k KeySet>, unproven: &Unproven<'_>) -> Result<&'k Key, TokenError> {
        // One spelling alone, or a token could be altered and stay good.
        let signature = URL_SAFE_NO_PAD.decode(unproven.signature).map_err(|_| TokenError::WrongSignature)?;
        let Header { kid, algorithm } = &unproven.header;
        let keys = keys.ok_or(TokenError::NoKeysYet)?;
        let checked = keys.check(kid.as_deref(), algorithm, unproven.message, &signature);
        if matches!(checked, Err(TokenError::UnknownKid)) && kid.is_some() {
            // The issuer may have begun to use another. Whoever fetches decides whether and when.
            self.keys.want();
        }
        checked
    }

    /// Whether it says itself that it is from the one issuer that there is. Saying nothing is not saying so.
    fn check_issuer(&self, claims: &Document<'_>) -> Result<(), TokenError> {
        let Value::Object(claims) = claims.root() else { return Err(TokenError::NotAnObject(Segment::Payload)) };
        match (&self.issuer, claims.value("iss")) {
            (None, _) => Ok(()),
            (Some(issuer), Some(Value::String(stated))) if stated == issuer.as_str() => Ok(()),
            (Some(_), None | Some(Value::String(_))) => Err(TokenError::WrongIssuer),
            (Some(_), Some(_)) => Err(TokenError::MalformedClaim("iss")),
        }
    }

    fn check_registered(&self, claims: &Registered) -> Result<(), TokenError> {
        if self.require_exp && claims.times.expires.is_none() {
            return Err(TokenError::MissingClaim("exp".to_owned()));
        }
        let named = claims.audience.iter().flatten().any(|name| self.audience.contains(name));
        if !self.audience.is_empty() && !named {
            return Err(TokenError::WrongAudience);
        }
        Ok(())
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({:?})", self.name)
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(super) fn segments(token: &[u8]) -> Result<[&[u8]; 3], TokenError> {
    let mut segments = token.split(|byte| *byte == b'.');
    match (segments.next(), segments.next(), segments.next(), segments.next()) {
        (Some(header), Some(payload), Some(signature), None) => Ok([header, payload, signature]),
        _ => Err(TokenError::SegmentCount),
    }
}
