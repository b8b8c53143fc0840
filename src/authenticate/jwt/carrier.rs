//! Where a request carries its token, and how it is taken out: one token, or none, or a refusal.

use smallvec::SmallVec;

use super::TokenError;
use crate::{
    cookies::{self, CookieFault},
    percent,
};

/// Where the token stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// `Authorization: Bearer TOKEN` (RFC 6750 section 2.1).
    Bearer,
    /// `Authorization: DPoP TOKEN` (RFC 9449 section 7.1), or as a bearer token one that needs no proof.
    Dpop,
    /// `Authorization: TOKEN`, bare.
    Authorization,
    /// A cookie of that name (RFC 6265 section 4.2.1).
    Cookie(String),
    /// A query parameter of that name (RFC 6750 section 2.3).
    Query(String),
    /// A header of that name, bare.
    Header(String),
}

/// The headers of a request, as far as a carrier asks for them.
pub trait HeaderValues {
    /// Every value of a header, in the order they came, without surrounding whitespace. The name is in lower case or
    /// as the configuration has it, and compared without regard to case.
    fn values<'h>(&'h self, name: &str) -> SmallVec<[&'h [u8]; 2]>;
}

impl Carrier {
    /// The token, if there is one. An empty one is none, and so is an `Authorization` of another scheme for
    /// [`Carrier::Bearer`]. A carrier that came twice, or does not hold exactly one token, is an error. `query` is the
    /// request's raw query without the `?`.
    pub fn find<'h>(
        &self,
        headers: &'h dyn HeaderValues,
        query: Option<&'h str>,
    ) -> Result<Option<&'h [u8]>, TokenError> {
        let candidate = self.candidate(headers, query)?;
        candidate.map(refuse_odd).transpose()?;
        Ok(candidate)
    }

    /// As [`find`](Carrier::find), but that nobody has looked at the characters that it is made of: for who knows which
    /// tokens were looked at before.
    pub(in crate::authenticate) fn candidate<'h>(
        &self,
        headers: &'h dyn HeaderValues,
        query: Option<&'h str>,
    ) -> Result<Option<&'h [u8]>, TokenError> {
        let found = match self {
            Carrier::Bearer => after_scheme(single(headers.values("authorization"))?, b"bearer")?,
            Carrier::Dpop => {
                let value = single(headers.values("authorization"))?;
                let bearer = after_scheme(value, b"bearer")?;
                if bearer.is_some() { bearer } else { after_scheme(value, DPOP)? }
            }
            Carrier::Authorization => single(headers.values("authorization"))?,
            Carrier::Header(name) => single(headers.values(name))?,
            Carrier::Cookie(name) => cookies::find(headers.values("cookie"), name.as_bytes())?,
            Carrier::Query(name) => parameter(query.unwrap_or_default().as_bytes(), name.as_bytes())?,
        };
        Ok(found.filter(|token| !token.is_empty()))
    }
}

fn single<'h>(values: impl IntoIterator<Item = &'h [u8]>) -> Result<Option<&'h [u8]>, TokenError> {
    let mut values = values.into_iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(TokenError::CarrierRepeated),
    }
}

/// The scheme's name, in lower case.
const DPOP: &[u8] = b"dpop";

/// Whether the one `Authorization` that there is has the scheme `DPoP`.
pub(in crate::authenticate) fn is_dpop(headers: &dyn HeaderValues) -> bool {
    single(headers.values("authorization")).is_ok_and(|value| matches!(after_scheme(value, DPOP), Ok(Some(_))))
}

/// What follows `wanted`, in any case, and exactly one space.
fn after_scheme<'h>(value: Option<&'h [u8]>, wanted: &[u8]) -> Result<Option<&'h [u8]>, TokenError> {
    let Some(value) = value else { return Ok(None) };
    // As nearly all write it.
    if let (Some(token), b"bearer") = (value.strip_prefix(b"Bearer "), wanted) {
        return Ok(Some(token));
    }
    let end = value.iter().position(|byte| !is_scheme_byte(*byte)).unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(end).ok_or(TokenError::CarrierMalformed)?;
    if !scheme.eq_ignore_ascii_case(wanted) {
        return Ok(None);
    }
    match rest.split_first() {
        None => Ok(None),
        Some((b' ', token)) => Ok(Some(token)),
        Some(_) => Err(TokenError::CarrierMalformed),
    }
}

impl From<CookieFault> for TokenError {
    fn from(fault: CookieFault) -> TokenError {
        match fault {
            CookieFault::Repeated => TokenError::CarrierRepeated,
            CookieFault::Malformed => TokenError::CarrierMalformed,
        }
    }
}

/// A name in another spelling (`access%5Ftoken`) is the same name to an upstream, so it counts as a second one, and
/// is not accepted as the only one.
fn parameter<'h>(query: &'h [u8], name: &[u8]) -> Result<Option<&'h [u8]>, TokenError> {
    let pairs = query.split(|byte| *byte == b'&').map(|pair| split_once(pair, b'=').unwrap_or((pair, b"")));
    let Some((key, value)) = single_pair(pairs.filter(|(key, _)| key == &name || percent::decoded(key) == name))?
    else {
        return Ok(None);
    };
    if key == name { Ok(Some(value)) } else { Err(TokenError::CarrierMalformed) }
}

type Pair<'h> = (&'h [u8], &'h [u8]);

fn single_pair<'h>(mut pairs: impl Iterator<Item = Pair<'h>>) -> Result<Option<Pair<'h>>, TokenError> {
    match (pairs.next(), pairs.next()) {
        (pair, None) => Ok(pair),
        (_, Some(_)) => Err(TokenError::CarrierRepeated),
    }
}

/// RFC 9110 section 11.2, token68: the only characters that a token may be made of.
pub(super) fn refuse_odd(token: &[u8]) -> Result<(), TokenError> {
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let text = token.get(..token.len() - padding).unwrap_or_default();
    // Not stopping early is faster: nearly every token is whole.
    if text.is_empty() || !text.iter().fold(true, |whole, byte| whole & TOKEN68[usize::from(*byte)]) {
        return Err(TokenError::CarrierMalformed);
    }
    Ok(())
}

/// The bytes of a token68, padding apart.
const TOKEN68: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        allowed[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
        byte += 1;
    }
    allowed
};

/// RFC 9110 section 5.6.2.
fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == separator)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}
