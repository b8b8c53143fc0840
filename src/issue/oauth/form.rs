//! A form (`application/x-www-form-urlencoded`) as RFC 6749 wants it: no parameter comes twice, and one that is empty is not
//! there. What could be read in two ways is refused.

use std::fmt;

use zeroize::Zeroizing;

use crate::percent;

/// Parameters of one form.
const MOST: usize = 32;

/// The parameters of a form; their memory is wiped.
pub struct Form(Vec<(Zeroizing<String>, Zeroizing<String>)>);

/// Why a request has no form that can be taken. No case repeats a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormFault {
    /// Its content type is another.
    #[error("the request is no form: `Content-Type: application/x-www-form-urlencoded`")]
    NoForm,
    /// A parameter is not written as it must be.
    #[error("a parameter is not form-urlencoded UTF-8")]
    Malformed,
    /// A parameter came twice.
    #[error("a parameter came twice")]
    Twice,
    /// There are too many.
    #[error("there are more than {MOST} parameters")]
    TooMany,
    /// One that is needed is not there.
    #[error("the parameter `{0}` is missing")]
    Missing(&'static str),
}

impl Form {
    /// Reads a body.
    ///
    /// # Errors
    /// [`FormFault`]
    pub fn parse(body: &[u8]) -> Result<Form, FormFault> {
        let mut form = Form(Vec::new());
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(at);
            let name = decoded(name).ok_or(FormFault::Malformed)?;
            let value = decoded(value.get(1..).unwrap_or_default()).ok_or(FormFault::Malformed)?;
            if form.0.iter().any(|(known, _)| *known == name) {
                return Err(FormFault::Twice);
            }
            if form.0.len() >= MOST {
                return Err(FormFault::TooMany);
            }
            form.0.push((name, value));
        }
        Ok(form)
    }

    /// The value of a parameter that is there and not empty.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known.as_str() == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The same of one that must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, FormFault> {
        self.value(name).ok_or(FormFault::Missing(name))
    }
}

/// Whether `value` is the media type of a form, whatever its parameters.
pub(super) fn is_media_type(value: &[u8]) -> bool {
    let name = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    name.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// What a form-urlencoded text says: `+` is a space, `%XX` its byte, and all else is visible ASCII.
pub(super) fn decoded(text: &[u8]) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = match first {
            b'%' => percent::escape(rest)?,
            b'+' => (b' ', after),
            visible if visible.is_ascii_graphic() => (visible, after),
            _ => return None,
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(std::mem::take(&mut *bytes)).ok().map(Zeroizing::new)
}

/// Names alone: values may be secrets.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name.as_str())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_is_read_once_and_an_empty_one_is_not_there() {
        let form = Form::parse(b"grant_type=password&username=%C3%A4lice+b&password=a%26b%3D%2B&scope=&x").unwrap();
        assert_eq!(form.value("username"), Some("älice b"));
        assert_eq!(form.value("password"), Some("a&b=+"));
        assert_eq!((form.value("scope"), form.value("x"), form.value("y")), (None, None, None));
        assert_eq!(form.required("scope"), Err(FormFault::Missing("scope")));
        assert!(!format!("{form:?}").contains("a&b"));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for body in ["a=1&a=1", "a=1&%61=2", "a=1&a", "=1&=2"] {
            assert_eq!(Form::parse(body.as_bytes()).unwrap_err(), FormFault::Twice, "{body}");
        }
        for body in [b"a=%".as_slice(), b"a=%4", b"a=%zz", b"a=\xc3\xa4", b"a=%ff", b"a=b c", b"a=b\r\n", b"%00%zz=1"] {
            assert_eq!(Form::parse(body).unwrap_err(), FormFault::Malformed, "{}", body.escape_ascii());
        }
        let many: String = (0..33).map(|n| format!("p{n}=1&")).collect();
        assert_eq!(Form::parse(many.as_bytes()).unwrap_err(), FormFault::TooMany);
    }

    #[test]
    fn a_media_type_is_one_whatever_its_case_and_parameters() {
        assert!(is_media_type(b"application/x-www-form-urlencoded; charset=UTF-8"));
        assert!(is_media_type(b"Application/X-WWW-Form-Urlencoded"));
        assert!(
            !is_media_type(b"application/json") && !is_media_type(b"") && !is_media_type(b"text/x-www-form-urlencoded")
        );
    }
}
