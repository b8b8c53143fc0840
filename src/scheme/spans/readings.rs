//! Two readings of one text, side by side, byte for byte.

use std::collections::{HashMap, HashSet};

use super::{
    budget::Budget,
    positions::Positions,
    shape::{Mark, Shape},
};

/// What is not the same in all readings of one text.
#[derive(Debug, Default)]
pub(super) struct Moving {
    /// Whose bytes are not.
    pub(super) marks: HashSet<Mark>,
    /// What has a byte in one reading that is the other's in another, either way round.
    pub(super) lends: HashSet<(Mark, Mark)>,
}

/// What moves; `None` if the shape is too large to say.
pub(super) fn moving(shape: &Shape, budget: &Budget) -> Option<Moving> {
    let positions = Positions::of(shape, budget)?;
    let pairs = Pairs::of(&positions, budget)?;
    let within = |at: usize| positions.within.get(at).copied().flatten();
    // Many pairs of places, and few pairs of values.
    let apart: HashSet<_> = pairs.in_whole_texts(&positions).map(|(one, other)| (within(one), within(other))).collect();
    let mut moving = Moving::default();
    for (first, second) in apart.into_iter().filter(|(first, second)| first != second) {
        moving.add(&positions, first, second);
    }
    Some(moving)
}

impl Moving {
    fn add(&mut self, positions: &Positions, first: Option<usize>, second: Option<usize>) {
        let around = |within| positions.around(within).collect::<HashSet<usize>>();
        let (first, second) = (around(first), around(second));
        let mark = |at: &usize| positions.marked.get(*at).map(|(mark, _)| *mark);
        let alone: Vec<Mark> = first.difference(&second).filter_map(mark).collect();
        let other: Vec<Mark> = second.difference(&first).filter_map(mark).collect();
        self.lends.extend(alone.iter().flat_map(|one| other.iter().flat_map(|other| [(*one, *other), (*other, *one)])));
        self.marks.extend(alone.into_iter().chain(other));
    }
}

/// A place in each of two readings that have read the same bytes so far. Which reading is which does not matter.
type Pair = (usize, usize);

/// The pairs that two readings can come to.
struct Pairs {
    all: Vec<Pair>,
    /// From which pairs each is come to.
    before: Vec<Vec<usize>>,
}

impl Pairs {
    fn of(positions: &Positions, budget: &Budget) -> Option<Pairs> {
        let mut pairs = Pairs { all: Vec::new(), before: Vec::new() };
        let mut known: HashMap<Pair, usize> = HashMap::new();
        pairs.come_to(positions, None, (&positions.first, &positions.first), &mut known, budget)?;
        let mut at = 0;
        while let Some((first, second)) = pairs.all.get(at).copied() {
            let next = (positions.next.get(first)?.as_slice(), positions.next.get(second)?.as_slice());
            pairs.come_to(positions, Some(at), next, &mut known, budget)?;
            at += 1;
        }
        Some(pairs)
    }

    fn come_to(
        &mut self,
        positions: &Positions,
        from: Option<usize>,
        (first, second): (&[usize], &[usize]),
        known: &mut HashMap<Pair, usize>,
        budget: &Budget,
    ) -> Option<()> {
        budget.spend(first.len().saturating_mul(second.len()))?;
        for (one, other) in first.iter().flat_map(|one| second.iter().map(move |other| (*one, *other))) {
            if !positions.bytes.get(one)?.overlaps(*positions.bytes.get(other)?) {
                continue;
            }
            let pair = (one.min(other), one.max(other));
            let index = *known.entry(pair).or_insert_with(|| {
                self.all.push(pair);
                self.before.push(Vec::new());
                self.all.len() - 1
            });
            self.before.get_mut(index)?.extend(from);
        }
        Some(())
    }

    /// Those from which both readings can come to the end of one text together.
    fn in_whole_texts<'p>(&'p self, positions: &'p Positions) -> impl Iterator<Item = Pair> + 'p {
        let ends = |(first, second): Pair| [first, second].iter().all(|at| positions.is_last.get(*at) == Some(&true));
        let mut is_in: Vec<bool> = self.all.iter().map(|pair| ends(*pair)).collect();
        let mut open: Vec<usize> = is_in.iter().enumerate().filter_map(|(at, is)| is.then_some(at)).collect();
        while let Some(at) = open.pop() {
            for before in self.before.get(at).into_iter().flatten() {
                if let Some(is_in) = is_in.get_mut(*before).filter(|is_in| !**is_in) {
                    *is_in = true;
                    open.push(*before);
                }
            }
        }
        self.all.iter().zip(is_in).filter_map(|(pair, is_in)| is_in.then_some(*pair))
    }
}
