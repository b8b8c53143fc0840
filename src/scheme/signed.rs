//! Which sources a signature vouches for: templates taken apart to the sources they rest on.

use super::{
    Template,
    template::{Chain, Filter, Source},
};

/// A source that a template rests on, with all that is done to it on the way.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) source: Source,
    pub(super) filters: Vec<Filter>,
    /// Place of the outermost expression in the template that was taken apart.
    pub(super) offset: usize,
    pub(super) length: usize,
}

impl Leaf {
    fn is_exact(&self) -> bool {
        !self.filters.iter().any(Filter::is_lossy)
    }
}

/// What named values and the key id stand for.
#[derive(Clone, Copy)]
pub(super) struct Meanings<'t> {
    pub(super) values: &'t [Template],
    pub(super) key_id: Option<&'t Template>,
}

impl<'t> Meanings<'t> {
    pub(super) fn leaves(self, template: &Template) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        for chain in template.chains() {
            self.expand(chain, &[], (chain.offset, chain.length), &mut leaves);
        }
        leaves
    }

    /// The key id taken as a source of its own, whatever its template says.
    pub(super) fn without_key_id(self) -> Meanings<'t> {
        Meanings { key_id: None, ..self }
    }

    fn expand(self, chain: &Chain, outer: &[Filter], place: (usize, usize), leaves: &mut Vec<Leaf>) {
        let filters = [chain.filters.as_slice(), outer].concat();
        let inner = match &chain.source {
            Source::Value(index, _) => self.values.get(*index),
            Source::KeyId => self.key_id,
            _ => None,
        };
        if let Some(inner) = inner {
            let meanings = if matches!(chain.source, Source::KeyId) { self.without_key_id() } else { self };
            for chain in inner.chains() {
                meanings.expand(chain, &filters, place, leaves);
            }
        }
        if !matches!(chain.source, Source::Value(..)) {
            let (offset, length) = place;
            leaves.push(Leaf { source: chain.source.clone(), filters, offset, length });
        }
    }
}

/// The sources whose bytes the signature fixes.
pub(super) struct Signed {
    leaves: Vec<Leaf>,
}

impl Signed {
    pub(super) fn by_message(message: &Template, meanings: Meanings<'_>) -> Signed {
        Signed { leaves: meanings.leaves(message) }
    }

    /// What must equal something signed is signed too, if it is one source and nothing is lost on the way.
    pub(super) fn with_requirements(mut self, require: &[(Template, Template)], meanings: Meanings<'_>) -> Signed {
        // A requirement can rest on another; there are no more steps than requirements.
        for _ in 0..require.len() {
            for (left, right) in require {
                self.bind(left, right, meanings);
                self.bind(right, left, meanings);
            }
        }
        self
    }

    fn bind(&mut self, signed: &Template, bound: &Template, meanings: Meanings<'_>) {
        let (rests_on, bound) = (meanings.leaves(signed), meanings.leaves(bound));
        let [leaf] = bound.as_slice() else { return };
        if leaf.is_exact() && self.fixes_all(&rests_on) && !self.fixes(leaf) {
            self.leaves.push(leaf.clone());
        }
    }

    pub(super) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    pub(super) fn fixes_all(&self, leaves: &[Leaf]) -> bool {
        leaves.iter().all(|leaf| self.fixes(leaf))
    }

    /// Whether two requests with one signature must agree in this leaf.
    ///
    /// A signature over `{header:A|lower}` leaves the case of A open: a replay key over A itself would let every
    /// spelling through once. So either nothing is lost, or the leaf begins with the very same steps.
    pub(super) fn fixes(&self, leaf: &Leaf) -> bool {
        self.leaves.iter().any(|signed| {
            let same_steps = || signed.source.same(&leaf.source) && leaf.filters.starts_with(&signed.filters);
            signed.source.contains(&leaf.source) && (signed.is_exact() || same_steps())
        })
    }
}
