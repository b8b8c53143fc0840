//! Reading what a request claims, and verifying it (RFC 9421 section 3.2).

use sha2::Digest;

use super::{
    MessageSignatures,
    base::signature_base,
    digest, input,
    input::Input,
    policy::{Times, binds_body, millis},
    value::Message,
};
use crate::scheme::{Algorithm, Encoding, Explanation, Failure, PreparedKey, ReplayKey, View, Why, replay::Beginning};

/// What a request claims under a scheme of RFC 9421.
#[derive(Clone, Debug)]
pub(in crate::scheme) struct ClaimedSignature {
    input: Input,
    times: Times,
}

impl ClaimedSignature {
    /// The key id: 1 to 256 visible bytes, if the signature says one.
    pub(in crate::scheme) fn key_id(&self) -> Option<&[u8]> {
        self.input.stated.key_id.as_deref().map(str::as_bytes)
    }

    /// When it was made, in milliseconds since 1970.
    pub(in crate::scheme) fn signed_millis(&self) -> Option<i64> {
        self.times.created
    }

    /// When it was made, or else until when it is good, in milliseconds since 1970.
    pub(in crate::scheme) fn time_millis(&self) -> Option<i64> {
        self.times.stated
    }
}

impl MessageSignatures {
    /// Reads the signature that is meant, and refuses what can be refused without a key.
    pub(in crate::scheme) fn read(&self, view: &View<'_>, now_millis: i64) -> Result<ClaimedSignature, Failure> {
        let input = input::read(view.headers, &self.choice)?;
        self.policy.judge(&input, &view.body)?;
        let times = self.policy.times(&input.stated, now_millis)?;
        Ok(ClaimedSignature { input, times })
    }

    /// Checks the signature, and the body where its digest is covered. Gives the index of the key that matched.
    pub(in crate::scheme) fn verify(
        &self,
        claimed: &ClaimedSignature,
        view: &View<'_>,
        keys: &[&PreparedKey],
    ) -> Result<usize, Failure> {
        if digest::has_body(&view.body).is_none() {
            return Err(Failure::unreadable("body", Why::BodyUnread));
        }
        // With the body there, more must be covered than its head could tell.
        self.policy.judge(&claimed.input, &view.body)?;
        let base = self.base(claimed, view)?;
        let index = self.matching(claimed, base.as_bytes(), keys)?;
        if claimed.input.components.iter().any(binds_body) {
            digest::check(view.headers, &view.body)?;
        }
        Ok(index)
    }

    /// The exact bytes that are signed.
    pub(in crate::scheme) fn message(&self, claimed: &ClaimedSignature, view: &View<'_>) -> Result<Vec<u8>, Failure> {
        self.base(claimed, view).map(String::into_bytes)
    }

    /// What is signed and what came, for whoever looks for a mistake.
    pub(in crate::scheme) fn explain(&self, view: &View<'_>, now_millis: i64) -> Result<Explanation<'_>, Failure> {
        let claimed = self.read(view, now_millis)?;
        let algorithm = self.policy.algorithm(&claimed.input.stated)?.unwrap_or(self.algorithm());
        let came = Encoding::Base64.write(&claimed.input.signature.0).into_bytes();
        Ok(Explanation {
            algorithm,
            key_id: claimed.key_id().map(<[u8]>::to_vec),
            message: self.message(&claimed, view)?,
            pieces: Vec::new(),
            came: vec![came],
            encoding: Encoding::Base64,
            chain: None,
        })
    }

    /// The nonce makes two requests the same one; without one all that is signed does.
    pub(in crate::scheme) fn replay_key(
        &self,
        claimed: &ClaimedSignature,
        view: &View<'_>,
        now_millis: i64,
    ) -> Result<Option<ReplayKey>, Failure> {
        if !self.replay {
            return Ok(None);
        }
        let mut digest = Beginning::of(&self.name).with(claimed.key_id().unwrap_or_default());
        match claimed.input.stated.nonce.as_deref().filter(|nonce| !nonce.is_empty()) {
            Some(nonce) => digest.update(format!("nonce\n{nonce}")),
            None => digest.update(format!("base\n{}", self.base(claimed, view)?)),
        }
        let remembered = now_millis.saturating_add(self.remember.map_or(0, millis));
        let until_millis = claimed.times.admitted_until.map_or(remembered, |end| end.saturating_add(1).max(remembered));
        let since_millis = match (claimed.times.admitted_from, self.remember) {
            (Some(from), _) => from,
            (None, Some(remember)) => now_millis.saturating_sub(millis(remember)),
            (None, None) => i64::MIN,
        };
        Ok(Some(ReplayKey { digest: digest.finalize().into(), until_millis, since_millis }))
    }

    fn base(&self, claimed: &ClaimedSignature, view: &View<'_>) -> Result<String, Failure> {
        let Input { components, parameters, .. } = &claimed.input;
        signature_base(components, parameters, Message::Request(view), &self.types)
    }

    /// Every key is tried whichever matches, so the time does not tell which one did.
    fn matching(&self, claimed: &ClaimedSignature, base: &[u8], keys: &[&PreparedKey]) -> Result<usize, Failure> {
        let stated = self.policy.algorithm(&claimed.input.stated)?;
        let (mut matched, mut is_usable) = (None, keys.is_empty());
        for (index, key) in keys.iter().enumerate() {
            let Some(algorithm) = only_algorithm(key, stated) else { continue };
            is_usable = true;
            if key.accepts(algorithm, base, &claimed.input.signature.0) {
                matched = matched.or(Some(index));
            }
        }
        match (matched, is_usable) {
            (Some(index), _) => Ok(index),
            (None, true) => Err(Failure::Mismatch),
            (None, false) => Err(Failure::Algorithm),
        }
    }
}

/// The one algorithm of this key that is meant: its own, which a signature may repeat and never change. Where it has
/// two (RSA), the signature must say which.
fn only_algorithm(key: &PreparedKey, stated: Option<Algorithm>) -> Option<Algorithm> {
    let mut fitting = key.algorithms().filter(|own| stated.is_none_or(|stated| stated == *own));
    match (fitting.next(), fitting.next()) {
        (only, None) => only,
        (_, Some(_)) => None,
    }
}
