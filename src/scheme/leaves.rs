//! Templates taken apart to the sources they rest on. What that means for a signature is said in `signed`.

use super::{
    Template, Writing,
    template::{Chain, Filter, Part, Source},
    touching::{Side, Touching},
    values::{Choice, Cover, Covered, HeaderLines, NamedValue, ParameterList, ParameterSource, Test},
};

/// A source that a template rests on, with all that is done to it on the way.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) source: Source,
    pub(super) filters: Vec<Filter>,
    /// Whether it is there for every request, and its bytes come out. Otherwise it is only read.
    pub(super) is_certain: bool,
    /// Whether something is lost beside what the filters lose.
    pub(super) is_loose: bool,
    /// Where nothing tells it from what stands beside it.
    pub(super) touching: Touching,
    /// Place of the outermost expression in the template that was taken apart.
    pub(super) offset: usize,
    pub(super) length: usize,
}

impl Leaf {
    pub(super) fn of(source: Source) -> Leaf {
        let touching = Touching::default();
        Leaf { source, filters: Vec::new(), is_certain: true, is_loose: false, touching, offset: 0, length: 0 }
    }

    pub(super) fn is_exact(&self) -> bool {
        !self.is_loose && !self.filters.iter().any(Filter::is_lossy)
    }

    /// The filters up to the last that loses anything: what follows can be undone.
    pub(super) fn losing_filters(&self) -> &[Filter] {
        let end = self.filters.iter().rposition(Filter::is_lossy).map_or(0, |last| last + 1);
        self.filters.get(..end).unwrap_or_default()
    }

    fn is_same(&self, other: &Leaf) -> bool {
        let is_as_sure = self.is_loose == other.is_loose && self.touching == other.touching;
        self.source.same(&other.source) && self.filters == other.filters && is_as_sure
    }
}

/// What named values and the key id stand for.
#[derive(Clone, Copy)]
pub(super) struct Meanings<'t> {
    pub(super) values: &'t [NamedValue],
    pub(super) key_id: Option<&'t Template>,
}

impl<'t> Meanings<'t> {
    pub(super) fn leaves(self, template: &Template) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        for (chain, touching) in self.chains(template, Touching::default()) {
            let start = leaves.len();
            self.expand(chain, &[], touching, &mut leaves);
            for leaf in leaves.iter_mut().skip(start) {
                (leaf.offset, leaf.length) = (chain.offset, chain.length);
            }
        }
        leaves
    }

    /// The key id taken as a source of its own, whatever its template says.
    pub(super) fn without_key_id(self) -> Meanings<'t> {
        Meanings { key_id: None, ..self }
    }

    fn chains<'c>(self, template: &'c Template, around: Touching) -> impl Iterator<Item = (&'c Chain, Touching)>
    where
        't: 'c,
    {
        template.parts().iter().enumerate().filter_map(move |(index, part)| match part {
            Part::Chain(chain) => Some((chain, self.touching(template.parts(), index, around))),
            Part::Literal(_) => None,
        })
    }

    fn expand(self, chain: &Chain, outer: &[Filter], touching: Touching, leaves: &mut Vec<Leaf>) {
        if chain.otherwise.is_none() {
            return self.expand_one(chain, outer, touching, leaves);
        }
        leaves.push(Leaf { filters: outer.to_vec(), touching, ..Leaf::of(first_of(chain.alternatives())) });
        let mut read = Vec::new();
        for alternative in chain.alternatives() {
            self.expand_one(alternative, &collected(&alternative.filters), touching, &mut read);
        }
        leaves.extend(read.into_iter().map(only_read));
    }

    fn expand_one(self, chain: &Chain, outer: &[Filter], touching: Touching, leaves: &mut Vec<Leaf>) {
        let filters = [chain.filters.as_slice(), outer].concat();
        let start = leaves.len();
        match &chain.source {
            Source::Value(index, _) => {
                if let Some(value) = self.values.get(*index) {
                    self.expand_value(value, &filters, touching, leaves);
                }
            }
            Source::Field(index, ..) => {
                if let Some(NamedValue::Fields(fields)) = self.values.get(*index) {
                    let mut read = Vec::new();
                    self.expand_template(&fields.from, &collected(&[]), touching, &mut read);
                    leaves.extend(read.into_iter().map(only_read));
                }
            }
            Source::KeyId => {
                if let Some(template) = self.key_id {
                    self.without_key_id().expand_template(template, &filters, touching, leaves);
                }
            }
            _ => {}
        }
        // What a filter makes of the whole has no ends that are those of its parts.
        if !chain.filters.is_empty() {
            leaves.iter_mut().skip(start).for_each(|leaf| leaf.touching = leaf.touching.or(touching));
        }
        leaves.push(Leaf { filters, touching, ..Leaf::of(chain.source.clone()) });
    }

    fn expand_template(self, template: &Template, outer: &[Filter], around: Touching, leaves: &mut Vec<Leaf>) {
        self.chains(template, around).for_each(|(chain, touching)| self.expand(chain, outer, touching, leaves));
    }

    fn expand_value(self, value: &NamedValue, outer: &[Filter], around: Touching, leaves: &mut Vec<Leaf>) {
        match value {
            NamedValue::Text(template) => self.expand_template(template, outer, around, leaves),
            NamedValue::Fields(fields) => self.expand_template(&fields.from, outer, around, leaves),
            NamedValue::Headers(lines) => self.expand_headers(lines, outer, around, leaves),
            NamedValue::Parameters(list) => self.expand_parameters(list, outer, around, leaves),
            NamedValue::Choice(choice) => self.expand_choice(choice, outer, around, leaves),
        }
    }

    /// Only what both ways have in common is there for every request.
    fn expand_choice(self, choice: &Choice, outer: &[Filter], around: Touching, leaves: &mut Vec<Leaf>) {
        let (mut condition, mut then, mut otherwise) = (Vec::new(), Vec::new(), Vec::new());
        let whole = match choice.test {
            Test::Present | Test::Is(_) => Vec::new(),
            Test::Matches(_) => collected(&[]),
        };
        self.expand_template(&choice.condition, &whole, around, &mut condition);
        self.expand_template(&choice.then, outer, around, &mut then);
        self.expand_template(&choice.otherwise, outer, around, &mut otherwise);
        leaves.extend(condition.into_iter().map(only_read));
        let is_common =
            |leaf: &Leaf, others: &[Leaf]| others.iter().any(|other| other.is_certain && leaf.is_same(other));
        let (common, single): (Vec<Leaf>, Vec<Leaf>) =
            then.into_iter().partition(|leaf| leaf.is_certain && is_common(leaf, &otherwise));
        leaves.extend(common.into_iter().chain(single.into_iter().chain(otherwise).map(only_read)));
    }

    fn expand_headers(self, lines: &HeaderLines, outer: &[Filter], around: Touching, leaves: &mut Vec<Leaf>) {
        let mut read = Vec::new();
        lines.templates().for_each(|template| self.expand_template(template, &collected(&[]), around, &mut read));
        let start = leaves.len();
        for cover in &lines.covers {
            match cover {
                Cover::First(these) if these.len() > 1 => {
                    let chains: Option<Vec<&Chain>> = these.iter().map(|one| lines.chain(one)).collect();
                    let first = chains.map(|chains| first_of(chains.into_iter()));
                    leaves.extend(first.map(|source| Leaf { filters: outer.to_vec(), ..Leaf::of(source) }));
                }
                Cover::First(these) | Cover::Either(these) => leaves.extend(self.common(lines, these, outer)),
                Cover::IfPresent(this) => leaves.extend(self.covered(lines, this, outer)),
            }
        }
        // Which line is the first or the last, the request says.
        let beside = Touching {
            before: around.before && lines.is_open(Side::Begin),
            after: around.after && lines.is_open(Side::End),
        };
        let touching = if lines.run_together() { Touching::BOTH } else { beside };
        leaves.iter_mut().skip(start).for_each(|leaf| leaf.touching = leaf.touching.or(touching));
        leaves.extend(read.into_iter().map(only_read));
    }

    /// What the lines of all these have in common.
    fn common(self, lines: &HeaderLines, these: &[Covered], outer: &[Filter]) -> Vec<Leaf> {
        let mut each = these.iter().map(|one| self.covered(lines, one, outer));
        let mut common = each.next().unwrap_or_default();
        for other in each {
            common.retain(|leaf| other.iter().any(|other| leaf.source.same(&other.source)));
            for leaf in &mut common {
                leaf.is_loose |= !other.iter().any(|other| leaf.is_same(other));
            }
        }
        common
    }

    /// What the line of a name that must be covered rests on.
    fn covered(self, lines: &HeaderLines, covered: &Covered, outer: &[Filter]) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        match covered.special.and_then(|index| lines.special.get(index)) {
            Some((_, template)) => self.expand_template(template, outer, Touching::default(), &mut leaves),
            None => {
                if let Some(chain) = lines.chain(covered) {
                    self.expand(chain, outer, Touching::default(), &mut leaves);
                }
            }
        }
        leaves.retain(|leaf| leaf.is_certain);
        leaves
    }

    fn expand_parameters(self, list: &ParameterList, outer: &[Filter], touching: Touching, leaves: &mut Vec<Leaf>) {
        for (of, except) in &list.of {
            // What a pair holds is decoded before it is written, and only so is it fixed.
            let own = match (of, list.writing) {
                (ParameterSource::Pairs(..), Writing::Decoded | Writing::Encoded) => Some(Filter::PercentDecode),
                _ => None,
            };
            let filters = own.into_iter().chain(outer.iter().cloned()).collect();
            // `{query:a}` tells `+` from a space.
            let is_loose = list.plus_is_space && *of == ParameterSource::Query;
            let is_certain = list.is_faithful() && *of != ParameterSource::DeclaredForm;
            let source = Source::Each(of.clone(), except.clone());
            leaves.push(Leaf { filters, is_loose, is_certain, touching, ..Leaf::of(source) });
        }
    }
}

impl HeaderLines {
    /// Whether a line's value can meet the next line's with nothing between them.
    fn run_together(&self) -> bool {
        self.join.is_empty() && self.is_open(Side::Begin) && self.is_open(Side::End)
    }

    /// Whether a line may begin, or end, with a value, and not with a literal.
    fn is_open(&self, side: Side) -> bool {
        let mut lines = [&self.each].into_iter().chain(self.special.iter().map(|(_, template)| template));
        lines.any(|line| !matches!(side.of(line), Some(Part::Literal(_))))
    }

    /// Whether there is a line in every request, and a literal at that side of each.
    pub(super) fn is_closed(&self, side: Side) -> bool {
        let is_certain = |cover: &Cover| matches!(cover, Cover::First(_) | Cover::Either(_));
        self.covers.iter().any(is_certain) && !self.is_open(side)
    }

    /// The value in the line of a name: a header as `each` writes it, or the one source of a special line.
    fn chain(&self, covered: &Covered) -> Option<&Chain> {
        match covered.special.and_then(|index| self.special.get(index)) {
            Some((_, template)) => {
                let mut chains = template.chains();
                chains.next().filter(|_| chains.next().is_none())
            }
            None => self.shown.iter().find(|(name, _)| *name == covered.name).map(|(_, chain)| chain),
        }
    }
}

/// `first`, a fallback, a fallback: equal texts are equal choices.
pub(super) fn first_of<'c>(chains: impl Iterator<Item = &'c Chain>) -> Source {
    let written = chains.map(|chain| {
        let source = match &chain.source {
            Source::Header(name) => format!("header:{}", name.to_ascii_lowercase()),
            other => other.to_string(),
        };
        let filters: String = chain.filters.iter().map(|filter| format!("|{filter:?}")).collect();
        source + &filters
    });
    Source::FirstOf(written.collect::<Vec<_>>().join(" else "))
}

fn only_read(leaf: Leaf) -> Leaf {
    Leaf { is_certain: false, ..leaf }
}

/// What is done to a value that is needed whole: nothing, but not piece by piece.
fn collected(filters: &[Filter]) -> Vec<Filter> {
    if filters.is_empty() { vec![Filter::Trim] } else { Vec::new() }
}
