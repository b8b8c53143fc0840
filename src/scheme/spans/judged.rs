//! What a request's claims must be like, whatever the message says of them: an id is visible, a time is written as times are.
//! A request whose claims are not is refused before its signature is looked at.

use super::{bytes::Bytes, shape::Shape, times};
use crate::scheme::{
    TimestampFormat,
    leaves::Meanings,
    template::{Chain, Filter, Source, Template},
    values::NamedValue,
};

/// A value that every request let in has in this shape.
#[derive(Debug)]
pub(in crate::scheme) struct Judged {
    /// Where it is read, each place with what is done to it before it is judged.
    steps: Vec<Step>,
    shape: Shape,
}

type Step = (Source, Vec<Filter>);

impl Judged {
    /// A key id: visible ASCII.
    pub(in crate::scheme) fn key_id(template: &Template, meanings: Meanings<'_>) -> Option<Judged> {
        Judged::of(template, Shape::some(Bytes::visible()), meanings)
    }

    /// A time in one of these formats.
    pub(in crate::scheme) fn time(
        template: &Template,
        formats: &[TimestampFormat],
        meanings: Meanings<'_>,
    ) -> Option<Judged> {
        Judged::of(template, times::written(formats), meanings)
    }

    /// A number of seconds.
    pub(in crate::scheme) fn seconds(template: &Template, meanings: Meanings<'_>) -> Option<Judged> {
        Judged::of(template, times::number(), meanings)
    }

    /// Only of a template that is one value: of several it is not known which has what part of the shape.
    fn of(template: &Template, shape: Shape, meanings: Meanings<'_>) -> Option<Judged> {
        let steps = steps(template, meanings)?;
        let read = steps.iter().map(|(source, filters)| meanings.plain(source, filters)).collect();
        Some(Judged { shape: Shape::Either(read).narrowed(shape), steps })
    }

    /// What is known of a source to which this was done so far.
    pub(super) fn after(&self, source: &Source, done: &[Filter]) -> Option<Shape> {
        let [step] = self.steps.as_slice() else { return None };
        is_same(step, source, done).then(|| self.shape.clone())
    }

    /// What is known of the first of several that is there.
    pub(super) fn first_of(&self, chain: &Chain) -> Option<Shape> {
        let own = chain.alternatives().count();
        let mut both = self.steps.iter().zip(chain.alternatives());
        let is_it = own == self.steps.len() && both.all(|(step, chain)| is_same(step, &chain.source, &chain.filters));
        is_it.then(|| self.shape.clone())
    }
}

/// A `match` changes nothing, so it does not tell one value from another.
fn is_same((source, filters): &Step, other: &Source, done: &[Filter]) -> bool {
    let changes = |filter: &&Filter| !matches!(filter, Filter::Match(_));
    source.same(other) && filters.iter().filter(changes).eq(done.iter().filter(changes))
}

fn steps(template: &Template, meanings: Meanings<'_>) -> Option<Vec<Step>> {
    let chain = template.single()?;
    // Of several, one that has a default is there in any case, and its default is judged like any other text.
    if chain.otherwise.is_some() && chain.alternatives().any(|chain| chain.default().is_some()) {
        return None;
    }
    let named = match &chain.source {
        Source::Value(index, _) => meanings.values.get(*index),
        _ => None,
    };
    match named {
        Some(NamedValue::Text(inner)) if chain.otherwise.is_none() => {
            let mut steps = steps(inner, meanings)?;
            steps.iter_mut().for_each(|(_, filters)| filters.extend(chain.filters.iter().cloned()));
            Some(steps)
        }
        _ => Some(chain.alternatives().map(|chain| (chain.source.clone(), chain.filters.clone())).collect()),
    }
}
