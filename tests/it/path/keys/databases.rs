//! The device table that an older system has already serves as key source, in each kind of database.

use std::time::{Duration, Instant};

use super::{Bench, NEW, OLD};
use crate::support::{Database, PASSWORD, sqlite};

/// As a system keeps it that never heard of a gateway: its own names, a key in hexadecimal, a flag, a time.
fn table(text: &str, time: &str) -> String {
    let hex = |secret: &str| hex::encode(secret);
    format!(
        "create table device (mac {text} not null, hmac_key {text}, customer {text}, locked integer not null default 0, \
                              valid_to {time}, made integer not null);\n\
         insert into device values ('aa:01', '{new}', 'acme', 0, null, 2), ('aa:01', '{old}', 'acme', 0, null, 1);\n\
         insert into device values ('aa:02', '{new}', 'acme', 1, null, 1);\n\
         insert into device values ('aa:03', 'no hex', 'acme', 0, null, 1);\n\
         insert into device values ('aa:04', '{new}', null, 0, 1000000000, 1);\n\
         insert into device values ('aa:05', '{new}', null, 0, 4000000000, 1);",
        new = hex(NEW),
        old = hex(OLD),
    )
}

fn query(parameter: &str) -> String {
    format!(
        "select mac as id, hmac_key as secret, customer as tenant, locked as disabled, valid_to as not_after \
         from device where mac = {parameter} order by made desc"
    )
}

/// What must be so whatever the database is.
fn judge(bench: &Bench) {
    let refused = (403, "invalid-signature".to_owned());
    assert_eq!(bench.status("aa:01", NEW, "/open"), 200);
    assert_eq!(bench.status("aa:01", OLD, "/open"), 200, "the second of two rows");
    assert_eq!(bench.send("aa:01", NEW, "/told").1["headers"]["x-tenant"], "acme");
    assert_eq!(bench.told("aa:02", NEW, "/open"), refused, "locked");
    assert_eq!(bench.told("aa:03", NEW, "/open"), (503, "store-unavailable".to_owned()), "a key that cannot be read");
    assert_eq!(bench.told("aa:04", NEW, "/open"), refused, "over since 2001");
    assert_eq!(bench.status("aa:05", NEW, "/open"), 200);
    for id in ["aa:99", "AA:01", "'/**/or/**/1=1;--", "aa:01'--", "%", "aa:0_", "$1", "?", "\\", "\""] {
        assert_eq!(bench.told(id, NEW, "/open"), refused, "{id}");
    }
    let metric = |beginning: &str| bench.metric(beginning).unwrap_or_default();
    assert!(metric("countersign_key_lookups_total{source=\"devices\",outcome=\"found\"}").ends_with(" 4"));
    assert!(metric("countersign_key_lookups_total{source=\"devices\",outcome=\"unreadable\"}").ends_with(" 1"));
}

#[test]
fn a_sqlite_file_serves() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("legacy.db");
    sqlite(&file, &table("text", "integer"));
    let url = format!("sqlite:{}", file.display());
    let keys = format!("{{ sql: {{ url: '{url}', query: \"{}\", encoding: hex }} }}", query("?"));
    judge(&Bench::start(&keys));
}

#[test]
fn postgresql_serves_and_one_that_hangs_costs_no_device_its_key() {
    let database = Database::postgres();
    database.run(&table("text", "bigint"));
    // A time of its own type is read as well.
    database.run("alter table device alter column valid_to type timestamptz using to_timestamp(valid_to)");
    let keys = format!(
        "{{ sql: {{ url: '{}', password: {{ env: PASSWORD }}, query: \"{}\", encoding: hex, timeout: 300ms, \
                    cache: {{ ttl: 1s, unknown_ttl: 100ms }} }} }}",
        database.url(),
        query("$1")
    );
    let bench = Bench::start_with(&keys, &[("PASSWORD", PASSWORD)]);
    judge(&bench);
    database.freeze();
    std::thread::sleep(Duration::from_millis(1200));
    for round in 0..20 {
        let started = Instant::now();
        assert_eq!(bench.status("aa:01", NEW, "/open"), 200, "round {round}");
        assert_eq!(bench.told(&format!("new-{round}"), NEW, "/open"), (503, "store-unavailable".to_owned()));
        assert!(started.elapsed() < Duration::from_millis(1500), "{:?}", started.elapsed());
    }
    assert_eq!(
        bench.metric("countersign_key_source_up{source=\"devices\"}").unwrap().split(' ').next_back(),
        Some("0")
    );
    database.thaw();
    database.run("delete from device where mac = 'aa:01'");
    let is_gone = || bench.told("aa:01", NEW, "/open") == (403, "invalid-signature".to_owned());
    assert!(super::super::support::eventually(Duration::from_secs(5), is_gone), "what was deleted still serves");
    let log = bench.gateway.output_when(|log| log.contains("the key source is back"));
    assert!(log.contains("the key source is away") && log.contains("the key source is back"), "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
}

#[test]
fn mariadb_serves_and_finds_no_id_that_is_spelled_otherwise() {
    let database = Database::mariadb();
    database.run(&table("varchar(200)", "bigint"));
    let keys = format!(
        "{{ sql: {{ url: '{}', password: {{ env: PASSWORD }}, query: \"{}\", encoding: hex }} }}",
        database.url(),
        query("?")
    );
    judge(&Bench::start_with(&keys, &[("PASSWORD", PASSWORD)]));
}

#[test]
fn a_database_that_is_not_there_at_the_start_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("legacy.db");
    let url = format!("sqlite:{}", file.display());
    let keys = format!("{{ sql: {{ url: '{url}', query: \"{}\", encoding: hex }} }}", query("?"));
    let bench = Bench::start(&keys);
    assert_eq!(bench.told("aa:01", NEW, "/open"), (503, "store-unavailable".to_owned()));
    sqlite(&file, &table("text", "integer"));
    let is_there = || bench.status("aa:01", NEW, "/open") == 200;
    assert!(super::super::support::eventually(Duration::from_secs(5), is_there));
}
