//! Percent-decoding as lenient servers do it (RFC 3986 section 2.1 and HTML's forms): for finding out what a name could
//! be taken for, never for what is signed or forwarded.

/// `text` decoded once: `%XX` is its byte, `+` a space, and a broken escape stands for itself.
pub fn decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let mut byte = [0];
        let escaped = after.split_at_checked(2).filter(|_| first == b'%');
        match escaped.filter(|(digits, _)| hex::decode_to_slice(digits, &mut byte).is_ok()) {
            Some((_, after)) => {
                decoded.extend_from_slice(&byte);
                rest = after;
            }
            None => {
                decoded.push(if first == b'+' { b' ' } else { first });
                rest = after;
            }
        }
    }
    decoded
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
