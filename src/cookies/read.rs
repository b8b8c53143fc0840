//! One cookie out of the Cookie fields of a request: exactly one, or none, or a refusal.

/// Why there is no telling which cookie is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieFault {
    /// Two of one name: the one that a browser has been talked into may be either.
    #[error("the cookie came more than once")]
    Repeated,
    /// No browser writes it so, and readers differ in what they make of it.
    #[error("the cookie is malformed")]
    Malformed,
}

/// The value of the cookie called `name` (RFC 6265 section 4.2.1), as it stands there. Several fields are one list: HTTP/2
/// may split it (RFC 9113 section 8.2.3).
///
/// What a lenient reader would take for that cookie counts as one: with space around its name or without a `=`. Quotes have no
/// meaning here, and neither has `$Version`: nothing of another cookie is hidden in one's value.
///
/// # Errors
/// [`CookieFault`]
pub fn find<'h>(fields: impl IntoIterator<Item = &'h [u8]>, name: &[u8]) -> Result<Option<&'h [u8]>, CookieFault> {
    let pairs = fields.into_iter().flat_map(|field| field.split(|byte| *byte == b';'));
    let mut named = pairs.map(parts).filter(|(found, _)| found.trim_ascii() == name);
    match (named.next(), named.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(CookieFault::Repeated),
        (Some((found, Some(value))), None) if without_one_space(found) == name => Ok(Some(value.trim_ascii_end())),
        (Some(_), None) => Err(CookieFault::Malformed),
    }
}

type Pair<'h> = (&'h [u8], Option<&'h [u8]>);

fn parts(pair: &[u8]) -> Pair<'_> {
    match pair.iter().position(|byte| *byte == b'=') {
        None => (pair, None),
        Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at + 1..)),
    }
}

/// The one that stands behind each `;`.
fn without_one_space(name: &[u8]) -> &[u8] {
    name.strip_prefix(b" ").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'h>(fields: &[&'h str]) -> Result<Option<&'h str>, CookieFault> {
        let found = find(fields.iter().map(|field| field.as_bytes()), b"token")?;
        Ok(found.map(|value| std::str::from_utf8(value).unwrap()))
    }

    #[test]
    fn a_cookie_is_found_among_others_and_in_several_fields() {
        for fields in [&["token=x"][..], &["a=1; token=x; b=2"], &["a=1;token=x"], &["a=1", "token=x"], &["token=x "]] {
            assert_eq!(found(fields), Ok(Some("x")), "{fields:?}");
        }
        assert_eq!(found(&["token="]), Ok(Some("")));
        assert_eq!(found(&["token=a=b"]), Ok(Some("a=b")));
    }

    #[test]
    fn another_name_is_another_cookie() {
        for fields in [&[][..], &[""], &["Token=x"], &["tokens=x"], &["__Host-token=x"], &["a=token=x"], &["=token=x"]]
        {
            assert_eq!(found(fields), Ok(None), "{fields:?}");
        }
    }

    #[test]
    fn two_of_one_name_are_refused_however_the_second_is_written() {
        for second in ["token=x", "token=", "token", " token =y", "\ttoken=y"] {
            for fields in [vec![format!("token=x;{second}")], vec!["token=x".to_owned(), second.to_owned()]] {
                let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
                assert_eq!(found(&fields), Err(CookieFault::Repeated), "{fields:?}");
            }
        }
    }

    #[test]
    fn what_no_browser_writes_is_refused() {
        for field in ["token", "token =x", "\ttoken=x", "a=1;  token=x", "a=1;\ttoken=x"] {
            assert_eq!(found(&[field]), Err(CookieFault::Malformed), "{field:?}");
        }
    }

    /// The "cookie sandwich": a server that takes quotes and `$Version` for more than bytes hides one cookie in another.
    #[test]
    fn no_cookie_is_hidden_in_another_by_quotes() {
        assert_eq!(found(&["$Version=1; a=\"; token=x; b=\""]), Ok(Some("x")));
        assert_eq!(found(&["a=\"token=x\""]), Ok(None));
        assert_eq!(found(&["token=\"x; y\""]), Ok(Some("\"x")));
    }
}
