//! Keys in Redis: a hash an id, read in one round trip.
//!
//! The fields of the newest secret have plain names (`secret`, `label` …), those of the ones before it a number behind:
//! `secret.2`, `label.2`, up to four. Every other field is an attribute.

mod write;

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::{Asked, Encoding, KeyRecord, MOST_LIVE, Remote, Row, Trouble, rows};
use crate::{
    clock::Clock,
    redis_link::{Link, LinkError, Settings as LinkSettings},
};

/// Most fields read of one id.
const MOST_FIELDS: usize = 256;
/// What may stand there once a secret.
const OF_SECRET: [&str; 5] = ["secret", "encoding", "label", "not_before", "not_after"];

/// Where the hashes are.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server.
    pub link: LinkSettings,
    /// The name of an id's hash.
    pub key: KeyTemplate,
    /// How secrets are written, where no field says so.
    pub encoding: Encoding,
}

/// The name of a hash, with a place for the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTemplate {
    before: String,
    after: String,
}

/// A Redis that is asked.
pub struct Source {
    link: Link,
    key: KeyTemplate,
    encoding: Encoding,
    clock: Clock,
}

type Fields = Vec<(Vec<u8>, Zeroizing<Vec<u8>>)>;

impl Settings {
    /// Whether a source of the one is as good as a source of the other.
    pub fn is_same(&self, other: &Settings) -> bool {
        let Settings { link, key, encoding } = self;
        link.is_same(&other.link) && *key == other.key && *encoding == other.encoding
    }
}

impl Source {
    /// It is connected to in the background.
    ///
    /// # Errors
    /// [`LinkError`]: it cannot even be tried.
    pub fn new(settings: &Settings, clock: Clock) -> Result<Source, LinkError> {
        let link = Link::open(settings.link.clone())?;
        Ok(Source { link, key: settings.key.clone(), encoding: settings.encoding, clock })
    }

    async fn fields(&self, id: &[u8]) -> Result<Fields, Trouble> {
        let fields: Vec<(Vec<u8>, Vec<u8>)> =
            self.link.ask(redis::cmd("HGETALL").arg(self.key.of(id))).await.map_err(of_link)?;
        Ok(fields.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect())
    }

    async fn record(&self, id: &[u8]) -> Result<Option<KeyRecord>, Trouble> {
        let fields = self.fields(id).await?;
        let rows = of_fields(&fields)?;
        rows::record(id, &rows, self.encoding, self.clock.unix_millis()).map_err(Trouble::unreadable)
    }
}

impl Remote for Source {
    fn ask<'r>(&'r self, id: &'r [u8]) -> Asked<'r> {
        Box::pin(self.record(id))
    }
}

fn of_link(error: LinkError) -> Trouble {
    match error {
        LinkError::TimedOut => Trouble::TimedOut,
        LinkError::Busy => Trouble::Busy,
        LinkError::Away | LinkError::Broken | LinkError::Unusable(_) => Trouble::away(error),
        LinkError::Unexpected => Trouble::unreadable(error),
        LinkError::Full | LinkError::NoScript | LinkError::Refused(_) => Trouble::refused(error),
    }
}

/// A row for each secret, the newest first. A hash that is not there has no fields.
fn of_fields(fields: &Fields) -> Result<Vec<Row<'_>>, Trouble> {
    if fields.len() > MOST_FIELDS {
        return Err(Trouble::unreadable(format_args!("the hash has more than {MOST_FIELDS} fields")));
    }
    let mut of_id = Row::new();
    let mut of_secrets = vec![Row::new(); MOST_LIVE];
    for (name, value) in fields {
        let name = std::str::from_utf8(name).map_err(|_| Trouble::unreadable("a field's name is no text"))?;
        let (place, own) = placed(name)?;
        let row = match place {
            None => &mut of_id,
            Some(place) => of_secrets.get_mut(place).unwrap_or(&mut of_id),
        };
        row.push((Cow::Borrowed(own), Some(value.clone())));
    }
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    // The first stands for the hash, whatever is in it; the others where there is anything of them.
    let rows = of_secrets.into_iter().enumerate().filter(|(place, row)| *place == 0 || !row.is_empty());
    Ok(rows.map(|(_, row)| whole(row, &of_id)).collect())
}

/// What is known of one secret, and beside it what is known of the id.
fn whole<'f>(mut row: Row<'f>, of_id: &Row<'f>) -> Row<'f> {
    if !row.iter().any(|(name, _)| name == "secret") {
        row.push((Cow::Borrowed("secret"), None));
    }
    row.extend(of_id.iter().cloned());
    row
}

/// Which secret a field is of, and its plain name; no place where it is of the id.
fn placed(name: &str) -> Result<(Option<usize>, &str), Trouble> {
    if OF_SECRET.contains(&name) {
        return Ok((Some(0), name));
    }
    let Some((own, number)) = name.rsplit_once('.').filter(|(own, _)| OF_SECRET.contains(own)) else {
        return Ok((None, name));
    };
    match number {
        "2" => Ok((Some(1), own)),
        "3" => Ok((Some(2), own)),
        "4" => Ok((Some(3), own)),
        _ => Err(Trouble::unreadable(format_args!("a `{own}` has a number that is not from 2 to {MOST_LIVE}"))),
    }
}

impl KeyTemplate {
    /// Reads `text`, in which `{id}` must stand once.
    pub fn parse(text: &str) -> Option<KeyTemplate> {
        let (before, after) = text.split_once("{id}")?;
        (!after.contains("{id}")).then(|| KeyTemplate { before: before.to_owned(), after: after.to_owned() })
    }

    /// The name of an id's hash.
    pub fn of(&self, id: &[u8]) -> Vec<u8> {
        [self.before.as_bytes(), id, self.after.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Result<Option<KeyRecord>, Trouble> {
        let owned = |text: &str| text.as_bytes().to_vec();
        let fields: Fields = fields.iter().map(|(name, value)| (owned(name), Zeroizing::new(owned(value)))).collect();
        rows::record(b"dev-1", &of_fields(&fields)?, Encoding::Text, 0).map_err(Trouble::unreadable)
    }

    #[test]
    fn a_hash_has_several_secrets_and_attributes() {
        let record = read(&[
            ("secret.2", "6f6c64"),
            ("encoding.2", "hex"),
            ("secret", "new"),
            ("label", "2027"),
            ("tenant", "acme"),
            ("disabled", "0"),
        ]);
        let record = record.unwrap().unwrap();
        let secrets: Vec<&[u8]> = record.secrets.iter().map(|secret| secret.secret.expose()).collect();
        assert_eq!(secrets, [&b"new"[..], b"old"]);
        assert_eq!(record.secrets[0].label.as_deref(), Some("2027"));
        assert_eq!(record.attributes.unwrap().text("tenant"), Some("acme"));
    }

    #[test]
    fn no_hash_is_an_unknown_id_and_one_without_a_secret_is_trouble() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[("tenant", "acme")]).is_err());
        assert!(read(&[("secret.5", "x"), ("secret", "y")]).is_err());
        assert!(read(&[("label.2", "x"), ("secret", "y")]).is_err(), "a label of no secret");
        let disabled = read(&[("disabled", "1")]).unwrap().unwrap();
        assert!(disabled.disabled && disabled.secrets.is_empty());
    }

    #[test]
    fn a_hash_is_named_by_the_id_alone() {
        let template = KeyTemplate::parse("device:{id}:key").unwrap();
        assert_eq!(template.of(b"a{id}b"), b"device:a{id}b:key");
        assert!(KeyTemplate::parse("device").is_none() && KeyTemplate::parse("{id}{id}").is_none());
    }
}
