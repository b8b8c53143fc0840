//! The file in which a set outlives a restart: so a gateway can start while the issuer is away.

use std::{fs, io, io::Write, path::Path};

use serde_json::json;

use super::{Fetched, Known, LARGEST_DOCUMENT, Place, fetch};
use crate::json::{Document, Value};

/// The set that `file` holds, if it is this issuer's, and young enough to be used.
pub(super) fn read(file: &Path, issuer: &Known) -> Option<Fetched> {
    // A document as large as one may be, whose every byte takes six to write down.
    let most = u64::try_from(LARGEST_DOCUMENT * 6 + 4096).unwrap_or(u64::MAX);
    if fs::metadata(file).ok()?.len() > most {
        return None;
    }
    let bytes = fs::read(file).ok()?;
    let document = Document::parse(&bytes).ok()?;
    let text = |pointer| document.pointer(pointer).and_then(Value::into_string);
    let Some(Value::Number(at)) = document.pointer("/fetched") else { return None };
    let at_millis: i64 = at.parse().ok()?;
    let age = issuer.clock.unix_millis().checked_sub(at_millis)?;
    let stale = i64::try_from(issuer.settings.stale.as_millis()).unwrap_or(i64::MAX);
    if text("/from")? != origin(&issuer.settings.place) || !(0..stale).contains(&age) {
        return None;
    }
    let published = fetch::read(text("/set")?.into_owned().into_bytes(), &issuer.settings.rules).ok()?;
    Some(Fetched { keys: published.keys, at_millis })
}

/// Writes a set in the place of the one before: whole, or not at all.
pub(super) fn write(issuer: &Known, set: &[u8], at_millis: i64) -> io::Result<()> {
    let Some(file) = &issuer.settings.cache else { return Ok(()) };
    let set = String::from_utf8_lossy(set);
    let content = json!({"fetched": at_millis, "from": origin(&issuer.settings.place), "set": set}).to_string();
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(directory)?;
    beside.write_all(content.as_bytes())?;
    beside.as_file().sync_all()?;
    beside.persist(file).map_err(|error| error.error)?;
    Ok(())
}

fn origin(place: &Place) -> String {
    match place {
        Place::KeySet(uri) => uri.to_string(),
        Place::Discovery(issuer) => issuer.clone(),
    }
}
