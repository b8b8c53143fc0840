//! A trie of path segments: which patterns match a path, the most specific first, at a cost that does not grow with their
//! number. It compares bytes; what they mean is the affair of who asks.
//!
//! The route table finds routes with it, and the config looks with it at which route answers for a path, so that it sees what the
//! table will do.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Patterns by segment. Each leads to what has it.
pub struct PathTrie<T> {
    root: Node<T>,
}

struct Node<T> {
    literals: HashMap<Box<[u8]>, Node<T>, RandomState>,
    segment: Option<Box<Node<T>>>,
    /// What has a pattern that ends here.
    here: Vec<T>,
    /// What has one that ends in `/**` here.
    below: Vec<T>,
}

impl<T> PathTrie<T> {
    /// What has one pattern, to add to. A segment of `None` is `{name}`.
    pub fn terminal<'s>(&mut self, segments: impl Iterator<Item = Option<&'s [u8]>>, below: bool) -> &mut Vec<T> {
        let mut node = &mut self.root;
        for segment in segments {
            node = match segment {
                Some(literal) => node.literals.entry(Box::from(literal)).or_default(),
                None => node.segment.get_or_insert_default(),
            };
        }
        if below { &mut node.below } else { &mut node.here }
    }

    /// What has the most specific pattern that matches `path`, which starts with a slash: segment by segment a literal is
    /// preferred to `{name}`, and that to `/**`.
    pub fn find(&self, path: &[u8]) -> Option<&[T]> {
        self.find_map(path, &mut Some)
    }

    /// The first thing that `wanted` makes of what has one pattern; those that match `path` are shown to it in that order.
    pub fn find_map<'t, R>(&'t self, path: &[u8], wanted: &mut impl FnMut(&'t [T]) -> Option<R>) -> Option<R> {
        let (_, segments) = split_segment(path);
        self.root.find_map(segments, wanted)
    }
}

impl<T> Node<T> {
    /// No node is visited twice, and the depth is at most that of the longest pattern.
    fn find_map<'t, R>(&'t self, segments: Option<&[u8]>, wanted: &mut impl FnMut(&'t [T]) -> Option<R>) -> Option<R> {
        let Some(segments) = segments else { return shown(&self.here, wanted) };
        let (first, rest) = split_segment(segments);
        if let Some(found) = self.literals.get(first).and_then(|node| node.find_map(rest, wanted)) {
            return Some(found);
        }
        let segment = self.segment.as_ref().filter(|_| !first.is_empty());
        segment.and_then(|node| node.find_map(rest, wanted)).or_else(|| shown(&self.below, wanted))
    }
}

fn shown<'t, T, R>(those: &'t [T], wanted: &mut impl FnMut(&'t [T]) -> Option<R>) -> Option<R> {
    if those.is_empty() { None } else { wanted(those) }
}

/// The first segment and, if a slash follows it, what is behind that slash.
fn split_segment(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'/', path).and_then(|slash| path.split_at_checked(slash)) {
        Some((first, rest)) => (first, rest.get(1..)),
        None => (path, None),
    }
}

impl<T> Default for PathTrie<T> {
    fn default() -> Self {
        PathTrie { root: Node::default() }
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Node { literals: HashMap::default(), segment: None, here: Vec::new(), below: Vec::new() }
    }
}
