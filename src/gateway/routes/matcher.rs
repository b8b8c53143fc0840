//! A trie of path segments: the most specific pattern that matches a path, at a cost that does not grow with the
//! number of routes. It compares bytes; what they mean is `reading`'s affair.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Patterns by segment. Each leads to the indices of the routes that have it.
#[derive(Default)]
pub(super) struct Trie {
    root: Node,
}

#[derive(Default)]
struct Node {
    literals: HashMap<Box<[u8]>, Node, RandomState>,
    segment: Option<Box<Node>>,
    /// Routes whose pattern ends here.
    here: Vec<usize>,
    /// Routes whose pattern ends in `/**` here.
    below: Vec<usize>,
}

impl Trie {
    /// The routes of one pattern, to add to. A segment of `None` is `{name}`.
    pub(super) fn terminal<'s>(
        &mut self,
        segments: impl Iterator<Item = Option<&'s [u8]>>,
        below: bool,
    ) -> &mut Vec<usize> {
        let mut node = &mut self.root;
        for segment in segments {
            node = match segment {
                Some(literal) => node.literals.entry(Box::from(literal)).or_default(),
                None => node.segment.get_or_insert_default(),
            };
        }
        if below { &mut node.below } else { &mut node.here }
    }

    /// The routes of the most specific pattern that matches `path`, which starts with a slash: segment by segment a
    /// literal is preferred to `{name}`, and that to `/**`.
    pub(super) fn find(&self, path: &[u8]) -> Option<&[usize]> {
        let (_, segments) = split_segment(path);
        self.root.find(segments)
    }
}

impl Node {
    /// No node is visited twice, and the depth is at most that of the longest pattern.
    fn find(&self, segments: Option<&[u8]>) -> Option<&[usize]> {
        let Some(segments) = segments else { return some(&self.here) };
        let (first, rest) = split_segment(segments);
        let literal = || self.literals.get(first).and_then(|node| node.find(rest));
        let segment = || self.segment.as_ref().filter(|_| !first.is_empty()).and_then(|node| node.find(rest));
        literal().or_else(segment).or_else(|| some(&self.below))
    }
}

/// The first segment and, if a slash follows it, what is behind that slash.
fn split_segment(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'/', path).and_then(|slash| path.split_at_checked(slash)) {
        Some((first, rest)) => (first, rest.get(1..)),
        None => (path, None),
    }
}

fn some(routes: &[usize]) -> Option<&[usize]> {
    (!routes.is_empty()).then_some(routes)
}
