//! Regular expressions as shapes. A boundary or an anchor inside only ever takes texts away, so it is left out.

use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind},
};

use super::{bytes::Bytes, shape::Shape};

/// What the expression matches as a whole; anything, where it cannot be read.
pub(super) fn whole(expression: &str) -> Shape {
    parsed(expression).map_or_else(|| Shape::any(Bytes::ALL), |hir| shape(&hir)).bounded()
}

/// What the group of this name may take.
pub(super) fn group(expression: &str, name: &str) -> Shape {
    let parsed = parsed(expression);
    let group = parsed.as_ref().and_then(|hir| find(hir, name));
    group.map_or_else(|| Shape::any(Bytes::ALL), shape).bounded()
}

/// Read as the expression itself is: in bytes, not in characters.
fn parsed(expression: &str) -> Option<Hir> {
    ParserBuilder::new().unicode(false).utf8(false).build().parse(expression).ok()
}

fn shape(hir: &Hir) -> Shape {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Shape::empty(),
        HirKind::Literal(literal) => {
            Shape::Row(literal.0.iter().map(|byte| Shape::Byte(Bytes::these(&[*byte]))).collect())
        }
        HirKind::Class(Class::Bytes(class)) => {
            let ranges = class.ranges();
            Shape::Byte(Bytes::of(|byte| ranges.iter().any(|range| (range.start()..=range.end()).contains(&byte))))
        }
        HirKind::Class(Class::Unicode(class)) => {
            let has =
                |byte: u8| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&char::from(byte)));
            let ascii = Bytes::of(|byte| byte.is_ascii() && has(byte));
            Shape::Either(vec![Shape::Byte(ascii), character_beyond_ascii()])
        }
        HirKind::Repetition(repetition) => {
            let times = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
            Shape::Repeated(Box::new(shape(&repetition.sub)), times(repetition.min), repetition.max.map(times))
        }
        HirKind::Capture(capture) => shape(&capture.sub),
        HirKind::Concat(all) => Shape::Row(all.iter().map(shape).collect()),
        HirKind::Alternation(all) => Shape::Either(all.iter().map(shape).collect()),
    }
}

/// Two to four bytes of UTF-8: `(?u)` turns characters on again.
fn character_beyond_ascii() -> Shape {
    let (lead, more) = (Bytes::of(|byte| byte >= 0xC2), Bytes::of(|byte| (0x80..0xC0).contains(&byte)));
    Shape::Row(vec![Shape::Byte(lead), Shape::Repeated(Box::new(Shape::Byte(more)), 1, Some(3))])
}

fn find<'h>(hir: &'h Hir, name: &str) -> Option<&'h Hir> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some(name) => Some(&capture.sub),
        HirKind::Capture(capture) => find(&capture.sub, name),
        HirKind::Repetition(repetition) => find(&repetition.sub, name),
        HirKind::Concat(all) | HirKind::Alternation(all) => all.iter().find_map(|one| find(one, name)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => None,
    }
}
