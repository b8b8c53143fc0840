//! What is wrong with a file of keys, and where. No secret is in any text.

use std::fmt;

use super::super::{AttributeFault, LONGEST_ID, LONGEST_NAME, LONGEST_SECRET, MOST_LIVE};
use crate::watch::Seen;

/// One thing that is wrong, and its place.
#[derive(Debug)]
pub struct FileFault {
    /// From 1; 0 where it is the whole file.
    pub line: u64,
    /// The character of that line, from 1; 0 where that is not known.
    pub at: u64,
    /// The column's or member's name, where it is about one.
    pub column: Option<String>,
    /// What is wrong.
    pub why: Why,
}

/// What can be wrong.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each says itself what it is")]
pub enum Why {
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("the file is not UTF-8")]
    NotText,
    #[error("the file has no column `{0}`: its first line names them, with commas between, such as `id,secret`")]
    NoColumn(&'static str),
    #[error("it stands there twice")]
    Twice,
    #[error("the line has {found} fields where the header has {wanted}")]
    Fields { found: usize, wanted: usize },
    #[error("a quote is opened here and never closed")]
    OpenQuote,
    #[error("it is no CSV")]
    NotCsv,
    #[error("it is no JSON object: {0}")]
    NotJson(&'static str),
    #[error("it is no YAML: {0}")]
    NotYaml(String),
    #[error("it is missing")]
    Missing,
    #[error("it must be {0}")]
    Type(&'static str),
    #[error("a key id is 1 to {LONGEST_ID} visible ASCII characters")]
    Id,
    #[error("the secret is empty")]
    EmptySecret,
    #[error("the secret is longer than {LONGEST_SECRET} bytes")]
    LongSecret,
    #[error("it is not hexadecimal")]
    NotHex,
    #[error("it is not padded base64")]
    NotBase64,
    #[error("it is not base64url")]
    NotBase64Url,
    #[error("wanted is RFC 3339, or seconds since 1970")]
    NotTime,
    #[error("the secret is over before it begins")]
    NeverGood,
    #[error("a label has at most {LONGEST_NAME} bytes and no control character")]
    Label,
    #[error("an id has at most {MOST_LIVE} secrets")]
    TooManySecrets,
    #[error("the id has this secret already")]
    SecretTwice,
    #[error("the id has other attributes on another line")]
    OtherAttributes,
    #[error(transparent)]
    Attribute(#[from] AttributeFault),
    #[error("there is no room for more keys in one file")]
    NoRoom,
    #[error("{0}")]
    Unfit(crate::scheme::KeyFault),
}

impl FileFault {
    /// Whether the file was read, and is of no use until it changes; or could not be, and may be read the next time.
    pub fn seen(&self) -> Seen {
        match &self.why {
            Why::Unreadable(error) => Seen::failed(error.kind()),
            _ => Seen::Read,
        }
    }

    /// Of the whole file.
    pub(super) fn whole(why: impl Into<Why>) -> FileFault {
        FileFault { line: 0, at: 0, column: None, why: why.into() }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.at) {
            (0, _) => {}
            (line, 0) => write!(f, "line {line}")?,
            (line, at) => write!(f, "line {line}, column {at}")?,
        }
        match (self.line, &self.column) {
            (0, None) => write!(f, "{}", self.why),
            (0, Some(column)) => write!(f, "`{column}`: {}", self.why),
            (_, None) => write!(f, ": {}", self.why),
            (_, Some(column)) => write!(f, ", `{column}`: {}", self.why),
        }
    }
}

impl std::error::Error for FileFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.why)
    }
}
