//! `dpop` of a route's token: whether proofs of a key are taken, and how old one may be.

use std::time::Duration;

use super::{
    checked::{Dpop, TokenFrom},
    reader::Reader,
    tree::{Entry, Node, Value},
};

const MODES: [(&str, bool); 2] = [("required", true), ("accepted", false)];
const PAST: Duration = Duration::from_secs(60);
const FUTURE: Duration = Duration::from_secs(10);
/// Longest time that draws no warning.
const LONG: Duration = Duration::from_secs(600);

/// Reads `required`, `accepted`, or a map that says more of it.
pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Dpop> {
    let Value::Map(_) = node.value else {
        let required = reader.choice_or(node, "`dpop`", &MODES, "`{ tokens: …, past: … }`")?;
        return Some(Dpop { required, past: PAST, future: FUTURE });
    };
    let fields = reader.fields(node, "`dpop`", &["tokens", "past", "future"])?;
    let required = fields.required("tokens", reader).and_then(|node| reader.choice(node, "`tokens`", &MODES));
    let past = fields.value("past").map_or(Some(PAST), |node| reader.positive_duration(node, "`past`"));
    let future = fields.value("future").map_or(Some(FUTURE), |node| reader.duration(node, "`future`"));
    for (key, time) in [("past", past), ("future", future)] {
        if let Some(node) = fields.value(key).filter(|_| time.is_some_and(|time| time > LONG)) {
            reader
                .warning(node.place, "a proof is good for longer than ten minutes")
                .hint("each proof is remembered for as long");
        }
    }
    Some(Dpop { required: required?, past: past?, future: future? })
}

/// Reports tokens that stand where no proof belongs to them.
pub(super) fn check(dpop: &Entry, from: Option<&TokenFrom>, reader: &mut Reader<'_>) {
    if from.is_some_and(|from| *from != TokenFrom::Bearer) {
        reader
            .error(dpop.key_place, "`dpop` is for tokens that stand in `Authorization: DPoP`")
            .expected("no `from`, in the route and in the tokens entry");
    }
}
