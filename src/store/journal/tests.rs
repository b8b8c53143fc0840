//! The journal on a real file system, and the store in front of it.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;

use super::*;
use crate::{
    clock::Clock,
    store::{ClaimKey, Claimed, JournaledStore, MemoryStore, Store, StoreError},
};

const NOW: i64 = 1_700_000_000;

/// Neither memory nor journal waits, so one poll is the whole future.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the store waited"),
    }
}

fn key(number: u32) -> ClaimKey {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    ClaimKey(bytes)
}

fn open_at(path: &Path, unix: i64) -> JournaledStore {
    JournaledStore::open(MemoryStore::new(100_000), path, Clock::fixed(unix)).unwrap()
}

fn open(path: &Path) -> JournaledStore {
    open_at(path, NOW)
}

fn claim(store: &JournaledStore, number: u32, lasting_millis: i64) -> Result<Claimed, StoreError> {
    at_once(store.claim(&key(number), NOW * 1000 + lasting_millis, NOW * 1000))
}

fn release(store: &JournaledStore, number: u32, lasting_millis: i64) {
    at_once(store.release(&key(number), NOW * 1000 + lasting_millis));
}

fn files(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|file| file.extension().is_some_and(|end| end == "claims")).collect();
    files.sort();
    files
}

#[test]
fn what_was_claimed_is_seen_after_a_start_and_what_was_given_back_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    for round in 0..4 {
        let store = open(&path);
        for earlier in 0..round {
            assert_eq!(claim(&store, earlier, 60_000), Ok(Claimed::Seen), "round {round}");
        }
        assert_eq!(claim(&store, 100, 60_000), Ok(Claimed::Fresh), "round {round}");
        release(&store, 100, 60_000);
        assert_eq!(claim(&store, round, 60_000), Ok(Claimed::Fresh), "round {round}");
    }
}

#[test]
fn what_is_over_at_the_start_is_not_held_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    assert_eq!(claim(&store, 1, 5_000), Ok(Claimed::Fresh));
    assert_eq!(claim(&store, 2, 60_000), Ok(Claimed::Fresh));
    drop(store);
    assert_eq!(open_at(directory.path(), NOW + 6).memory().len(), 1);
}

#[test]
fn a_second_process_is_refused_for_as_long_as_the_first_one_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let second = JournaledStore::open(MemoryStore::new(10), directory.path(), Clock::fixed(NOW));
    assert!(matches!(second, Err(JournalError::InUse(_))));
    drop(store);
    open(directory.path());
}

#[test]
fn a_torn_end_is_cut_off_and_the_rest_is_held() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    assert_eq!(claim(&store, 1, 60_000), Ok(Claimed::Fresh));
    assert_eq!(claim(&store, 2, 60_000), Ok(Claimed::Fresh));
    drop(store);
    let file = &files(directory.path())[0];
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() - 5]).unwrap();
    for _ in 0..2 {
        let store = open(directory.path());
        assert_eq!(store.memory().len(), 1);
        drop(store);
    }
    assert_eq!(fs::read(file).unwrap().len(), 2 * record::SIZE);
}

#[test]
fn a_damaged_middle_refuses_to_start_and_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    (0..3).for_each(|number| assert_eq!(claim(&store, number, 60_000), Ok(Claimed::Fresh)));
    drop(store);
    let file = &files(directory.path())[0];
    let mut bytes = fs::read(file).unwrap();
    bytes[2 * record::SIZE + 20] ^= 4;
    fs::write(file, bytes).unwrap();
    let error = JournaledStore::open(MemoryStore::new(10), directory.path(), Clock::fixed(NOW)).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("byte 96 is damaged") && said.contains("delete it and start again"), "{said}");
}

#[test]
fn more_than_the_capacity_is_all_held_and_nothing_new_is_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    (0..20).for_each(|number| assert_eq!(claim(&store, number, 60_000), Ok(Claimed::Fresh)));
    drop(store);
    let store = JournaledStore::open(MemoryStore::new(10), directory.path(), Clock::fixed(NOW)).unwrap();
    (0..20).for_each(|number| assert_eq!(claim(&store, number, 60_000), Ok(Claimed::Seen)));
    assert_eq!(claim(&store, 20, 60_000), Err(StoreError::Full));
}

#[test]
fn a_claim_that_cannot_be_written_is_refused_and_does_not_stand() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    assert_eq!(claim(&store, 1, 60_000), Ok(Claimed::Fresh));
    store.journal().set_writable(false);
    for _ in 0..3 {
        assert!(matches!(claim(&store, 2, 60_000), Err(StoreError::Unwritable(_))));
    }
    assert_eq!(claim(&store, 1, 60_000), Ok(Claimed::Seen));
    store.journal().set_writable(true);
    assert_eq!(claim(&store, 2, 60_000), Ok(Claimed::Fresh));
    drop(store);
    assert_eq!(open(directory.path()).memory().len(), 2);
}

#[test]
fn a_claim_is_given_back_also_where_that_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    assert_eq!(claim(&store, 1, 60_000), Ok(Claimed::Fresh));
    store.journal().set_writable(false);
    release(&store, 1, 60_000);
    assert!(store.memory().is_empty());
    store.journal().set_writable(true);
    assert_eq!(claim(&store, 1, 60_000), Ok(Claimed::Fresh));
}

#[test]
fn what_could_not_be_written_anew_leaves_nothing_behind_and_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    assert_eq!(claim(&store, 1, 60_000), Ok(Claimed::Fresh));
    // In the place of the file that is to be: it is written whole, and cannot be put there.
    let in_its_place = directory.path().join("0000000000000002.claims");
    fs::create_dir_all(in_its_place.join("full")).unwrap();
    let live = |take: &mut dyn FnMut(&ClaimKey, i64)| take(&key(1), NOW * 1000 + 60_000);
    assert!(store.journal().rewrite(live).is_err());
    let names =
        || fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!names().any(|name| name.ends_with("unfinished")), "{:?}", names().collect::<Vec<_>>());
    fs::remove_dir_all(in_its_place).unwrap();
    store.journal().rewrite(live).unwrap();
    drop(store);
    assert_eq!(claim(&open(directory.path()), 1, 60_000), Ok(Claimed::Seen));
}

#[test]
fn the_files_stay_within_bounds_and_hold_all_that_is_live() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    (0..1_000).for_each(|number| assert_eq!(claim(&store, number, 600_000), Ok(Claimed::Fresh)));
    // 48 MB of claims that come to nothing.
    for number in 0..500_000 {
        assert_eq!(claim(&store, 1_000_000 + number, 60_000), Ok(Claimed::Fresh));
        release(&store, 1_000_000 + number, 60_000);
    }
    let size = || files(directory.path()).iter().map(|file| fs::metadata(file).unwrap().len()).sum::<u64>();
    let start = std::time::Instant::now();
    while size() > 10 << 20 {
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{} bytes", size());
        assert_eq!(claim(&store, 7, 600_000), Ok(Claimed::Seen));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    drop(store);
    // The thread may still be at it.
    let store = loop {
        match JournaledStore::open(MemoryStore::new(100_000), directory.path(), Clock::fixed(NOW)) {
            Err(JournalError::InUse(_)) => std::thread::yield_now(),
            opened => break opened.unwrap(),
        }
    };
    assert_eq!(store.memory().len(), 1_000);
    (0..1_000).for_each(|number| assert_eq!(claim(&store, number, 600_000), Ok(Claimed::Seen)));
}

#[test]
fn while_it_is_written_anew_no_claim_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let memory = MemoryStore::new(1_000_000);
    let journal = Journal::open(directory.path(), |_| panic!("it is new")).unwrap();
    let claimed = |from: u32, count: u32| {
        for number in from..from + count {
            assert_eq!(at_once(memory.claim(&key(number), 1_000, 0)), Ok(Claimed::Fresh));
            journal.claim(&key(number), 1_000).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..3 {
            scope.spawn(move || claimed(thread * 1_000_000, 20_000));
        }
        for _ in 0..10 {
            journal.rewrite(|take| memory.each_live(0, take)).unwrap();
        }
    });
    drop(journal);
    let mut held = std::collections::HashSet::new();
    let journal = Journal::open(directory.path(), |record| match record {
        Record::Claim(key, _) => drop(held.insert(key)),
        other => panic!("{other:?}"),
    });
    assert!(journal.is_ok() && held.len() == 60_000, "{}", held.len());
}

#[test]
fn no_writing_anew_comes_between_the_record_of_a_release_and_its_forgetting() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), |_| panic!("it is new")).unwrap();
    journal.claim(&key(1), 1_000).unwrap();
    let held = AtomicBool::new(true);
    let live = |take: &mut dyn FnMut(&ClaimKey, i64)| {
        if held.load(Ordering::SeqCst) {
            take(&key(1), 1_000);
        }
    };
    std::thread::scope(|scope| {
        let let_go = || {
            scope.spawn(|| journal.rewrite(live).unwrap());
            std::thread::sleep(std::time::Duration::from_millis(200));
            held.store(false, Ordering::SeqCst);
        };
        journal.release(&key(1), 1_000, let_go).unwrap();
    });
    drop(journal);
    assert!(Journal::open(directory.path(), |record| panic!("{record:?}")).is_ok());
}

#[derive(Clone, Debug)]
enum Step {
    Claim { number: u32, lasting: i64 },
    Release { number: u32 },
    Restart,
    Rewrite,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..12_u32, 0..5_000_i64).prop_map(|(number, lasting)| Step::Claim { number, lasting }),
        3 => (0..12_u32).prop_map(|number| Step::Release { number }),
        1 => Just(Step::Restart),
        1 => Just(Step::Rewrite),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn starts_and_rewrites_change_no_answer(steps in prop::collection::vec(step(), 1..60)) {
        let directory = tempfile::tempdir().unwrap();
        let mut store = open(directory.path());
        let mut held: HashMap<u32, i64> = HashMap::new();
        for step in steps {
            match step {
                Step::Claim { number, lasting } => {
                    let expected = if held.contains_key(&number) { Claimed::Seen } else { Claimed::Fresh };
                    held.entry(number).or_insert(lasting);
                    prop_assert_eq!(claim(&store, number, lasting), Ok(expected));
                }
                Step::Release { number } => {
                    if let Some(lasting) = held.remove(&number) {
                        release(&store, number, lasting);
                    }
                }
                Step::Restart => {
                    drop(store);
                    store = open(directory.path());
                }
                Step::Rewrite => store.write_anew(),
            }
            prop_assert_eq!(store.memory().len(), held.len());
        }
    }
}
