//! Names that this codec and its callers ask for in every message, told apart once, when a head is read.

use super::fields::is_same_name;

/// What a field's name is, as far as it matters to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// `Host`
    Host,
    /// `Expect`
    Expect,
    /// `Connection`
    Connection,
    /// `Content-Length`
    ContentLength,
    /// `Transfer-Encoding`
    TransferEncoding,
    /// `Upgrade`
    Upgrade,
    /// `Date`
    Date,
    /// Another that belongs to one connection alone (RFC 9110 section 7.6.1).
    HopByHop,
    /// Any other.
    Other,
}

impl Known {
    /// The name's meaning, whatever its case.
    pub(super) fn of(name: &[u8]) -> Known {
        // By length first: nearly all names are told apart before any byte is compared.
        let same = |known: &str| is_same_name(name, known.as_bytes());
        match name.len() {
            4 if same("Host") => Known::Host,
            4 if same("Date") => Known::Date,
            6 if same("Expect") => Known::Expect,
            10 if same("Connection") => Known::Connection,
            14 if same("Content-Length") => Known::ContentLength,
            17 if same("Transfer-Encoding") => Known::TransferEncoding,
            2 if same("TE") => Known::HopByHop,
            7 if same("Upgrade") => Known::Upgrade,
            7 if same("Trailer") => Known::HopByHop,
            10 if same("Keep-Alive") => Known::HopByHop,
            16 if same("Proxy-Connection") => Known::HopByHop,
            18 if same("Proxy-Authenticate") => Known::HopByHop,
            _ => Known::Other,
        }
    }
}

/// A field's name as it came, and what was seen of it when its head was read.
#[derive(Clone, Copy, Debug)]
pub struct FieldName<'a> {
    /// The name itself.
    pub bytes: &'a [u8],
    /// What it means.
    pub known: Known,
    /// Whether it holds anything but letters, digits and `-`.
    pub is_odd: bool,
}

impl<'a> FieldName<'a> {
    /// A name that stands in no head.
    pub fn new(bytes: &'a [u8]) -> FieldName<'a> {
        let is_odd = !bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        FieldName { bytes, known: Known::of(bytes), is_odd }
    }

    /// Whether it belongs to one connection (RFC 9110 section 7.6.1), or is the length, which is written anew.
    pub fn is_hop_by_hop(&self) -> bool {
        match self.known {
            Known::Connection | Known::ContentLength | Known::TransferEncoding => true,
            Known::Upgrade | Known::HopByHop => true,
            Known::Host | Known::Expect | Known::Date | Known::Other => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hop_by_hop_fields_are_known_in_any_case() {
        let known = ["TE", "Trailer", "upgrade", "Connection", "Keep-Alive", "Content-Length", "Proxy-Connection"];
        for name in known.into_iter().chain(["Transfer-Encoding", "proxy-authenticate"]) {
            assert!(FieldName::new(name.as_bytes()).is_hop_by_hop(), "{name}");
        }
        for name in ["host", "trailers", "Expect", "Content_Length"] {
            assert!(!FieldName::new(name.as_bytes()).is_hop_by_hop(), "{name}");
        }
    }

    #[test]
    fn what_a_head_is_asked_for_is_known_in_any_case() {
        for (name, known) in [("HOST", Known::Host), ("date", Known::Date), ("eXPECT", Known::Expect)] {
            assert_eq!(FieldName::new(name.as_bytes()).known, known, "{name}");
        }
        for name in ["Hosts", "Dat", "Expect-CT"] {
            assert_eq!(FieldName::new(name.as_bytes()).known, Known::Other, "{name}");
        }
    }

    #[test]
    fn a_name_is_odd_with_anything_but_letters_digits_and_dashes() {
        assert!(!FieldName::new(b"X-Key-2").is_odd);
        assert!(FieldName::new(b"X_Key").is_odd && FieldName::new(b"x.key").is_odd);
    }
}
