//! How a signature is written that cannot be decoded: told in the log by its length and its looks, never by its text.

use std::fmt;

use super::{Algorithm, Encoding};

/// A signature that is not written as its scheme wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misspelt {
    length: u32,
    wanted: u16,
    encoding: Encoding,
    looks: Looks,
}

/// What it looks like, where that says what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looks {
    /// `sha256=…`
    Prefixed,
    /// `SHA2-256(stdin)= …`, as `openssl dgst` prints it.
    Printed,
    /// Without the `sha256=` that the scheme wants before it.
    Unframed,
    Spaced,
    Quoted,
    HexLower,
    HexUpper,
    HexMixed,
    Base64,
    Other,
}

impl Misspelt {
    /// What is the matter with `text`, which is none of `algorithm`'s signatures in `encoding`.
    pub(super) fn of(text: &[u8], encoding: Encoding, algorithm: Algorithm) -> Misspelt {
        let wanted = encoding.width(algorithm.length().unwrap_or_default());
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let wanted = u16::try_from(wanted).unwrap_or(u16::MAX);
        Misspelt { length: number(text.len()), wanted, encoding, looks: Looks::of(text) }
    }

    /// The same of a text from which the scheme's filters could not take off what they should.
    pub(super) fn without_its_frame(self) -> Misspelt {
        Misspelt { looks: Looks::Unframed, ..self }
    }
}

impl Encoding {
    /// Characters that so many bytes take.
    fn width(self, bytes: usize) -> usize {
        match self {
            Encoding::Hex | Encoding::HexUpper => 2 * bytes,
            Encoding::Base64 => bytes.div_ceil(3) * 4,
            Encoding::Base64Url => (bytes * 4).div_ceil(3),
        }
    }

    fn told(self) -> &'static str {
        match self {
            Encoding::Hex => "lower-case hexadecimal",
            Encoding::HexUpper => "upper-case hexadecimal",
            Encoding::Base64 => "padded base64",
            Encoding::Base64Url => "base64url without padding",
        }
    }
}

impl Looks {
    fn of(text: &[u8]) -> Looks {
        let all = |is: fn(&u8) -> bool| text.iter().all(is);
        let before_equals = text.iter().position(|byte| *byte == b'=');
        let rest = before_equals.and_then(|at| text.get(at + 1..)).unwrap_or_default();
        let is_prefixed = rest.first().is_some_and(|byte| *byte != b'=');
        match text {
            _ if is_prefixed && rest.starts_with(b" ") => Looks::Printed,
            [b'"' | b'\'', ..] => Looks::Quoted,
            _ if is_prefixed => Looks::Prefixed,
            _ if text.iter().any(u8::is_ascii_whitespace) => Looks::Spaced,
            _ if all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')) => Looks::HexLower,
            _ if all(|byte| byte.is_ascii_digit() || matches!(byte, b'A'..=b'F')) => Looks::HexUpper,
            _ if all(u8::is_ascii_hexdigit) => Looks::HexMixed,
            _ if all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte)) => Looks::Base64,
            _ => Looks::Other,
        }
    }

    fn told(self) -> &'static str {
        match self {
            Looks::Prefixed => " with a prefix that ends in `=`",
            Looks::Printed => " with what `openssl dgst` prints before it",
            Looks::Unframed => " that lack what the scheme wants around them (a prefix, say)",
            Looks::Spaced => " with white space in it",
            Looks::Quoted => " in quotes",
            Looks::HexLower => " of lower-case hexadecimal",
            Looks::HexUpper => " of upper-case hexadecimal",
            Looks::HexMixed => " of hexadecimal in both cases",
            Looks::Base64 => " that may be base64 or base64url",
            Looks::Other => "",
        }
    }
}

impl fmt::Display for Misspelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Misspelt { length, wanted, encoding, looks } = self;
        write!(f, "{length} characters{}, where {wanted} of {} are wanted", looks.told(), encoding.told())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_told_by_its_length_and_its_looks_and_never_shown() {
        let told = |text: &str| Misspelt::of(text.as_bytes(), Encoding::Hex, Algorithm::HmacSha256).to_string();
        let wanted = "where 64 of lower-case hexadecimal are wanted";
        let hex = "0b".repeat(32);
        for (text, seen) in [
            (hex.to_uppercase(), "64 characters of upper-case hexadecimal"),
            ("0b".repeat(20), "40 characters of lower-case hexadecimal"),
            (format!("0B{}", "0b".repeat(31)), "64 characters of hexadecimal in both cases"),
            (
                "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=".to_owned(),
                "44 characters that may be base64 or base64url",
            ),
            (format!("sha256={hex}"), "71 characters with a prefix that ends in `=`"),
            (format!("SHA2-256(stdin)= {hex}"), "81 characters with what `openssl dgst` prints before it"),
            (format!("{hex} *stdin"), "71 characters with white space in it"),
            (format!("\"{hex}\""), "66 characters in quotes"),
            ("!".to_owned(), "1 characters"),
            (String::new(), "0 characters of lower-case hexadecimal"),
        ] {
            assert_eq!(told(&text), format!("{seen}, {wanted}"), "{text}");
        }
    }

    #[test]
    fn what_is_wanted_is_told_in_characters() {
        let told = |encoding| Misspelt::of(b"!", encoding, Algorithm::HmacSha256).to_string();
        assert!(told(Encoding::Base64).ends_with("44 of padded base64 are wanted"));
        assert!(told(Encoding::Base64Url).ends_with("43 of base64url without padding are wanted"));
        assert!(told(Encoding::HexUpper).ends_with("64 of upper-case hexadecimal are wanted"));
    }
}
