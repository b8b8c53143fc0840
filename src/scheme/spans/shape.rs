//! Shapes: the texts that a value may be. A shape may hold more than ever comes, and never less.

use std::collections::HashSet;

use super::bytes::Bytes;

/// Which texts may stand somewhere.
#[derive(Clone, Debug)]
pub(in crate::scheme) enum Shape {
    /// One byte, out of these.
    Byte(Bytes),
    /// One after the other; of none it is the empty text.
    Row(Vec<Shape>),
    /// Any one of them.
    Either(Vec<Shape>),
    /// At least so often and, unless that is open, at most so often.
    Repeated(Box<Shape>, usize, Option<usize>),
    /// The same, followed by its name.
    Of(Mark, Box<Shape>),
}

/// What is followed through a message: a place of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::scheme) enum Mark {
    /// An expression, by where it lies in memory: templates stay where they are while they are looked at.
    Chain(usize),
    /// Of a URL what stands before its path.
    Origin(usize),
    /// A line of a list of headers, by its place among the special ones; the first is that of all others.
    Line(usize),
}

/// A single value is no longer followed byte by byte beyond this many: of a longer one its bytes and, where it has one, its
/// length are enough.
const LONGEST: usize = 1024;
/// Of a longer literal only this many bytes at either end count.
const ENDS: usize = 64;

impl Shape {
    pub(super) fn empty() -> Shape {
        Shape::Row(Vec::new())
    }

    pub(super) fn any(of: Bytes) -> Shape {
        Shape::Repeated(Box::new(Shape::Byte(of)), 0, None)
    }

    pub(super) fn some(of: Bytes) -> Shape {
        Shape::Repeated(Box::new(Shape::Byte(of)), 1, None)
    }

    pub(super) fn exactly(length: usize, of: Bytes) -> Shape {
        Shape::Repeated(Box::new(Shape::Byte(of)), length, Some(length))
    }

    pub(super) fn at_most(length: usize, of: Bytes) -> Shape {
        Shape::Repeated(Box::new(Shape::Byte(of)), 0, Some(length))
    }

    pub(super) fn optional(self) -> Shape {
        Shape::Repeated(Box::new(self), 0, Some(1))
    }

    pub(super) fn text(text: &[u8]) -> Shape {
        let row = |bytes: &[u8]| bytes.iter().map(|byte| Shape::Byte(Bytes::these(&[*byte]))).collect::<Vec<_>>();
        let (Some(first), Some(last)) = (text.get(..ENDS), text.len().checked_sub(ENDS)) else {
            return Shape::Row(row(text));
        };
        match text.get(ENDS..last) {
            Some(middle) => {
                let (between, last) = (Shape::any(Bytes::these(middle)), text.get(last..).unwrap_or_default());
                Shape::Row(vec![Shape::Row(row(first)), between, Shape::Row(row(last))])
            }
            None => Shape::Row(row(text)),
        }
    }

    pub(super) fn marked(self, mark: Mark) -> Shape {
        Shape::Of(mark, Box::new(self))
    }

    /// All bytes that it may hold.
    pub(super) fn bytes(&self) -> Bytes {
        match self {
            Shape::Byte(bytes) => *bytes,
            Shape::Row(all) | Shape::Either(all) => all.iter().map(Shape::bytes).fold(Bytes::NONE, Bytes::or),
            Shape::Repeated(one, ..) | Shape::Of(_, one) => one.bytes(),
        }
    }

    /// The length, where all its texts have the same.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Shape::Byte(_) => Some(1),
            Shape::Row(all) => all.iter().map(Shape::length).try_fold(0_usize, |sum, one| sum.checked_add(one?)),
            Shape::Either(all) => {
                let mut lengths = all.iter().map(Shape::length);
                let first = lengths.next()??;
                lengths.all(|other| other == Some(first)).then_some(first)
            }
            Shape::Repeated(one, least, most) => {
                let times = most.filter(|most| most == least)?;
                if times == 0 { Some(0) } else { one.length()?.checked_mul(times) }
            }
            Shape::Of(_, one) => one.length(),
        }
    }

    pub(super) fn may_be_empty(&self) -> bool {
        match self {
            Shape::Byte(_) => false,
            Shape::Row(all) => all.iter().all(Shape::may_be_empty),
            Shape::Either(all) => all.iter().any(Shape::may_be_empty),
            Shape::Repeated(one, least, _) => *least == 0 || one.may_be_empty(),
            Shape::Of(_, one) => one.may_be_empty(),
        }
    }

    /// How many bytes must be told apart to follow it.
    fn size(&self) -> usize {
        match self {
            Shape::Byte(_) => 1,
            Shape::Row(all) | Shape::Either(all) => all.iter().map(Shape::size).fold(0, usize::saturating_add),
            Shape::Repeated(one, least, most) => one.size().saturating_mul(most.unwrap_or(least.saturating_add(1))),
            Shape::Of(_, one) => one.size(),
        }
    }

    /// Short enough to be followed. Nothing that is followed by its name may lie within.
    pub(super) fn bounded(self) -> Shape {
        match self.length() {
            _ if self.size() <= LONGEST => self,
            Some(length) if length <= LONGEST => Shape::exactly(length, self.bytes()),
            _ => Shape::any(self.bytes()),
        }
    }

    /// All that is followed in it.
    pub(super) fn marks(&self, marks: &mut HashSet<Mark>) {
        match self {
            Shape::Of(mark, one) => {
                marks.insert(*mark);
                one.marks(marks);
            }
            Shape::Byte(_) => {}
            Shape::Row(all) | Shape::Either(all) => all.iter().for_each(|one| one.marks(marks)),
            Shape::Repeated(one, ..) => one.marks(marks),
        }
    }

    /// Whether all of it is followed as one, and as nothing else.
    pub(super) fn is_one_value(&self) -> bool {
        match self {
            Shape::Row(all) => matches!(all.as_slice(), [one] if one.is_one_value()),
            Shape::Of(_, one) => {
                let mut within = HashSet::new();
                one.marks(&mut within);
                within.is_empty() || one.is_one_value()
            }
            Shape::Byte(_) | Shape::Either(_) | Shape::Repeated(..) => false,
        }
    }

    /// The same with nothing in it that is followed.
    pub(super) fn unmarked(self) -> Shape {
        match self {
            Shape::Of(_, one) => one.unmarked(),
            Shape::Byte(bytes) => Shape::Byte(bytes),
            Shape::Row(all) => Shape::Row(all.into_iter().map(Shape::unmarked).collect()),
            Shape::Either(all) => Shape::Either(all.into_iter().map(Shape::unmarked).collect()),
            Shape::Repeated(one, least, most) => Shape::Repeated(Box::new(one.unmarked()), least, most),
        }
    }

    /// With each byte replaced.
    pub(super) fn map(self, replace: &dyn Fn(Bytes) -> Shape) -> Shape {
        let all = |shapes: Vec<Shape>| shapes.into_iter().map(|one| one.map(replace)).collect();
        match self {
            Shape::Byte(bytes) => replace(bytes),
            Shape::Row(shapes) => Shape::Row(all(shapes)),
            Shape::Either(shapes) => Shape::Either(all(shapes)),
            Shape::Repeated(one, least, most) => Shape::Repeated(Box::new(one.map(replace)), least, most),
            Shape::Of(mark, one) => one.map(replace).marked(mark),
        }
    }

    pub(super) fn mapped(self, replace: fn(&u8) -> u8) -> Shape {
        self.map(&|own| Shape::Byte(own.mapped(replace)))
    }

    pub(super) fn within(self, bytes: Bytes) -> Shape {
        self.map(&|own| Shape::Byte(own.and(bytes)))
    }

    /// What is of both shapes: the narrower one, as far as its bytes are the other's too.
    pub(super) fn narrowed(self, other: Shape) -> Shape {
        let rank = |shape: &Shape| (shape.length().is_none(), shape.bytes().count());
        let (narrow, wide) = if rank(&other) <= rank(&self) { (other, self) } else { (self, other) };
        narrow.within(wide.bytes())
    }
}
