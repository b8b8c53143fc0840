//! The fields that govern a message's framing, authority and connection, gathered in one pass over the head.

use super::fields::is_same_name;
use super::grammar::elements;
use super::{BadHead, Framing, Version};

/// What those fields say. Each is kept as it came until the head that owns it decides.
#[derive(Default)]
pub(super) struct ControlFields<'a> {
    content_length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
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
            // The length tells nearly all fields apart before any byte is compared.
            match field.name.len() {
                4 if is_same_name(field.name.as_bytes(), b"Host") => {
                    control.second_host |= control.host.replace(field.value).is_some();
                }
                6 if field.name.eq_ignore_ascii_case("expect") => {
                    control.second_expect |= control.expect.replace(field.value).is_some();
                }
                10 if field.name.eq_ignore_ascii_case("connection") => control.connection(field.value),
                14 if is_named(field.name, b"Content-Length")? => control.content_length(field.value)?,
                17 if is_named(field.name, b"Transfer-Encoding")? => control.transfer_encoding(field.value)?,
                _ => {}
            }
        }
        Ok(control)
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

    fn connection(&mut self, value: &[u8]) {
        if value.eq_ignore_ascii_case(b"keep-alive") {
            self.keep_alive = true;
            return;
        }
        for option in elements(value) {
            match option.len() {
                0 => {}
                5 if option.eq_ignore_ascii_case(b"close") => self.close = true,
                10 if option.eq_ignore_ascii_case(b"keep-alive") => self.keep_alive = true,
                _ => self.names_fields = true,
            }
        }
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

/// Whether the name is that of the framing field; it fails where it only passes for it with `_` read as `-`.
fn is_named(name: &str, framing_field: &[u8]) -> Result<bool, BadHead> {
    if is_same_name(name.as_bytes(), framing_field) {
        return Ok(true);
    }
    let dash = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    let disguised = name.bytes().map(dash).eq(framing_field.iter().map(u8::to_ascii_lowercase));
    if disguised { Err(BadHead::DisguisedFraming) } else { Ok(false) }
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
