//! Where a head ends, and whether its lines do. Runs on every read, so it must stay cheap on an incomplete head.

use memchr::memchr_iter;

use super::{BadHead, Limits};

/// The most that offsets of 16 bits can address.
pub(super) const LARGEST_HEAD: usize = u16::MAX as usize;

/// The offset after the empty line that ends the head beginning at `start`, or `None` when more bytes are needed.
///
/// Refuses bare CR and LF, folded lines, an empty first line and what exceeds the limits, as soon as they are seen.
/// `httparse` takes a bare LF for a line's end, and two readers that disagree on that read two different messages.
pub(super) fn end_of_head(buffer: &[u8], start: usize, limits: &Limits) -> Result<Option<usize>, BadHead> {
    let limit = limits.head.min(LARGEST_HEAD);
    let window = buffer.get(start..buffer.len().min(limit)).unwrap_or_default();
    let mut lines = 0;
    let mut line_start = 0;
    for line_feed in memchr_iter(b'\n', window) {
        let Some((b'\r', line)) = window[line_start..line_feed].split_last() else {
            return Err(BadHead::BareLineBreak);
        };
        match line.first() {
            None if lines == 0 => return Err(BadHead::NoStartLine),
            None => {
                refuse_bare_cr(&window[..line_feed], lines + 1)?;
                return Ok(Some(start + line_feed + 1));
            }
            Some(b' ' | b'\t') if lines > 0 => return Err(BadHead::Folded),
            Some(_) if lines > limits.headers => return Err(BadHead::TooManyFields),
            Some(_) => lines += 1,
        }
        line_start = line_feed + 1;
    }
    refuse_bare_cr(window.strip_suffix(b"\r").unwrap_or(window), lines)?;
    if buffer.len() >= limit { Err(BadHead::TooLarge) } else { Ok(None) }
}

/// Every line is known to end in CRLF, so one CR more than there are lines is a bare one. Counting is vectorised.
fn refuse_bare_cr(window: &[u8], lines: usize) -> Result<(), BadHead> {
    if memchr_iter(b'\r', window).count() == lines { Ok(()) } else { Err(BadHead::BareLineBreak) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(buffer: &[u8]) -> Result<Option<usize>, BadHead> {
        end_of_head(buffer, 0, &Limits { head: 64, headers: 3, chunk_overhead: 0 })
    }

    #[test]
    fn a_head_ends_after_its_empty_line() {
        assert_eq!(end(b"A\r\nb:c\r\n\r\nbody\n"), Ok(Some(10)));
        assert_eq!(end(b"A\r\n\r\n"), Ok(Some(5)));
        assert_eq!(end(b"A\r\nb:c\r\n\r"), Ok(None));
        assert_eq!(end(b""), Ok(None));
    }

    #[test]
    fn a_bare_line_break_is_refused_before_the_head_is_complete() {
        for bad in ["A\n", "A\r\nb:c\n", "A\rb", "A\r\r", "A\r\nb:c\rd", "A\r\nb:c\rd\r\n\r\n", "\n", "\r\r"] {
            assert_eq!(end(bad.as_bytes()), Err(BadHead::BareLineBreak), "{bad:?}");
        }
    }

    #[test]
    fn a_folded_line_is_refused() {
        assert_eq!(end(b"A\r\nb:c\r\n d\r\n"), Err(BadHead::Folded));
        assert_eq!(end(b"A\r\n\tb:c\r\n"), Err(BadHead::Folded));
    }

    #[test]
    fn the_limits_are_exact() {
        let head = |bytes: usize| [b"A\r\nb:", vec![b'c'; bytes - 9].as_slice(), b"\r\n\r\n"].concat();
        assert_eq!(end(&head(64)), Ok(Some(64)));
        assert_eq!(end(&head(65)), Err(BadHead::TooLarge));
        assert_eq!(end(b"A\r\nb:c\r\nb:c\r\nb:c\r\n\r\n"), Ok(Some(20)));
        assert_eq!(end(b"A\r\nb:c\r\nb:c\r\nb:c\r\nb:c\r\n"), Err(BadHead::TooManyFields));
    }

    #[test]
    fn an_unbounded_limit_still_fits_the_offsets() {
        let limits = Limits { head: usize::MAX, ..Limits::default() };
        assert_eq!(end_of_head(&vec![b'a'; LARGEST_HEAD], 0, &limits), Err(BadHead::TooLarge));
    }
}
