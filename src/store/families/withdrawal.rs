//! Taking back a renewal of which it is not known whether it was done: nobody has the new token, so the old one must stay
//! good, or a store that hangs for a moment would log people out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::runtime::Handle;

use super::{FamilyId, Home, ShownToken, TokenHash};

/// Pauses between two tries, and how many: ten minutes in all.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const TRIES: usize = 600;
/// Withdrawals under way at once; what a store that hangs leaves open is bounded by the link, and found out in a moment.
const MOST: usize = 10_000;

static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Takes a renewal back when it is dropped, unless it was settled: also where whoever waited for the answer is gone.
pub(super) struct Withdrawal {
    families: Arc<Home>,
    renewal: Option<Renewal>,
}

struct Renewal {
    id: FamilyId,
    spent: TokenHash,
    successor: TokenHash,
}

impl Withdrawal {
    pub(super) fn unless_settled(families: Arc<Home>, shown: &ShownToken<'_>, successor: &TokenHash) -> Withdrawal {
        let renewal = Renewal { id: *shown.id, spent: *shown.hash, successor: *successor };
        Withdrawal { families, renewal: Some(renewal) }
    }

    /// It is known what became of the renewal.
    pub(super) fn settled(mut self) {
        self.renewal = None;
    }
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        let Some(renewal) = self.renewal.take() else { return };
        // Without a runtime the process is at its end.
        let Ok(runtime) = Handle::try_current() else { return };
        if UNDER_WAY.fetch_add(1, Ordering::Relaxed) < MOST {
            drop(runtime.spawn(withdraw(self.families.clone(), renewal, UnderWay)));
        } else {
            drop(UnderWay);
            tracing::warn!(
                "too many renewals of refresh tokens are in doubt; one stays so, and its bearer must log in again"
            );
        }
    }
}

/// One in the count.
struct UnderWay;

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn withdraw(families: Arc<Home>, renewal: Renewal, _counted: UnderWay) {
    let Renewal { id, spent, successor } = renewal;
    let mut pause = FIRST_PAUSE;
    for _ in 0..TRIES {
        tokio::time::sleep(pause).await;
        if families.restore(&id, &spent, &successor).await.is_ok() {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    tracing::warn!("a renewal of a refresh token stays in doubt: its bearer may have to log in again");
}
