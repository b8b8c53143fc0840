//! Bearer tokens: signed JWTs (RFC 7519), found in a request, decrypted where they are encrypted, and verified by fixed rules.
//!
//! The header and the claims are read strictly by our own code and the rules are ours: libraries skip `crit`, `b64`, `typ`,
//! wrong types and duplicate claims. A token chooses nothing: its `alg` must be that of a key we hold, and no key is ever
//! fetched or taken from a header. It does not mint tokens and knows nothing of revocation or replay.

mod binding;
mod cache;
mod carrier;
mod claims;
mod encrypted;
mod error;
mod glimpse;
mod header;
mod introspection;
mod key_set;
mod proof;
mod rules;
mod settings;
mod token;
mod verifier;

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vector_tests;

pub use binding::Thumbprint;
pub use cache::TokenCache;
pub use carrier::{Carrier, HeaderValues};
pub use encrypted::Decryption;
pub use error::{Segment, TokenError};
pub use glimpse::Glimpse;
pub use introspection::{Introspected, Introspection, IntrospectionAway, Lookout, TokenDigest};
pub use key_set::{KeySet, Keys, SharedKeys};
pub use proof::{MAX_PROOF_BYTES, PROOF_ALGORITHMS, Proof, ProofError, ProofWanted};
pub use rules::ClaimRules;
pub use settings::{Settings, SettingsError};
pub use token::Token;
pub use verifier::Verifier;
pub(in crate::authenticate) use {binding::is_bound_in_itself, carrier::is_dpop};

/// Longer tokens are refused unread, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// Keys that may share one `kid` (or have none), so that a secret can be replaced while tokens of the old one live.
pub const MAX_KEYS_PER_KID: usize = 4;
