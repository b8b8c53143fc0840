//! A route's path pattern: literal segments, `{name}` for one segment, a final `/**` for everything below.

use super::{
    reading,
    screening::{self, Shape, Why},
};

/// Deeper patterns are refused, so that matching needs little stack.
const MOST_SEGMENTS: usize = 64;

/// A pattern, parsed.
#[derive(Debug)]
pub(super) struct Pattern {
    segments: Vec<Segment>,
    below: bool,
}

#[derive(Debug)]
enum Segment {
    /// One non-empty segment, whatever it is.
    Any,
    /// These bytes, and the bytes that a lenient upstream may take for the same.
    Literal { exact: Box<[u8]>, folded: Box<[u8]> },
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// It does not start with `/`.
    #[error("a path pattern starts with `/`")]
    NotAbsolute,
    /// It holds `//`.
    #[error("a path pattern has no empty segment")]
    EmptySegment,
    /// A brace or star that is neither a whole `{name}` segment nor a final `/**`.
    #[error("`{{name}}` is a whole segment, and `**` is the last one")]
    Wildcard,
    /// More segments than a pattern may have.
    #[error("a path pattern has at most {MOST_SEGMENTS} segments")]
    TooDeep,
    /// A literal segment that no request could match, or that could be read in two ways.
    #[error("{0}")]
    Literal(Why),
}

impl Pattern {
    /// Parses a pattern.
    pub(super) fn parse(text: &str) -> Result<Pattern, PatternFault> {
        let path = text.strip_prefix('/').ok_or(PatternFault::NotAbsolute)?;
        let (path, below) = match path.strip_suffix("**") {
            None => (Some(path), false),
            Some("") => (None, true),
            Some(above) => (Some(above.strip_suffix('/').ok_or(PatternFault::Wildcard)?), true),
        };
        let texts: Vec<&str> = path.map(|path| path.split('/').collect()).unwrap_or_default();
        if texts.len() > MOST_SEGMENTS {
            return Err(PatternFault::TooDeep);
        }
        let last = texts.len().saturating_sub(1);
        if texts.iter().enumerate().any(|(at, text)| text.is_empty() && (below || at != last)) {
            return Err(PatternFault::EmptySegment);
        }
        let segments = texts.into_iter().map(Segment::parse).collect::<Result<_, _>>()?;
        Ok(Pattern { segments, below })
    }

    /// Whether the pattern ends in `/**`.
    pub(super) fn below(&self) -> bool {
        self.below
    }

    /// Its segments as written; `None` for `{name}`.
    pub(super) fn exact(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.segments.iter().map(|segment| match segment {
            Segment::Any => None,
            Segment::Literal { exact, .. } => Some(&**exact),
        })
    }

    /// Its segments as the most lenient upstream reads them; `None` for `{name}`.
    pub(super) fn folded(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.segments.iter().map(|segment| match segment {
            Segment::Any => None,
            Segment::Literal { folded, .. } => Some(&**folded),
        })
    }

    /// Whether it reads as it is written.
    pub(super) fn is_plain(&self) -> bool {
        self.exact().eq(self.folded())
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Segment, PatternFault> {
        if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            return if named { Ok(Segment::Any) } else { Err(PatternFault::Wildcard) };
        }
        if text.contains(['*', '{', '}']) {
            return Err(PatternFault::Wildcard);
        }
        let folded = fold(text).map_err(PatternFault::Literal)?;
        Ok(Segment::Literal { exact: text.as_bytes().into(), folded })
    }
}

/// The one reading of a literal segment.
fn fold(text: &str) -> Result<Box<[u8]>, Why> {
    let path = format!("/{text}");
    if screening::screen(&path)? == Shape::Plain {
        return Ok(text.as_bytes().into());
    }
    let decoded = reading::decode(&path)?;
    let mut readings = decoded.readings();
    let reading = readings.next().transpose()?.unwrap_or_default();
    if readings.next().is_some() {
        return Err(Why::EncodedDelimiter);
    }
    Ok(reading.strip_prefix(b"/").unwrap_or(&reading).into())
}
