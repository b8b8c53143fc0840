//! `store:` and `replay:`: what is remembered, where, and what happens where that cannot be asked.

use super::{
    checked::{OnStoreFailure, ReplayMemory, Store},
    limits::count,
    reader::Reader,
    redis_server,
    tree::{Node, Value},
};

/// What the keys in Redis begin with where nothing else is said.
const PREFIX: &str = "countersign:";

impl Default for ReplayMemory {
    fn default() -> ReplayMemory {
        ReplayMemory { capacity: 1_000_000 }
    }
}

/// Reads `store:`.
pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Store> {
    let entry = reader.one_key(node, "`store`", &["redis"])?;
    let allowed: Vec<&str> = redis_server::KEYS.into_iter().chain(["prefix"]).collect();
    let fields = reader.fields(&entry.value, "`redis`", &allowed)?;
    let server = redis_server::read(&fields, reader);
    let prefix = fields.value("prefix").map_or(Some(PREFIX), |node| reader.line(node, "`prefix`"));
    Some(Store { prefix: prefix?.to_owned(), redis: server? })
}

/// Reads `replay:`.
pub(super) fn read_replay(node: &Node, reader: &mut Reader<'_>) -> Option<ReplayMemory> {
    let fields = reader.fields(node, "`replay`", &["capacity"])?;
    let mut memory = ReplayMemory::default();
    count(&fields, "capacity", 1..100_000_001, &mut memory.capacity, reader);
    Some(memory)
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
