//! Schemes with which one signed request is good more than once: each remembers what it took by itself.

use super::{
    checked::{Requirement, SchemeConfig},
    reader::Reader,
    section::Section,
};

/// Warns of each scheme whose requests can be written over for one before it: same keys, and messages that nothing tells
/// apart. Where one of both remembers nothing it is warned of as it is.
pub(super) fn warn<'r>(
    requirements: impl Iterator<Item = &'r Requirement>,
    schemes: &Section<SchemeConfig>,
    reader: &mut Reader<'_>,
) {
    let required: std::collections::BTreeSet<usize> = requirements.flat_map(Requirement::schemes).collect();
    let remembering: Vec<_> = required
        .into_iter()
        .filter_map(|index| schemes.named(index))
        .filter(|(_, entry)| entry.scheme.remembers().is_some())
        .collect();
    for (index, (place, entry)) in remembering.iter().enumerate() {
        let mut before = remembering.iter().take(index).map(|(_, other)| other);
        let twin = before.find(|other| other.keys == entry.keys && other.scheme.may_share_messages(&entry.scheme));
        if let Some(twin) = twin {
            let (own, other) = (&entry.name, &twin.name);
            let message = format!(
                "the schemes `{other}` and `{own}` have the same keys, and nothing tells their messages apart: a request \
                that was signed once can be good once under each"
            );
            reader.warning(*place, message).hint("give each a key source of its own");
        }
    }
}
