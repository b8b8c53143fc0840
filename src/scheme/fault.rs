//! What is wrong with a scheme's text, with its place, so that the config can show it under a caret.

use std::fmt;

/// One problem in a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key it is in, with dots (`signature.from`). `require.left` and `require.right` are the first and the second
    /// template of an equality; a fault of the whole scheme names the key that is missing or at odds.
    pub field: &'static str,
    /// Which entry, where the field is a list or a map (`values`, `require.…`, `emit`, `signing_key.chain`).
    pub index: Option<usize>,
    /// Which entry of that entry (`values.special`, `values.covers`).
    pub inner: Option<usize>,
    /// First byte of the place in that template's text.
    pub offset: usize,
    /// Length of the place in bytes; 0 if it is the whole field.
    pub length: usize,
    /// What is wrong, as a clause without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault at a place of a template that does not know its field yet.
    pub(super) fn at(offset: usize, length: usize, message: impl Into<String>) -> Fault {
        Fault { field: "template", index: None, inner: None, offset, length, message: message.into(), hint: None }
    }

    /// A fault of a field as a whole.
    pub(super) fn whole(field: &'static str, message: impl Into<String>) -> Fault {
        Fault { field, ..Fault::at(0, 0, message) }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Fault {
        Fault { hint: Some(hint.into()), ..self }
    }

    pub(super) fn suggest(self, wrong: &str, candidates: &[&str]) -> Fault {
        match nearest(wrong, candidates) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    pub(super) fn in_field(self, field: &'static str, index: Option<usize>) -> Fault {
        Fault { field, index, ..self }
    }

    pub(super) fn in_entry(self, field: &'static str, index: usize, inner: Option<usize>) -> Fault {
        Fault { field, index: Some(index), inner, ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field)?;
        if let Some(index) = self.index {
            write!(f, "[{index}]")?;
        }
        write!(f, ": {}", self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

fn nearest<'c>(wrong: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let scored = candidates.iter().map(|candidate| (strsim::jaro_winkler(wrong, candidate), *candidate));
    scored.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}
