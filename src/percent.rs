//! Percent-encoding (RFC 3986 section 2.1): reading one escape, and decoding as lenient servers do.

/// The octet of `%HH` at the start, and what follows.
pub fn escape(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, rest @ ..] = bytes else { return None };
    Some((digit(*high)? << 4 | digit(*low)?, rest))
}

/// `text` decoded once: `%XX` is its byte, and so is `%u00XX` (Perl's CGI, .NET); `+` is a space, and a broken escape stands for itself.
/// For finding out what a name could be taken for, never for what is signed or forwarded.
pub fn decoded(text: &[u8]) -> Vec<u8> {
    decoding(text).collect()
}

/// The same byte by byte.
pub fn decoding(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (&first, after) = rest.split_first()?;
        let escaped = escape(rest).or_else(|| wide_escape(rest));
        let (byte, after) = escaped.unwrap_or((if first == b'+' { b' ' } else { first }, after));
        rest = after;
        Some(byte)
    })
}

/// Of `%u00XX`, of which the second half is written as any escape's.
fn wide_escape(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', b'u' | b'U', b'0', b'0', high, low, rest @ ..] = bytes else { return None };
    Some((digit(*high)? << 4 | digit(*low)?, rest))
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_once_and_broken_ones_stay() {
        assert_eq!(decoded(b"s%69g+%2520"), b"sig %20");
        assert_eq!(decoded(b"%2%zz%"), b"%2%zz%");
    }
}
