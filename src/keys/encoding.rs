//! How a secret's bytes are written where it comes from: in the config, in a file of keys, in what a database or a service says.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD},
    },
};
use zeroize::Zeroizing;

use super::LONGEST_SECRET;
use crate::secret::Secret;

/// How a secret is written. The same names everywhere: [`Encoding::NAMES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// The bytes themselves.
    #[default]
    Text,
    /// Hexadecimal digits.
    Hex,
    /// Base64 with its padding (RFC 4648 section 4).
    Base64,
    /// Base64 in the alphabet for URLs (section 5), with padding or without: a JWK's `k` has none (RFC 7518 section 6.4.1).
    Base64Url,
}

/// Takes padding or none, for a secret is the operator's own text: nobody else can write it in two ways.
const LENIENT_URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Encoding {
    /// All there are, by their names.
    pub const NAMES: [(&str, Encoding); 4] = [
        ("text", Encoding::Text),
        ("hex", Encoding::Hex),
        ("base64", Encoding::Base64),
        ("base64url", Encoding::Base64Url),
    ];

    /// Their names in a sentence.
    pub const ONE_OF: &str = "text, hex, base64 or base64url";

    /// The encoding of that name.
    pub fn named(name: &str) -> Option<Encoding> {
        Self::NAMES.into_iter().find_map(|(known, encoding)| (known == name).then_some(encoding))
    }

    /// What is written so, after "it is not".
    pub fn form(self) -> &'static str {
        match self {
            Encoding::Text => "text",
            Encoding::Hex => "hexadecimal",
            Encoding::Base64 => "padded base64 (RFC 4648 section 4)",
            Encoding::Base64Url => "base64url (RFC 4648 section 5)",
        }
    }

    /// The bytes that are written so; `None` if they are not.
    pub fn bytes(self, written: &[u8]) -> Option<Vec<u8>> {
        match self {
            Encoding::Text => Some(written.to_vec()),
            Encoding::Hex => hex::decode(written).ok(),
            Encoding::Base64 => STANDARD.decode(written).ok(),
            Encoding::Base64Url => LENIENT_URL_SAFE.decode(written).ok(),
        }
    }

    /// The secret that is written so; `None` if it is not, is empty, or is longer than 16 KiB.
    pub fn decode(self, written: &[u8]) -> Option<Secret> {
        let secret = self.bytes(written).map(Secret::new);
        secret.filter(|secret| !secret.is_empty() && written.len() <= LONGEST_SECRET)
    }

    /// How `secret` is written so; `None` if it is not text and should be.
    pub fn encode(self, secret: &Secret) -> Option<Zeroizing<String>> {
        let text = match self {
            Encoding::Text => String::from_utf8(secret.expose().to_vec()).ok()?,
            Encoding::Hex => hex::encode(secret.expose()),
            Encoding::Base64 => STANDARD.encode(secret.expose()),
            Encoding::Base64Url => URL_SAFE_NO_PAD.encode(secret.expose()),
        };
        Some(Zeroizing::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reads_what_it_writes() {
        let secret = Secret::new(vec![0xfb, 0xff, 0xbe, b'a']);
        for (name, encoding) in Encoding::NAMES {
            assert_eq!(Encoding::named(name), Some(encoding));
            let text = Secret::new(b"plain".to_vec());
            let secret = if encoding == Encoding::Text { &text } else { &secret };
            let written = encoding.encode(secret).unwrap();
            assert_eq!(encoding.decode(written.as_bytes()).as_ref(), Some(secret), "{name}");
        }
        assert_eq!(Encoding::Text.encode(&secret), None, "not UTF-8");
        assert_eq!(Encoding::named("rot13"), None);
        assert_eq!(Encoding::ONE_OF, "text, hex, base64 or base64url");
    }

    #[test]
    fn only_base64url_may_do_without_its_padding_and_each_has_its_alphabet() {
        let read = |encoding: Encoding, text: &str| encoding.bytes(text.as_bytes());
        assert_eq!(read(Encoding::Base64Url, "-_-_YQ"), read(Encoding::Base64Url, "-_-_YQ=="));
        assert_eq!(read(Encoding::Base64Url, "-_-_YQ"), read(Encoding::Base64, "+/+/YQ=="));
        for (encoding, text) in [
            (Encoding::Base64, "+/+/YQ"),
            (Encoding::Base64, "-_-_YQ=="),
            (Encoding::Base64Url, "+/+/YQ"),
            (Encoding::Base64Url, "-_-_YR"),
            (Encoding::Base64Url, "-_-_YQ\n"),
            (Encoding::Hex, "0g"),
            (Encoding::Hex, "012"),
        ] {
            assert_eq!(read(encoding, text), None, "{text} as {encoding:?}");
        }
    }
}
