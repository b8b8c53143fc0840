//! The time, injected: the gateway reads the system's clocks, tests set their own.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// From here on a number is no time in seconds, for it would lie beyond the year 33000: in milliseconds it is a day of 2001 or
/// later, so that whoever counts those is found out. Numbers that stand for "never", such as the end of the year 9999, are below.
pub const TOO_LARGE_FOR_SECONDS: i64 = 1_000_000_000_000;

/// A source of wall-clock time, and of time that only goes by. Clones share the same source.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    /// Begun then.
    System(Instant),
    Fixed(Arc<Fixed>),
}

struct Fixed {
    unix_millis: AtomicI64,
    steady_millis: AtomicI64,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Clock {
        Clock(Source::System(Instant::now()))
    }

    /// A clock that stands still at `unix` seconds until it is [set](Clock::set).
    pub fn fixed(unix: i64) -> Clock {
        let unix_millis = AtomicI64::new(unix.saturating_mul(1000));
        Clock(Source::Fixed(Arc::new(Fixed { unix_millis, steady_millis: AtomicI64::new(0) })))
    }

    /// Moves a fixed clock to `unix` seconds, as if somebody had set it; the system's clock is left alone.
    pub fn set(&self, unix: i64) {
        if let Source::Fixed(fixed) = &self.0 {
            fixed.unix_millis.store(unix.saturating_mul(1000), Ordering::Relaxed);
        }
    }

    /// Lets time go by on a fixed clock; the system's clock is left alone.
    pub fn wait(&self, seconds: i64) {
        if let Source::Fixed(fixed) = &self.0 {
            for millis in [&fixed.unix_millis, &fixed.steady_millis] {
                millis.fetch_add(seconds.saturating_mul(1000), Ordering::Relaxed);
            }
        }
    }

    /// Milliseconds that went by since some moment in the past, whatever the time of day was set to meanwhile.
    pub fn steady_millis(&self) -> i64 {
        match &self.0 {
            Source::System(begun) => i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX),
            Source::Fixed(fixed) => fixed.steady_millis.load(Ordering::Relaxed),
        }
    }

    /// Milliseconds since 1970 (negative before it).
    pub fn unix_millis(&self) -> i64 {
        match &self.0 {
            Source::System(_) => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
                Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |m| -m),
            },
            Source::Fixed(fixed) => fixed.unix_millis.load(Ordering::Relaxed),
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
            Source::System(_) => "Clock(system)",
            Source::Fixed(_) => "Clock(fixed)",
        })
    }
}
