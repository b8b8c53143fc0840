//! Values of a message with nothing between them: bytes can move from one to the other under the same signature.
//!
//! What that means for a signature is said in `signed`.

use super::{
    leaves::Meanings,
    template::{Chain, Filter, Part, Source, Template},
    values::NamedValue,
};

/// On which sides of a value nothing says where it begins or ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Touching {
    pub(super) before: bool,
    pub(super) after: bool,
}

/// A side of a value.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Begin,
    End,
}

impl Side {
    /// The part of `template` at this side.
    pub(super) fn of(self, template: &Template) -> Option<&Part> {
        match self {
            Side::Begin => template.parts().first(),
            Side::End => template.parts().last(),
        }
    }
}

impl Touching {
    pub(super) const BOTH: Touching = Touching { before: true, after: true };

    pub(super) fn touches(self) -> bool {
        self.before || self.after
    }

    pub(super) fn or(self, other: Touching) -> Touching {
        Touching { before: self.before || other.before, after: self.after || other.after }
    }
}

impl<'t> Meanings<'t> {
    /// Of the part at `index`, where `around` is what the template as a whole touches.
    pub(super) fn touching(self, parts: &[Part], index: usize, around: Touching) -> Touching {
        let meet = |first: Option<&Part>, second: Option<&Part>, otherwise: bool| match (first, second) {
            (Some(Part::Chain(first)), Some(Part::Chain(second))) => !self.are_told_apart(first, second),
            (Some(_), Some(_)) => false,
            (None, _) | (_, None) => otherwise,
        };
        let this = parts.get(index);
        let previous = index.checked_sub(1).and_then(|previous| parts.get(previous));
        Touching {
            before: meet(previous, this, around.before),
            after: meet(this, parts.get(index.saturating_add(1)), around.after),
        }
    }

    /// Whether it is plain where one value ends and the next begins.
    pub(super) fn are_told_apart(self, first: &Chain, second: &Chain) -> bool {
        let (Some(first), Some(second)) = (self.outermost(first, Side::End), self.outermost(second, Side::Begin))
        else {
            return true;
        };
        // A method has no slash, an authority neither; a target begins with one, until something is taken off it.
        let is_before_slash = matches!(first.source, Source::Method | Source::Authority | Source::Host | Source::Port);
        let is_slash = matches!(second.source, Source::Path | Source::Target) && second.filters.is_empty();
        self.says_its_shape(first) || self.says_its_shape(second) || is_before_slash && is_slash
    }

    /// What stands at that side of a value once named values are written out; `None` if that is a literal.
    fn outermost<'c>(self, chain: &'c Chain, side: Side) -> Option<&'c Chain>
    where
        't: 'c,
    {
        if !chain.filters.is_empty() || chain.otherwise.is_some() {
            return Some(chain);
        }
        let (template, within) = match &chain.source {
            Source::Value(index, _) => match self.values.get(*index) {
                Some(NamedValue::Text(template)) => (template, self),
                // Whatever the lines are, a literal is between them and what is beside them.
                Some(NamedValue::Headers(lines)) if lines.is_closed(side) => return None,
                _ => return Some(chain),
            },
            Source::KeyId => match self.key_id {
                Some(template) => (template, self.without_key_id()),
                None => return Some(chain),
            },
            _ => return Some(chain),
        };
        match side.of(template) {
            Some(Part::Chain(inner)) => within.outermost(inner, side),
            Some(Part::Literal(_)) => None,
            // Of nothing neither side is told from what is beside it.
            None => Some(chain),
        }
    }

    /// Whether a `match` or a digest says how long it is.
    pub(super) fn says_its_shape(self, chain: &Chain) -> bool {
        let named = match &chain.source {
            Source::Value(index, _) => self.values.get(*index),
            _ => None,
        };
        let within = match named {
            Some(NamedValue::Text(template)) => template.single().is_some_and(|chain| self.says_its_shape(chain)),
            _ => false,
        };
        if chain.otherwise.is_some() {
            return false;
        }
        within || chain.has_fixed_length() || chain.filters.iter().any(|filter| matches!(filter, Filter::Match(_)))
    }
}
