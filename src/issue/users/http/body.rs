//! What is sent to another login: text with places for the name and the password, each written as the form wants it.

use std::borrow::Cow;

use bytes::Bytes;

use crate::json::{Document, Value};

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON; a place is inside the quotes of a string.
    Json,
    /// `application/x-www-form-urlencoded`; a place is a value.
    Form,
}

/// A body with places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    form: Form,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name,
    Password,
}

/// Why a text is no such body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// One of the places is missing, or there twice.
    #[error("`{{username}}` and `{{password}}` must each stand in it once")]
    Places,
    /// It is no JSON, or a place is not in a string.
    #[error("it is no JSON in which `{{username}}` and `{{password}}` are strings or in strings")]
    Json,
    /// It is no form, or a place is not a value.
    #[error("it is no form in which `{{username}}` and `{{password}}` are whole values")]
    Form,
}

const NAME: &str = "{username}";
const PASSWORD: &str = "{password}";

impl Form {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Form::Json => "application/json",
            Form::Form => "application/x-www-form-urlencoded",
        }
    }
}

impl Body {
    /// Reads `text`, in which `{username}` and `{password}` stand once each.
    ///
    /// # Errors
    /// [`BodyFault`]
    pub fn parse(form: Form, text: &str) -> Result<Body, BodyFault> {
        let (name, password) = (text.find(NAME), text.find(PASSWORD));
        let (Some(name), Some(password)) = (name, password) else { return Err(BodyFault::Places) };
        if text.matches(NAME).count() + text.matches(PASSWORD).count() != 2 {
            return Err(BodyFault::Places);
        }
        let (first, second) = if name < password { (NAME, PASSWORD) } else { (PASSWORD, NAME) };
        let (before, rest) = text.split_once(first).ok_or(BodyFault::Places)?;
        let (between, after) = rest.split_once(second).ok_or(BodyFault::Places)?;
        let piece = |place| if place == NAME { Piece::Name } else { Piece::Password };
        let pieces = vec![
            Piece::Text(before.to_owned()),
            piece(first),
            Piece::Text(between.to_owned()),
            piece(second),
            Piece::Text(after.to_owned()),
        ];
        let body = Body { form, pieces };
        body.check()?;
        Ok(body)
    }

    /// What it will be sent as.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The body for a login. `None` where the password cannot be written so: JSON is text.
    pub(super) fn filled_in(&self, name: &str, password: &[u8]) -> Option<Bytes> {
        let mut out = Vec::with_capacity(256);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Name => self.form.write(name.as_bytes(), &mut out)?,
                Piece::Password => self.form.write(password, &mut out)?,
            }
        }
        Some(out.into())
    }

    /// Tries it with what would break out of its place.
    fn check(&self) -> Result<(), BodyFault> {
        const ODD: [&str; 2] = ["n\"\\&=+ {}", "p\"\\&=+ {}"];
        let [name, password] = ODD;
        let filled = self.filled_in(name, password.as_bytes()).unwrap_or_default();
        match self.form {
            Form::Json => {
                let document = Document::parse(&filled).map_err(|_| BodyFault::Json)?;
                let holds = |odd: &&str| holds(&document.root(), odd);
                ODD.iter().all(holds).then_some(()).ok_or(BodyFault::Json)
            }
            Form::Form => {
                let values = filled.split(|byte| *byte == b'&').filter_map(|pair| {
                    let at = pair.iter().position(|byte| *byte == b'=')?;
                    pair.get(at + 1..).map(crate::percent::decoded)
                });
                let values: Vec<Vec<u8>> = values.collect();
                let holds = |odd: &&str| values.iter().any(|value| value == odd.as_bytes());
                ODD.iter().all(holds).then_some(()).ok_or(BodyFault::Form)
            }
        }
    }
}

impl Form {
    fn write(self, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
        match self {
            Form::Json => {
                let quoted = serde_json::to_vec(std::str::from_utf8(value).ok()?).ok()?;
                out.extend_from_slice(quoted.get(1..quoted.len().checked_sub(1)?)?);
            }
            Form::Form => {
                for byte in value {
                    match byte {
                        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(*byte),
                        _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
                    }
                }
            }
        }
        Some(())
    }
}

/// Whether any string in `value` holds `odd`. No name of a member may.
fn holds(value: &Value<'_>, odd: &str) -> bool {
    match value {
        Value::String(text) => Cow::as_ref(text).contains(odd),
        Value::Array(array) => array.iter().any(|value| holds(&value, odd)),
        Value::Object(object) => object.iter().any(|(_, value)| holds(&value, odd)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
