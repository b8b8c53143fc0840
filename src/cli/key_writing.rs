//! How a config has a scheme's secrets written (`encoding: hex`), so that a keys file may have the same text for the same key.
//! Whoever took it for the key itself would be told that a signature is good which the gateway refuses.

use super::{
    config_file::{self, ZEROS},
    key_file::KeyFile,
    trouble::Trouble,
    words,
};
use crate::{
    config::KeySource,
    keys::{Encoding, KeyRecord, Output, Place},
    secret::Secret,
};
use std::path::Path;

/// The encodings that a config names for the keys of one scheme.
pub(super) struct KeyWriting {
    /// Of ids that have one of their own.
    by_id: Vec<(String, Encoding)>,
    /// Of whatever other id.
    any: Encoding,
}

impl KeyWriting {
    /// That of the keys of `scheme`, out of the config at `path`.
    pub(super) fn of(scheme: &str, path: &Path) -> Result<KeyWriting, Trouble> {
        let config = config_file::describe(path)?;
        let keys = config.schemes.iter().find(|entry| entry.name == scheme).map(|entry| entry.keys);
        let source = keys.and_then(|index| config.keys.get(index)).map(|keys| &keys.source);
        Ok(source.map_or(KeyWriting { by_id: Vec::new(), any: Encoding::Text }, KeyWriting::of_source))
    }

    fn of_source(source: &KeySource) -> KeyWriting {
        let any = match source {
            KeySource::Shared(record) => of_record(record),
            // As `countersign keys derive` prints them.
            KeySource::Derive { output: Output::Raw, .. } => Encoding::Hex,
            KeySource::Elsewhere(elsewhere) => match &elsewhere.place {
                Place::Sql(settings) => settings.encoding,
                Place::Redis(settings) => settings.encoding,
                Place::Http(settings) => settings.encoding,
            },
            KeySource::Static(_) | KeySource::File { .. } | KeySource::Derive { .. } => Encoding::Text,
        };
        let named = source.records().into_iter().filter_map(|(id, record)| Some((id?.to_owned(), of_record(record))));
        let by_id: Vec<(String, Encoding)> = named.collect();
        // A bare secret is for any id: it is written as all of them are, where they agree.
        let agreed = by_id.first().map(|(_, first)| *first).filter(|first| by_id.iter().all(|(_, it)| it == first));
        KeyWriting { any: agreed.unwrap_or(any), by_id }
    }

    fn of_id(&self, id: Option<&str>) -> Encoding {
        let own = self.by_id.iter().find(|(known, _)| Some(known.as_str()) == id);
        own.map_or(self.any, |(_, encoding)| *encoding)
    }

    /// Decodes the secrets of `file` that are written so, and says that it did, or that some are not.
    pub(super) fn decode(&self, file: &mut KeyFile) {
        let (mut read, mut left) = (None, None);
        file.each_plain(|id, secret| match (self.of_id(id), decoded(self.of_id(id), secret)) {
            (Encoding::Text, _) => (),
            (encoding, Some(bytes)) => (*secret, read) = (bytes, Some(encoding)),
            (encoding, None) => left = Some(encoding),
        });
        if let Some(encoding) = read {
            words(format_args!("note: the key is decoded from {}, as the config says", name(encoding)));
        }
        if let Some(encoding) = left {
            words(format_args!(
                "note: the config says that the key is written in {}; what the keys file has is not, and is taken as it stands",
                name(encoding)
            ));
        }
    }
}

/// The two alphabets of base64 are not told apart by [`ZEROS`], and no text has one meaning in one of them and another in the other.
fn decoded(encoding: Encoding, secret: &Secret) -> Option<Secret> {
    let of = |encoding: Encoding| encoding.decode(secret.expose());
    of(encoding).or_else(|| of(Encoding::Base64Url).filter(|_| encoding == Encoding::Base64))
}

/// Of a config that is read without its secrets: all are the same text, which each encoding makes other bytes of.
fn of_record(record: &KeyRecord) -> Encoding {
    let is = |secret: &Secret, encoding: &Encoding| {
        encoding.decode(&ZEROS).is_some_and(|zeros| zeros.expose() == secret.expose())
    };
    let of = |secret: &Secret| [Encoding::Hex, Encoding::Base64].into_iter().find(|encoding| is(secret, encoding));
    record.secrets.first().and_then(|known| of(&known.secret)).unwrap_or_default()
}

fn name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Text => "text",
        Encoding::Hex => "hexadecimal",
        Encoding::Base64 | Encoding::Base64Url => "base64",
    }
}
