//! A file of secrets for `sign` and `verify`: lines `id,secret`, or bare secrets.
//!
//! Several lines of one id are its live secrets, newest first. A secret is taken as it is written, to the end of its
//! line; only the line's end is no part of it.

use std::{io, path::Path, path::PathBuf};

use zeroize::Zeroizing;

use crate::{
    keys::{KeyRecord, KeyTable, MOST_LIVE, Prepared},
    scheme::{KeyFault, Scheme},
    secret::Secret,
};

/// Longest key id, in bytes: as much as a scheme reads from a request.
const LONGEST_ID: usize = 256;

/// What a keys file holds.
#[derive(Debug)]
pub(super) enum KeyFile {
    /// Bare secrets: for a scheme without ids, or for whatever id a request names.
    Any(Vec<Secret>),
    /// Ids and their secrets.
    ById(Vec<(String, Vec<Secret>)>),
}

/// Why a keys file cannot be used. No secret is in any text.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyFileError {
    #[error("the keys file {} cannot be read: {source}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the keys file holds no secret; wanted are lines `id,secret`, or a bare secret")]
    Empty,
    #[error("line {0} of the keys file has no secret after its comma")]
    NoSecret(usize),
    #[error("line {0} of the keys file: an id is 1 to {LONGEST_ID} visible ASCII characters")]
    Id(usize),
    #[error("line {0} of the keys file: lines with an id and bare secrets do not mix")]
    Mixed(usize),
    #[error("line {0} of the keys file: more than {MOST_LIVE} live secrets of one id")]
    TooMany(usize),
}

impl KeyFile {
    /// Reads the file at `path` for `scheme`.
    pub(super) fn read(path: &Path, scheme: &Scheme) -> Result<KeyFile, KeyFileError> {
        let unreadable = |source| KeyFileError::Unreadable { path: path.to_owned(), source };
        let content = Zeroizing::new(std::fs::read(path).map_err(unreadable)?);
        KeyFile::parse(&content, scheme.has_key_id())
    }

    /// Reads a file's content. Where a scheme has no ids, a comma is part of the secret.
    fn parse(content: &[u8], with_ids: bool) -> Result<KeyFile, KeyFileError> {
        let (mut bare, mut by_id): (Vec<Secret>, Vec<(String, Vec<Secret>)>) = (Vec::new(), Vec::new());
        for (line, number) in content.split(|byte| *byte == b'\n').zip(1..) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let comma = memchr::memchr(b',', line).filter(|_| with_ids);
            let secrets = match comma.and_then(|at| line.split_at_checked(at)) {
                None => &mut bare,
                Some((id, _)) => secrets_of(&mut by_id, id, number)?,
            };
            let secret = line.get(comma.map_or(0, |at| at + 1)..).unwrap_or_default();
            if secret.is_empty() {
                return Err(KeyFileError::NoSecret(number));
            }
            secrets.push(Secret::new(secret.to_vec()));
            if secrets.len() > MOST_LIVE {
                return Err(KeyFileError::TooMany(number));
            }
            if !bare.is_empty() && !by_id.is_empty() {
                return Err(KeyFileError::Mixed(number));
            }
        }
        match (bare.is_empty(), by_id.is_empty()) {
            (true, true) => Err(KeyFileError::Empty),
            (false, _) => Ok(KeyFile::Any(bare)),
            (true, false) => Ok(KeyFile::ById(by_id)),
        }
    }

    /// The secrets, made ready by `prepare`.
    pub(super) fn table(&self, prepare: impl Fn(&Secret) -> Prepared) -> Result<KeyTable, KeyFault> {
        match self {
            KeyFile::Any(secrets) => KeyTable::shared(&KeyRecord::of(secrets.iter().cloned()), prepare),
            KeyFile::ById(ids) => {
                let record =
                    |(id, secrets): &(String, Vec<Secret>)| (id.clone(), KeyRecord::of(secrets.iter().cloned()));
                let records: Vec<_> = ids.iter().map(record).collect();
                KeyTable::by_id(records.iter().map(|(id, record)| (id.as_bytes(), record)), prepare)
            }
        }
    }

    /// The ids it names.
    pub(super) fn ids(&self) -> Vec<&str> {
        match self {
            KeyFile::Any(_) => Vec::new(),
            KeyFile::ById(ids) => ids.iter().map(|(id, _)| id.as_str()).collect(),
        }
    }
}

fn secrets_of<'k>(
    by_id: &'k mut Vec<(String, Vec<Secret>)>,
    id: &[u8],
    line: usize,
) -> Result<&'k mut Vec<Secret>, KeyFileError> {
    let id = std::str::from_utf8(id.trim_ascii()).map_err(|_| KeyFileError::Id(line))?;
    if !(1..=LONGEST_ID).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(KeyFileError::Id(line));
    }
    let at = by_id.iter().position(|(known, _)| known == id).unwrap_or_else(|| {
        by_id.push((id.to_owned(), Vec::new()));
        by_id.len() - 1
    });
    by_id.get_mut(at).map(|(_, secrets)| secrets).ok_or(KeyFileError::Id(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(content: &str, with_ids: bool) -> String {
        let text = |secrets: &[Secret]| {
            secrets.iter().map(|secret| String::from_utf8_lossy(secret.expose()).into_owned()).collect::<Vec<_>>()
        };
        match KeyFile::parse(content.as_bytes(), with_ids) {
            Ok(KeyFile::Any(secrets)) => format!("any {:?}", text(&secrets)),
            Ok(KeyFile::ById(ids)) => {
                let ids: Vec<String> = ids.iter().map(|(id, secrets)| format!("{id} {:?}", text(secrets))).collect();
                ids.join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn lines_of_one_id_are_its_live_secrets() {
        assert_eq!(
            shown("a,one\nb,two\r\n\na,three, with comma", true),
            "a [\"one\", \"three, with comma\"] b [\"two\"]"
        );
    }

    #[test]
    fn a_bare_secret_is_for_any_id() {
        assert_eq!(shown("secret-key\n", true), "any [\"secret-key\"]");
    }

    #[test]
    fn without_ids_a_comma_is_part_of_the_secret() {
        assert_eq!(shown("a,one \n", false), "any [\"a,one \"]");
    }

    #[test]
    fn what_is_no_keys_file_is_refused_by_line_and_without_its_secrets() {
        for (content, wanted) in [
            ("\n\n", "no secret;"),
            ("a,\n", "line 1 of the keys file has no secret"),
            ("\n,hunter2\n", "line 2 of the keys file: an id"),
            ("a b,hunter2\n", "line 1 of the keys file: an id"),
            ("a,hunter2\nhunter3\n", "line 2 of the keys file: lines with an id and bare"),
            ("a,1\na,2\na,3\na,4\na,5\n", "line 5 of the keys file: more than 4"),
        ] {
            let said = shown(content, true);
            assert!(said.contains(wanted) && !said.contains("hunter"), "{content:?}: {said}");
        }
    }
}
