//! Verification: the message's signature with each key, compared with each one that is claimed.

use smallvec::SmallVec;
use subtle::ConstantTimeEq;

use super::{
    Dialect, Failure, PreparedKey, Relation, Requirement, View, claimed::Claims, evaluate::Evaluation, mac::Mac,
    tag::Tag,
};

/// Live secrets of one key id; as many fit on the stack.
const LIVE_SECRETS: usize = 4;

impl Dialect {
    /// Checks signature and requirements. Gives the index of the key that matched.
    ///
    /// Every key is tried whichever matches, so the time does not tell which one did.
    pub(super) fn verify(&self, claimed: &Claims, view: &View<'_>, keys: &[&PreparedKey]) -> Result<usize, Failure> {
        claimed.ready()?;
        let evaluation = Evaluation::of(self, *view, claimed.key_id());
        let index = match claimed.algorithm.is_hmac() {
            true => self.matching_mac(claimed, &evaluation, keys)?,
            false => self.matching_signer(claimed, &evaluation, keys)?,
        };
        self.requirements_hold(&evaluation)?;
        Ok(index)
    }

    /// The exact bytes that are signed. For `--explain` and tests: clients never see them.
    pub(super) fn message(&self, claimed: &Claims, view: &View<'_>) -> Result<Vec<u8>, Failure> {
        claimed.ready()?;
        let mut message = Vec::new();
        let evaluation = Evaluation::of(self, *view, claimed.key_id());
        evaluation.feed(&self.message, &mut |piece| message.extend_from_slice(piece))?;
        Ok(message)
    }

    fn matching_mac(
        &self,
        claimed: &Claims,
        evaluation: &Evaluation<'_>,
        keys: &[&PreparedKey],
    ) -> Result<usize, Failure> {
        if let ([key], None) = (keys, &self.key_chain) {
            let mut mac = key.mac(claimed.algorithm).ok_or(Failure::Mismatch)?;
            evaluation.feed(&self.message, &mut |piece| mac.update(piece))?;
            return matches_any(&mac.finish(), claimed).then_some(0).ok_or(Failure::Mismatch);
        }
        let mut macs: SmallVec<[(usize, Mac); LIVE_SECRETS]> = SmallVec::new();
        for (index, key) in keys.iter().enumerate() {
            // A key of another scheme's algorithm matches nothing.
            macs.extend(key.mac(claimed.algorithm).map(|mac| (index, mac)));
        }
        if let Some(chain) = &self.key_chain {
            let texts = chain.texts(evaluation)?;
            for (_, mac) in &mut macs {
                *mac = chain.derived(mac.clone(), claimed.algorithm, &texts).ok_or(Failure::Mismatch)?;
            }
        }
        evaluation.feed(&self.message, &mut |piece| macs.iter_mut().for_each(|(_, mac)| mac.update(piece)))?;
        let mut matched = None;
        for (index, mac) in macs {
            if matches_any(&mac.finish(), claimed) {
                matched = matched.or(Some(index));
            }
        }
        matched.ok_or(Failure::Mismatch)
    }

    /// Nothing here is secret, so the first that matches will do.
    fn matching_signer(
        &self,
        claimed: &Claims,
        evaluation: &Evaluation<'_>,
        keys: &[&PreparedKey],
    ) -> Result<usize, Failure> {
        let mut message = Vec::new();
        evaluation.feed(&self.message, &mut |piece| message.extend_from_slice(piece))?;
        let signed = |key: &&PreparedKey| {
            claimed.signatures.iter().any(|candidate| key.verifies(claimed.algorithm, &message, candidate))
        };
        keys.iter().position(signed).ok_or(Failure::Mismatch)
    }

    fn requirements_hold(&self, evaluation: &Evaluation<'_>) -> Result<(), Failure> {
        match self.require.iter().map(|requirement| requirement.holds(evaluation)).find(|held| *held != Ok(true)) {
            None => Ok(()),
            Some(Err(failure)) => Err(failure),
            Some(Ok(_)) => Err(Failure::Requirement),
        }
    }
}

impl Requirement {
    fn holds(&self, evaluation: &Evaluation<'_>) -> Result<bool, Failure> {
        let left = evaluation.collect(&self.left)?;
        if self.relation == Relation::EqualIfBody && left.is_empty() && evaluation.is_bodyless()? {
            return Ok(true);
        }
        let right = evaluation.collect(&self.right)?;
        Ok(match self.relation {
            Relation::Equal | Relation::EqualIfBody => left.ct_eq(&right).into(),
            Relation::Under => {
                let below = left.strip_prefix(right.as_slice());
                !right.is_empty()
                    && below.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/") || right.ends_with(b"/"))
            }
        })
    }
}

/// Compares with every candidate, whichever is equal.
fn matches_any(tag: &Tag, claimed: &Claims) -> bool {
    claimed.signatures.iter().fold(false, |matched, candidate| matched | candidate.equals(tag))
}
