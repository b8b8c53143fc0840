//! Named values as shapes, and what tells the lines of a list of headers apart.

use super::{
    budget::Budget,
    bytes::Bytes,
    filtered::filtered,
    readings,
    shape::{Mark, Shape},
    sources::query_bytes,
};
use crate::scheme::{
    Missing, Writing,
    leaves::Meanings,
    template::{Chain, Filter, Part, Source, Template},
    values::{Cover, Covered, HeaderLines, NamedValue, ParameterList, ParameterSource},
};

/// What is known of the lines of a list once their text is.
pub(in crate::scheme) struct Lines {
    /// Whether a header's line says which header's it is, and where the value begins and ends.
    fix_values: bool,
    /// Whether each special line is known for what it is.
    fix_special: Vec<bool>,
}

impl Lines {
    /// Where not even the text is known.
    pub(in crate::scheme) fn untold() -> Lines {
        Lines { fix_values: false, fix_special: Vec::new() }
    }

    /// Whether all requests with the same text have the same in the line of that name.
    pub(in crate::scheme) fn fixes(&self, covered: &Covered) -> bool {
        match covered.special {
            Some(index) => self.fix_special.get(index) == Some(&true),
            None => self.fix_values,
        }
    }
}

impl Meanings<'_> {
    pub(super) fn value_shape(self, value: &NamedValue) -> Shape {
        match value {
            NamedValue::Text(template) => self.template_shape(template),
            NamedValue::Fields(fields) => self.template_shape(&fields.from).unmarked(),
            NamedValue::Choice(choice) => {
                Shape::Either(vec![self.template_shape(&choice.then), self.template_shape(&choice.otherwise)])
            }
            NamedValue::Headers(lines) => {
                let line = Shape::Either(self.line_shapes(lines));
                // A line is written twice here, and lists of lists would double with each.
                let all = joined(line, &lines.join).bounded();
                if lines.is_never_empty() { all } else { all.optional() }
            }
            NamedValue::Parameters(list) => joined(list.piece_shape(), &list.join).optional(),
        }
    }

    /// That of a header's line, and of each special one.
    fn line_shapes(self, lines: &HeaderLines) -> Vec<Shape> {
        let special = lines.special.iter().map(|(_, template)| self.template_shape(template).unmarked());
        [lines.line_shape(None)].into_iter().chain(special).collect()
    }

    /// What the text of such a list fixes.
    pub(in crate::scheme) fn lines(self, lines: &HeaderLines) -> Lines {
        let shapes = self.line_shapes(lines);
        let are_apart = are_apart(&lines.join, &shapes);
        let marked = shapes.into_iter().enumerate().map(|(index, shape)| shape.bounded().marked(Mark::Line(index)));
        // A line that could be read as another kind of line says nothing of its own.
        let moving = readings::moving(&Shape::Either(marked.collect()), self.budget);
        let is_one = |index: usize| moving.as_ref().is_some_and(|moving| !moving.marks.contains(&Mark::Line(index)));
        let special = lines.special.iter().enumerate().map(|(index, _)| are_apart && is_one(index + 1));
        Lines {
            fix_values: are_apart && is_one(0) && lines.names_its_value(self.budget),
            fix_special: special.collect(),
        }
    }
}

/// Whether the text of a list tells where each line ends: between lines stands what none of them holds, or each of them
/// begins, or ends, with it.
fn are_apart(join: &str, lines: &[Shape]) -> bool {
    let all = lines.iter().map(Shape::bytes).fold(Bytes::NONE, Bytes::or);
    if join.bytes().any(|byte| !all.has(byte)) {
        return true;
    }
    join.is_empty() && (share_an_end(lines, <[Shape]>::split_first) || share_an_end(lines, <[Shape]>::split_last))
}

type Split = fn(&[Shape]) -> Option<(&Shape, &[Shape])>;

/// Whether all lines have one and the same byte at that end, and nowhere else.
fn share_an_end(lines: &[Shape], split: Split) -> bool {
    let end_and_rest = |line: &Shape| {
        let flat = flat(line);
        let (end, rest) = split(&flat)?;
        match end {
            Shape::Byte(end) if end.count() == 1 => {
                Some((*end, rest.iter().map(Shape::bytes).fold(Bytes::NONE, Bytes::or)))
            }
            _ => None,
        }
    };
    let Some(all) = lines.iter().map(end_and_rest).collect::<Option<Vec<_>>>() else { return false };
    let is_alone = |end: Bytes| all.iter().all(|(other, rest)| *other == end && !rest.overlaps(end));
    all.first().is_some_and(|(end, _)| is_alone(*end))
}

/// A row of rows as one row.
fn flat(shape: &Shape) -> Vec<Shape> {
    match shape {
        Shape::Row(all) => all.iter().flat_map(flat).collect(),
        other => vec![other.clone()],
    }
}

/// One or more, with this between them.
fn joined(one: Shape, join: &str) -> Shape {
    let more = Shape::Row(vec![Shape::text(join.as_bytes()), one.clone()]);
    Shape::Row(vec![one, Shape::Repeated(Box::new(more), 0, None)])
}

impl HeaderLines {
    /// A line of a header, followed where its value stands.
    fn line_shape(&self, value: Option<Mark>) -> Shape {
        let repeated = Bytes::these(self.repeated.as_bytes());
        let any = Shape::any(Bytes::field_value().or(repeated));
        each_shape(&self.each, &Shape::some(Bytes::token()), (&any, value))
    }

    /// Whether a header's line says whose it is, and tells the value from all else in it.
    fn names_its_value(&self, budget: &Budget) -> bool {
        let mark = Mark::Line(0);
        // Names have no case; whatever else is lost of one, another name may have lost too.
        let is_kept = |filter: &Filter| matches!(filter, Filter::Lower | Filter::Upper) || !filter.is_lossy();
        let is_name = |chain: &Chain| matches!(chain.source, Source::Name) && chain.filters.iter().all(is_kept);
        // Of names that the scheme itself lists, each has its place.
        let is_listed = self.names.literal().is_some() && self.missing != Missing::Skip;
        let names = is_listed || self.each.chains().any(is_name);
        let moving = readings::moving(&self.line_shape(Some(mark)), budget);
        names && moving.is_some_and(|moving| !moving.marks.contains(&mark))
    }

    /// Whether there is a line in every request.
    fn is_never_empty(&self) -> bool {
        let is_certain = |cover: &Cover| matches!(cover, Cover::First(_) | Cover::Either(_));
        self.missing != Missing::Skip && self.covers.iter().any(is_certain)
    }
}

impl ParameterList {
    fn piece_shape(&self) -> Shape {
        let (name, value) = match self.writing {
            Writing::Encoded => (Bytes::percent_encoded(), Bytes::percent_encoded()),
            Writing::Decoded => (Bytes::ALL, Bytes::ALL),
            Writing::Raw => {
                let is_query = |(of, _): &(ParameterSource, Vec<String>)| *of == ParameterSource::Query;
                let raw = if self.of.iter().all(is_query) { query_bytes() } else { Bytes::ALL };
                match self.has_pairs() {
                    true => (raw, raw),
                    false => (raw.without(Bytes::these(b"&=")), raw.without(Bytes::these(b"&"))),
                }
            }
        };
        each_shape(&self.each, &Shape::any(name), (&Shape::any(value), None))
    }
}

/// A loop's template for one of its things, with these names and values.
fn each_shape(each: &Template, name: &Shape, (value, mark): (&Shape, Option<Mark>)) -> Shape {
    let part = |part: &Part| match part {
        Part::Literal(text) => Shape::text(text.as_bytes()),
        Part::Chain(chain) => {
            let is_name = matches!(chain.source, Source::Name);
            let shape = chain.filters.iter().fold(if is_name { name } else { value }.clone(), filtered);
            match mark.filter(|_| !is_name) {
                Some(mark) => shape.marked(mark),
                None => shape,
            }
        }
    };
    Shape::Row(each.parts().iter().map(part).collect())
}
