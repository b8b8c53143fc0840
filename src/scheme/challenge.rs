//! What a webhook's sender asks for before it sends: a proof that the receiver has the secret.

use super::{Algorithm, PreparedKey};

impl PreparedKey {
    /// Hex HMAC-SHA256 of a sender's challenge; `None` where this is no such key.
    ///
    /// It proves the key to whoever asks, so ask only for what came with a signature of that very key: for anyone else it
    /// would sign whatever they like.
    pub fn challenge_response(&self, challenge: &[u8]) -> Option<String> {
        let mut mac = self.mac(Algorithm::HmacSha256)?;
        mac.update(challenge);
        Some(mac.finish().encode(super::Encoding::Hex))
    }
}
