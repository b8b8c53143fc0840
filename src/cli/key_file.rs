//! A file of secrets for `sign` and `verify`: lines `id,secret`, or bare secrets, or a file of keys as the gateway has it.
//!
//! Several lines of one id are its live secrets, newest first. A secret is taken as it is written, to the end of its
//! line; only the line's end is no part of it. A file of the gateway is told by its header, its name, or its lines of JSON.

use std::{io, path::Path, path::PathBuf};

use zeroize::Zeroizing;

use crate::{
    keys::{FileFault, Format, KeyFileContent, KeyRecord, KeyTable, MOST_LIVE, Prepared},
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
    ById {
        ids: Vec<(String, KeyRecord)>,
        /// The lines as they stand, where nothing but a comma told ids from secrets: what is taken for an id may be a part of a
        /// bare secret, or the secret itself.
        lines: Option<Vec<Secret>>,
    },
}

/// Why a keys file cannot be used. No secret is in any text.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyFileError {
    #[error("the keys file {} cannot be read: {source}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the keys file holds no secret; wanted are lines `id,secret`, or a bare secret")]
    Empty,
    #[error("the keys file: {0}")]
    Gateways(FileFault),
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
        match gateways(path, &content) {
            Some(format) => KeyFile::of_gateway(&content, format),
            None => KeyFile::parse(&content, scheme.has_key_id()),
        }
    }

    fn of_gateway(content: &[u8], format: Format) -> Result<KeyFile, KeyFileError> {
        let content = KeyFileContent::parse(content, format).map_err(KeyFileError::Gateways)?;
        let named = |(id, record): (&[u8], KeyRecord)| (String::from_utf8_lossy(id).into_owned(), record);
        let mut ids: Vec<(String, KeyRecord)> = content.records().map(named).collect();
        ids.sort_by(|(one, _), (other, _)| one.cmp(other));
        if ids.is_empty() { Err(KeyFileError::Empty) } else { Ok(KeyFile::ById { ids, lines: None }) }
    }

    /// Reads a file's content. Where a scheme has no ids, a comma is part of the secret.
    fn parse(content: &[u8], with_ids: bool) -> Result<KeyFile, KeyFileError> {
        let (mut bare, mut by_id): (Vec<Secret>, Vec<(String, Vec<Secret>)>) = (Vec::new(), Vec::new());
        let mut lines = Vec::new();
        for (line, number) in content.split(|byte| *byte == b'\n').zip(1..) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let comma = memchr::memchr(b',', line).filter(|_| with_ids);
            let secrets = match comma.and_then(|at| line.split_at_checked(at)) {
                None => &mut bare,
                Some((id, _)) => {
                    lines.push(Secret::new(line.to_vec()));
                    secrets_of(&mut by_id, without_mark(id, number), number)?
                }
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
            (true, false) => {
                let record = |(id, secrets): (String, Vec<Secret>)| (id, KeyRecord::of(secrets));
                Ok(KeyFile::ById { ids: by_id.into_iter().map(record).collect(), lines: Some(lines) })
            }
        }
    }

    /// The secrets, made ready by `prepare`.
    pub(super) fn table(&self, prepare: impl Fn(&Secret) -> Prepared) -> Result<KeyTable, KeyFault> {
        match self {
            KeyFile::Any(secrets) => KeyTable::shared(&KeyRecord::of(secrets.iter().cloned()), prepare),
            KeyFile::ById { ids, .. } => {
                KeyTable::by_id(ids.iter().map(|(id, record)| (id.as_bytes(), record)), prepare)
            }
        }
    }

    /// Hands on each secret of a file that says nothing of how its secrets are written, with its id where it has one.
    pub(super) fn each_plain(&mut self, mut with: impl FnMut(Option<&str>, &mut Secret)) {
        match self {
            KeyFile::Any(secrets) => secrets.iter_mut().for_each(|secret| with(None, secret)),
            KeyFile::ById { ids, lines: Some(_) } => {
                for (id, record) in ids {
                    record.secrets.iter_mut().for_each(|known| with(Some(id.as_str()), &mut known.secret));
                }
            }
            KeyFile::ById { lines: None, .. } => (),
        }
    }

    /// The secrets that a request of `id` may be signed with, and those of others by their ids.
    pub(super) fn of(&self, id: Option<&[u8]>) -> (Vec<Secret>, Vec<(&str, Vec<Secret>)>) {
        let secrets = |record: &KeyRecord| record.secrets.iter().map(|known| known.secret.clone()).collect();
        match self {
            KeyFile::Any(all) => (all.clone(), Vec::new()),
            KeyFile::ById { ids, .. } => {
                let (own, others): (Vec<_>, Vec<_>) = ids.iter().partition(|(known, _)| Some(known.as_bytes()) == id);
                let own = own.first().map_or(Vec::new(), |(_, record)| secrets(record));
                (own, others.iter().map(|(id, record)| (id.as_str(), secrets(record))).collect())
            }
        }
    }

    /// The ids it names.
    pub(super) fn ids(&self) -> Vec<&str> {
        match self {
            KeyFile::Any(_) => Vec::new(),
            KeyFile::ById { ids, .. } => ids.iter().map(|(id, _)| id.as_str()).collect(),
        }
    }

    /// Whether its ids may be shown: a header or the format says that they are ids.
    pub(super) fn has_named_ids(&self) -> bool {
        matches!(self, KeyFile::ById { lines: None, .. })
    }

    /// The same file with each line taken for a bare secret with a comma in it, where it could be that.
    pub(super) fn as_bare_secrets(&self) -> Option<KeyFile> {
        match self {
            KeyFile::ById { lines: Some(lines), .. } if lines.len() <= MOST_LIVE => Some(KeyFile::Any(lines.clone())),
            KeyFile::ById { .. } | KeyFile::Any(_) => None,
        }
    }
}

/// Some editors begin a file with it. No id has one; of a bare secret it would be a part, as the gateway takes it.
pub(super) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

fn without_mark(id: &[u8], line: usize) -> &[u8] {
    id.strip_prefix(BYTE_ORDER_MARK).filter(|_| line == 1).unwrap_or(id)
}

/// The format of a file that a gateway could have as its keys: told by its name, by a header with both columns, or by lines of
/// JSON that are nothing else.
fn gateways(path: &Path, content: &[u8]) -> Option<Format> {
    let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
    let is_json = || content.starts_with(b"{") && KeyFileContent::parse(content, Format::JsonLines).is_ok();
    let header = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let has = |name: &[u8]| header.split(|byte| *byte == b',').any(|column| column.trim_ascii() == name);
    match Format::of(path) {
        Some(format @ (Format::JsonLines | Format::Yaml)) => Some(format),
        Some(Format::Csv) | None if has(b"id") && has(b"secret") => Some(Format::Csv),
        Some(Format::Csv) | None => is_json().then_some(Format::JsonLines),
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
            Ok(file @ KeyFile::ById { .. }) => {
                let of = |id: &str| format!("{id} {:?}", text(&file.of(Some(id.as_bytes())).0));
                file.ids().into_iter().map(of).collect::<Vec<_>>().join(" ")
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

    /// Read line by line, the rest of its columns would be part of each secret.
    #[test]
    fn a_gateways_own_file_is_read_as_the_gateway_reads_it() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/customers.csv");
        let scheme = crate::cli::config_file::scheme("device-v2", None).unwrap();
        let file = KeyFile::read(&path, &scheme).unwrap();
        assert_eq!(file.ids(), ["cust-1", "cust-2", "cust-3"]);
        assert_eq!(file.of(Some(b"cust-1")).0.first().unwrap().expose(), b"example-secret-of-customer-1-new");
        assert_eq!(file.of(Some(b"cust-2")).0.first().unwrap().expose(), b"example-secret-of-customer-2");
        let table = file.table(|secret| scheme.key_recipe().verifying(secret)).unwrap();
        let found = |id: &[u8]| table.find(Some(id)).at_once().ok().unwrap().unwrap().key().check(0);
        assert_eq!((found(b"cust-1"), found(b"cust-3")), (Ok(()), Err(crate::keys::NoKey::Disabled)));
        let no_secret = KeyFile::of_gateway(b"id,secret\na,\n", Format::Csv).unwrap_err();
        assert_eq!(no_secret.to_string(), "the keys file: line 2, `secret`: the secret is empty");
        assert_eq!(gateways(Path::new("k.txt"), b"dev-1,secret\n"), None);
        assert_eq!(gateways(Path::new("k.csv"), b"dev-1,secret\n"), None);
    }

    #[test]
    fn ids_may_be_shown_only_where_a_header_or_the_format_names_them() {
        let read = |content: &str| {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("keys");
            std::fs::write(&path, content).unwrap();
            KeyFile::read(&path, &crate::cli::config_file::scheme("device-v2", None).unwrap()).unwrap()
        };
        let json = "{\"secret\":\"TOPSECRET-0123456789\",\"id\":\"dev-1\"}\n";
        for named in [json, "id,secret\ndev-1,hunter2\n", "\u{feff}id,secret\ndev-1,hunter2\n"] {
            assert_eq!((read(named).ids(), read(named).has_named_ids()), (vec!["dev-1"], true), "{named}");
            assert!(read(named).as_bare_secrets().is_none(), "{named}");
        }
        let split = read("kJ8,vQ2!long\n");
        assert!(!split.has_named_ids());
        let bare = split.as_bare_secrets().unwrap();
        assert_eq!(bare.of(None).0.first().unwrap().expose(), b"kJ8,vQ2!long");
        assert!(read("a,1\nb,2\nc,3\nd,4\ne,5\n").as_bare_secrets().is_none());
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_an_id() {
        assert_eq!(shown("\u{feff}a,one\nb,two\n", true), "a [\"one\"] b [\"two\"]");
        assert_eq!(shown("\u{feff}one\n", true), "any [\"\\u{feff}one\"]");
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
