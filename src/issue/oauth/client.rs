//! Which client asks, and how it says so (RFC 6749 section 2.3.1): by Basic, or in the form; by one of the two.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::{Form, form::decoded};

/// What a client shows of itself; nothing of it is proven.
#[derive(PartialEq, Eq)]
pub struct Presented {
    /// `client_id`
    pub id: String,
    /// `client_secret`; its memory is wiped.
    pub secret: Zeroizing<String>,
}

/// Why a request shows no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientFault {
    /// It shows none where one is wanted.
    #[error("no client authenticates")]
    Missing,
    /// It shows one where none is known.
    #[error("a client authenticates where none is known")]
    Unwanted,
    /// `Authorization` is no Basic, or is not written as it must be.
    #[error("`Authorization` is not `Basic` with a form-urlencoded id and secret")]
    Malformed,
    /// It shows two, or one in two ways.
    #[error("a client authenticates in two ways")]
    Twofold,
}

impl Presented {
    /// The client that a request shows: `authorization` are the values of that field.
    ///
    /// # Errors
    /// [`ClientFault`]
    pub fn read<'h>(
        mut authorization: impl Iterator<Item = &'h [u8]>,
        form: &Form,
    ) -> Result<Option<Presented>, ClientFault> {
        let of_form = (form.value("client_id"), form.value("client_secret"));
        let Some(value) = authorization.next() else {
            return match of_form {
                (Some(id), Some(secret)) => {
                    Ok(Some(Presented { id: id.to_owned(), secret: Zeroizing::new(secret.to_owned()) }))
                }
                // An id alone names a client and proves nothing.
                (_, None) => Ok(None),
                (None, Some(_)) => Err(ClientFault::Malformed),
            };
        };
        let basic = Presented::of_basic(value).ok_or(ClientFault::Malformed)?;
        let is_other = of_form.0.is_some_and(|id| id != basic.id);
        match authorization.next().is_some() || of_form.1.is_some() || is_other {
            true => Err(ClientFault::Twofold),
            false => Ok(Some(basic)),
        }
    }

    /// What `Authorization: Basic` says, id and secret form-urlencoded each.
    pub fn of_basic(value: &[u8]) -> Option<Presented> {
        let (scheme, encoded) = value.split_at_checked("Basic".len())?;
        let encoded = encoded.strip_prefix(b" ").filter(|_| scheme.eq_ignore_ascii_case(b"Basic"))?;
        let pair = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim_ascii_start()).ok()?);
        let at = pair.iter().position(|byte| *byte == b':')?;
        let (id, secret) = pair.split_at(at);
        let (id, secret) = (decoded(id)?, decoded(secret.get(1..)?)?);
        Some(Presented { id: id.to_string(), secret })
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(pair: &str) -> Vec<u8> {
        format!("Basic {}", BASE64_STANDARD.encode(pair)).into_bytes()
    }

    fn read(authorization: &[&[u8]], form: &str) -> Result<Option<(String, String)>, ClientFault> {
        let form = Form::parse(form.as_bytes()).unwrap();
        let read = Presented::read(authorization.iter().copied(), &form)?;
        Ok(read.map(|client| (client.id.clone(), client.secret.to_string())))
    }

    fn client(id: &str, secret: &str) -> Result<Option<(String, String)>, ClientFault> {
        Ok(Some((id.to_owned(), secret.to_owned())))
    }

    #[test]
    fn a_client_is_read_out_of_basic_or_out_of_the_form() {
        assert_eq!(read(&[&basic("app:s3cret")], ""), client("app", "s3cret"));
        assert_eq!(read(&[&basic("a%3Ab:p%2B+%C3%A4:x")], ""), client("a:b", "p+ ä:x"), "RFC 6749 section 2.3.1");
        assert_eq!(read(&[&basic("app:s")], "client_id=app"), client("app", "s"));
        assert_eq!(read(&[], "client_id=app&client_secret=s%26"), client("app", "s&"));
        assert_eq!(read(&[], "client_id=app"), Ok(None));
        assert_eq!(read(&[], ""), Ok(None));
    }

    #[test]
    fn a_client_that_shows_itself_in_two_ways_or_in_none_that_is_known_is_refused() {
        let app = basic("app:s");
        for form in ["client_secret=s", "client_id=app&client_secret=s", "client_id=other"] {
            assert_eq!(read(&[&app], form), Err(ClientFault::Twofold), "{form}");
        }
        assert_eq!(read(&[&app, &app], ""), Err(ClientFault::Twofold));
        assert_eq!(read(&[], "client_secret=s"), Err(ClientFault::Malformed));
        for wrong in ["", "Basic", "Basic ", "Basic YQ", "Basic YTpi=", "Bearer YTpi", "BasicYTpi", "Basic YTpi YTpi"] {
            assert_eq!(read(&[wrong.as_bytes()], ""), Err(ClientFault::Malformed), "{wrong}");
        }
        for pair in ["nocolon", "a:%zz", "a b:c", "a:\u{e4}"] {
            assert_eq!(read(&[&basic(pair)], ""), Err(ClientFault::Malformed), "{pair}");
        }
    }
}
