//! What a client is told of its limits: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers), and
//! `Retry-After` (RFC 9110 section 10.2.3) where it is refused.

use std::fmt::Write;

use super::rates::{Beyond, RateLimit};
use crate::{
    rate::{self, Quota},
    store::Standing,
};

/// The values of the two fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitFields {
    /// `RateLimit-Policy`: what the limits are.
    pub policy: String,
    /// `RateLimit`: how they stand.
    pub standing: String,
}

impl LimitFields {
    /// Of a request that is within its limits, those of which the client is told. `None` where it is told of none.
    pub(super) fn of(limits: &[RateLimit], standings: &[Standing]) -> Option<LimitFields> {
        let mut told = LimitFields::default();
        for (limit, standing) in limits.iter().zip(standings).filter(|(limit, _)| limit.headers) {
            told.add(&limit.name, limit.quota, standing.left, standing.back_in);
        }
        (!told.policy.is_empty()).then_some(told)
    }

    fn add(&mut self, name: &str, quota: Quota, left: u32, back_in: i64) {
        if !self.policy.is_empty() {
            self.policy.push_str(", ");
            self.standing.push_str(", ");
        }
        let name = quoted(name);
        let (burst, window) = (quota.burst(), rate::seconds(quota.window_nanos()));
        // Writing to a string cannot fail.
        let _ = write!(self.policy, "{name};q={burst};w={window}");
        let _ = write!(self.standing, "{name};r={left};t={}", rate::seconds(back_in));
    }
}

impl Beyond {
    /// What the client is told: the limit that refused it.
    pub fn told(&self) -> LimitFields {
        let mut told = LimitFields::default();
        told.add(&self.limit, self.quota, 0, self.wait);
        told
    }

    /// `Retry-After`, in seconds.
    pub fn retry_after(&self) -> i64 {
        rate::seconds(self.wait)
    }
}

/// A string of RFC 9651 section 3.3.3, which is ASCII alone.
fn quoted(name: &str) -> String {
    let plain = name.chars().map(|letter| match letter {
        '"' | '\\' => '\'',
        ' '..='~' => letter,
        _ => '?',
    });
    std::iter::once('"').chain(plain).chain(std::iter::once('"')).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_refusal_tells_of_the_limit_and_when_to_come_again() {
        let quota = Quota::new(100, Duration::from_secs(60), 20).unwrap();
        let beyond = Beyond { limit: "per-device".into(), index: 0, quota, wait: 600_000_000 };
        assert_eq!(beyond.retry_after(), 1);
        let told = beyond.told();
        assert_eq!(told.policy, r#""per-device";q=20;w=12"#);
        assert_eq!(told.standing, r#""per-device";r=0;t=1"#);
        assert_eq!(beyond.to_string(), "beyond the limit per-device for another 1 s");
    }

    #[test]
    fn a_name_cannot_break_out_of_its_quotes() {
        assert_eq!(quoted("a\"b\\c\u{e9}\n"), "\"a'b'c??\"");
    }
}
