//! The fields that govern a message's framing, authority and connection, gathered in one pass over the head.

use super::fields::MOST_FIELDS;
use super::grammar::elements;
use super::known::Known;
use super::{BadHead, Framing, Version};

/// What those fields say. Each is kept as it came until the head that owns it decides.
#[derive(Default)]
pub(super) struct ControlFields<'a> {
    content_length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    /// What the `Connection` lines list, the empty elements too.
    options: usize,
    /// Whether a `Connection` line lists anything besides.
    pub(super) names_fields: bool,
    /// The value of the first `Host`, and whether there was another.
    pub(super) host: Option<&'a [u8]>,
    pub(super) second_host: bool,
    /// The value of the first `Expect`, and whether there was another.
    pub(super) expect: Option<&'a [u8]>,
    pub(super) second_expect: bool,
}

impl<'a> ControlFields<'a> {
    pub(super) fn read(fields: &[httparse::Header<'a>]) -> Result<ControlFields<'a>, BadHead> {
        let mut control = ControlFields::default();
        for field in fields {
            let known = Known::of(field.name.as_bytes());
            refuse_disguised(field.name, known)?;
            control.take(known, field.value)?;
        }
        Ok(control)
    }

    /// Notes what one more field says.
    pub(super) fn take(&mut self, known: Known, value: &'a [u8]) -> Result<(), BadHead> {
        match known {
            Known::Host => self.second_host |= self.host.replace(value).is_some(),
            Known::Expect => self.second_expect |= self.expect.replace(value).is_some(),
            Known::Connection => self.connection(value)?,
            Known::ContentLength => self.content_length(value)?,
            Known::TransferEncoding => self.transfer_encoding(value)?,
            Known::Upgrade | Known::Date | Known::HopByHop | Known::Other => {}
        }
        Ok(())
    }

    /// How the body is delimited, `None` where neither field came (RFC 9112 section 6).
    pub(super) fn framing(&self, version: Version) -> Result<Option<Framing>, BadHead> {
        match (self.chunked, self.content_length) {
            (true, Some(_)) => Err(BadHead::LengthAndEncoding),
            (true, None) if version == Version::Http10 => Err(BadHead::EncodingOnHttp10),
            (true, None) => Ok(Some(Framing::Chunked)),
            (false, length) => Ok(length.map(Framing::Length)),
        }
    }

    /// Whether the sender leaves the connection open (RFC 9112 section 9.3).
    pub(super) fn persists(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }

    fn connection(&mut self, value: &[u8]) -> Result<(), BadHead> {
        if value.eq_ignore_ascii_case(b"keep-alive") {
            self.keep_alive = true;
            return Ok(());
        }
        for option in elements(value) {
            // For each field of the head it is asked whether it is one of them.
            self.options += 1;
            if self.options > MOST_FIELDS {
                return Err(BadHead::TooManyOptions);
            }
            match option.len() {
                0 => {}
                5 if option.eq_ignore_ascii_case(b"close") => self.close = true,
                10 if option.eq_ignore_ascii_case(b"keep-alive") => self.keep_alive = true,
                _ => self.names_fields = true,
            }
        }
        Ok(())
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), BadHead> {
        let length = decimal(value).ok_or(BadHead::ContentLength)?;
        match self.content_length.replace(length) {
            Some(_) => Err(BadHead::DuplicateContentLength),
            None => Ok(()),
        }
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), BadHead> {
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(BadHead::TransferEncoding);
        }
        if std::mem::replace(&mut self.chunked, true) { Err(BadHead::DuplicateTransferEncoding) } else { Ok(()) }
    }
}

/// Fails for a name that passes for a framing field's with whoever takes all that is no letter and no digit for one character.
fn refuse_disguised(name: &str, known: Known) -> Result<(), BadHead> {
    if known != Known::Other || !matches!(name.len(), 14 | 17) {
        return Ok(());
    }
    match Known::of(name.replace(|byte: char| !byte.is_ascii_alphanumeric(), "-").as_bytes()) {
        Known::ContentLength | Known::TransferEncoding => Err(BadHead::DisguisedFraming),
        Known::Host | Known::Expect | Known::Connection | Known::Upgrade | Known::Date => Ok(()),
        Known::HopByHop | Known::Other => Ok(()),
    }
}

/// `1*DIGIT` up to 2^63-1, and nothing else: no sign, no space, no list.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    i64::try_from(value).is_ok().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_digits_alone_below_two_to_the_63() {
        assert_eq!(decimal(b"0"), Some(0));
        assert_eq!(decimal(b"0010"), Some(10));
        assert_eq!(decimal(b"9223372036854775807"), Some(i64::MAX as u64));
        for bad in
            ["", "+5", "-5", " 5", "5 ", "0x5", "5,5", "1_0", "5Z", "9223372036854775808", "18446744073709551621"]
        {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
