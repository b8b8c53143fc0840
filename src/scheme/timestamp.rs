//! The signed time: its formats and its window. The clock is the caller's.

use std::time::Duration;

use jiff::{Timestamp as Instant, civil::DateTime, tz::TimeZone};

use super::{Failure, Template, TimestampDefinition, TimestampFormat};

/// A compiled timestamp rule. All times are milliseconds since 1970, all sums saturate.
#[derive(Debug)]
pub(super) struct Timestamp {
    pub(super) from: Template,
    formats: Vec<TimestampFormat>,
    past: Option<i64>,
    future: Option<i64>,
}

impl Timestamp {
    pub(super) fn new(from: Template, definition: &TimestampDefinition) -> Timestamp {
        let formats = definition.formats.clone();
        Timestamp { from, formats, past: definition.past.map(millis), future: definition.future.map(millis) }
    }

    /// The time a request states: of the formats that fit, the first that falls in the window.
    pub(super) fn judge(&self, text: &[u8], now_millis: i64) -> Result<i64, Failure> {
        let mut outside = None;
        for time in self.formats.iter().filter_map(|format| format.parse(text)) {
            if self.admits(time, now_millis) {
                return Ok(time);
            }
            outside = outside.or(Some(time));
        }
        match outside {
            Some(time) => Err(Failure::Stale { behind_millis: now_millis.saturating_sub(time) }),
            None => Err(Failure::TimestampUnreadable),
        }
    }

    /// Until when a request with this time is let in; `None` if the window does not end.
    pub(super) fn admitted_until(&self, time: i64) -> Option<i64> {
        self.future.and(self.past).map(|past| time.saturating_add(past))
    }

    /// Past and future together; `None` if one of them is open.
    pub(super) fn window(&self) -> Option<Duration> {
        let whole = self.past?.saturating_add(self.future?);
        Some(Duration::from_millis(whole.unsigned_abs()))
    }

    /// The time in the first format, for signing.
    pub(super) fn write(&self, now_millis: i64) -> Option<String> {
        self.formats.first()?.write(now_millis)
    }

    fn admits(&self, time: i64, now_millis: i64) -> bool {
        let behind = now_millis.saturating_sub(time);
        let ahead = time.saturating_sub(now_millis);
        self.past.is_none_or(|past| behind <= past) && self.future.is_none_or(|future| ahead <= future)
    }
}

impl TimestampFormat {
    fn parse(self, text: &[u8]) -> Option<i64> {
        match self {
            TimestampFormat::Unix => Some(digits(text)?.saturating_mul(1000)),
            TimestampFormat::UnixMillis => digits(text),
            TimestampFormat::Iso8601 => iso(text, Zone::Optional),
            TimestampFormat::Rfc3339 => iso(text, Zone::Required),
            TimestampFormat::HttpDate => http_date(text),
        }
    }

    fn write(self, now_millis: i64) -> Option<String> {
        let pattern = match self {
            TimestampFormat::Unix => return Some(now_millis.div_euclid(1000).to_string()),
            TimestampFormat::UnixMillis => return Some(now_millis.to_string()),
            TimestampFormat::Iso8601 | TimestampFormat::Rfc3339 => "%Y-%m-%dT%H:%M:%SZ",
            TimestampFormat::HttpDate => "%a, %d %b %Y %H:%M:%S GMT",
        };
        let instant = Instant::from_millisecond(now_millis).ok()?;
        Some(instant.strftime(pattern).to_string())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Zone {
    Optional,
    Required,
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// No sign, no space, no fraction; more than 19 digits are no time.
fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0_i64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        Some(sum.saturating_mul(10).saturating_add(digit))
    })
}

/// `2025-04-30T15:00:00`, with a fraction of up to nine digits, with `Z`, `+hh:mm` or (ISO 8601 only) without a zone.
fn iso(text: &[u8], zone: Zone) -> Option<i64> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't', h1, h2, b':', i1, i2, b':', s1, s2] = *date_time
    else {
        return None;
    };
    let year = [y1, y2, y3, y4];
    let whole = civil([&year, &[m1, m2], &[d1, d2], &[h1, h2], &[i1, i2], &[s1, s2]])?;
    let (fraction, rest) = match rest {
        [b'.', after @ ..] => {
            let end = after.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(after.len());
            let (fraction, rest) = after.split_at(end);
            (fraction_millis(fraction)?, rest)
        }
        rest => (0, rest),
    };
    let offset = match *rest {
        [] if zone == Zone::Optional => 0,
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[h1, h2])?, digits(&[m1, m2])?);
            let seconds = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
            if sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    Some(millis_utc(whole)?.saturating_add(fraction).saturating_sub(offset * 1000))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7, IMF-fixdate); the weekday must be right.
fn http_date(text: &[u8]) -> Option<i64> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let text: &[u8; 29] = text.try_into().ok()?;
    let [_, _, _, b',', b' ', d1, d2, b' ', n1, n2, n3, b' ', y1, y2, y3, y4, b' ', clock @ ..] = *text else {
        return None;
    };
    let [h1, h2, b':', i1, i2, b':', s1, s2, b' ', b'G', b'M', b'T'] = clock else {
        return None;
    };
    let month = MONTHS.iter().position(|name| **name == [n1, n2, n3])? + 1;
    let month = format!("{month:02}");
    let year = [y1, y2, y3, y4];
    let whole = civil([&year, month.as_bytes(), &[d1, d2], &[h1, h2], &[i1, i2], &[s1, s2]])?;
    let weekday = whole.strftime("%a").to_string();
    text.starts_with(weekday.as_bytes()).then(|| millis_utc(whole))?
}

/// A leap second counts as the second before it, as POSIX clocks have it.
fn civil([year, month, day, hour, minute, second]: [&[u8]; 6]) -> Option<DateTime> {
    let small = |text: &[u8]| i8::try_from(digits(text)?).ok();
    let year = i16::try_from(digits(year)?).ok()?;
    let second = match small(second)? {
        60 => 59,
        other => other,
    };
    DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, second, 0).ok()
}

fn millis_utc(date_time: DateTime) -> Option<i64> {
    Some(date_time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

/// Up to nine digits; what is finer than a millisecond is dropped.
fn fraction_millis(fraction: &[u8]) -> Option<i64> {
    let value = digits(fraction).filter(|_| fraction.len() <= 9)?;
    let scale = 10_i64.checked_pow(u32::try_from(9 - fraction.len()).ok()?)?;
    Some(value * scale / 1_000_000)
}
