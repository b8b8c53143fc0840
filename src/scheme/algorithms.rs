//! Which algorithm computes a request's signature: always one, or what the request says out of a closed list.

use super::{Algorithm, Failure, Fault, Template, evaluate::Evaluation};

/// The algorithms of one scheme.
#[derive(Debug)]
pub(super) enum Algorithms {
    Fixed(Algorithm),
    Named {
        from: Template,
        /// Never empty.
        allow: Vec<(String, Algorithm)>,
    },
}

impl Algorithms {
    /// The one that signs, and that is said where only one can be.
    pub(super) fn usual(&self) -> Algorithm {
        self.all().next().unwrap_or(Algorithm::HmacSha256)
    }

    /// How a request says the usual one.
    pub(super) fn usual_name(&self) -> &str {
        match self {
            Algorithms::Fixed(algorithm) => algorithm.name(),
            Algorithms::Named { allow, .. } => allow.first().map_or("", |(name, _)| name),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Algorithm> {
        let (fixed, named) = match self {
            Algorithms::Fixed(algorithm) => (Some(*algorithm), [].as_slice()),
            Algorithms::Named { allow, .. } => (None, allow.as_slice()),
        };
        fixed.into_iter().chain(named.iter().map(|(_, algorithm)| *algorithm))
    }

    pub(super) fn template(&self) -> Option<&Template> {
        match self {
            Algorithms::Fixed(_) => None,
            Algorithms::Named { from, .. } => Some(from),
        }
    }

    /// What this request is to be verified by. That it chooses does no harm: every choice needs the same [kind](mixed) of key.
    pub(super) fn claimed(&self, evaluation: &Evaluation<'_>) -> Result<Algorithm, Failure> {
        let (from, allow) = match self {
            Algorithms::Fixed(algorithm) => return Ok(*algorithm),
            Algorithms::Named { from, allow } => (from, allow),
        };
        let said = match evaluation.collect(from) {
            Err(failure) if failure.is_absence() => return Err(Failure::Algorithm),
            said => said?,
        };
        let found = allow.iter().find(|(name, _)| name.as_bytes() == said.as_slice());
        found.map(|(_, algorithm)| *algorithm).ok_or(Failure::Algorithm)
    }
}

/// A fault where HMACs stand beside algorithms of public keys: a request that may choose could have the public key, which
/// anyone may have, taken for a secret.
pub(super) fn mixed(field: &'static str, algorithms: &[Algorithm]) -> Option<Fault> {
    let is_hmac = |algorithm: &Algorithm| algorithm.is_hmac();
    (algorithms.iter().any(is_hmac) && !algorithms.iter().all(is_hmac)).then(|| {
        Fault::whole(field, "HMAC and public keys do not mix in one scheme")
            .hint("make two schemes, and let the route take `any_of` them")
    })
}
