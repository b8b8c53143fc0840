//! Keys that another service has: one GET an id, whose JSON answer is read by pointers.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use zeroize::Zeroizing;

use super::{Asked, Encoding, KeyRecord, Remote, Row, Trouble, rows};
use crate::{
    clock::Clock,
    json::{Document, Value},
    outcall::{self, CallError, Client, is_this_machine},
};

/// Most secrets read of one answer. More than can be live, for some may be over.
const MOST_SECRETS: usize = 32;

/// Whom to ask, and how to read what comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where an id's key is.
    pub url: UrlTemplate,
    /// Fields of each request. Those with a secret are marked as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What is where in an answer.
    pub answer: Pointers,
    /// How secrets are written, where the answer does not say so.
    pub encoding: Encoding,
    /// How calls are made.
    pub calls: outcall::Settings,
}

/// JSON pointers (RFC 6901) into an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointers {
    /// The array whose elements are secrets; then `of_secret` begins at the element. `None`: the answer is one itself.
    pub secrets: Option<String>,
    /// What is known of a secret: `secret`, `encoding`, `label`, `not_before`, `not_after`.
    pub of_secret: Vec<(&'static str, String)>,
    /// What is known of the id: `id`, `disabled`, and attributes by their names.
    pub of_id: Vec<(String, String)>,
}

/// A URL with a place for the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate {
    before: String,
    after: String,
}

/// Why a text is no URL of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It begins with something else.
    #[error("it must begin with `http://` or `https://`")]
    Scheme,
    /// There is a user name in it.
    #[error("a user name or password in it is not used; a header can hold one")]
    UserInfo,
    /// The id has no place, or several.
    #[error("`{{id}}` must stand in it once")]
    Id,
    /// The id is part of something.
    #[error("`{{id}}` must be a whole segment of the path, or the whole value of a query parameter")]
    Whole,
    /// It is no URL.
    #[error("it is no URL")]
    Malformed,
}

/// A service that is asked.
pub struct Source {
    client: Client,
    settings: Settings,
    clock: Clock,
}

impl Settings {
    /// What an answer about `id` says.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`]
    pub fn read(&self, id: &[u8], body: &[u8], now_millis: i64) -> Result<Option<KeyRecord>, Trouble> {
        let document = Document::parse(body).map_err(|_| Trouble::unreadable("the answer is no JSON"))?;
        let rows = self.answer.rows(&document)?;
        rows::record(id, &rows, self.encoding, now_millis).map_err(Trouble::unreadable)
    }
}

impl Source {
    /// Nobody was asked yet.
    pub fn new(client: Client, settings: Settings, clock: Clock) -> Source {
        Source { client, settings, clock }
    }

    async fn record(&self, id: &[u8]) -> Result<Option<KeyRecord>, Trouble> {
        let Some(uri) = self.settings.url.of(id) else { return Ok(None) };
        let headers: HeaderMap = self.settings.headers.iter().cloned().collect();
        let answer = self.client.get(uri, headers).await.map_err(of_call)?;
        match answer.status {
            StatusCode::OK => self.settings.read(id, &answer.body, self.clock.unix_millis()),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            other => Err(of_status(other)),
        }
    }
}

impl Remote for Source {
    fn ask<'r>(&'r self, id: &'r [u8]) -> Asked<'r> {
        Box::pin(self.record(id))
    }
}

/// What an answer without a key says.
fn of_status(status: StatusCode) -> Trouble {
    let why = format!("the key service answered with {}", status.as_u16()).into();
    match status {
        StatusCode::LOCKED | StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => Trouble::Denied(why),
        // Firewalls and gateways before a service say these to whoever asks, and services of an id.
        StatusCode::BAD_REQUEST
        | StatusCode::PAYMENT_REQUIRED
        | StatusCode::FORBIDDEN
        | StatusCode::CONFLICT
        | StatusCode::UNPROCESSABLE_ENTITY => Trouble::Withheld(why),
        // Of the gateway, of how it asks, or of the service itself: nothing is said of the id.
        _ => Trouble::Refused(why),
    }
}

fn of_call(error: CallError) -> Trouble {
    match error {
        CallError::TimedOut(_) => Trouble::TimedOut,
        CallError::TooMany => Trouble::Busy,
        CallError::NotConnected(_) | CallError::Broken(_) | CallError::Stopped(_) => Trouble::away(error),
        CallError::TooLarge(_) => Trouble::unreadable(error),
        CallError::Uri => Trouble::refused(error),
    }
}

impl Pointers {
    /// The answer's secrets, each a row.
    fn rows<'d>(&'d self, document: &'d Document<'_>) -> Result<Vec<Row<'d>>, Trouble> {
        let root = document.root();
        let of_id = self.of_id.iter().map(|(name, pointer)| cell(&root, name, pointer));
        let of_id = of_id.collect::<Result<Row<'d>, Trouble>>()?;
        let elements = match &self.secrets {
            None => vec![root],
            Some(pointer) => match root.pointer(pointer) {
                Some(Value::Array(array)) => array.iter().collect(),
                _ => return Err(Trouble::unreadable("there is no array of secrets in the answer")),
            },
        };
        if elements.is_empty() || elements.len() > MOST_SECRETS {
            return Err(Trouble::unreadable(format_args!("the answer has none or more than {MOST_SECRETS} secrets")));
        }
        let row = |element: &Value<'d>| {
            let cells = self.of_secret.iter().map(|(name, pointer)| cell(element, name, pointer));
            cells.chain(of_id.iter().cloned().map(Ok)).collect::<Result<Row<'d>, Trouble>>()
        };
        elements.iter().map(row).collect()
    }
}

type Cell<'d> = (Cow<'d, str>, Option<Zeroizing<Vec<u8>>>);

/// What `pointer` names: text, or a number or boolean as it is written. What is not there is nothing.
fn cell<'d>(value: &Value<'_>, name: &'d str, pointer: &str) -> Result<Cell<'d>, Trouble> {
    let text = match value.pointer(pointer) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.into_owned()),
        Some(Value::Number(text)) => Some(text.to_owned()),
        Some(Value::Bool(truth)) => Some(truth.to_string()),
        Some(Value::Array(_) | Value::Object(_)) => {
            return Err(Trouble::unreadable(format_args!("`{name}` is an array or an object")));
        }
    };
    Ok((Cow::Borrowed(name), text.map(|text| Zeroizing::new(text.into_bytes()))))
}

impl UrlTemplate {
    /// Reads `text`.
    ///
    /// # Errors
    /// [`UrlFault`]
    pub fn parse(text: &str) -> Result<UrlTemplate, UrlFault> {
        let rest = text.strip_prefix("http://").or(text.strip_prefix("https://")).ok_or(UrlFault::Scheme)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(UrlFault::UserInfo);
        }
        let (before, after) = text.split_once("{id}").ok_or(UrlFault::Id)?;
        if after.contains("{id}") {
            return Err(UrlFault::Id);
        }
        let (in_path, in_query) = (before.ends_with('/') && !before.contains('?'), before.ends_with('='));
        let ends = match in_path {
            true => after.is_empty() || after.starts_with(['/', '?']),
            false => after.is_empty() || after.starts_with('&'),
        };
        if authority.contains("{id}") || !(in_path || in_query && before.contains('?')) || !ends {
            return Err(UrlFault::Whole);
        }
        let template = UrlTemplate { before: before.to_owned(), after: after.to_owned() };
        let is_whole = |uri: Uri| uri.authority().is_some_and(|authority| !authority.host().is_empty());
        let is_plain = !text.contains(['#', '{']) || text.matches(['#', '{']).count() == 1;
        template.of(b"id").filter(|uri| is_plain && is_whole(uri.clone())).map(|_| template).ok_or(UrlFault::Malformed)
    }

    /// Whether it is called over TLS.
    pub fn is_tls(&self) -> bool {
        self.before.starts_with("https://")
    }

    /// Whether it is on this machine.
    pub fn is_here(&self) -> bool {
        self.of(b"id").is_some_and(|uri| uri.host().is_some_and(is_this_machine))
    }

    /// The URL of `id`. `None` for what no escape keeps from meaning another place.
    fn of(&self, id: &[u8]) -> Option<Uri> {
        if matches!(id, b"." | b"..") {
            return None;
        }
        let mut url = self.before.clone();
        for byte in id {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => url.push(char::from(*byte)),
                other => url.push_str(&format!("%{other:02X}")),
            }
        }
        (url + &self.after).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(secrets: Option<&str>) -> Pointers {
        let names = ["secret", "encoding", "label", "not_before", "not_after"];
        Pointers {
            secrets: secrets.map(str::to_owned),
            of_secret: names.map(|name| (name, format!("/{name}"))).to_vec(),
            of_id: vec![
                ("id".to_owned(), "/device".to_owned()),
                ("disabled".to_owned(), "/disabled".to_owned()),
                ("tenant".to_owned(), "/owner/name".to_owned()),
            ],
        }
    }

    fn read(secrets: Option<&str>, body: &str) -> Result<Option<KeyRecord>, Trouble> {
        let calls = outcall::Settings {
            tls: false,
            roots: None,
            connect_timeout: std::time::Duration::from_secs(1),
            timeout: std::time::Duration::from_secs(1),
            largest_answer: 1024,
            most_calls: 1,
        };
        let settings = Settings {
            url: UrlTemplate::parse("http://127.0.0.1/{id}").unwrap(),
            headers: Vec::new(),
            answer: pointers(secrets),
            encoding: Encoding::Text,
            calls,
        };
        settings.read(b"dev-1", body.as_bytes(), 0)
    }

    #[test]
    fn an_answer_is_one_secret_or_an_array_of_them() {
        let body = r#"{"device":"dev-1","secret":"6b","encoding":"hex","disabled":false,"owner":{"name":"acme"}}"#;
        let record = read(None, body).unwrap().unwrap();
        assert_eq!(record.secrets[0].secret.expose(), b"k");
        assert_eq!(record.attributes.unwrap().text("tenant"), Some("acme"));
        let body = r#"{"device":"dev-1","keys":[{"secret":"a","not_after":4102444800},{"secret":"b","label":"old"}]}"#;
        let record = read(Some("/keys"), body).unwrap().unwrap();
        assert_eq!(record.secrets.len(), 2);
        assert_eq!(record.secrets[1].label.as_deref(), Some("old"));
    }

    #[test]
    fn an_answer_about_another_id_is_none() {
        assert!(read(None, r#"{"device":"dev-2","secret":"k"}"#).unwrap().is_none());
        assert!(read(None, r#"{"secret":"k"}"#).unwrap().is_none(), "nobody says whose it is");
    }

    #[test]
    fn a_status_is_about_the_id_or_about_who_asks_or_may_be_either() {
        let trouble = |status: u16| of_status(StatusCode::from_u16(status).unwrap());
        for status in [423, 451] {
            assert!(matches!(trouble(status), Trouble::Denied(_)), "{status}");
        }
        for status in [400, 402, 403, 409, 422] {
            assert!(matches!(trouble(status), Trouble::Withheld(_)), "{status}");
        }
        for status in [204, 302, 401, 405, 406, 407, 408, 411, 415, 417, 421, 425, 426, 429, 431, 500, 502, 503] {
            assert!(matches!(trouble(status), Trouble::Refused(_)), "{status}");
        }
    }

    #[test]
    fn what_is_no_key_is_not_taken_for_an_unknown_id() {
        for (secrets, body) in [
            (None, ""),
            (None, "null"),
            (None, "[]"),
            (None, r#"{"device":"dev-1"}"#),
            (None, r#"{"device":"dev-1","secret":""}"#),
            (None, r#"{"device":"dev-1","secret":["k"]}"#),
            (None, r#"{"device":"dev-1","secret":"k","secret":"l"}"#),
            (None, r#"{"device":"dev-1","secret":"k","disabled":"perhaps"}"#),
            (Some("/keys"), r#"{"device":"dev-1","keys":[]}"#),
            (Some("/keys"), r#"{"device":"dev-1","keys":{"secret":"k"}}"#),
        ] {
            let answer = read(secrets, body);
            // Where the answer does not name the id it may be anybody's.
            let is_nobodys = matches!(&answer, Ok(None)) && !body.contains("dev-1");
            assert!(matches!(answer, Err(Trouble::Unreadable(_))) || is_nobodys, "{body}: {answer:?}");
        }
    }

    #[test]
    fn an_id_is_one_segment_or_one_value_whatever_is_in_it() {
        let url = |template: &str, id: &str| UrlTemplate::parse(template).unwrap().of(id.as_bytes());
        let path = "https://r.internal/devices/{id}/key";
        assert_eq!(url(path, "a/../b?c=d#e%2f").unwrap().path(), "/devices/a%2F..%2Fb%3Fc%3Dd%23e%252f/key");
        assert_eq!(url("http://r/k?id={id}&v=1", "a&v=2").unwrap().query(), Some("id=a%26v%3D2&v=1"));
        assert_eq!(url("http://r/k?id={id}", "a+b").unwrap().query(), Some("id=a%2Bb"));
        assert!(url(path, "..").is_none() && url(path, ".").is_none());
    }

    #[test]
    fn a_url_that_an_id_could_change_otherwise_is_refused() {
        for (text, fault) in [
            ("ftp://r/{id}", UrlFault::Scheme),
            ("https://u:p@r/{id}", UrlFault::UserInfo),
            ("https://r/devices", UrlFault::Id),
            ("https://r/{id}/{id}", UrlFault::Id),
            ("https://{id}/key", UrlFault::Whole),
            ("https://{id}.r/key", UrlFault::Whole),
            ("https://r/dev-{id}", UrlFault::Whole),
            ("https://r/{id}.json", UrlFault::Whole),
            ("https://r/k?id=x{id}", UrlFault::Whole),
            ("https://r/k?{id}", UrlFault::Whole),
            ("https://r/k=/{id}x", UrlFault::Whole),
            ("https://r/k={id}", UrlFault::Whole),
            ("https:///{id}", UrlFault::Malformed),
            ("https://r/{id}#x", UrlFault::Whole),
            ("https://r/ /{id}", UrlFault::Malformed),
            ("https://r/{tenant}/{id}", UrlFault::Malformed),
        ] {
            assert_eq!(UrlTemplate::parse(text).unwrap_err(), fault, "{text}");
        }
    }
}
