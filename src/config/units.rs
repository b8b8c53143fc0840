//! Durations and sizes as a config writes them: one whole number and one unit.

use std::time::Duration;

/// Why a quantity is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnitError {
    /// No digits in front, or a sign, a point, a space.
    #[error("not a whole number with a unit")]
    Shape,
    /// A number alone where a unit is wanted.
    #[error("the unit is missing")]
    UnitMissing,
    /// A unit that is not in the list.
    #[error("the unit is not known")]
    UnitUnknown,
    /// Larger than can be counted.
    #[error("the number is too large")]
    TooLarge,
}

/// `250ms`, `30s`, `5m`, `1h`, `1d`.
pub(super) fn duration(text: &str) -> Result<Duration, UnitError> {
    let (number, unit) = split(text)?;
    let millis = match unit {
        "" => return Err(UnitError::UnitMissing),
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(UnitError::UnitUnknown),
    };
    number
        .checked_mul(millis)
        .filter(|&total| total <= LONGEST_MILLIS)
        .map(Duration::from_millis)
        .ok_or(UnitError::TooLarge)
}

/// A hundred years: far enough for any setting, near enough that sums of times never overflow.
const LONGEST_MILLIS: u64 = 36_525 * 86_400_000;

/// Bytes: `1024`, `64KiB`, `10MiB`, `1GiB`.
pub(super) fn size(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split(text)?;
    let bytes: u64 = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(UnitError::UnitUnknown),
    };
    number.checked_mul(bytes).filter(|&total| total <= i64::MAX.unsigned_abs()).ok_or(UnitError::TooLarge)
}

/// The digits in front and what follows them.
fn split(text: &str) -> Result<(u64, &str), UnitError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or(UnitError::Shape)?;
    if number.is_empty() || !unit.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(UnitError::Shape);
    }
    Ok((number.parse().map_err(|_| UnitError::TooLarge)?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_whole_number_and_a_unit() {
        for (text, millis) in
            [("250ms", 250), ("300s", 300_000), ("5m", 300_000), ("1h", 3_600_000), ("1d", 86_400_000), ("0s", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_binary_units() {
        for (text, bytes) in
            [("0", 0), ("1024", 1024), ("64KiB", 65_536), ("10MiB", 10_485_760), ("1GiB", 1_073_741_824)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_for_its_own_reason() {
        assert_eq!(duration("300"), Err(UnitError::UnitMissing));
        assert_eq!(duration("3w"), Err(UnitError::UnitUnknown));
        assert_eq!(size("10MB"), Err(UnitError::UnitUnknown));
        assert_eq!(duration("99999999999999999999s"), Err(UnitError::TooLarge));
        assert_eq!(duration("36526d"), Err(UnitError::TooLarge));
        assert_eq!(size("18446744073709551615GiB"), Err(UnitError::TooLarge));
        for text in ["", "s", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1h30m", "٣s", "1_000s"] {
            assert_eq!(duration(text), Err(UnitError::Shape), "{text:?}");
        }
    }
}
