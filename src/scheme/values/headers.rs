//! A line for each header of a list that, as a rule, the request itself brings.
//!
//! What the request lists is what its signature covers, so the scheme says what a list must hold: whoever could leave out
//! the date would have a signature for ever.

use smallvec::SmallVec;

use crate::scheme::{
    Failure, Missing, Template, Why,
    evaluate::{Evaluation, Sink, filtered},
    template::{Chain, Part, Scratch, Source, is_token},
};

/// Longest list of names.
const MOST_NAMES: usize = 128;

/// A compiled list of headers.
#[derive(Debug)]
pub(in crate::scheme) struct HeaderLines {
    pub(in crate::scheme) names: Template,
    pub(in crate::scheme) split: String,
    pub(in crate::scheme) each: Template,
    pub(in crate::scheme) join: String,
    pub(in crate::scheme) repeated: String,
    pub(in crate::scheme) missing: Missing,
    pub(in crate::scheme) special: Vec<(String, Template)>,
    pub(in crate::scheme) covers: Vec<Cover>,
    /// For each header that must be covered, in lower case, what its line shows of it.
    pub(in crate::scheme) shown: Vec<(String, Chain)>,
}

/// What must be in the list.
#[derive(Debug)]
pub(in crate::scheme) enum Cover {
    /// The first of these that the request has.
    First(Vec<Covered>),
    /// One of these.
    Either(Vec<Covered>),
    /// This, if the request has it.
    IfPresent(Covered),
}

impl Cover {
    /// Those of which it is one.
    pub(in crate::scheme) fn names(&self) -> &[Covered] {
        match self {
            Cover::First(these) | Cover::Either(these) => these,
            Cover::IfPresent(this) => std::slice::from_ref(this),
        }
    }
}

/// A name that must be in the list.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::scheme) struct Covered {
    pub(in crate::scheme) name: String,
    /// Its place among the special names.
    pub(in crate::scheme) special: Option<usize>,
}

impl HeaderLines {
    pub(super) fn feed(&self, evaluation: &Evaluation<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let text = evaluation.collect(&self.names)?;
        let names = self.listed(&text)?;
        self.must_cover(evaluation, &names)?;
        let mut is_first = true;
        for name in names {
            let mut line = Scratch::new();
            if self.line(evaluation, name, &mut line)? {
                if !is_first {
                    sink(self.join.as_bytes());
                }
                is_first = false;
                sink(&line);
            }
        }
        Ok(())
    }

    pub(in crate::scheme) fn templates(&self) -> impl Iterator<Item = &Template> {
        [&self.names].into_iter().chain(self.special.iter().map(|(_, template)| template))
    }

    fn listed<'t>(&self, text: &'t [u8]) -> Result<SmallVec<[&'t str; 16]>, Failure> {
        let refused = || Failure::unreadable(self.place(), Why::Refused);
        let text = std::str::from_utf8(text).map_err(|_| refused())?;
        if text.is_empty() {
            return Ok(SmallVec::new());
        }
        let names: SmallVec<[&str; 16]> = text.split(self.split.as_str()).collect();
        let is_known = |name: &&str| is_token(name) || self.special(name).is_some();
        match names.len() <= MOST_NAMES && names.iter().all(is_known) && is_each_once(&names) {
            true => Ok(names),
            false => Err(refused()),
        }
    }

    /// How names begin, where every header whose name does is listed.
    pub(in crate::scheme) fn beginning(&self) -> Option<&str> {
        self.names.chains().find_map(|chain| match &chain.source {
            Source::HeaderNames(prefix) => Some(prefix.as_str()),
            _ => None,
        })
    }

    fn place(&self) -> String {
        self.names.chains().next().map_or_else(|| "headers".to_owned(), |chain| chain.source.to_string())
    }

    fn special(&self, name: &str) -> Option<&Template> {
        self.special.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, template)| template)
    }

    fn must_cover(&self, evaluation: &Evaluation<'_>, names: &[&str]) -> Result<(), Failure> {
        let is_listed = |covered: &Covered| names.iter().any(|name| name.eq_ignore_ascii_case(&covered.name));
        let is_there = |covered: &&Covered| self.is_there(evaluation, covered).transpose();
        for cover in &self.covers {
            let (wanted, is_covered) = match cover {
                Cover::First(these) => match these.iter().find_map(|one| is_there(&one).map(|found| (one, found))) {
                    Some((first, found)) => (first, found.map(|()| is_listed(first))?),
                    None => (these.first().ok_or(Failure::Requirement)?, false),
                },
                Cover::Either(these) => (these.first().ok_or(Failure::Requirement)?, these.iter().any(is_listed)),
                Cover::IfPresent(this) => (this, is_listed(this) || self.is_there(evaluation, this)?.is_none()),
            };
            if !is_covered {
                return Err(Failure::Uncovered { name: wanted.name.clone() });
            }
        }
        Ok(())
    }

    /// `Some` where the request has it.
    fn is_there(&self, evaluation: &Evaluation<'_>, covered: &Covered) -> Result<Option<()>, Failure> {
        let found = match covered.special.and_then(|index| self.special.get(index)) {
            Some((_, template)) => evaluation.feed(template, &mut |_| {}),
            None => self.value(evaluation, &covered.name, &mut |_| {}),
        };
        match found {
            Ok(()) => Ok(Some(())),
            Err(failure) if failure.is_absence() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Writes the line of one name; false where it has none.
    fn line(&self, evaluation: &Evaluation<'_>, name: &str, line: &mut Scratch) -> Result<bool, Failure> {
        if let Some(template) = self.special(name) {
            evaluation.feed(template, &mut |piece| line.extend_from_slice(piece))?;
            return Ok(true);
        }
        if evaluation.has_twin(name) {
            return Err(Failure::unreadable(Source::Header(name.to_owned()), Why::Twin));
        }
        let mut value = Scratch::new();
        match (self.value(evaluation, name, &mut |piece| value.extend_from_slice(piece)), self.missing) {
            (Ok(()), _) => {}
            (Err(failure), Missing::Skip) if failure.is_absence() => return Ok(false),
            (Err(failure), Missing::Empty) if failure.is_absence() => {}
            (Err(failure), _) => return Err(failure),
        }
        write_each(&self.each, name.as_bytes(), &value, &mut |piece| line.extend_from_slice(piece))?;
        Ok(true)
    }

    /// The host is the public one, as everywhere: what a request says of it is checked elsewhere.
    fn value(&self, evaluation: &Evaluation<'_>, name: &str, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let source = match name.eq_ignore_ascii_case("host") {
            true => Source::Authority,
            false => Source::Header(name.to_owned()),
        };
        evaluation.source(&source, self.repeated.as_bytes(), sink)
    }
}

/// A name that stands there twice signs nothing more, and a request could have a long header gone over again and again before anything
/// of it is proven.
fn is_each_once(names: &[&str]) -> bool {
    let is_new = |(at, name): (usize, &&str)| !names.iter().take(at).any(|before| before.eq_ignore_ascii_case(name));
    names.iter().enumerate().all(is_new)
}

/// A loop's template for one of its things.
pub(super) fn write_each(template: &Template, name: &[u8], value: &[u8], sink: &mut Sink<'_>) -> Result<(), Failure> {
    for part in template.parts() {
        match part {
            Part::Literal(literal) => sink(literal.as_bytes()),
            Part::Chain(chain) => {
                let Chain { source, filters, .. } = chain;
                let value = if matches!(source, Source::Name) { name } else { value };
                filtered(chain, Scratch::from_slice(value), filters, sink)?;
            }
        }
    }
    Ok(())
}
