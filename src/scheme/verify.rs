//! Verification: the MAC over the message with each key, compared with each claimed signature.

use smallvec::SmallVec;
use subtle::ConstantTimeEq;

use super::{Claimed, Failure, MacKey, Scheme, View, evaluate::Evaluation};

/// Live secrets of one key id; as many fit on the stack.
const LIVE_SECRETS: usize = 4;

impl Scheme {
    /// Checks signature and requirements. Gives the index of the key that matched.
    ///
    /// Every key is tried whichever matches, so the time does not tell which one did.
    pub fn verify(&self, claimed: &Claimed, view: &View<'_>, keys: &[&MacKey]) -> Result<usize, Failure> {
        claimed.ready()?;
        let evaluation = Evaluation::of(self, *view, claimed.key_id());
        let mut macs: SmallVec<[MacKey; LIVE_SECRETS]> = keys.iter().map(|key| (*key).clone()).collect();
        evaluation.feed(&self.message, &mut |piece| macs.iter_mut().for_each(|mac| mac.update(piece)))?;
        let mut matched = None;
        for (index, mac) in macs.into_iter().enumerate() {
            let tag = mac.finish();
            for candidate in &claimed.signatures {
                if candidate.equals(&tag) {
                    matched = matched.or(Some(index));
                }
            }
        }
        let index = matched.ok_or(Failure::Mismatch)?;
        self.requirements_hold(&evaluation)?;
        Ok(index)
    }

    /// The exact bytes that are signed. For `--explain` and tests: clients never see them.
    pub fn message(&self, claimed: &Claimed, view: &View<'_>) -> Result<Vec<u8>, Failure> {
        claimed.ready()?;
        let mut message = Vec::new();
        let evaluation = Evaluation::of(self, *view, claimed.key_id());
        evaluation.feed(&self.message, &mut |piece| message.extend_from_slice(piece))?;
        Ok(message)
    }

    fn requirements_hold(&self, evaluation: &Evaluation<'_>) -> Result<(), Failure> {
        for (left, right) in &self.require {
            let (left, right) = (evaluation.collect(left)?, evaluation.collect(right)?);
            if !bool::from(left.ct_eq(&right)) {
                return Err(Failure::Requirement);
            }
        }
        Ok(())
    }
}
