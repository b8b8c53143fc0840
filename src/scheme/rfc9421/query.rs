//! `@query-param` (RFC 9421 section 2.2.8): parameters read as the URL standard's forms are, and written one way.

use crate::scheme::{
    Why,
    parameters::{is_twofold, percent_decoded},
};

/// The parameters of a query, names and values encoded, read once however many of them are covered.
pub(super) struct Query {
    parameters: Vec<(String, String)>,
    /// As it came.
    text: String,
}

impl Query {
    /// # Errors
    /// Stricter than the URL standard, broken escapes and what is no UTF-8 are refused anywhere in the query: readers differ in
    /// what such a name is.
    pub(super) fn read(query: &str) -> Result<Query, Why> {
        let encoded = |text: &str| Some(encoded(&decoded(text)?));
        let each = query.split('&').filter(|parameter| !parameter.is_empty()).map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            encoded(name).zip(encoded(value))
        });
        let parameters = each.collect::<Option<_>>().ok_or(Why::Malformed)?;
        Ok(Query { parameters, text: query.to_owned() })
    }

    /// The value of the one parameter whose name, encoded, is `name`.
    ///
    /// # Errors
    /// It is not there, or there twice, which the RFC forbids to sign; or there is one that an upstream could take for it, and
    /// that need not be signed.
    pub(super) fn parameter(&self, name: &str) -> Result<&str, Why> {
        let mut found = self.parameters.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        match (found.next(), found.next()) {
            (Some(_), None) if self.is_twofold(name) => Err(Why::Twofold),
            (Some(value), None) => Ok(value),
            (Some(_), Some(_)) => Err(Why::Repeated),
            (None, _) => Err(Why::Absent),
        }
    }

    fn is_twofold(&self, name: &str) -> bool {
        decoded(name).is_none_or(|name| is_twofold(self.text.as_bytes(), &name))
    }
}

fn decoded(text: &str) -> Option<String> {
    String::from_utf8(percent_decoded(text.as_bytes(), true)?.to_vec()).ok()
}

/// All but what the URL standard's set for forms leaves: letters, digits and `*-._`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                out.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of section 2.2.8.
    const QUERY: &str =
        "var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something";

    fn parameter(query: &str, name: &str) -> Result<String, Why> {
        Query::read(query)?.parameter(name).map(str::to_owned)
    }

    #[test]
    fn names_and_values_are_written_as_the_rfc_shows() {
        assert_eq!(parameter(QUERY, "var").unwrap(), "this%20is%20a%20big%0Amultiline%20value");
        assert_eq!(parameter(QUERY, "bar").unwrap(), "with%20plus%20whitespace");
        assert_eq!(parameter(QUERY, "fa%C3%A7ade%22%3A%20").unwrap(), "something");
        assert_eq!(parameter("param=value&foo=bar&baz=batman&qux=", "qux").unwrap(), "");
        assert_eq!(parameter("a", "a").unwrap(), "");
    }

    #[test]
    fn what_is_absent_twice_or_broken_has_no_value() {
        assert_eq!(parameter("a=1", "b"), Err(Why::Absent));
        assert_eq!(parameter("a=1&%61=2", "a"), Err(Why::Repeated));
        assert_eq!(parameter("a=1&b=%zz", "a"), Err(Why::Malformed));
        assert_eq!(parameter("a=1&b=%ff", "a"), Err(Why::Malformed));
    }

    #[test]
    fn what_an_upstream_could_take_for_another_has_no_value() {
        for query in ["a=1&A=2", "a[]=2&a=1", "a=1&b=2;a=3", "a=1&%20a=2", "a=1&a%00b=2"] {
            assert_eq!(parameter(query, "a"), Err(Why::Twofold), "{query}");
        }
        assert_eq!(parameter("a=1;b&aa=2&b[a]=3", "a").unwrap(), "1%3Bb");
    }
}
