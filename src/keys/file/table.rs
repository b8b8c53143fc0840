//! A million ids in little memory: each one's record packed into a few bytes, found by a hash of its id.
//!
//! Records are unpacked, and made ready for a scheme, as they are used: that costs two hash blocks, and a prepared key
//! takes ten times the room of its secret.

use std::{hash::BuildHasher, sync::Arc};

use hashbrown::{HashMap, HashTable};
use zeroize::Zeroizing;

use super::{
    super::{Attributes, KeyRecord, KeySecret, Lifetime},
    doubts::Noted,
};
use crate::secret::Secret;

/// Bytes of one piece of memory. What is packed never moves, so no copy of a secret is left behind.
const PIECE: usize = 1 << 20;
/// The bits of a place that say where in its piece it is.
const PIECE_BITS: u32 = PIECE.trailing_zeros();

/// Ids and what is known of them.
pub(super) struct Table {
    pieces: Vec<Zeroizing<Vec<u8>>>,
    places: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    /// Attributes that many ids share stand here once.
    attributes: Vec<Arc<Attributes>>,
}

/// A table that is being filled.
#[derive(Default)]
pub(super) struct Filling {
    table: Table,
    known: HashMap<Arc<Attributes>, u32>,
    pub(super) noted: Noted,
}

/// There is no room for it: the record alone is too large, or the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Default for Table {
    fn default() -> Table {
        let hasher = foldhash::fast::RandomState::default();
        Table { pieces: Vec::new(), places: HashTable::new(), hasher, attributes: Vec::new() }
    }
}

impl Table {
    /// What is known of `id`.
    pub(super) fn record(&self, id: &[u8]) -> Option<KeyRecord> {
        let place = self.places.find(self.hasher.hash_one(id), |place| id_at(&self.pieces, *place) == Some(id))?;
        self.unpacked(*place)
    }

    /// All of it, in no order.
    pub(super) fn records(&self) -> impl Iterator<Item = (&[u8], KeyRecord)> {
        self.places.iter().filter_map(|place| Some((id_at(&self.pieces, *place)?, self.unpacked(*place)?)))
    }

    /// How many ids.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    fn unpacked(&self, place: u32) -> Option<KeyRecord> {
        let mut packed = at(&self.pieces, place)?;
        packed.bytes()?;
        let disabled = packed.number()? == 1;
        let attributes = match packed.number()? {
            0 => None,
            index => Some(self.attributes.get(usize::try_from(index).ok()?.checked_sub(1)?)?.clone()),
        };
        let count = packed.number()?;
        let secrets = (0..count).map(|_| packed.secret()).collect::<Option<_>>()?;
        Some(KeyRecord { secrets, disabled, attributes })
    }
}

impl Filling {
    /// What was put in for `id` so far.
    pub(super) fn record(&self, id: &[u8]) -> Option<KeyRecord> {
        self.table.record(id)
    }

    /// Puts in what is known of `id`, in place of what was there.
    pub(super) fn put(&mut self, id: &[u8], record: &KeyRecord) -> Result<(), NoRoom> {
        let attributes = record.attributes.as_ref().map_or(Ok(0), |attributes| self.interned(attributes))?;
        let place = self.packed(&packed(id, record, attributes))?;
        let Table { pieces, places, hasher, .. } = &mut self.table;
        let hash = hasher.hash_one(id);
        match places.find_mut(hash, |place| id_at(pieces, *place) == Some(id)) {
            Some(known) => *known = place,
            None => {
                places.insert_unique(hash, place, |place| hasher.hash_one(id_at(pieces, *place).unwrap_or_default()));
            }
        }
        Ok(())
    }

    /// The table, with no more room than it needs, and what was noted.
    pub(super) fn finished(mut self) -> (Table, Noted) {
        let Table { pieces, places, hasher, .. } = &mut self.table;
        places.shrink_to_fit(|place| hasher.hash_one(id_at(pieces, *place).unwrap_or_default()));
        (self.table, self.noted)
    }

    fn interned(&mut self, attributes: &Arc<Attributes>) -> Result<u32, NoRoom> {
        if let Some(index) = self.known.get(attributes) {
            return Ok(*index);
        }
        self.noted.attributes(attributes);
        self.table.attributes.push(attributes.clone());
        let index = u32::try_from(self.table.attributes.len()).map_err(|_| NoRoom)?;
        self.known.insert(attributes.clone(), index);
        Ok(index)
    }

    fn packed(&mut self, record: &[u8]) -> Result<u32, NoRoom> {
        let fits = |piece: &Zeroizing<Vec<u8>>| piece.len() + record.len() <= PIECE;
        if record.len() > PIECE {
            return Err(NoRoom);
        }
        if !self.table.pieces.last().is_some_and(fits) {
            self.table.pieces.push(Zeroizing::new(Vec::with_capacity(PIECE)));
        }
        let number = u32::try_from(self.table.pieces.len() - 1).map_err(|_| NoRoom)?;
        if number >> (u32::BITS - PIECE_BITS) != 0 {
            return Err(NoRoom);
        }
        let piece = self.table.pieces.last_mut().ok_or(NoRoom)?;
        let offset = u32::try_from(piece.len()).map_err(|_| NoRoom)?;
        piece.extend_from_slice(record);
        Ok(number << PIECE_BITS | offset)
    }
}

fn at(pieces: &[Zeroizing<Vec<u8>>], place: u32) -> Option<Unpacking<'_>> {
    let piece = pieces.get(usize::try_from(place >> PIECE_BITS).ok()?)?;
    Some(Unpacking(piece.get(usize::try_from(place).ok()? & (PIECE - 1)..)?))
}

fn id_at(pieces: &[Zeroizing<Vec<u8>>], place: u32) -> Option<&[u8]> {
    at(pieces, place)?.bytes()
}

fn packed(id: &[u8], record: &KeyRecord, attributes: u32) -> Zeroizing<Vec<u8>> {
    let secrets: usize = record.secrets.iter().map(|known| known.secret.len() + 128).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(id.len() + secrets + 32));
    put_bytes(id, &mut out);
    put_number(u64::from(record.disabled), &mut out);
    put_number(u64::from(attributes), &mut out);
    put_number(u64::try_from(record.secrets.len()).unwrap_or(u64::MAX), &mut out);
    for known in &record.secrets {
        put_bytes(known.secret.expose(), &mut out);
        put_bytes(known.label.as_deref().unwrap_or_default().as_bytes(), &mut out);
        let Lifetime { from_millis, until_millis } = known.lifetime;
        // One more than the time, so that the usual "always" is one byte.
        put_number(u64::try_from(from_millis).map_or(0, |from| from + 1), &mut out);
        put_number(if until_millis == i64::MAX { 0 } else { until_millis.unsigned_abs() + 1 }, &mut out);
    }
    out
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_number(u64::try_from(bytes.len()).unwrap_or(u64::MAX), out);
    out.extend_from_slice(bytes);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

/// What is left of a packed record.
struct Unpacking<'p>(&'p [u8]);

impl<'p> Unpacking<'p> {
    fn bytes(&mut self) -> Option<&'p [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn secret(&mut self) -> Option<KeySecret> {
        let secret = Secret::new(self.bytes()?.to_vec());
        let label = std::str::from_utf8(self.bytes()?).ok().filter(|label| !label.is_empty()).map(Arc::from);
        let time = |number: u64, absent| number.checked_sub(1).map_or(Some(absent), |time| i64::try_from(time).ok());
        let from_millis = time(self.number()?, i64::MIN)?;
        let until_millis = time(self.number()?, i64::MAX)?;
        Some(KeySecret { secret, label, lifetime: Lifetime { from_millis, until_millis } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(secret: &str) -> KeyRecord {
        KeyRecord::of([Secret::new(secret.as_bytes().to_vec())])
    }

    #[test]
    fn what_was_put_in_comes_out_whole() {
        let mut filling = Filling::default();
        let mut whole = record("one");
        whole.secrets.push(KeySecret {
            secret: Secret::new(vec![0, 255, 0]),
            label: Some("2027".into()),
            lifetime: Lifetime { from_millis: 0, until_millis: 1_800_000_000_000 },
        });
        whole.disabled = true;
        whole.attributes = Attributes::new([("tenant", "acme")]).unwrap();
        filling.put(b"a", &whole).unwrap();
        filling.put(b"b", &record("two")).unwrap();
        let (table, _) = filling.finished();
        let found = table.record(b"a").unwrap();
        assert_eq!(format!("{:?}", found), format!("{whole:?}"));
        assert_eq!(found.secrets[1].secret.expose(), [0, 255, 0]);
        assert_eq!(table.record(b"b").unwrap().secrets[0].secret.expose(), b"two");
        assert!(table.record(b"c").is_none());
    }

    #[test]
    fn the_last_that_was_put_in_counts_and_pieces_fill_up() {
        let mut filling = Filling::default();
        for number in 0..50_000 {
            filling.put(format!("device-{number}").as_bytes(), &record("a-secret-of-thirty-two-bytes-or-so")).unwrap();
        }
        filling.put(b"device-7", &record("another")).unwrap();
        let (table, _) = filling.finished();
        assert!(table.pieces.len() > 1);
        assert_eq!(table.len(), 50_000);
        assert_eq!(table.record(b"device-7").unwrap().secrets[0].secret.expose(), b"another");
        assert!(table.record(b"device-49999").is_some() && table.record(b"device-50000").is_none());
    }
}
