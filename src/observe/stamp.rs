//! RFC 3339 times with milliseconds, cheap where many fall in one second.

use jiff::Timestamp;

use super::escape;

/// Remembers the text of the second it last wrote.
#[derive(Debug, Default)]
pub(super) struct Stamp {
    second: i64,
    /// `2026-11-21T10:20:30`, without fraction and zone; empty before the first use.
    text: Vec<u8>,
}

impl Stamp {
    /// Appends `unix_millis` as `2026-11-21T10:20:30.123Z`.
    pub(super) fn write_rfc3339(&mut self, unix_millis: i64, out: &mut Vec<u8>) {
        self.turn_to(unix_millis.div_euclid(1000));
        out.extend_from_slice(&self.text);
        write_fraction(unix_millis, out);
        out.push(b'Z');
    }

    /// Appends only the time of day, `10:20:30.123`.
    pub(super) fn write_time_of_day(&mut self, unix_millis: i64, out: &mut Vec<u8>) {
        self.turn_to(unix_millis.div_euclid(1000));
        let day_ends = memchr::memchr(b'T', &self.text).map_or(0, |t| t + 1);
        out.extend_from_slice(self.text.get(day_ends..).unwrap_or_default());
        write_fraction(unix_millis, out);
    }

    fn turn_to(&mut self, second: i64) {
        if self.second == second && !self.text.is_empty() {
            return;
        }
        self.second = second;
        self.text.clear();
        // Years beyond jiff's range come only from a broken clock; the nearest time it knows will do.
        let nearest = if second < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let time = Timestamp::from_second(second).unwrap_or(nearest);
        escape::display(&time.strftime("%Y-%m-%dT%H:%M:%S"), &mut self.text);
    }
}

fn write_fraction(unix_millis: i64, out: &mut Vec<u8>) {
    // Digits by hand: this is written for every request.
    let millis = unix_millis.rem_euclid(1000);
    let digit = |tens: i64| b'0' + u8::try_from(millis / tens % 10).unwrap_or_default();
    out.extend_from_slice(&[b'.', digit(100), digit(10), digit(1)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(stamp: &mut Stamp, unix_millis: i64) -> String {
        let mut out = Vec::new();
        stamp.write_rfc3339(unix_millis, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_rfc_3339_with_milliseconds() {
        let mut stamp = Stamp::default();
        assert_eq!(written(&mut stamp, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(&mut stamp, 1_795_295_307_045), "2026-11-21T21:08:27.045Z");
        assert_eq!(written(&mut stamp, 1_795_295_307_999), "2026-11-21T21:08:27.999Z");
        assert_eq!(written(&mut stamp, -1), "1969-12-31T23:59:59.999Z");
        assert_eq!(written(&mut stamp, 951_782_400_000), "2000-02-29T00:00:00.000Z");
    }

    #[test]
    fn the_time_of_day_stands_alone_on_a_terminal() {
        let mut out = Vec::new();
        Stamp::default().write_time_of_day(1_795_295_307_045, &mut out);
        assert_eq!(out, b"21:08:27.045");
    }

    #[test]
    fn a_broken_clock_still_gives_a_time() {
        assert!(written(&mut Stamp::default(), i64::MAX).starts_with("9999-12-30T"));
        assert!(written(&mut Stamp::default(), i64::MIN).starts_with("-9999-"));
    }
}
