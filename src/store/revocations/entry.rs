//! One revocation: what it names, and how it is written. The same document stands in the file, comes in a call, and is
//! shown in a list.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::TOO_LARGE_FOR_SECONDS;

/// Longest name that can be revoked, in bytes.
const LONGEST_NAME: usize = 1024;
/// Longest reason, in bytes.
const LONGEST_REASON: usize = 1024;

/// What is no longer good.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revoked {
    /// The token with that `jti`.
    Jti(String),
    /// Everything of a subject.
    Subject(String),
    /// Everything that is signed with a key of that id, tokens with that `kid` included.
    KeyId(String),
    /// Tokens that are older than a moment.
    IssuedBefore(Whose),
}

/// Whose tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Whose {
    /// Everybody's.
    All,
    /// A subject's.
    Subject(String),
    /// Those of a `tokens` entry.
    Tokens(String),
}

/// Who wants something revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Whoever runs the gateway: the whole list is theirs, and they may lift it again.
    #[default]
    Operator,
    /// Whoever has a token, and may come again and again: nine tenths are theirs, so that the operator finds room. Nobody lifts it.
    Holder,
}

/// What of a request was revoked, without its name: that came from outside.
impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Revoked::Jti(_) => "its `jti`",
            Revoked::Subject(_) => "its subject",
            Revoked::KeyId(_) => "its key id",
            Revoked::IssuedBefore(_) => "its token is older than tokens may be",
        })
    }
}

/// A revocation, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// What.
    pub revoked: Revoked,
    /// Of tokens older than a moment: the moment, in seconds since 1970. Zero for others.
    pub before_unix: i64,
    /// Until when it must be remembered, in seconds since 1970; `None`: for good.
    pub until_unix: Option<i64>,
    /// Why, for people.
    pub reason: Option<String>,
    /// When it was made, in seconds since 1970.
    pub made_unix: i64,
    /// Who wanted it.
    pub by: By,
}

/// What stands in a line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A revocation.
    Revoked(Revocation),
    /// What it names is lifted, whatever stands above.
    Lifted(Revoked),
}

/// Why a document is no revocation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRevocation {
    /// It is not JSON, or has other members than a revocation has.
    #[error("this is no revocation: {0}")]
    Shape(String),
    /// It names nothing, or more than one thing.
    #[error(
        "a revocation names one of `jti`, `subject`, `key_id`, or `issued_before` with a `subject`, `tokens` or neither"
    )]
    NotOne,
    /// A name or the reason is empty, too long, or has control characters.
    #[error("`{0}` is empty, too long, or has control characters")]
    Text(&'static str),
    /// Its line is longer than that of any revocation.
    #[error("the line is longer than a revocation can be")]
    Long,
    /// A time that is so large a number that it cannot be in seconds.
    #[error("`{0}` is too large for a time in seconds: milliseconds, where seconds are wanted?")]
    NotSeconds(&'static str),
    /// It would be over before it began.
    #[error("`until` is over already")]
    Over,
}

/// The document.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_before: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<By>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifted: Option<i64>,
}

impl Line {
    /// Reads a line, without its end.
    ///
    /// # Errors
    /// [`BadRevocation`]
    pub fn parse(line: &[u8], now_unix: i64) -> Result<Line, BadRevocation> {
        let document = Document::parse(line)?;
        let is_lifted = document.lifted.is_some();
        let revocation = document.revocation(now_unix)?;
        Ok(if is_lifted { Line::Lifted(revocation.revoked) } else { Line::Revoked(revocation) })
    }
}

impl Document {
    fn parse(json: &[u8]) -> Result<Document, BadRevocation> {
        serde_json::from_slice(json).map_err(|error| BadRevocation::Shape(error.to_string()))
    }

    fn revocation(self, now_unix: i64) -> Result<Revocation, BadRevocation> {
        let Document { jti, subject, key_id, tokens, issued_before, until, reason, made, by, lifted: _ } = self;
        for (name, text) in [("jti", &jti), ("subject", &subject), ("key_id", &key_id), ("tokens", &tokens)] {
            check(name, text.as_deref(), LONGEST_NAME)?;
        }
        check("reason", reason.as_deref(), LONGEST_REASON)?;
        let revoked = match (jti, subject, key_id, tokens, issued_before) {
            (Some(jti), None, None, None, None) => Revoked::Jti(jti),
            (None, Some(subject), None, None, None) => Revoked::Subject(subject),
            (None, None, Some(key_id), None, None) => Revoked::KeyId(key_id),
            (None, None, None, None, Some(_)) => Revoked::IssuedBefore(Whose::All),
            (None, Some(subject), None, None, Some(_)) => Revoked::IssuedBefore(Whose::Subject(subject)),
            (None, None, None, Some(tokens), Some(_)) => Revoked::IssuedBefore(Whose::Tokens(tokens)),
            _ => return Err(BadRevocation::NotOne),
        };
        Ok(Revocation {
            revoked,
            before_unix: issued_before.unwrap_or_default(),
            until_unix: until,
            reason,
            made_unix: made.unwrap_or(now_unix),
            by: by.unwrap_or_default(),
        })
    }
}

impl Revocation {
    /// Reads a document. Where it does not say when it was made, that is `now_unix`.
    ///
    /// # Errors
    /// [`BadRevocation`]
    pub fn parse(json: &[u8], now_unix: i64) -> Result<Revocation, BadRevocation> {
        let document = Document::parse(json)?;
        if document.lifted.is_some() {
            return Err(BadRevocation::Shape("`lifted` stands in the file alone".to_owned()));
        }
        // A file keeps what it has: only what is new is refused.
        for (name, unix) in [("issued_before", document.issued_before), ("until", document.until)] {
            if unix.is_some_and(|unix| unix >= TOO_LARGE_FOR_SECONDS) {
                return Err(BadRevocation::NotSeconds(name));
            }
        }
        document.revocation(now_unix)
    }

    /// The document, in one line without its end.
    pub fn to_json(&self) -> serde_json::Value {
        // Texts and numbers alone can always be written.
        serde_json::to_value(self.document()).unwrap_or_default()
    }

    /// The line that lifts it, without its end.
    pub(super) fn lifted_json(&self, now_unix: i64) -> serde_json::Value {
        serde_json::to_value(Document { lifted: Some(now_unix), ..self.document() }).unwrap_or_default()
    }

    fn document(&self) -> Document {
        let mut document = Document {
            until: self.until_unix,
            reason: self.reason.clone(),
            made: Some(self.made_unix),
            by: (self.by != By::Operator).then_some(self.by),
            ..Document::default()
        };
        match &self.revoked {
            Revoked::Jti(jti) => document.jti = Some(jti.clone()),
            Revoked::Subject(subject) => document.subject = Some(subject.clone()),
            Revoked::KeyId(key_id) => document.key_id = Some(key_id.clone()),
            Revoked::IssuedBefore(whose) => {
                document.issued_before = Some(self.before_unix);
                match whose {
                    Whose::All => {}
                    Whose::Subject(subject) => document.subject = Some(subject.clone()),
                    Whose::Tokens(tokens) => document.tokens = Some(tokens.clone()),
                }
            }
        }
        document
    }

    /// Whether nothing that it names can be good any more.
    pub fn is_over(&self, now_unix: i64) -> bool {
        self.until_unix.is_some_and(|until| until < now_unix)
    }

    /// Whether it holds for what names it: for a token that is older than its moment, and one that does not say how old it
    /// is may be older.
    pub(super) fn holds_for(&self, issued_unix: Option<f64>, now_unix: i64) -> bool {
        !self.is_over(now_unix)
            && match self.revoked {
                Revoked::Jti(_) | Revoked::Subject(_) | Revoked::KeyId(_) => true,
                Revoked::IssuedBefore(_) => issued_unix.is_none_or(|issued| issued < self.before_unix as f64),
            }
    }

    /// Whether `self` holds for all that `other` holds for, as long, and is lifted by nobody else.
    pub(super) fn covers(&self, other: &Revocation) -> bool {
        let until = |revocation: &Revocation| revocation.until_unix.unwrap_or(i64::MAX);
        self.revoked == other.revoked
            && self.before_unix >= other.before_unix
            && until(self) >= until(other)
            && (self.by == other.by || other.by == By::Operator)
    }
}

fn check(name: &'static str, text: Option<&str>, longest: usize) -> Result<(), BadRevocation> {
    let is_good = |text: &str| !text.is_empty() && text.len() <= longest && !text.contains(char::is_control);
    if text.is_none_or(is_good) { Ok(()) } else { Err(BadRevocation::Text(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Revocation, BadRevocation> {
        Revocation::parse(json.as_bytes(), 1_000)
    }

    #[test]
    fn each_kind_is_read_and_written_back() {
        for json in [
            r#"{"jti":"j1","made":5}"#,
            r#"{"subject":"alice","until":2000,"reason":"left","made":5}"#,
            r#"{"key_id":"dev-1","made":5}"#,
            r#"{"issued_before":900,"made":5}"#,
            r#"{"issued_before":900,"subject":"alice","made":5}"#,
            r#"{"tokens":"api","issued_before":900,"made":5}"#,
            r#"{"jti":"j1","made":5,"by":"holder"}"#,
        ] {
            let revocation = read(json).unwrap();
            assert_eq!(read(&revocation.to_json().to_string()), Ok(revocation), "{json}");
        }
        assert_eq!(read(r#"{"jti":"j1"}"#).unwrap().made_unix, 1_000);
    }

    #[test]
    fn a_line_that_lifts_names_what_the_revocation_named() {
        for json in [r#"{"key_id":"dev-1"}"#, r#"{"issued_before":900,"subject":"alice","until":2000,"reason":"x"}"#] {
            let revocation = read(json).unwrap();
            let line = Line::parse(revocation.lifted_json(1_500).to_string().as_bytes(), 1_000);
            assert_eq!(line, Ok(Line::Lifted(revocation.revoked.clone())), "{json}");
            assert_eq!(Line::parse(json.as_bytes(), 1_000), Ok(Line::Revoked(revocation)), "{json}");
        }
    }

    #[test]
    fn a_time_in_milliseconds_is_refused_unless_it_stands_in_the_file_already() {
        for (name, json) in [
            ("issued_before", r#"{"issued_before":1764500000000,"subject":"alice"}"#),
            ("until", r#"{"jti":"j1","until":1764500000000}"#),
        ] {
            assert_eq!(read(json), Err(BadRevocation::NotSeconds(name)));
            assert!(matches!(Line::parse(json.as_bytes(), 1_000), Ok(Line::Revoked(_))), "{json}");
        }
    }

    #[test]
    fn what_names_nothing_or_several_things_is_no_revocation() {
        for json in ["{}", r#"{"jti":"a","subject":"b"}"#, r#"{"tokens":"api"}"#, r#"{"key_id":"a","issued_before":1}"#]
        {
            assert_eq!(read(json), Err(BadRevocation::NotOne), "{json}");
        }
        for json in [r#"{"jti":""}"#, r#"{"subject":"a\nb"}"#, &format!(r#"{{"jti":"{}"}}"#, "x".repeat(1025))] {
            assert!(matches!(read(json), Err(BadRevocation::Text(_))), "{json}");
        }
        for json in [
            "",
            "[]",
            r#"{"jti":1}"#,
            r#"{"jit":"a"}"#,
            r#"{"jti":"a"} x"#,
            r#"{"jti":"a","jti":"b"}"#,
            r#"{"jti":"a","lifted":5}"#,
            r#"{"jti":"a","by":"nobody"}"#,
        ] {
            assert!(matches!(read(json), Err(BadRevocation::Shape(_))), "{json}");
        }
    }
}
