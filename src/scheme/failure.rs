//! Why a request did not verify: the private cause, for the log. It names places, never values.

use super::{Misspelt, TimeForm};
use crate::json::JsonProblem;

/// What went wrong with one request under one scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The carrier is not there, or empty.
    #[error("there is no signature")]
    MissingSignature,
    /// The carrier is there more than once.
    #[error("the signature came more than once")]
    AmbiguousCarrier,
    /// There is no signature to be found where one should be.
    #[error("the signature cannot be decoded")]
    Undecodable,
    /// The signature is not written as the scheme says, or has the wrong length.
    #[error("the signature cannot be decoded: {0}")]
    Misspelt(Misspelt),
    /// The key id is absent, empty, too long, or has bytes other than visible ones.
    #[error("the key id cannot be read")]
    KeyIdUnreadable,
    /// A value that a template needs cannot be had.
    #[error("`{place}` {why}")]
    Unreadable {
        /// The source, as the template writes it.
        place: String,
        /// What is the matter with it.
        why: Why,
    },
    /// The time is outside the window.
    #[error("the timestamp is {}, outside the window{}", distance(*.behind_millis), other_unit(*.behind_millis))]
    Stale {
        /// How far it lies behind the clock; negative if it is ahead.
        behind_millis: i64,
    },
    /// The time is in none of the scheme's formats.
    #[error("the timestamp is in none of the formats")]
    TimestampUnreadable,
    /// The same of one whose looks say why.
    #[error("the timestamp is in none of the formats{0}")]
    TimestampForm(TimeForm),
    /// The request says an algorithm that is not in the scheme's list.
    #[error("the algorithm is none of those allowed")]
    Algorithm,
    /// The request's list of signed headers lacks one that must be in it.
    #[error("`{name}` must be signed and is not in the list of signed headers")]
    Uncovered {
        /// The name, as the scheme writes it.
        name: String,
    },
    /// The signature covers something, or says something of itself, that is not understood or not meant there.
    #[error("`{what}` is not understood in a signature")]
    NotUnderstood {
        /// The identifier, cut short.
        what: String,
    },
    /// The signature does not say something of itself that the scheme wants to be said.
    #[error("the signature does not say `{parameter}`")]
    Unstated {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// The signature says that it is for another application.
    #[error("the signature's `tag` is that of another application")]
    OtherTag,
    /// The digest that was signed is not the body's.
    #[error("the digest is not the body's")]
    Digest,
    /// Two values that the scheme requires to be equal are not.
    #[error("a requirement does not hold")]
    Requirement,
    /// No key gives this signature.
    #[error("no key gives this signature")]
    Mismatch,
    /// The key only verifies.
    #[error("this key verifies signatures and makes none")]
    NotSigning,
    /// The scheme says nowhere how to write its signature.
    #[error("the scheme does not say how to write its signature")]
    NotEmitted,
    /// What was claimed under another scheme was to be verified under this one.
    #[error("the claims are those of another scheme")]
    OtherScheme,
    /// The spooled body could not be read back.
    #[error("the held body could not be read")]
    Io,
}

/// What is the matter with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It is not there.
    #[error("is not there")]
    Absent,
    /// It is there more than once where it may be only once.
    #[error("came more than once")]
    Repeated,
    /// A JSON boolean, null, object or array.
    #[error("is neither a string nor a number")]
    WrongType,
    /// A parameter's escapes, or the pairs of a text, are broken.
    #[error("is malformed")]
    Malformed,
    /// There is another name that an upstream could take for its own.
    #[error("has another name beside it that an upstream could take for it")]
    Twin,
    /// A `+` where the signer has `%2B`.
    #[error("has a `+`, which is a space to many an upstream: `%2B` or `%20` is wanted")]
    Plus,
    /// There is nothing that it could stand in.
    #[error("cannot be read from the body: it is empty")]
    EmptyBody,
    /// The body is compressed, and nothing here undoes that.
    #[error("cannot be read from the body: it has a `Content-Encoding`")]
    EncodedBody,
    /// The body is not JSON as it is read here.
    #[error("cannot be read from the body: it is not strict JSON: {0}")]
    NotJson(JsonProblem),
    /// A reader that is less exact finds another value under a name that is nearly the same.
    #[error(
        "could be another value to an upstream, by a name beside it: one in other case, with its words set apart otherwise, \
        in brackets or behind a `;`"
    )]
    Twofold,
    /// The same, in the query beside the form.
    #[error("could be another value to an upstream: the query has a parameter of that name, or of one like it")]
    InQueryToo,
    /// A reader that unpacks the body finds another value.
    #[error("could be another value to an upstream: the body has a `Content-Encoding`")]
    Packed,
    /// So does one that reads other characters in it.
    #[error(
        "could be another value to an upstream: the `charset` in the `Content-Type` makes other text of the body than UTF-8"
    )]
    OtherText,
    /// So does one that takes it for another kind of document.
    #[error(
        "could be another value to an upstream that goes by the `Content-Type`, which does not say what the body is"
    )]
    OtherKind,
    /// A filter refused it.
    #[error("does not have the form it must have")]
    Refused,
    /// It is not the kind of structured field that it would have to be.
    #[error("is no structured field, or of another kind")]
    NotStructured,
    /// It has bytes that cannot stand where it is to be written.
    #[error("has bytes that may not be written there")]
    Unwritable,
    /// The body has not been read.
    #[error("cannot be read before the body is")]
    BodyUnread,
    /// The body is too large to be parsed.
    #[error("cannot be read from a body that is not in memory")]
    BodySpooled,
}

impl Failure {
    pub(super) fn unreadable(place: impl ToString, why: Why) -> Failure {
        Failure::Unreadable { place: place.to_string(), why }
    }

    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Failure::Unreadable { why: Why::Absent, .. })
    }

    /// Whether the body cannot be what a field of JSON stands in.
    pub(super) fn is_no_json(&self) -> bool {
        matches!(self, Failure::Unreadable { why: Why::EmptyBody | Why::EncodedBody | Why::NotJson(_), .. })
    }

    pub(super) fn is_repetition(&self) -> bool {
        matches!(self, Failure::Unreadable { why: Why::Repeated, .. })
    }
}

/// In the largest unit of which there are two: nobody reads millions of milliseconds.
fn distance(behind_millis: i64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(86_400_000, "days"), (3_600_000, "hours"), (60_000, "minutes"), (1_000, "seconds")];
    let millis = behind_millis.unsigned_abs();
    let unit = UNITS.iter().find(|(unit, _)| millis >= 2 * unit);
    let (count, unit) = unit.map_or((millis, "ms"), |(unit, name)| (millis / unit, *name));
    format!("{count} {unit} {}", if behind_millis < 0 { "ahead" } else { "behind" })
}

/// A time of the years since 2010 that was read in the wrong unit is off by more than any clock.
fn other_unit(behind_millis: i64) -> &'static str {
    const LATER_THAN_ANY: i64 = 1_000_000_000_000_000;
    const BEFORE_ALL: i64 = 1_260_000_000_000;
    match behind_millis {
        ahead if ahead < -LATER_THAN_ANY => ": milliseconds, where seconds are wanted?",
        behind if behind > BEFORE_ALL => ": a clock that was never set, or seconds, where milliseconds are wanted?",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_time_is_off_is_told_in_a_unit_that_can_be_read() {
        let told = |behind_millis| Failure::Stale { behind_millis }.to_string();
        assert_eq!(told(301_000), "the timestamp is 5 minutes behind, outside the window");
        assert_eq!(told(-31_000), "the timestamp is 31 seconds ahead, outside the window");
        assert_eq!(told(80_813_440_299), "the timestamp is 935 days behind, outside the window");
        assert_eq!(
            told(i64::MIN),
            "the timestamp is 106751991167 days ahead, outside the window: \
            milliseconds, where seconds are wanted?"
        );
        assert_eq!(told(0), "the timestamp is 0 ms behind, outside the window");
    }

    #[test]
    fn a_time_in_another_unit_is_told_as_one() {
        let (now, millis_as_seconds, seconds_as_millis) = (1_795_000_000_000_i64, 1_795_000_000_000_000, 1_795_000_000);
        let told = |stated| Failure::Stale { behind_millis: now - stated }.to_string();
        assert!(told(millis_as_seconds).ends_with("outside the window: milliseconds, where seconds are wanted?"));
        let never_set = "outside the window: a clock that was never set, or seconds, where milliseconds are wanted?";
        assert!(told(seconds_as_millis).ends_with(never_set));
        assert!(told(42_000).ends_with(never_set));
        assert!(told(1_400_000_000_000).ends_with("outside the window"));
        assert!(told(now + 400 * 86_400_000).ends_with("outside the window"));
    }

    /// It is handed on by every step of a request.
    #[test]
    fn a_failure_is_small() {
        assert!(size_of::<Failure>() <= 32, "{}", size_of::<Failure>());
    }
}
