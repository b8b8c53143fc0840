//! Which sources a signature vouches for: those whose bytes two requests with one signature must share.

use super::{
    Carrier, Relation, Requirement, Template,
    leaves::{Leaf, Meanings},
    template::{Chain, Filter, Source},
    values::{NamedValue, ParameterSource},
};

/// The sources whose bytes the signature fixes.
#[derive(Clone)]
pub(super) struct Signed<'t> {
    meanings: Meanings<'t>,
    leaves: Vec<Leaf>,
    /// Those that it signs without fixing where they begin and end: `a` + `bc` and `ab` + `c` are one message.
    moving: Vec<Leaf>,
}

/// What follows from a requirement once one side of it is signed.
struct Binding<'r> {
    signed: &'r Template,
    bound: Vec<Leaf>,
}

impl<'r> Binding<'r> {
    fn of(requirement: &'r Requirement, meanings: Meanings<'_>) -> Vec<Binding<'r>> {
        let Requirement { left, right, relation } = requirement;
        let bind = |signed: &'r Template, bound: &Template| {
            let bound = meanings.leaves_of_text(bound).into_iter();
            Binding { signed, bound: bound.filter(|leaf| leaf.is_certain && leaf.is_exact() && !leaf.moves).collect() }
        };
        match relation {
            Relation::Equal => vec![bind(left, right), bind(right, left)],
            // Where both are empty nothing was compared: then all that is known is that there is no body, and only if what is
            // made of one is never empty.
            Relation::EqualIfBody if meanings.is_never_empty(right) => {
                let mut binding = bind(left, right);
                binding.bound.retain(|leaf| leaf.source.is_of_body());
                vec![binding]
            }
            Relation::EqualIfBody | Relation::Under => Vec::new(),
        }
    }
}

impl<'t> Signed<'t> {
    pub(super) fn by_message(message: &Template, meanings: Meanings<'t>) -> Signed<'t> {
        let certain = meanings.leaves_of_text(message).into_iter().filter(|leaf| leaf.is_certain);
        let (moving, leaves) = certain.partition(|leaf| leaf.moves);
        Signed { meanings, leaves, moving }
    }

    /// The same if it were plain where each value begins and ends.
    pub(super) fn wherever_it_ends(&self) -> Signed<'t> {
        let leaves = [self.leaves.as_slice(), self.moving.as_slice()].concat();
        Signed { meanings: self.meanings, leaves, moving: Vec::new() }
    }

    /// What must equal something signed is signed too, if nothing is lost on the way.
    pub(super) fn with_requirements(mut self, require: &[Requirement]) -> Signed<'t> {
        let mut bindings: Vec<Binding<'_>> =
            require.iter().flat_map(|requirement| Binding::of(requirement, self.meanings)).collect();
        // A requirement can rest on another, and each binds once.
        while let Some(at) = bindings.iter().position(|binding| self.undetermined(binding.signed).is_none()) {
            for leaf in bindings.swap_remove(at).bound {
                if !self.fixes(&leaf) {
                    self.leaves.push(leaf);
                }
            }
        }
        self
    }

    pub(super) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Whether that part of a request is signed as a whole, be it in another spelling.
    pub(super) fn covers(&self, part: &Source) -> bool {
        self.leaves.iter().any(|leaf| leaf.source.contains(part) && leaf.is_whole(part))
    }

    /// Whether anything of that part comes out.
    pub(super) fn shows(&self, part: &Source) -> bool {
        self.leaves.iter().any(|leaf| match (&leaf.source, part) {
            (Source::Each(ParameterSource::Query, _), Source::Query) => true,
            (Source::Each(ParameterSource::Form, _), Source::Body) => true,
            (source, part) => source.contains(part),
        })
    }

    /// Whether all parameters of one place are signed, but for the signature itself.
    pub(super) fn covers_every(&self, of: &ParameterSource, carrier: &Carrier) -> bool {
        let is_signature = |name: &String| match (of, carrier) {
            (ParameterSource::Query, Carrier::Query(carrier)) => name == carrier,
            (ParameterSource::Form, Carrier::Form(carrier)) => name == carrier,
            _ => false,
        };
        self.leaves.iter().any(|leaf| match &leaf.source {
            Source::Each(own, except) => own == of && except.iter().all(is_signature) && leaf.is_whole(&Source::Query),
            _ => false,
        })
    }

    /// The first expression of a template that two requests with one signature could give different values for.
    pub(super) fn undetermined<'c>(&self, template: &'c Template) -> Option<&'c Chain> {
        template.chains().find(|chain| !self.determines(self.meanings, chain, &[]))
    }

    /// The same for a time. One of a certain length cannot grow or shrink, wherever it stands: who wanted another one would need a
    /// neighbour that holds it, whole, and in the window, which must have two ends for that: without the one, any time to
    /// come will do.
    pub(super) fn undetermined_time<'c>(&self, template: &'c Template, has_both_ends: bool) -> Option<&'c Chain> {
        let loosely = self.wherever_it_ends();
        let is_fixed = |chain: &Chain| {
            self.determines(self.meanings, chain, &[])
                || has_both_ends && self.meanings.has_one_length(chain) && loosely.determines(self.meanings, chain, &[])
        };
        template.chains().find(|chain| !is_fixed(chain))
    }

    /// The same, with the key id taken as a source of its own that nobody asks to be signed.
    pub(super) fn undetermined_beside_key_id<'c>(&self, template: &'c Template) -> Option<&'c Chain> {
        let is_key_id = |chain: &Chain| chain.otherwise.is_none() && matches!(chain.source, Source::KeyId);
        template
            .chains()
            .find(|chain| !is_key_id(chain) && !self.determines(self.meanings.without_key_id(), chain, &[]))
    }

    fn determines(&self, meanings: Meanings<'_>, chain: &Chain, outer: &[Filter]) -> bool {
        if chain.otherwise.is_some() {
            return self.fixes(&Leaf { filters: outer.to_vec(), ..Leaf::of_first(chain.alternatives()) });
        }
        let filters = [chain.filters.as_slice(), outer].concat();
        let all = |template: &Template| template.chains().all(|chain| self.determines(meanings, chain, &filters));
        let by_parts = match &chain.source {
            Source::Value(index, _) => match meanings.values.get(*index) {
                Some(NamedValue::Text(template)) => all(template),
                Some(NamedValue::Choice(choice)) => {
                    all(&choice.then) && all(&choice.otherwise) && {
                        let chains = choice.condition.chains();
                        chains.into_iter().all(|chain| self.determines(meanings, chain, &[]))
                    }
                }
                _ => false,
            },
            Source::KeyId => meanings.key_id.is_some_and(|template| {
                template.chains().all(|chain| self.determines(meanings.without_key_id(), chain, &filters))
            }),
            _ => false,
        };
        by_parts || self.fixes(&Leaf { filters, ..Leaf::of(chain.source.clone()) })
    }

    /// Whether two requests with one signature must agree in this leaf.
    ///
    /// A signature over `{header:A|lower}` leaves the case of A open: a replay key over A itself would let every
    /// spelling through once. So either nothing is lost, or the leaf begins with the very steps that lose something.
    pub(super) fn fixes(&self, leaf: &Leaf) -> bool {
        self.leaves.iter().any(|signed| {
            let is_each = matches!(signed.source, Source::Each(..));
            let same_source = || !signed.is_loose && (is_each || signed.source.same(&leaf.source));
            let same_steps = || same_source() && leaf.filters.starts_with(signed.losing_filters());
            signed.source.contains(&leaf.source) && (signed.is_exact() || same_steps())
        })
    }
}
