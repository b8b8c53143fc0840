//! Changing a hash of keys: its new fields are computed here, and written in one step where nobody changed it meanwhile. What
//! expires goes on to do so.

use std::{collections::HashSet, time::Duration};

use zeroize::Zeroizing;

use super::{Fields, KeyTemplate, OF_SECRET, Source, of_fields, of_link, placed};
use crate::{
    keys::{
        Change, KeyRecord, MOST_LIVE, NewSecret, NotChanged, Position, Trouble, is_key_id, rows,
        writable::{Pending, Writable},
    },
    redis_link::{LinkError, Place},
};

/// How often a change is computed anew because somebody else made one.
const ATTEMPTS: usize = 5;
/// Most ids that are counted.
const MOST_COUNTED: usize = 10_000_000;

/// Writes fields where the hash is what it was: 1, or 0 where it is not. What is new comes first, so that the hash, and when
/// it expires, is never gone.
const SWAP: &str = r"
local found = redis.call('HGETALL', KEYS[1])
local at = 1
local function next_one() at = at + 1; return ARGV[at - 1] end
local count = tonumber(next_one())
if #found ~= 2 * count then return 0 end
local known = {}
for i = 1, #found, 2 do known[found[i]] = found[i + 1] end
for _ = 1, count do
  local name = next_one()
  if known[name] ~= next_one() then return 0 end
end
for _ = 1, tonumber(next_one()) do
  local name = next_one()
  redis.call('HSET', KEYS[1], name, next_one())
end
for _ = 1, tonumber(next_one()) do redis.call('HDEL', KEYS[1], next_one()) end
return 1";

/// The fields of one secret, by their plain names.
type OfSecret = Vec<(String, Zeroizing<Vec<u8>>)>;

impl Writable for Source {
    fn whole<'w>(&'w self, id: &'w str) -> Pending<'w, Option<KeyRecord>> {
        Box::pin(async move {
            self.ready().await?;
            let fields = self.fields(id.as_bytes()).await?;
            Ok(self.read(id, &fields)?)
        })
    }

    fn change<'w>(&'w self, id: &'w str, change: &'w Change) -> Pending<'w, ()> {
        Box::pin(async move {
            self.ready().await?;
            for _ in 0..ATTEMPTS {
                let old = self.fields(id.as_bytes()).await?;
                let known = self.read(id, &old)?;
                change.check(known.as_ref())?;
                let new = changed(&old, change, self)?;
                change.verify(known.as_ref(), self.read(id, &new)?.as_ref(), false)?;
                if self.swap(id, &old, &new).await? {
                    return Ok(());
                }
            }
            Err(NotChanged::Raced)
        })
    }

    fn count(&self) -> Pending<'_, u64> {
        Box::pin(async move {
            self.ready().await?;
            if let Place::Cluster(_) = self.link.settings().place {
                return Err(Trouble::refused("the ids of a cluster are not counted; name one with --id").into());
            }
            let (mut ids, mut cursor) = (HashSet::new(), 0_u64);
            loop {
                let mut scan = redis::cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(self.key.pattern()).arg("COUNT").arg(1000);
                let (next, keys): (u64, Vec<Vec<u8>>) = self.link.ask(&scan).await.map_err(of_link)?;
                ids.extend(keys.iter().filter_map(|key| self.key.id_in(key)).map(<[u8]>::to_vec));
                if next == 0 {
                    return Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX));
                }
                if ids.len() > MOST_COUNTED {
                    return Err(Trouble::refused(format_args!("there are more than {MOST_COUNTED} ids")).into());
                }
                cursor = next;
            }
        })
    }
}

impl Source {
    /// Waits until somebody is there: a command has just begun to connect.
    async fn ready(&self) -> Result<(), Trouble> {
        let settings = self.link.settings();
        let patience = settings.connect_timeout + settings.timeout + Duration::from_secs(1);
        match self.link.ready_within(patience).await {
            true => Ok(()),
            false => Err(of_link(LinkError::Away)),
        }
    }

    fn read(&self, id: &str, fields: &Fields) -> Result<Option<KeyRecord>, Trouble> {
        rows::whole(id.as_bytes(), &of_fields(fields)?, self.encoding).map_err(Trouble::unreadable)
    }

    /// Whether the hash was `old`, and is `new` now.
    async fn swap(&self, id: &str, old: &Fields, new: &Fields) -> Result<bool, NotChanged> {
        let is_in = |name: &[u8], fields: &Fields| fields.iter().any(|(known, _)| known == name);
        let mut command = redis::cmd("EVAL");
        command.arg(SWAP).arg(1).arg(self.key.of(id.as_bytes())).arg(old.len());
        for (name, value) in old {
            command.arg(name).arg(value.as_slice());
        }
        let set: Vec<_> = new.iter().filter(|field| !old.contains(field)).collect();
        command.arg(set.len());
        for (name, value) in set {
            command.arg(name).arg(value.as_slice());
        }
        let gone: Vec<_> = old.iter().filter(|(name, _)| !is_in(name, new)).collect();
        command.arg(gone.len());
        for (name, _) in gone {
            command.arg(name);
        }
        match self.link.ask::<i64>(&command).await {
            Ok(done) => Ok(done == 1),
            Err(LinkError::TimedOut | LinkError::Broken) => Err(NotChanged::Unsure),
            Err(error) => Err(of_link(error).into()),
        }
    }
}

/// The fields with the change made in them; secrets have places without a gap.
fn changed(old: &Fields, change: &Change, source: &Source) -> Result<Fields, NotChanged> {
    let mut secrets: Vec<OfSecret> = vec![Vec::new(); MOST_LIVE];
    let mut fields = Fields::new();
    for (name, value) in old {
        let text = std::str::from_utf8(name).map_err(|_| Trouble::unreadable("a field's name is no text"))?;
        match placed(text)? {
            (Some(place), own) => secrets.iter_mut().skip(place).take(1).for_each(|secret| {
                secret.push((own.to_owned(), value.clone()));
            }),
            (None, _) => fields.push((name.clone(), value.clone())),
        }
    }
    secrets.retain(|secret| secret.iter().any(|(name, _)| name == "secret"));
    match change {
        Change::Add(new) | Change::Rotate(new, Position::Last) => secrets.push(of_new(new, source)?),
        Change::Rotate(new, Position::First) => secrets.insert(0, of_new(new, source)?),
        Change::Retire(chosen) if chosen.place < secrets.len() => drop(secrets.remove(chosen.place)),
        Change::Retire(_) => return Err(NotChanged::NoSuchSecret),
        Change::Enable => fields.retain(|(name, _)| name != b"disabled"),
        Change::Disable => {
            fields.retain(|(name, _)| name != b"disabled");
            fields.push((b"disabled".to_vec(), Zeroizing::new(b"true".to_vec())));
        }
    }
    if secrets.len() > MOST_LIVE {
        return Err(NotChanged::Full);
    }
    for (place, secret) in secrets.into_iter().enumerate() {
        for (name, value) in secret {
            let name = if place == 0 { name } else { format!("{name}.{}", place + 1) };
            fields.push((name.into_bytes(), value));
        }
    }
    Ok(fields)
}

fn of_new(new: &NewSecret, source: &Source) -> Result<OfSecret, NotChanged> {
    let [secret, _, label, ..] = OF_SECRET;
    let written = source.encoding.encode(&new.secret);
    let written = written.ok_or_else(|| NotChanged::Unwritable("the secret is no text".to_owned()))?;
    let own = (secret.to_owned(), Zeroizing::new(written.as_bytes().to_vec()));
    let label = new.label.iter().map(|text| (label.to_owned(), Zeroizing::new(text.as_bytes().to_vec())));
    Ok([own].into_iter().chain(label).collect())
}

impl KeyTemplate {
    /// What the names of all hashes match.
    fn pattern(&self) -> String {
        let plain = |text: &str| {
            let escaped =
                |c: char| if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^') { vec!['\\', c] } else { vec![c] };
            text.chars().flat_map(escaped).collect::<String>()
        };
        format!("{}*{}", plain(&self.before), plain(&self.after))
    }

    /// The id in the name of a hash.
    fn id_in<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        let id = key.strip_prefix(self.before.as_bytes())?.strip_suffix(self.after.as_bytes())?;
        is_key_id(id).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_found_by_a_pattern_and_its_id_in_its_name() {
        let template = KeyTemplate::parse("a*b[{id}]:key").unwrap();
        assert_eq!(template.pattern(), "a\\*b\\[*\\]:key");
        assert_eq!(template.id_in(b"a*b[dev-1]:key"), Some(&b"dev-1"[..]));
        assert_eq!(template.id_in(b"a*b[]:key"), None);
        assert_eq!(template.id_in(b"a*b[dev 1]:key"), None);
    }
}
