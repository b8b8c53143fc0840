//! A shape as its bytes and which may follow which (Glushkov 1961): what has no steps that read nothing is easily read twice.

use super::{
    budget::Budget,
    bytes::Bytes,
    shape::{Mark, Shape},
};

/// A shape with more bytes to tell apart is not looked through.
const MOST: usize = 4096;
/// Nor one with more pairs of bytes that may follow each other.
const MOST_STEPS: usize = 1 << 18;

/// The bytes of a shape in all the places in which one may stand.
#[derive(Debug, Default)]
pub(super) struct Positions {
    pub(super) bytes: Vec<Bytes>,
    /// Within which marked shape each lies.
    pub(super) within: Vec<Option<usize>>,
    /// What may come after each.
    pub(super) next: Vec<Vec<usize>>,
    pub(super) first: Vec<usize>,
    /// Whether the text may end with it.
    pub(super) is_last: Vec<bool>,
    /// The marked shapes: the mark, and within which other it lies.
    pub(super) marked: Vec<(Mark, Option<usize>)>,
    steps: usize,
}

/// Part of a shape: what it may begin and end with.
struct Piece {
    first: Vec<usize>,
    last: Vec<usize>,
    may_be_empty: bool,
}

impl Positions {
    /// `None` if there are too many.
    pub(super) fn of(shape: &Shape, budget: &Budget) -> Option<Positions> {
        let mut positions = Positions::default();
        let piece = positions.piece(shape, None);
        budget.spend(positions.bytes.len().saturating_add(positions.steps.min(MOST_STEPS)))?;
        let piece = piece?;
        positions.first = piece.first;
        positions.is_last = vec![false; positions.bytes.len()];
        for last in piece.last {
            *positions.is_last.get_mut(last)? = true;
        }
        Some(positions)
    }

    /// The marked shapes that a byte lies in, from the innermost.
    pub(super) fn around(&self, within: Option<usize>) -> impl Iterator<Item = usize> {
        let outer = |index: &usize| self.marked.get(*index).and_then(|(_, outer)| *outer);
        std::iter::successors(within, outer)
    }

    fn piece(&mut self, shape: &Shape, within: Option<usize>) -> Option<Piece> {
        match shape {
            Shape::Byte(bytes) => self.byte(*bytes, within),
            Shape::Row(all) => {
                let mut row = Piece::empty();
                for one in all {
                    let next = self.piece(one, within)?;
                    row = self.followed(row, next)?;
                }
                Some(row)
            }
            Shape::Either(all) => {
                let mut either = Piece { may_be_empty: false, ..Piece::empty() };
                for one in all {
                    let Piece { first, last, may_be_empty } = self.piece(one, within)?;
                    either.first.extend(first);
                    either.last.extend(last);
                    either.may_be_empty |= may_be_empty;
                }
                Some(either)
            }
            Shape::Repeated(one, least, most) => self.repeated(one, (*least, *most), within),
            Shape::Of(mark, one) => {
                self.marked.push((*mark, within));
                let within = self.marked.len().checked_sub(1);
                self.piece(one, within)
            }
        }
    }

    fn byte(&mut self, bytes: Bytes, within: Option<usize>) -> Option<Piece> {
        let at = self.bytes.len();
        if at >= MOST {
            return None;
        }
        self.bytes.push(bytes);
        self.within.push(within);
        self.next.push(Vec::new());
        Some(Piece { first: vec![at], last: vec![at], may_be_empty: false })
    }

    /// As often as it must, and then as often as it may: `aa(a(a)?)?`, or `aaa*`.
    fn repeated(&mut self, one: &Shape, (least, most): (usize, Option<usize>), within: Option<usize>) -> Option<Piece> {
        let mut row = Piece::empty();
        for _ in 0..least {
            let next = self.piece(one, within)?;
            row = self.followed(row, next)?;
        }
        let mut rest = Piece::empty();
        match most {
            None => {
                rest = self.piece(one, within)?;
                self.steps(&rest.last.clone(), &rest.first)?;
                rest.may_be_empty = true;
            }
            Some(most) => {
                for _ in least..most {
                    let next = self.piece(one, within)?;
                    rest = self.followed(next, rest)?;
                    rest.may_be_empty = true;
                }
            }
        }
        self.followed(row, rest)
    }

    fn followed(&mut self, before: Piece, after: Piece) -> Option<Piece> {
        self.steps(&before.last, &after.first)?;
        let (mut first, mut last) = (before.first, after.last);
        if before.may_be_empty {
            first.extend(after.first);
        }
        if after.may_be_empty {
            last.extend(before.last);
        }
        Some(Piece { first, last, may_be_empty: before.may_be_empty && after.may_be_empty })
    }

    fn steps(&mut self, from: &[usize], to: &[usize]) -> Option<()> {
        self.steps = self.steps.saturating_add(from.len().saturating_mul(to.len()));
        if self.steps > MOST_STEPS {
            return None;
        }
        from.iter().try_for_each(|from| {
            self.next.get_mut(*from)?.extend(to);
            Some(())
        })
    }
}

impl Piece {
    fn empty() -> Piece {
        Piece { first: Vec::new(), last: Vec::new(), may_be_empty: true }
    }
}
