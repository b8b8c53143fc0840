//! The time, injected: the gateway reads the system's clock, tests set their own.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// A source of wall-clock time. Clones share the same source.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands still at `unix` seconds until it is [set](Clock::set).
    pub fn fixed(unix: i64) -> Clock {
        Clock(Source::Fixed(Arc::new(AtomicI64::new(unix.saturating_mul(1000)))))
    }

    /// Moves a fixed clock to `unix` seconds; the system's clock is left alone.
    pub fn set(&self, unix: i64) {
        if let Source::Fixed(millis) = &self.0 {
            millis.store(unix.saturating_mul(1000), Ordering::Relaxed);
        }
    }

    /// Milliseconds since 1970 (negative before it).
    pub fn unix_millis(&self) -> i64 {
        match &self.0 {
            Source::System => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
                Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |m| -m),
            },
            Source::Fixed(millis) => millis.load(Ordering::Relaxed),
        }
    }

    /// Whole seconds since 1970, rounded down.
    pub fn unix(&self) -> i64 {
        self.unix_millis().div_euclid(1000)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock(system)",
            Source::Fixed(_) => "Clock(fixed)",
        })
    }
}
