//! `store:` and `replay:`: what is remembered, where, and what happens where that cannot be asked.

use super::{
    checked::{AfterStart, Config, OnStoreFailure, ReplayMemory, Route, Store},
    habits,
    limits::count,
    reader::Reader,
    redis_server,
    shape::Fields,
    tree::{Node, Value},
};

/// What the keys in Redis begin with where nothing else is said.
const PREFIX: &str = "countersign:";

impl Default for ReplayMemory {
    fn default() -> ReplayMemory {
        ReplayMemory { capacity: 1_000_000, journal: None, after_start: AfterStart::Accept }
    }
}

/// Reads `store:`.
pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Store> {
    let entry = reader.one_key(node, "`store`", &["redis"])?;
    let allowed: Vec<&str> = redis_server::KEYS.into_iter().chain(["prefix"]).collect();
    let Some(fields) = reader.fields(&entry.value, "`redis`", &allowed) else {
        habits::hint_of_value(&entry.value, "`{ url: \"redis://127.0.0.1:6379\" }`", reader);
        return None;
    };
    let server = redis_server::read(&fields, reader);
    let prefix = fields.value("prefix").map_or(Some(PREFIX), |node| reader.line(node, "`prefix`"));
    Some(Store { prefix: prefix?.to_owned(), redis: server? })
}

/// Reads `replay:`.
pub(super) fn read_replay(node: &Node, reader: &mut Reader<'_>) -> Option<ReplayMemory> {
    let fields = reader.fields(node, "`replay`", &["capacity", "journal", "after_start"])?;
    let mut memory = ReplayMemory::default();
    count(&fields, "capacity", 1..100_000_001, &mut memory.capacity, reader);
    memory.journal = fields.value("journal").and_then(|node| reader.path(node, "`journal`"));
    let choices = [("accept", AfterStart::Accept), ("refuse", AfterStart::Refuse)];
    let after_start = fields.value("after_start").and_then(|node| reader.choice(node, "`after_start`", &choices));
    memory.after_start = after_start.unwrap_or_default();
    if let (Some(entry), Some(_)) = (fields.entry("after_start"), fields.value("journal")) {
        reader.warning(entry.key_place, "`after_start` has no effect: the journal knows what was accepted");
    }
    Some(memory)
}

/// Warns of what has no effect where claims are kept in a store.
pub(super) fn report_idle(document: &Fields<'_>, reader: &mut Reader<'_>) {
    if let (Some(entry), Some(_)) = (document.entry("replay"), document.value("store")) {
        reader.warning(entry.key_place, "`replay` has no effect: claims are kept in the store");
    }
}

/// Says what a restart does to a memory that does not outlive it.
pub(super) fn note_restart(config: &Config, document: &Fields<'_>, reader: &mut Reader<'_>) {
    let remembered = config.schemes.iter().filter_map(|scheme| scheme.scheme.remembers()).max();
    let proofs = config.routes.iter().any(Route::takes_proofs);
    let remembers = remembered.is_some() || proofs || config.tokens.iter().any(|tokens| tokens.replay);
    let ReplayMemory { journal, after_start, .. } = &config.replay;
    if !remembers || journal.is_some() || config.store.is_some() {
        return;
    }
    let place = document.entry("replay").map_or(document.place, |entry| entry.key_place);
    match after_start {
        AfterStart::Accept => reader.note(place, "what was accepted before a restart can be accepted once more after it"),
        AfterStart::Refuse => reader.note(
            place,
            "after a start, a request that can have been accepted before it is refused: one that is timestamped before the \
             start, or after it by no more than clocks may be ahead",
        ),
    }
    .hint("`replay: { journal: DIRECTORY }` remembers over restarts");
}

/// `on_store_failure` in a `replay` that is a map; its other keys are read elsewhere.
pub(super) fn on_failure(replay: Option<&Node>, reader: &mut Reader<'_>) -> Option<OnStoreFailure> {
    let Some(Node { value: Value::Map(entries), .. }) = replay else { return Some(OnStoreFailure::Refuse) };
    let Some(entry) = entries.iter().find(|entry| entry.key == "on_store_failure") else {
        return Some(OnStoreFailure::Refuse);
    };
    let choices = [("refuse", OnStoreFailure::Refuse), ("allow", OnStoreFailure::Allow)];
    let chosen = reader.choice(&entry.value, "`on_store_failure`", &choices)?;
    if chosen == OnStoreFailure::Allow {
        reader
            .warning(entry.value.place, "while the store is away, requests are accepted as often as they are sent")
            .hint("`refuse`, the default, answers them with 503");
    }
    Some(chosen)
}
