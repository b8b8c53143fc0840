//! The signed time: its formats and its window. The clock is the caller's.

use std::{ops::Range, time::Duration};

use jiff::{Timestamp as Instant, civil::DateTime, fmt::strtime, tz::TimeZone};

use super::{Failure, Template, TimeForm, TimestampDefinition, TimestampFormat, evaluate::Evaluation};

/// How long a signature is good that the gateway makes, where it says so itself.
const LIFETIME: i64 = 300_000;

/// A compiled timestamp rule. All times are milliseconds since 1970, all sums saturate.
#[derive(Debug)]
pub(super) struct Timestamp {
    /// When it was signed.
    pub(super) from: Option<Template>,
    /// Until when it is good.
    pub(super) expires: Option<Template>,
    /// For how many seconds it is good.
    pub(super) lasts: Option<Template>,
    formats: Vec<TimestampFormat>,
    past: Option<i64>,
    future: Option<i64>,
}

/// How far the time at which a request says that it was signed may be off, in milliseconds; where that is open, without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningWindow {
    /// How long ago it may be.
    pub past_millis: i64,
    /// How far it may lie ahead.
    pub future_millis: i64,
}

/// The times of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// When it was signed.
    pub(super) signed: Option<i64>,
    /// When it was signed, or else until when it is good.
    pub(super) stated: Option<i64>,
    /// Until when it is let in; `None` if the window does not end.
    pub(super) admitted_until: Option<i64>,
}

impl Timestamp {
    pub(super) fn new(templates: [Option<Template>; 3], definition: &TimestampDefinition) -> Timestamp {
        let [from, expires, lasts] = templates;
        let (past, future) = (definition.past.map(millis), definition.future.map(millis));
        Timestamp { from, expires, lasts, formats: definition.formats.clone(), past, future }
    }

    /// Its templates, each with the key it stands under.
    pub(super) fn templates(&self) -> impl Iterator<Item = (&'static str, &Template)> {
        let all =
            [("timestamp.from", &self.from), ("timestamp.expires", &self.expires), ("timestamp.lasts", &self.lasts)];
        all.into_iter().filter_map(|(field, template)| Some((field, template.as_ref()?)))
    }

    /// The times a request states, if they are in the window.
    pub(super) fn judge(&self, evaluation: &Evaluation<'_>, now_millis: i64) -> Result<Times, Failure> {
        let mut times = Times { signed: None, stated: None, admitted_until: None };
        if let Some(from) = &self.from {
            let past = match &self.lasts {
                None => self.past,
                Some(lasts) => {
                    let seconds = digits(&evaluation.collect(lasts)?).ok_or(Failure::TimestampUnreadable)?;
                    let lasts = seconds.saturating_mul(1000);
                    Some(self.past.map_or(lasts, |past| past.min(lasts)))
                }
            };
            let window = Window { past, future: self.future };
            let time = self.within(window, &evaluation.collect(from)?, now_millis)?;
            let closed = self.future.and(self.past).and(past);
            let admitted_until = closed.map(|past| time.saturating_add(past));
            times = Times { signed: Some(time), stated: Some(time), admitted_until };
        }
        if let Some(expires) = &self.expires {
            let end = match evaluation.collect(expires) {
                Err(failure) if failure.is_absence() && self.from.is_some() => return Ok(times),
                text => self.within(self.until_expiry(), &text?, now_millis)?,
            };
            times.stated = times.stated.or(Some(end));
            times.admitted_until = match (times.admitted_until, self.from.is_some()) {
                (Some(until), _) => Some(until.min(end)),
                (None, true) => None,
                (None, false) => self.future.map(|_| end),
            };
        }
        Ok(times)
    }

    /// From when on a request that states `stated` is let in, be that its time or its end; `None` if that is open.
    pub(super) fn admitted_from(&self, stated: i64) -> Option<i64> {
        self.future.map(|future| stated.saturating_sub(future))
    }

    /// The longest time between the first and the last moment at which one request is let in; `None` if it is open.
    pub(super) fn longest(&self) -> Option<Duration> {
        let whole = match self.from {
            Some(_) => self.past?.saturating_add(self.future?),
            None => self.future?,
        };
        Some(Duration::from_millis(whole.unsigned_abs()))
    }

    /// The window of the time of signing; `None` where requests do not say it.
    pub(super) fn signing_window(&self) -> Option<SigningWindow> {
        let open = i64::MAX;
        let window =
            SigningWindow { past_millis: self.past.unwrap_or(open), future_millis: self.future.unwrap_or(open) };
        self.from.as_ref().map(|_| window)
    }

    /// The time in the first format, for signing.
    pub(super) fn write(&self, now_millis: i64) -> Option<String> {
        self.formats.first()?.write(now_millis)
    }

    /// The end of what is signed now, in the first format.
    pub(super) fn write_expiry(&self, now_millis: i64) -> Option<String> {
        let lifetime = LIFETIME.min(self.until_expiry().future.unwrap_or(LIFETIME));
        self.formats.first()?.write(now_millis.saturating_add(lifetime))
    }

    /// An expiry lies ahead; how far matters only where nothing else limits it.
    fn until_expiry(&self) -> Window {
        Window { past: Some(0), future: if self.from.is_some() { None } else { self.future } }
    }

    /// Of the formats that fit, the first that falls in the window.
    fn within(&self, window: Window, text: &[u8], now_millis: i64) -> Result<i64, Failure> {
        let mut outside = None;
        for time in self.formats.iter().filter_map(|format| format.parse(text)) {
            if window.admits(time, now_millis) {
                return Ok(time);
            }
            outside = outside.or(Some(time));
        }
        match outside {
            Some(time) => Err(Failure::Stale { behind_millis: now_millis.saturating_sub(time) }),
            None => Err(Failure::TimestampForm(TimeForm::of(text))),
        }
    }
}

/// How far a time may be off.
#[derive(Clone, Copy)]
struct Window {
    past: Option<i64>,
    future: Option<i64>,
}

impl Window {
    fn admits(self, time: i64, now_millis: i64) -> bool {
        let behind = now_millis.saturating_sub(time);
        let ahead = time.saturating_sub(now_millis);
        self.past.is_none_or(|past| behind <= past) && self.future.is_none_or(|future| ahead <= future)
    }
}

/// Times of about this century, in milliseconds since 1970: a day of each month, at all times of the day.
fn some_times() -> impl Iterator<Item = i64> {
    (THIS_CENTURY.start..THIS_CENTURY.end).step_by(3_333_333_333)
}

/// From 2020 on.
const THIS_CENTURY: Range<i64> = 1_577_836_800_000..4_911_169_800_000;

impl TimestampFormat {
    /// Ways in which it writes times of about this century, to try an expression on: many times, and of one time its spellings.
    pub(super) fn spellings(&self) -> impl Iterator<Item = String> {
        let is_iso = matches!(self, TimestampFormat::Iso8601 | TimestampFormat::Rfc3339);
        some_times().filter_map(|time| self.write(time)).flat_map(move |text| {
            let others = if is_iso { iso_spellings(&text) } else { Vec::new() };
            std::iter::once(text).chain(others)
        })
    }

    /// What it writes of a time of this century and `other` takes for another one. A request with that in it would have two
    /// windows, and be remembered for the first alone.
    pub(super) fn taken_otherwise_by(&self, other: &TimestampFormat) -> Option<String> {
        let is_other = |own: i64, read: i64| read.abs_diff(own) >= 1000 && THIS_CENTURY.contains(&read);
        some_times().find_map(|time| {
            let text = self.write(time)?;
            let (own, read) = self.parse(text.as_bytes()).zip(other.parse(text.as_bytes()))?;
            is_other(own, read).then_some(text)
        })
    }

    /// Whether what it writes it can also read.
    pub(super) fn is_sound(&self) -> bool {
        const SOME_TIME: i64 = 1_714_485_600_000;
        self.write(SOME_TIME).and_then(|text| self.parse(text.as_bytes())) == Some(SOME_TIME)
    }

    fn parse(&self, text: &[u8]) -> Option<i64> {
        match self {
            TimestampFormat::Unix => Some(digits(text)?.saturating_mul(1000)),
            TimestampFormat::UnixMillis => digits(text),
            TimestampFormat::Iso8601 => iso(text, Zone::Optional),
            TimestampFormat::Rfc3339 => iso(text, Zone::Required),
            TimestampFormat::HttpDate => http_date(text),
            TimestampFormat::Pattern(pattern) => by_pattern(pattern, text),
        }
    }

    fn write(&self, now_millis: i64) -> Option<String> {
        let pattern = match self {
            TimestampFormat::Unix => return Some(now_millis.div_euclid(1000).to_string()),
            TimestampFormat::UnixMillis => return Some(now_millis.to_string()),
            TimestampFormat::Iso8601 | TimestampFormat::Rfc3339 => "%Y-%m-%dT%H:%M:%SZ",
            TimestampFormat::HttpDate => "%a, %d %b %Y %H:%M:%S GMT",
            TimestampFormat::Pattern(pattern) => pattern,
        };
        formatted(pattern, now_millis)
    }
}

/// A time in UTC by a pattern of `strftime`; `None` if the text is no such pattern.
pub(super) fn formatted(pattern: &str, millis: i64) -> Option<String> {
    strtime::format(pattern, Instant::from_millisecond(millis).ok()?).ok()
}

/// The same time with fractions, and with its zone written otherwise or left out.
fn iso_spellings(text: &str) -> Vec<String> {
    let whole = text.trim_end_matches('Z');
    let fractions = ["", ".1", ".12", ".123", ".1234", ".12345", ".123456", ".1234567", ".12345678", ".123456789"];
    let zones = ["Z", "", "+00:00", "-00:00", "+02:00", "-07:00", "z"];
    fractions.iter().flat_map(|fraction| zones.map(|zone| format!("{whole}{fraction}{zone}"))).collect()
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
pub(super) fn digits(text: &[u8]) -> Option<i64> {
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

/// Date and time in UTC, in exactly the spelling that the pattern writes; a fraction of any length.
fn by_pattern(pattern: &str, text: &[u8]) -> Option<i64> {
    let read = strtime::parse(pattern, text).ok()?;
    let time = read.to_datetime().ok()?;
    // A sign would make a year longer than the four digits that are counted on where values stand side by side.
    if time.year() < 0 {
        return None;
    }
    let has_fraction = pattern.contains("%f") || pattern.contains("%.f");
    let spelling = strtime::format(pattern, time).ok()?;
    (has_fraction || spelling.as_bytes() == text).then(|| millis_utc(time))?
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
