//! What is revoked, and what is left of it in the file.

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::PathBuf,
    sync::mpsc,
    time::Duration,
};

use tempfile::TempDir;

use super::*;

const NOW: i64 = 1_000;

struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Place {
        Place { directory: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("revoked")
    }

    fn open(&self) -> Revocations {
        Revocations::open(&self.file(), 10, NOW).unwrap()
    }
}

fn revoke(revocations: &Revocations, json: &str) {
    revocations.revoke(Revocation::parse(json.as_bytes(), NOW).unwrap(), NOW).unwrap();
}

fn token<'a>(jti: Option<&'a str>, subject: Option<&'a str>, issued: Option<f64>) -> Shown<'a> {
    let token = ShownToken { tokens: Some("api"), jti, subject, issued_unix: issued };
    Shown { key_id: None, subject, token: Some(token) }
}

#[test]
fn what_is_named_is_revoked_and_nothing_else() {
    let place = Place::new();
    let revocations = place.open();
    assert!(revocations.is_empty());
    revoke(&revocations, r#"{"jti":"j1"}"#);
    revoke(&revocations, r#"{"key_id":"dev-1"}"#);
    revoke(&revocations, r#"{"subject":"alice"}"#);
    let key = |id| Shown { key_id: Some(id), subject: Some(id), token: None };
    assert_eq!(revocations.find(&key("dev-1"), NOW), Some(Revoked::KeyId("dev-1".to_owned())));
    assert_eq!(revocations.find(&key("dev-2"), NOW), None);
    assert_eq!(revocations.find(&key("j1"), NOW), None, "a key id is no jti");
    assert_eq!(revocations.find(&token(Some("j1"), None, None), NOW), Some(Revoked::Jti("j1".to_owned())));
    assert_eq!(revocations.find(&token(Some("J1"), Some("bob"), None), NOW), None);
    assert!(revocations.find(&token(None, Some("alice"), None), NOW).is_some());
    assert!(revocations.find(&key("alice"), NOW).is_some());
}

#[test]
fn tokens_older_than_a_moment_are_revoked_and_so_are_those_that_do_not_say() {
    for (json, other) in [
        (r#"{"issued_before":500}"#, None),
        (r#"{"issued_before":500,"subject":"alice"}"#, Some("bob")),
        (r#"{"issued_before":500,"tokens":"api"}"#, None),
    ] {
        let place = Place::new();
        let revocations = place.open();
        revoke(&revocations, json);
        let of = |subject, issued| revocations.find(&token(None, Some(subject), issued), NOW).is_some();
        assert!(of("alice", Some(499.0)) && of("alice", Some(499.9)) && of("alice", None), "{json}");
        assert!(!of("alice", Some(500.0)) && !of("alice", Some(600.0)), "{json}");
        if let Some(other) = other {
            assert!(!of(other, Some(1.0)) && !of(other, None), "{json}");
        }
        let key = Shown { key_id: Some("alice"), subject: Some("alice"), token: None };
        assert_eq!(revocations.find(&key, NOW), None, "a signature has no age");
    }
}

#[test]
fn a_revocation_ends_when_it_says_so() {
    let place = Place::new();
    let revocations = place.open();
    revoke(&revocations, r#"{"jti":"j1","until":1500}"#);
    assert!(revocations.find(&token(Some("j1"), None, None), 1500).is_some());
    assert!(revocations.find(&token(Some("j1"), None, None), 1501).is_none());
    let over = Revocation::parse(br#"{"jti":"j2","until":999}"#, NOW).unwrap();
    assert!(matches!(revocations.revoke(over, NOW), Err(NotRevoked::Bad(BadRevocation::Over))));
    // Revoked once more, the longer time holds, whichever came first.
    revoke(&revocations, r#"{"jti":"j1"}"#);
    revoke(&revocations, r#"{"jti":"j1","until":1600}"#);
    assert!(revocations.find(&token(Some("j1"), None, None), i64::MAX).is_some());
}

#[test]
fn what_was_revoked_is_so_after_a_restart() {
    let place = Place::new();
    revoke(&place.open(), r#"{"jti":"j1","reason":"stolen"}"#);
    let again = place.open();
    assert!(again.find(&token(Some("j1"), None, None), NOW).is_some());
    assert_eq!(again.all(NOW).first().unwrap().reason.as_deref(), Some("stolen"));
}

#[test]
fn a_line_that_broke_off_is_cut_and_the_next_one_is_whole() {
    let place = Place::new();
    revoke(&place.open(), r#"{"jti":"j1"}"#);
    fs::OpenOptions::new().append(true).open(place.file()).unwrap().write_all(b"{\"jti\":\"ha").unwrap();
    revoke(&place.open(), r#"{"jti":"j2"}"#);
    let names: Vec<_> = place.open().all(NOW).into_iter().map(|entry| entry.revoked).collect();
    assert_eq!(names, [Revoked::Jti("j1".to_owned()), Revoked::Jti("j2".to_owned())]);
}

#[test]
fn a_file_with_anything_else_in_it_is_refused() {
    let place = Place::new();
    fs::write(place.file(), "{\"jti\":\"a\"}\nnot a revocation\n").unwrap();
    assert!(matches!(Revocations::open(&place.file(), 10, NOW), Err(LogError::Line { line: 2, .. })));
}

#[test]
fn one_process_has_the_file() {
    let place = Place::new();
    let _first = place.open();
    assert!(matches!(Revocations::open(&place.file(), 10, NOW), Err(LogError::InUse(_))));
}

#[test]
fn what_is_over_or_said_twice_leaves_the_file_at_the_next_start() {
    let place = Place::new();
    let revocations = place.open();
    revoke(&revocations, r#"{"jti":"j1","until":1500}"#);
    revoke(&revocations, r#"{"jti":"j2"}"#);
    revoke(&revocations, r#"{"jti":"j2"}"#);
    assert_eq!(fs::read_to_string(place.file()).unwrap().lines().count(), 2, "nothing new is not written");
    drop(revocations);
    let later = Revocations::open(&place.file(), 10, 2_000).unwrap();
    assert_eq!(later.len(), 1);
    assert_eq!(fs::read_to_string(place.file()).unwrap().lines().count(), 1);
    revoke(&later, r#"{"jti":"j3"}"#);
    assert!(matches!(Revocations::open(&place.file(), 10, NOW), Err(LogError::InUse(_))), "the new file is held too");
    drop(later);
    assert_eq!(place.open().len(), 2);
}

#[test]
fn a_file_that_is_written_anew_stays_its_owners_and_where_it_is() {
    let place = Place::new();
    fs::write(place.file(), "{\"jti\":\"j1\",\"until\":5}\n").unwrap();
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o640)).unwrap();
    // Only root can give it away; whoever else runs this sees to the mode alone.
    let _ = chown(place.file(), Some(65_534), Some(65_534));
    let link = place.directory.path().join("link");
    symlink(place.file(), &link).unwrap();
    let whose = |file: &fs::Metadata| (file.mode(), file.uid(), file.gid());
    let before = fs::metadata(place.file()).unwrap();
    Revocations::open(&link, 10, NOW).unwrap();
    let after = fs::metadata(place.file()).unwrap();
    assert!(after.ino() != before.ino() && after.len() == 0, "it was written anew");
    assert_eq!(whose(&after), whose(&before));
    assert!(link.is_symlink(), "what it leads to is replaced");
}

#[test]
fn what_another_left_beside_the_file_is_not_written_through() {
    let place = Place::new();
    fs::write(place.file(), "{\"jti\":\"j1\",\"until\":5}\n").unwrap();
    let (other, beside) = (place.directory.path().join("other"), place.directory.path().join("revoked.new"));
    fs::write(&other, "another's").unwrap();
    symlink(&other, &beside).unwrap();
    place.open();
    assert_eq!(fs::read_to_string(other).unwrap(), "another's");
    assert!(fs::read_to_string(place.file()).unwrap().is_empty() && !beside.is_symlink());
}

#[test]
fn a_file_that_cannot_be_written_anew_ends_no_start() {
    let place = Place::new();
    fs::write(place.file(), "{\"jti\":\"j1\",\"until\":5}\n{\"jti\":\"j2\"}\n").unwrap();
    fs::create_dir(place.directory.path().join("revoked.new")).unwrap();
    let revocations = place.open();
    assert_eq!(fs::read_to_string(place.file()).unwrap().lines().count(), 2, "it is as it was");
    revoke(&revocations, r#"{"jti":"j3"}"#);
    drop(revocations);
    let names: Vec<_> = place.open().all(NOW).into_iter().map(|entry| entry.revoked).collect();
    assert_eq!(names, [Revoked::Jti("j2".to_owned()), Revoked::Jti("j3".to_owned())]);
}

#[test]
fn a_file_that_is_looked_at_stays_as_it_is() {
    let place = Place::new();
    let look = || Revocations::in_file(&place.file(), 10, NOW);
    assert!(matches!(look(), Err(LogError::File { .. })));
    assert!(!place.file().exists());
    let content = "{\"jti\":\"j2\"}\n{\"jti\":\"over\",\"until\":5}\n{\"jti\":\"j1\"}\n{\"jti\":\"ha";
    fs::write(place.file(), content).unwrap();
    let inode = fs::metadata(place.file()).unwrap().ino();
    let names: Vec<_> = look().unwrap().into_iter().map(|entry| entry.revoked).collect();
    assert_eq!(names, [Revoked::Jti("j1".to_owned()), Revoked::Jti("j2".to_owned())]);
    assert_eq!(fs::read_to_string(place.file()).unwrap(), content);
    assert_eq!(fs::metadata(place.file()).unwrap().ino(), inode);
    let _gateway = place.open();
    assert!(matches!(look(), Err(LogError::InUse(_))));
}

#[test]
fn they_are_listed_while_nobody_waits_to_add_one() {
    let place = Place::new();
    let revocations = place.open();
    revoke(&revocations, r#"{"jti":"j1"}"#);
    let (listed, seen) = mpsc::channel();
    std::thread::scope(|scope| {
        let revoking = revocations.log.as_ref().unwrap().lock().unwrap();
        scope.spawn(|| listed.send(revocations.all(NOW).len()).unwrap());
        assert!(seen.recv_timeout(Duration::from_millis(100)).is_err(), "a revocation is under way");
        drop(revoking);
        assert_eq!(seen.recv().unwrap(), 1);
    });
}

#[test]
fn a_file_does_not_grow_for_as_long_as_the_process_runs() {
    let place = Place::new();
    let revocations = place.open();
    let long = "r".repeat(1000);
    let mut largest = 0;
    for number in 0..1_100_i64 {
        // Each is over before the next but one comes.
        let json = format!(r#"{{"jti":"{number}{long}","until":{},"reason":"{long}"}}"#, NOW + number + 1);
        revocations.revoke(Revocation::parse(json.as_bytes(), NOW + number).unwrap(), NOW + number).unwrap();
        largest = largest.max(fs::metadata(place.file()).unwrap().len());
    }
    assert!((1 << 20..5 << 18).contains(&largest), "{largest}");
    assert!(!place.directory.path().join("revoked.new").exists());
    drop(revocations);
    let left = Revocations::open(&place.file(), 10, NOW + 1_099).unwrap();
    assert_eq!(left.len(), 2, "and what stands is still in it");
}

#[test]
fn more_than_there_may_be_are_refused_and_none_is_forgotten() {
    let place = Place::new();
    let revocations = Revocations::open(&place.file(), 2, NOW).unwrap();
    revoke(&revocations, r#"{"jti":"j1"}"#);
    revoke(&revocations, r#"{"jti":"j2","until":1100}"#);
    let third = || Revocation::parse(br#"{"jti":"j3"}"#, NOW).unwrap();
    assert!(matches!(revocations.revoke(third(), NOW), Err(NotRevoked::Full)));
    assert!(revocations.revoke(third(), 1101).is_ok(), "what is over makes room");
    assert!(revocations.find(&token(Some("j1"), None, None), NOW).is_some());
}

#[test]
fn holders_leave_the_operator_a_tenth_and_have_theirs_again_when_it_is_over() {
    let place = Place::new();
    let revocations = Revocations::open(&place.file(), 20, NOW).unwrap();
    let revoke = |jti: i64, by, now| {
        let json = format!(r#"{{"jti":"{jti}","until":{}}}"#, NOW + 100 + jti);
        revocations.revoke(Revocation { by, ..Revocation::parse(json.as_bytes(), now).unwrap() }, now)
    };
    (0..18).for_each(|jti| drop(revoke(jti, By::Holder, NOW).unwrap()));
    assert!(matches!(revoke(18, By::Holder, NOW), Err(NotRevoked::Full)));
    assert!(revoke(17, By::Holder, NOW).is_ok(), "what is revoked already is no more");
    revoke(18, By::Operator, NOW).unwrap();
    revoke(19, By::Operator, NOW).unwrap();
    assert!(matches!(revoke(20, By::Operator, NOW), Err(NotRevoked::Full)));
    // Two are over, and leave the holders as many as they had.
    assert!(matches!(revoke(20, By::Holder, NOW + 102), Err(NotRevoked::Full)));
    assert_eq!(revocations.len(), 18);
    revoke(20, By::Holder, NOW + 103).unwrap();
    assert_eq!(revocations.all(0).len(), 18, "none but what is over was forgotten");
}

#[test]
fn a_full_list_is_looked_through_only_where_one_can_be_over() {
    let place = Place::new();
    let revocations = Revocations::open(&place.file(), 1, NOW).unwrap();
    revoke(&revocations, r#"{"jti":"j1","until":1100}"#);
    revoke(&revocations, r#"{"jti":"j1","until":1200}"#);
    let earliest = || revocations.list.earliest_end();
    let other = |now| revocations.revoke(Revocation::parse(br#"{"jti":"j2"}"#, now).unwrap(), now);
    assert!(other(1100).is_err() && earliest() == 1100);
    assert!(other(1101).is_err() && earliest() == 1200, "which it was looked for");
    assert!(other(1201).is_ok() && earliest() == i64::MAX);
}

#[test]
fn what_is_revoked_already_is_told_and_stays() {
    let place = Place::new();
    let revocations = place.open();
    let revoke = |json: &str| revocations.revoke(Revocation::parse(json.as_bytes(), NOW).unwrap(), NOW).unwrap();
    assert!(matches!(revoke(r#"{"key_id":"dev-1"}"#), Standing::New(_)));
    let Standing::Before(known) = revoke(r#"{"key_id":"dev-1","until":1002,"reason":"later"}"#) else { panic!("new") };
    assert_eq!((known.until_unix, known.reason), (None, None));
    assert!(matches!(revoke(r#"{"key_id":"dev-2","until":1002}"#), Standing::New(_)));
    let Standing::New(longer) = revoke(r#"{"key_id":"dev-2","until":1500}"#) else { panic!("before") };
    assert_eq!(longer.until_unix, Some(1500));
}

#[test]
fn what_is_over_does_not_come_back_with_the_next_revocation_of_its_name() {
    let place = Place::new();
    let revocations = place.open();
    revoke(&revocations, r#"{"issued_before":2000,"until":1002,"reason":"too much"}"#);
    let later = Revocation::parse(br#"{"issued_before":1000}"#, NOW + 4).unwrap();
    assert_eq!(revocations.revoke(later.clone(), NOW + 4).unwrap(), Standing::New(later.clone()));
    assert_eq!(revocations.all(NOW + 4), [later]);
    assert!(revocations.find(&token(None, None, Some(1500.0)), NOW + 4).is_none());
    assert!(revocations.find(&token(None, None, Some(999.0)), NOW + 4).is_some());

    let by = |by, json: &str| Revocation { by, ..Revocation::parse(json.as_bytes(), NOW).unwrap() };
    revocations.revoke(by(By::Holder, r#"{"jti":"j1","until":1002}"#), NOW).unwrap();
    revocations.revoke(by(By::Operator, r#"{"jti":"j1","until":1500}"#), NOW + 4).unwrap();
    assert!(revocations.lift(&Revoked::Jti("j1".to_owned()), NOW + 5).is_ok(), "its holder's is over");
}

#[test]
fn of_two_that_stand_under_one_name_the_file_says_after_a_restart_what_was_told() {
    let place = Place::new();
    let revocations = place.open();
    revoke(&revocations, r#"{"issued_before":2000,"until":1100}"#);
    let later = Revocation::parse(br#"{"issued_before":1000}"#, NOW).unwrap();
    let Standing::New(told) = revocations.revoke(later, NOW).unwrap() else { panic!("it says more than the first") };
    assert_eq!((told.before_unix, told.until_unix), (2000, None));
    drop(revocations);
    assert_eq!(Revocations::open(&place.file(), 10, 1_200).unwrap().all(1_200), [told]);
}

#[test]
fn what_the_operator_revoked_is_lifted_at_once_and_for_every_start_to_come() {
    let place = Place::new();
    let revocations = place.open();
    let key = Revoked::KeyId("dev-1".to_owned());
    let is_revoked = |revocations: &Revocations| {
        revocations.find(&Shown { key_id: Some("dev-1"), subject: None, token: None }, NOW).is_some()
    };
    assert!(matches!(revocations.lift(&key, NOW), Err(NotLifted::Nothing)));
    for round in 0..3 {
        revoke(&revocations, r#"{"key_id":"dev-1","reason":"typo"}"#);
        revoke(&revocations, r#"{"subject":"dev-1"}"#);
        assert!(is_revoked(&revocations), "{round}");
        assert_eq!(revocations.lift(&key, NOW).unwrap().reason.as_deref(), Some("typo"));
        assert!(!is_revoked(&revocations) && !revocations.is_empty(), "the subject is another revocation");
        assert!(matches!(revocations.lift(&key, NOW), Err(NotLifted::Nothing)));
    }
    assert!(matches!(revocations.lift(&Revoked::Jti("dev-1".to_owned()), NOW), Err(NotLifted::Nothing)));
    drop(revocations);
    assert_eq!(Revocations::in_file(&place.file(), 10, NOW).unwrap().len(), 1);
    let again = place.open();
    assert!(!is_revoked(&again));
    assert_eq!(fs::read_to_string(place.file()).unwrap().lines().count(), 1, "the file is written anew");
    revoke(&again, r#"{"key_id":"dev-1"}"#);
    drop(again);
    assert!(is_revoked(&place.open()));
}

#[test]
fn what_is_over_is_not_there_to_be_lifted() {
    let place = Place::new();
    let revocations = place.open();
    revoke(&revocations, r#"{"key_id":"dev-1","until":1500}"#);
    let key = Revoked::KeyId("dev-1".to_owned());
    assert!(matches!(revocations.lift(&key, 1501), Err(NotLifted::Nothing)));
    assert!(revocations.lift(&key, 1500).is_ok());
    assert!(matches!(Revocations::none().lift(&key, NOW), Err(NotLifted::NoPlace)));
}

#[test]
fn what_its_holder_gave_back_is_not_lifted_whoever_revoked_it_too() {
    let place = Place::new();
    let token = Revoked::Jti("j1".to_owned());
    let by = |by, json: &str| Revocation { by, ..Revocation::parse(json.as_bytes(), NOW).unwrap() };
    for order in [[By::Holder, By::Operator], [By::Operator, By::Holder]] {
        let place = Place::new();
        let revocations = place.open();
        for who in order {
            revocations.revoke(by(who, r#"{"jti":"j1","until":1500}"#), NOW).unwrap();
        }
        assert!(matches!(revocations.lift(&token, NOW), Err(NotLifted::Holders)));
        drop(revocations);
        assert!(matches!(place.open().lift(&token, NOW), Err(NotLifted::Holders)), "nor after a restart");
    }
    let revocations = place.open();
    revocations.revoke(by(By::Holder, r#"{"jti":"j1","until":1500}"#), NOW).unwrap();
    revoke(&revocations, r#"{"key_id":"dev-1"}"#);
    revocations.lift(&Revoked::KeyId("dev-1".to_owned()), NOW).unwrap();
    assert!(revocations.find(&self::token(Some("j1"), None, None), NOW).is_some());
}

#[test]
fn without_a_file_nothing_can_be_revoked() {
    let revocation = Revocation::parse(br#"{"jti":"j1"}"#, NOW).unwrap();
    assert!(matches!(Revocations::none().revoke(revocation, NOW), Err(NotRevoked::NoPlace)));
}
