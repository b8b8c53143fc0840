use std::sync::Mutex;

use super::*;
use crate::scheme::{Algorithm, Definition, Encoding, Scheme, SignatureDefinition};

fn scheme() -> Scheme {
    let signature = SignatureDefinition::new("{header:S}", Encoding::Hex, Algorithm::HmacSha256);
    Scheme::compile(&Definition::new("test", "{path}", signature)).unwrap()
}

fn record(secrets: &[&str]) -> KeyRecord {
    KeyRecord::of(secrets.iter().map(|secret| Secret::new(secret.as_bytes().to_vec())))
}

fn now(table: &KeyTable, id: Option<&[u8]>) -> Result<Key, NoKey> {
    table.find(id).at_once().unwrap_or_else(|_| panic!("it is not at hand")).map(|found| found.key().clone())
}

#[test]
fn an_unknown_id_has_no_key_and_no_id_only_a_shared_one() {
    let scheme = scheme();
    let prepare = |secret: &Secret| scheme.key_recipe().verifying(secret);
    let record = record(&["k"]);
    let table = KeyTable::by_id([(&b"dev-1"[..], &record)], prepare).unwrap();
    assert!(now(&table, Some(b"dev-1")).is_ok());
    assert_eq!(now(&table, Some(b"dev-2")).unwrap_err(), NoKey::Unknown);
    assert_eq!(now(&table, None).unwrap_err(), NoKey::Unknown);
    let shared = KeyTable::shared(&record, prepare).unwrap();
    assert!(now(&shared, None).is_ok() && now(&shared, Some(b"anything")).is_ok());
}

#[test]
fn a_secret_counts_within_its_lifetime_and_keeps_its_place() {
    let scheme = scheme();
    let mut record = record(&["next", "current", "last"]);
    record.secrets[0].lifetime.from_millis = 100;
    record.secrets[2].lifetime.until_millis = 50;
    let key = Key::new(&record, |secret| scheme.key_recipe().verifying(secret)).unwrap();
    let places = |now_millis| {
        let live = key.live(now_millis).unwrap();
        (0..live.prepared().len()).map(|index| live.place(index)).collect::<Vec<_>>()
    };
    assert_eq!((places(49), places(50), places(100)), (vec![1, 2], vec![1], vec![0, 1]));
}

#[test]
fn a_key_that_is_disabled_or_out_of_time_is_not_usable() {
    let scheme = scheme();
    let key = |record: &KeyRecord| Key::new(record, |secret| scheme.key_recipe().verifying(secret)).unwrap();
    let mut over = record(&["k"]);
    over.secrets[0].lifetime.until_millis = 10;
    assert!(key(&over).live(9).is_ok());
    assert_eq!(key(&over).live(10).unwrap_err(), NoKey::NotNow);
    let disabled = KeyRecord { disabled: true, ..record(&["k"]) };
    assert_eq!(key(&disabled).live(9).unwrap_err(), NoKey::Disabled);
    assert_eq!(key(&KeyRecord::default()).live(9).unwrap_err(), NoKey::NotNow);
}

/// A source that says what it was told to say, at once or later.
struct Told(Mutex<Vec<(bool, Answer)>>);

impl Lookup for Told {
    fn look_up(&self, _id: &[u8]) -> Lookout<'_> {
        let (later, answer) = self.0.lock().unwrap().remove(0);
        match later {
            false => Lookout::Now(answer),
            true => Lookout::Later(Box::pin(async {
                tokio::task::yield_now().await;
                answer
            })),
        }
    }
}

#[tokio::test]
async fn a_source_that_is_away_never_makes_an_id_unknown() {
    let known = Ok(Some(Arc::new(record(&["k"]))));
    let told = vec![
        (false, known.clone()),
        (true, known),
        (true, Ok(None)),
        (true, Err(KeysAway::TimedOut)),
        (false, Err(KeysAway::Busy)),
    ];
    let scheme = scheme();
    let prepare = move |secret: &Secret| scheme.key_recipe().verifying(secret);
    let table = KeyTable::asking(Arc::new(Told(Mutex::new(told))), prepare).at(SourceIndex(3));
    assert!(now(&table, Some(b"a")).is_ok());
    let found = table.find(Some(b"a")).await.unwrap();
    assert_eq!(found.matched(0).source(), SourceIndex(3));
    assert_eq!(table.find(Some(b"a")).await.unwrap_err(), NoKey::Unknown);
    assert_eq!(table.find(Some(b"a")).await.unwrap_err(), NoKey::Away(KeysAway::TimedOut));
    assert_eq!(now(&table, Some(b"a")).unwrap_err(), NoKey::Away(KeysAway::Busy));
    assert_eq!(now(&table, None).unwrap_err(), NoKey::Unknown, "without an id nobody is asked");
}
