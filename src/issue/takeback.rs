//! Taking back a token that was issued: its `jti` is put among what is revoked, for as long as it would have been good.

use std::{sync::Arc, time::Duration};

use super::Failure;
use crate::store::revocations::{By, NotRevoked, Revocation, Revocations, Revoked};

/// Where it is kept what was taken back.
#[derive(Clone, Debug)]
pub struct Takeback {
    /// Everything that is revoked.
    pub revocations: Arc<Revocations>,
    /// How long after its `exp` a token is believed anywhere: leeway, and clocks that differ.
    pub believed_after: Duration,
}

impl Takeback {
    /// Takes back the token with that `jti`; on return it is kept, and in force.
    pub(super) async fn token(&self, jti: &str, expires_unix: Option<i64>, now_unix: i64) -> Result<(), Failure> {
        let revocation = Revocation {
            revoked: Revoked::Jti(jti.to_owned()),
            before_unix: 0,
            until_unix: expires_unix.map(|expires| expires.saturating_add_unsigned(self.believed_after.as_secs())),
            reason: None,
            made_unix: now_unix,
            by: By::Holder,
        };
        let revoked = match self.revocations.shared() {
            Some(shared) => shared.revoke(&revocation, now_unix).await,
            None => {
                let revocations = self.revocations.clone();
                // A disk may take its time, in which a worker could serve many requests.
                let revoke = move || revocations.revoke(revocation, now_unix);
                let written = tokio::task::spawn_blocking(revoke).await;
                written.unwrap_or(Err(NotRevoked::NoPlace))
            }
        };
        revoked?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_takes_back_again_and_again_waits_until_some_of_it_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let revocations = Arc::new(Revocations::open(&directory.path().join("revoked"), 10, 1_000).unwrap());
        let takeback = Takeback { revocations, believed_after: Duration::from_secs(60) };
        for number in 0..9 {
            takeback.token(&format!("j{number}"), Some(1_100 + number), 1_000).await.unwrap();
        }
        assert!(
            takeback.revocations.all(1_000).iter().all(|taken| taken.by == By::Holder),
            "so that nobody lifts them"
        );
        let next = |now_unix| takeback.token("next", Some(2_000), now_unix);
        assert!(matches!(next(1_160).await, Err(Failure::NotRevoked(NotRevoked::Full))), "the last is the operator's");
        assert!(next(1_161).await.is_ok(), "the first is believed by nobody any more");
    }
}
