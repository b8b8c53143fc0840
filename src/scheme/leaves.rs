//! Templates taken apart to the sources they rest on. What that means for a signature is said in `signed`.

use super::{
    Missing, Template, Writing,
    spans::{Budget, Judged, Lines, Spans},
    template::{Chain, Filter, Source},
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
    /// Whether, whatever the filters do, more of it is lost than its spelling: how often it came, or what is done to one of
    /// several that it may be.
    pub(super) is_partial: bool,
    /// Whether its bytes and those beside it can move from one to the other under the same signature.
    pub(super) moves: bool,
    /// Place of the outermost expression in the template that was taken apart.
    pub(super) offset: usize,
    pub(super) length: usize,
}

impl Leaf {
    pub(super) fn of(source: Source) -> Leaf {
        let (filters, is_certain, is_loose, is_partial, moves) = (Vec::new(), true, false, false, false);
        Leaf { source, filters, is_certain, is_loose, is_partial, moves, offset: 0, length: 0 }
    }

    /// Of the first of these that is there.
    pub(super) fn of_first<'c>(chains: impl Iterator<Item = &'c Chain>) -> Leaf {
        let chains: Vec<&Chain> = chains.collect();
        let one = |chain: &Chain| Leaf { filters: chain.filters.clone(), ..Leaf::of(chain.source.clone()) };
        let is_partial = chains.iter().any(|chain| !one(chain).is_whole(&chain.source));
        Leaf { is_partial, ..Leaf::of(first_of(&chains)) }
    }

    pub(super) fn is_exact(&self) -> bool {
        !self.is_loose && !self.filters.iter().any(Filter::is_lossy)
    }

    /// The filters up to the last that loses anything: what follows can be undone.
    pub(super) fn losing_filters(&self) -> &[Filter] {
        let end = self.filters.iter().rposition(Filter::is_lossy).map_or(0, |last| last + 1);
        self.filters.get(..end).unwrap_or_default()
    }

    /// Whether all of `part` of a request comes out, be it in another spelling. Of a digest all does, whatever is done to it but to
    /// cut it.
    pub(super) fn is_whole(&self, part: &Source) -> bool {
        let done_before = |at: usize| self.filters.get(..at).unwrap_or_default();
        let is_kept = |(at, filter): (usize, &Filter)| match filter {
            Filter::First(_) => false,
            other if !other.is_lossy() || self.is_spelling(other, part) => true,
            Filter::Lower | Filter::Upper => done_before(at).iter().any(Filter::is_digits),
            _ => done_before(at).iter().any(|filter| matches!(filter, Filter::Digest(_))),
        };
        !self.is_partial && self.filters.iter().enumerate().all(is_kept)
    }

    /// Whether what a filter loses of a part of a request is how it is spelled, and not what it says.
    fn is_spelling(&self, filter: &Filter, part: &Source) -> bool {
        let has_no_case =
            matches!(part, Source::Method | Source::Scheme | Source::Authority | Source::Host | Source::Port);
        match filter {
            Filter::Lower | Filter::Upper => has_no_case,
            // Of more than the path nothing says any more where it ends.
            Filter::NormalizePath => matches!((part, &self.source), (Source::Path, Source::Path)),
            Filter::Sort => matches!(part, Source::Query),
            // There is none in the rest of a head's first line.
            Filter::Trim | Filter::Squeeze => {
                !matches!(part, Source::Body | Source::Parameter(_) | Source::Json(_) | Source::Form(_))
            }
            // What stands in for an absent value says the same.
            Filter::Default(_) => true,
            Filter::AuthScheme(_) => matches!(part, Source::Header(_)),
            _ => false,
        }
    }

    fn is_same(&self, other: &Leaf) -> bool {
        let sure = |leaf: &Leaf| (leaf.is_loose, leaf.is_partial, leaf.moves);
        self.source.same(&other.source) && self.filters == other.filters && sure(self) == sure(other)
    }
}

/// What it takes to write a leaf out, in steps.
const OF_A_LEAF: usize = 4;

/// What named values and the key id stand for.
#[derive(Clone, Copy)]
pub(super) struct Meanings<'t> {
    pub(super) values: &'t [NamedValue],
    pub(super) key_id: Option<&'t Template>,
    /// What is known of values that every request let in has.
    pub(super) judged: &'t [Judged],
    /// How much may still be looked through.
    pub(super) budget: &'t Budget,
}

/// What of the text that a template is a part of is the same in every reading.
#[derive(Clone, Copy)]
struct Within<'s> {
    /// `None` where nobody asks.
    spans: Option<&'s Spans>,
    /// Whether all of it moves.
    moves: bool,
}

impl Within<'_> {
    fn moves(self, chain: &Chain) -> bool {
        self.moves || self.spans.is_some_and(|spans| spans.moves(chain))
    }
}

impl<'t> Meanings<'t> {
    /// What it rests on, wherever in the text that stands.
    pub(super) fn leaves(self, template: &Template) -> Vec<Leaf> {
        self.leaves_within(template, Within { spans: None, moves: false })
    }

    /// The same, and what of it the text does not fix.
    pub(super) fn leaves_of_text(self, template: &Template) -> Vec<Leaf> {
        let spans = Spans::of(template, self);
        self.leaves_within(template, Within { spans: Some(&spans), moves: false })
    }

    fn leaves_within(self, template: &Template, within: Within<'_>) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        for chain in template.chains() {
            let start = leaves.len();
            self.expand(chain, &[], within, &mut leaves);
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

    fn expand(self, chain: &Chain, outer: &[Filter], within: Within<'_>, leaves: &mut Vec<Leaf>) {
        if self.budget.spend(OF_A_LEAF).is_none() {
            return;
        }
        if chain.otherwise.is_none() {
            return self.expand_one(chain, outer, within, leaves);
        }
        let moves = within.moves(chain);
        leaves.push(Leaf { filters: outer.to_vec(), moves, ..Leaf::of_first(chain.alternatives()) });
        let mut read = Vec::new();
        for alternative in chain.alternatives() {
            self.expand_one(alternative, &collected(&alternative.filters), within, &mut read);
        }
        leaves.extend(read.into_iter().map(only_read));
    }

    fn expand_one(self, chain: &Chain, outer: &[Filter], within: Within<'_>, leaves: &mut Vec<Leaf>) {
        let filters = [chain.filters.as_slice(), outer].concat();
        let moves = within.moves(chain);
        // What a filter makes of the whole is a text of its own.
        let is_own = !chain.filters.is_empty();
        match &chain.source {
            Source::Value(index, _) => {
                if let Some(value) = self.values.get(*index) {
                    let spans = || Spans::of_value(value, &filters, self);
                    let own = within.spans.filter(|_| is_own && !moves).map(|_| spans());
                    let within =
                        Within { spans: own.as_ref().or(within.spans), moves: within.moves || is_own && moves };
                    self.expand_value(value, &filters, (within, moves), leaves);
                }
            }
            Source::Field(index, ..) => {
                if let Some(NamedValue::Fields(fields)) = self.values.get(*index) {
                    let mut read = Vec::new();
                    self.expand_template(&fields.from, &collected(&[]), within, &mut read);
                    leaves.extend(read.into_iter().map(only_read));
                }
            }
            Source::KeyId => {
                if let Some(template) = self.key_id {
                    let meanings = self.without_key_id();
                    let spans = || Spans::of_filtered(template, &filters, meanings);
                    let own = within.spans.filter(|_| is_own && !moves).map(|_| spans());
                    let within =
                        Within { spans: own.as_ref().or(within.spans), moves: within.moves || is_own && moves };
                    meanings.expand_template(template, &filters, within, leaves);
                }
            }
            // Up to its path a URL may be fixed where the rest of it is not.
            Source::Url if moves && filters.is_empty() => {
                let moves = within.moves || within.spans.is_some_and(|spans| spans.moves_origin(chain));
                leaves.extend([Source::Scheme, Source::Authority].map(|part| Leaf { moves, ..Leaf::of(part) }));
            }
            _ => {}
        }
        leaves.push(Leaf { filters, moves, ..Leaf::of(chain.source.clone()) });
    }

    fn expand_template(self, template: &Template, outer: &[Filter], within: Within<'_>, leaves: &mut Vec<Leaf>) {
        template.chains().for_each(|chain| self.expand(chain, outer, within, leaves));
    }

    /// `moves`: whether it does as a whole.
    fn expand_value(
        self,
        value: &NamedValue,
        outer: &[Filter],
        (within, moves): (Within<'_>, bool),
        leaves: &mut Vec<Leaf>,
    ) {
        match value {
            NamedValue::Text(template) => self.expand_template(template, outer, within, leaves),
            NamedValue::Fields(fields) => self.expand_template(&fields.from, outer, within, leaves),
            NamedValue::Headers(lines) => self.expand_headers(lines, outer, Within { moves, ..within }, leaves),
            NamedValue::Parameters(list) => expand_parameters(list, outer, moves, leaves),
            NamedValue::Choice(choice) => self.expand_choice(choice, outer, within, leaves),
        }
    }

    /// Only what both ways have in common is there for every request.
    fn expand_choice(self, choice: &Choice, outer: &[Filter], within: Within<'_>, leaves: &mut Vec<Leaf>) {
        let (mut condition, mut then, mut otherwise) = (Vec::new(), Vec::new(), Vec::new());
        let whole = match choice.test {
            Test::Present | Test::Is(_) => Vec::new(),
            Test::Matches(_) => collected(&[]),
        };
        self.expand_template(&choice.condition, &whole, within, &mut condition);
        self.expand_template(&choice.then, outer, within, &mut then);
        self.expand_template(&choice.otherwise, outer, within, &mut otherwise);
        leaves.extend(condition.into_iter().map(only_read));
        let is_common =
            |leaf: &Leaf, others: &[Leaf]| others.iter().any(|other| other.is_certain && leaf.is_same(other));
        let (common, single): (Vec<Leaf>, Vec<Leaf>) =
            then.into_iter().partition(|leaf| leaf.is_certain && is_common(leaf, &otherwise));
        leaves.extend(common.into_iter().chain(single.into_iter().chain(otherwise).map(only_read)));
    }

    /// Where a header that is not there has an empty line, an empty one has the same: the first that is there is not told,
    /// and what may be absent is told but for that.
    fn expand_headers(self, lines: &HeaderLines, outer: &[Filter], within: Within<'_>, leaves: &mut Vec<Leaf>) {
        let mut read = Vec::new();
        lines.templates().for_each(|template| self.expand_template(template, &collected(&[]), within, &mut read));
        let told = within.spans.map(|_| match within.moves || outer.iter().any(Filter::is_lossy) {
            true => Lines::untold(),
            false => self.lines(lines),
        });
        let told = told.as_ref();
        for cover in &lines.covers {
            match cover {
                Cover::First(these) if these.len() > 1 && lines.missing != Missing::Empty => {
                    let chains: Option<Vec<&Chain>> = these.iter().map(|one| lines.chain(one)).collect();
                    let first = chains.map(|chains| Leaf::of_first(chains.into_iter()));
                    let moves = these.iter().any(|one| told.is_some_and(|told| !told.fixes(one)));
                    leaves.extend(first.map(|first| Leaf { filters: outer.to_vec(), moves, ..first }));
                }
                // Where none else will do it is there.
                Cover::First(these) if these.len() == 1 => leaves.extend(self.common(lines, told, these, outer)),
                Cover::First(these) | Cover::Either(these) => {
                    let common = self.common(lines, told, these, outer).into_iter();
                    leaves.extend(common.map(|leaf| lines.as_it_may_be(leaf)));
                }
                Cover::IfPresent(this) => {
                    let covered = self.covered(lines, told, this, outer).into_iter();
                    leaves.extend(covered.map(|leaf| lines.as_it_may_be(leaf)));
                }
            }
        }
        leaves.extend(read.into_iter().map(only_read));
    }

    /// What the lines of all these have in common.
    fn common(self, lines: &HeaderLines, told: Option<&Lines>, these: &[Covered], outer: &[Filter]) -> Vec<Leaf> {
        let mut each = these.iter().map(|one| self.covered(lines, told, one, outer));
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
    fn covered(self, lines: &HeaderLines, told: Option<&Lines>, covered: &Covered, outer: &[Filter]) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        let moves = told.is_some_and(|told| !told.fixes(covered));
        match covered.special.and_then(|index| lines.special.get(index)) {
            Some((_, template)) => {
                // A line is a text of its own.
                let spans = told.filter(|_| !moves).map(|_| Spans::of_filtered(template, outer, self));
                let within = Within { spans: spans.as_ref(), moves };
                self.expand_template(template, outer, within, &mut leaves);
            }
            None => {
                if let Some(chain) = lines.chain(covered) {
                    self.expand(chain, outer, Within { spans: None, moves }, &mut leaves);
                }
            }
        }
        leaves.retain(|leaf| leaf.is_certain);
        leaves
    }
}

/// Whoever knows the text knows each parameter, but of several places not in which of them it stood: only what may stand in
/// no other is known to.
fn expand_parameters(list: &ParameterList, outer: &[Filter], moves: bool, leaves: &mut Vec<Leaf>) {
    for (of, except) in &list.of {
        // What a pair holds is decoded before it is written, and only so is it fixed.
        let own = match (of, list.writing) {
            (ParameterSource::Pairs(..), Writing::Decoded | Writing::Encoded) => Some(Filter::PercentDecode),
            _ => None,
        };
        let filters: Vec<Filter> = own.into_iter().chain(outer.iter().cloned()).collect();
        // `{query:a}` tells `+` from a space.
        let is_loose = list.plus_is_space && *of == ParameterSource::Query;
        let is_certain = list.is_faithful() && *of != ParameterSource::DeclaredForm;
        // How often one came is not told then.
        let is_partial = list.unique;
        let of_place = |source: Source| Leaf {
            filters: filters.clone(),
            is_loose,
            is_partial,
            is_certain,
            moves,
            ..Leaf::of(source)
        };
        let each = of_place(Source::Each(of.clone(), except.clone()));
        if list.of.len() == 1 {
            leaves.push(each);
            continue;
        }
        leaves.push(Leaf { moves: true, ..each });
        let alone = list.alone.iter().filter(|alone| alone.of == *of);
        leaves.extend(alone.map(|alone| of_place(alone.source.clone())));
    }
}

impl HeaderLines {
    /// A leaf of a line whose header may be absent. Of a special line, without which a request is refused, that is more than
    /// must be said.
    fn as_it_may_be(&self, leaf: Leaf) -> Leaf {
        match self.missing {
            Missing::Empty => {
                let filters = [Filter::Default(String::new())].into_iter().chain(leaf.filters).collect();
                Leaf { filters, ..leaf }
            }
            Missing::Reject | Missing::Skip => leaf,
        }
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
fn first_of(chains: &[&Chain]) -> Source {
    let named = |source: &Source| match source {
        Source::Header(name) => format!("header:{}", name.to_ascii_lowercase()),
        other => other.to_string(),
    };
    let filters = |chain: &Chain| chain.filters.iter().map(|filter| format!("|{filter:?}")).collect::<String>();
    let (names, written): (Vec<String>, Vec<String>) =
        chains.iter().map(|chain| (named(&chain.source), named(&chain.source) + &filters(chain))).unzip();
    Source::FirstOf { names: names.join(" else "), written: written.join(" else ") }
}

fn only_read(leaf: Leaf) -> Leaf {
    Leaf { is_certain: false, ..leaf }
}

/// What is done to a value that is needed whole: nothing, but not piece by piece.
fn collected(filters: &[Filter]) -> Vec<Filter> {
    if filters.is_empty() { vec![Filter::Trim] } else { Vec::new() }
}
