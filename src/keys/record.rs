//! What a key source knows of one key id: its secrets with their lifetimes, and what else stands beside them.

use std::sync::Arc;

use super::Attributes;
use crate::secret::Secret;

/// Longest secret, in bytes as it is written, wherever it is.
pub const LONGEST_SECRET: usize = 16 * 1024;

/// Bytes that a secret should have; a shorter one works, and is easier to guess than a signature should be.
pub const SHORTEST_GOOD_SECRET: usize = 16;

/// What is known of one key id.
#[derive(Clone, Debug, Default)]
pub struct KeyRecord {
    /// Its secrets, in the order to try; those after [`MOST_LIVE`](super::MOST_LIVE) are not.
    pub secrets: Vec<KeySecret>,
    /// Whether it is refused whatever its secrets are.
    pub disabled: bool,
    /// What else is known of it.
    pub attributes: Option<Arc<Attributes>>,
}

/// One secret of an id.
#[derive(Clone, Debug)]
pub struct KeySecret {
    /// The bytes.
    pub secret: Secret,
    /// What people call it, for the log: a `kid`, a year.
    pub label: Option<Arc<str>>,
    /// When it is good.
    pub lifetime: Lifetime,
}

/// When a secret is good: from a time on, and up to one. Outside of it a secret is as if it were not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// From then on, in milliseconds since 1970.
    pub from_millis: i64,
    /// Until just before then, in milliseconds since 1970.
    pub until_millis: i64,
}

impl KeyRecord {
    /// Secrets that are good at any time, and nothing else.
    pub fn of(secrets: impl IntoIterator<Item = Secret>) -> KeyRecord {
        KeyRecord { secrets: secrets.into_iter().map(KeySecret::from).collect(), ..KeyRecord::default() }
    }
}

impl From<Secret> for KeySecret {
    fn from(secret: Secret) -> KeySecret {
        KeySecret { secret, label: None, lifetime: Lifetime::ALWAYS }
    }
}

impl Lifetime {
    /// At any time.
    pub const ALWAYS: Lifetime = Lifetime { from_millis: i64::MIN, until_millis: i64::MAX };

    /// Whether it is now.
    pub fn contains(&self, now_millis: i64) -> bool {
        self.from_millis <= now_millis && now_millis < self.until_millis
    }
}

/// Milliseconds since 1970 of a time as people write it: RFC 3339, or whole seconds since 1970, of the years 1970 to 9999.
pub fn moment(text: &str) -> Option<i64> {
    const LAST: i64 = 253_402_300_799;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let millis = match is_number {
        true => text.parse::<i64>().ok()?.checked_mul(1000)?,
        false => text.parse::<jiff::Timestamp>().ok()?.as_millisecond(),
    };
    (0..=LAST * 1000).contains(&millis).then_some(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_rfc_3339_or_seconds_and_nothing_else() {
        assert_eq!(moment("1714485600"), Some(1_714_485_600_000));
        assert_eq!(moment("2024-04-30T14:00:00Z"), moment("2024-04-30T16:00:00+02:00"));
        assert_eq!(moment("2024-04-30T14:00:00.250Z"), Some(1_714_485_600_250));
        for text in [
            "",
            "-1",
            "1714485600000",
            "2024-04-30",
            "2024-04-30T14:00:00",
            "1e9",
            "+1",
            "tomorrow",
            "99999999999999999999",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn a_lifetime_has_its_first_moment_and_not_its_last() {
        let lifetime = Lifetime { from_millis: 10, until_millis: 20 };
        assert_eq!([9, 10, 19, 20].map(|now| lifetime.contains(now)), [false, true, true, false]);
        assert!(Lifetime::ALWAYS.contains(i64::MIN) && Lifetime::ALWAYS.contains(i64::MAX - 1));
    }
}
