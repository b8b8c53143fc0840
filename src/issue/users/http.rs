//! Users whom another login knows: the one that an older API has. It is called with the name and the password, and what it
//! answers says who that is.
//!
//! The password goes there and nowhere else. It is called once a login, for whoever calls twice may have locked somebody
//! out; redirects are not followed.

mod body;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use serde_json::{Map, Value};

pub use self::body::{Body, BodyFault, Form};
use super::{
    super::Failure,
    Known, claims,
    fault::{self, UsersAway},
};
use crate::{
    json::{self, Document},
    outcall::{self, Client},
    password,
};

/// Longest name that it may give a user, in bytes.
const LONGEST_NAME: usize = 256;

/// Whom to ask, and how to read what comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The other login.
    pub url: Uri,
    /// Fields of each call. Those with a secret are marked as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What is sent.
    pub body: Body,
    /// Statuses that say that somebody is who they say.
    pub success: Vec<StatusCode>,
    /// What else must be so: JSON pointers (RFC 6901) into the answer, and what is there.
    pub equal: Vec<(String, Value)>,
    /// Statuses that say that name and password do not go together.
    pub refused: Vec<StatusCode>,
    /// Where the answer has the user's name; `None`: it is the one that was typed.
    pub subject: Option<String>,
    /// Claims, and where the answer has them.
    pub claims: Vec<(String, String)>,
    /// How calls are made.
    pub calls: outcall::Settings,
}

/// A login that is called.
#[derive(Debug)]
pub struct Users {
    client: Client,
    settings: Settings,
}

impl Users {
    /// Nobody was called yet.
    pub fn new(client: Client, settings: Settings) -> Users {
        Users { client, settings }
    }

    /// Who that is, if the other login says that the password is theirs.
    pub(super) async fn check(&self, name: &str, password: &[u8]) -> Result<Known, Failure> {
        if password.len() > password::LONGEST {
            return Err(Failure::WrongPassword);
        }
        let body = self.settings.body.filled_in(name, password).ok_or(Failure::WrongPassword)?;
        let answer = self.client.post(self.settings.url.clone(), self.settings.headers(), body).await;
        let answer = answer.map_err(|error| fault::of_call(error).map_or(Failure::Busy, Failure::Users))?;
        self.settings.read(answer.status, &answer.body)
    }
}

impl Settings {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::from_iter(self.headers.iter().cloned());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.body.form().content_type()));
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        headers
    }

    /// What an answer says of who was asked for.
    fn read(&self, status: StatusCode, body: &[u8]) -> Result<Known, Failure> {
        if self.refused.contains(&status) {
            return Err(Failure::WrongPassword);
        }
        if !self.success.contains(&status) {
            return Err(match status {
                StatusCode::TOO_MANY_REQUESTS => UsersAway::Crowded.into(),
                status if status.is_server_error() => {
                    UsersAway::silent(format_args!("its status is {}", status.as_u16())).into()
                }
                status => UsersAway::nonsense(format_args!("its status is {}", status.as_u16())).into(),
            });
        }
        if self.equal.is_empty() && self.subject.is_none() && self.claims.is_empty() {
            return Ok(Known { subject: None, claims: Value::Object(Map::new()) });
        }
        let document = Document::parse(body).map_err(|_| UsersAway::nonsense("it is no JSON"))?;
        let is_so = |(pointer, wanted): &(String, Value)| {
            document.pointer(pointer).and_then(|found| claims::owned(&found)).as_ref() == Some(wanted)
        };
        if !self.equal.iter().all(is_so) {
            return Err(Failure::WrongPassword);
        }
        Ok(Known { subject: self.subject(&document)?, claims: self.claims(&document)? })
    }

    fn subject(&self, document: &Document<'_>) -> Result<Option<String>, UsersAway> {
        let Some(pointer) = &self.subject else { return Ok(None) };
        let found = match document.pointer(pointer) {
            Some(json::Value::String(text)) => Some(text.into_owned()),
            Some(json::Value::Number(text)) => Some(text.to_owned()),
            _ => None,
        };
        let is_name = |name: &String| (1..=LONGEST_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
        found.filter(is_name).map(Some).ok_or_else(|| UsersAway::nonsense("it has no name of the user where it should"))
    }

    /// What is not there is not said of them.
    fn claims(&self, document: &Document<'_>) -> Result<Value, UsersAway> {
        let mut found = Map::new();
        for (name, pointer) in &self.claims {
            if let Some(value) = document.pointer(pointer).filter(|value| !matches!(value, json::Value::Null)) {
                let value = claims::owned(&value);
                let value = value.ok_or_else(|| UsersAway::nonsense("a claim has a number that is too large"))?;
                claims::add(&mut found, name, value).map_err(UsersAway::nonsense)?;
            }
        }
        claims::bounded(found).map_err(UsersAway::nonsense)
    }
}

#[cfg(test)]
mod tests;
