//! What is so of databases alone: their table, their end in the middle of it, and what a restart finds again.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    thread::{self, sleep},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{super::gateways::refusal, Home, Issuing, eventually, grant, homes::TABLE, rules};
use crate::{stores::link, support::PASSWORD};

fn away() -> (u16, String) {
    (503, "store-unavailable".to_owned())
}

#[test]
fn a_gateway_that_starts_anew_finds_its_families_again_in_its_file() {
    let home = Home::sqlite();
    let issuing = Issuing::on(&home, "grace: 0s");
    let first = issuing.login();
    let second = issuing.renewed(&first);
    drop(issuing);
    let issuing = Issuing::on(&home, "grace: 0s");
    let third = issuing.renewed(&second);
    issuing.assert_refused(&second);
    issuing.assert_refused(&third);
    let mode = home.file().metadata().expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads who is logged in");
}

#[test]
fn a_database_that_dies_in_the_middle_of_a_renewal_comes_back_with_a_token_that_is_good() {
    let mut home = Home::postgres();
    let issuing = Issuing::on(&home, "grace: 0s");
    let (idle, in_doubt) = (issuing.login(), issuing.login());
    let take = |token| refusal(&issuing.take("/refresh", token));
    let Home::Server(database) = &mut home else { panic!("it is") };
    // It waits for a lock when the database dies.
    let locked = database.holding(&format!("select * from {TABLE} for update"));
    thread::scope(|scope| {
        let refused = scope.spawn(|| take(&in_doubt));
        sleep(Duration::from_millis(200));
        database.kill();
        assert_eq!(refused.join().expect("an answer"), away());
    });
    drop(locked);
    issuing.await_metric("countersign_refresh_store_up{issuer=\"api\"} 0\n");
    assert_eq!(take(&idle), away());
    assert_eq!(refusal(&issuing.post("/login", &json!({ "username": "bob" }))), away());
    database.revive();
    issuing.await_metric("countersign_refresh_store_up{issuer=\"api\"} 1\n");
    for token in [idle, in_doubt] {
        let next = issuing.renewed(&token);
        issuing.renewed(&next);
    }
    let told = ["the database of refresh tokens is away", "the database of refresh tokens is back"];
    let log = issuing.gateway.output_when(|log| told.iter().all(|words| log.contains(words)));
    assert!(told.iter().all(|words| log.contains(words)) && !log.contains(PASSWORD), "{log}");
}

/// It is not called back: the database does it when it can, unless that takes long.
#[test]
fn a_renewal_that_is_done_when_nobody_waits_any_more_is_taken_back() {
    let home = Home::postgres();
    let families = home.families();
    let Home::Server(database) = &home else { panic!("it is") };
    let token = link::runtime().block_on(families.begin(rules(), grant(), 0)).expect("a token");
    let runtime = link::runtime();
    let locked = database.holding(&format!("select * from {TABLE} for update"));
    let leaving =
        async { tokio::time::timeout(Duration::from_millis(50), families.renew(token.as_bytes(), "api", 0)).await };
    assert!(runtime.block_on(leaving).is_err(), "it does not wait for the lock");
    drop(locked);
    // Where it is the good one again.
    let good = format!("select turn from {TABLE} where hash = '{}'", super::homes::hash(&token));
    let turns = || home.ask(&good).trim().parse::<u32>().unwrap_or_default();
    // The renewal's and the one that takes it back; or that alone, and then the renewal finds nothing.
    runtime.block_on(async {
        for _ in 0..1_000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if turns() >= 1 {
                break;
            }
        }
        families.renew(token.as_bytes(), "api", 0).await.expect("it is still good");
    });
}

/// Whoever leaves does so before the database is asked, while it is, between two statements, or after them.
fn broken_off_at_any_moment(home: &Home) {
    let gateways = [home.families(), home.families()];
    let state = |token: &str| {
        let row = home.ask(&format!("select turn from {TABLE} where hash = '{}'", super::homes::hash(token)));
        row.trim().parse::<u32>().ok()
    };
    link::runtime().block_on(async {
        let (mut token, mut renewed) = (gateways[0].begin(rules(), grant(), 0).await.expect("a token"), 0);
        for round in 0_u64..40 {
            let before = state(&token).expect("it is the good one");
            let renewal = gateways[0].renew(token.as_bytes(), "api", 0);
            if let Ok(successor) = tokio::time::timeout(Duration::from_micros(200 * (round % 20)), renewal).await {
                (token, renewed) = (successor.expect("a successor"), renewed + 1);
                continue;
            }
            let start = Instant::now();
            while state(&token).is_none_or(|turn| turn == before) {
                assert!(start.elapsed() < Duration::from_secs(20), "it is not taken back");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            gateways[1].look(token.as_bytes(), "api", 0).await.expect("it is still good");
        }
        assert!(renewed < 40, "none was broken off");
    });
}

#[test]
fn a_renewal_that_is_broken_off_at_any_moment_costs_nobody_his_token() {
    broken_off_at_any_moment(&Home::sqlite());
    broken_off_at_any_moment(&Home::postgres());
}

#[test]
fn a_table_that_cannot_be_made_is_asked_for_in_the_log_and_waited_for() {
    let home = Home::postgres();
    let Home::Server(database) = &home else { panic!("it is") };
    database.run(&format!("create role clerk login password '{}'", PASSWORD.replace('\'', "''")));
    let url = database.url().replace("gateway@", "clerk@");
    let kept = format!("kept_in: {{ sql: {{ url: '{url}', password: {{ value: \"{PASSWORD}\" }} }} }}");
    let issuing = Issuing::at("", &kept, &kept);
    assert_eq!(refusal(&issuing.post("/login", &json!({ "username": "alice" }))), away());
    let log = issuing.gateway.output_when(|log| log.contains("create table"));
    let (_, needed) = log.split_once("\"needed\":\"").expect("the statements");
    let (needed, _) = needed.split_once('"').expect("their end");
    database.run(needed);
    database.run(&format!("grant select, insert, update, delete on {TABLE} to clerk"));
    issuing.await_metric("countersign_refresh_store_up{issuer=\"api\"} 1\n");
    let token = issuing.login();
    issuing.renewed(&token);
}

#[test]
fn a_place_that_is_not_there_at_the_start_is_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().join("later");
    let kept = format!("kept_in: {{ sql: {{ url: 'sqlite:{}/refresh.db' }} }}", place.display());
    let issuing = Issuing::at("", &kept, &kept);
    assert_eq!(refusal(&issuing.post("/login", &json!({ "username": "alice" }))), away());
    fs::create_dir(&place).expect("the directory");
    issuing.await_metric("countersign_refresh_store_up{issuer=\"api\"} 1\n");
    let token = issuing.login();
    issuing.renewed(&token);
}

#[test]
fn a_reload_takes_new_logins_to_another_place_and_leaves_a_place_that_stays_as_it_was() {
    let home = Home::sqlite();
    let (_, kept, _) = home.config();
    let issuing = Issuing::at("", "grace: 0s", "");
    let in_memory = issuing.login();
    let config = fs::read_to_string(issuing.gateway.path("gateway.yaml")).expect("the config");
    let in_file = config.replace("grace: 0s", &format!("grace: 0s, {kept}"));
    issuing.gateway.put("gateway.yaml", &in_file);
    issuing.await_metric("countersign_refresh_store_up{issuer=\"api\"} 1\n");
    issuing.assert_refused(&in_memory);
    let token = issuing.login();
    assert_eq!(home.held(), 1);
    issuing.gateway.put("gateway.yaml", &in_file.replace("lifetime: 5m", "lifetime: 6m"));
    issuing.await_metric("countersign_config_generation 3\n");
    issuing.renewed(&token);
    let log = issuing.gateway.output_when(|_| true);
    assert_eq!(log.matches("the table of refresh tokens is made").count(), 1, "{log}");
}

#[test]
fn what_is_long_over_is_removed_though_nobody_comes_with_it() {
    for home in [Home::sqlite(), Home::postgres(), Home::mariadb()] {
        let families = home.families();
        link::runtime().block_on(async {
            for _ in 0..3 {
                families.begin(rules(), grant(), 0).await.expect("a token");
            }
        });
        let day = 24 * 3_600_000;
        // By a clock that is a little ahead one might be over that is not.
        for (which, over) in [("min", day + 30 * 60_000), ("max", day + 90 * 60_000)] {
            let id = home.ask(&format!("select {which}(family) from {TABLE}"));
            home.ask(&format!("update {TABLE} set ends_ms = ends_ms - {over} where family = '{}'", id.trim()));
        }
        drop(families);
        let later = home.tended(Duration::from_secs(3_600));
        assert_eq!((home.held(), later.reading().swept), (3, 0), "it has only begun");
        let long_since = home.tended(Duration::ZERO);
        eventually("it is still there", || home.held() == 2);
        eventually("it is not counted", || long_since.reading().swept == 1);
    }
}

/// Each statement that waits for a lock has a connection of the few.
#[test]
fn a_row_that_somebody_holds_does_not_take_the_store_away_from_others() {
    for home in [Home::postgres(), Home::mariadb()] {
        let families = home.families();
        let Home::Server(database) = &home else { panic!("it is") };
        link::runtime().block_on(async {
            let held = families.begin(rules(), grant(), 0).await.expect("a token");
            let mut other = families.begin(rules(), grant(), 0).await.expect("a token");
            // By its key: MariaDB locks what it reads on the way.
            let id = home.ask(&format!("select family from {TABLE} where hash = '{}'", super::homes::hash(&held)));
            let lock = database.holding(&format!("select turn from {TABLE} where family = '{}' for update", id.trim()));
            for _ in 0..4 {
                let refused = families.renew(held.as_bytes(), "api", 0).await;
                assert!(refused.is_err(), "{refused:?}");
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
            for _ in 0..10 {
                other = families.renew(other.as_bytes(), "api", 0).await.expect("it is good");
            }
            drop(lock);
            let start = Instant::now();
            while let Err(refused) = families.renew(held.as_bytes(), "api", 0).await {
                assert!(start.elapsed() < Duration::from_secs(20), "{refused:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }
}

#[test]
fn a_renewal_that_a_database_breaks_off_for_anothers_sake_is_tried_again() {
    let home = Home::postgres();
    let families = home.families();
    // Three deadlocks: a sequence goes on though nothing else is done.
    home.ask("create sequence tries");
    home.ask(
        "create function lose() returns trigger language plpgsql as $$ begin \
         if nextval('tries') < 4 then raise exception using errcode = '40P01'; end if; return new; end $$",
    );
    home.ask(&format!("create trigger lose before update on {TABLE} for each row execute function lose()"));
    link::runtime().block_on(async {
        let token = families.begin(rules(), grant(), 0).await.expect("a token");
        let next = families.renew(token.as_bytes(), "api", 0).await.expect("its successor");
        families.renew(next.as_bytes(), "api", 0).await.expect("another");
    });
}

#[test]
fn a_database_that_can_only_be_read_is_away() {
    let homes = [
        (
            Home::postgres(),
            "alter system set default_transaction_read_only = on",
            "alter system reset default_transaction_read_only",
        ),
        (Home::mariadb(), "set global read_only = on", "set global read_only = off"),
    ];
    for (home, close, open) in homes {
        let issuing = Issuing::on(&home, "grace: 0s");
        let token = issuing.login();
        let told = |statement: &str| {
            home.ask(statement);
            if statement.starts_with("alter") {
                home.ask("select pg_reload_conf()");
            }
        };
        told(close);
        issuing.await_metric("countersign_refresh_store_up{issuer=\"api\"} 0\n");
        assert_eq!(refusal(&issuing.take("/refresh", &token)), away());
        told(open);
        issuing.await_metric("countersign_refresh_store_up{issuer=\"api\"} 1\n");
        let next = issuing.renewed(&token);
        issuing.renewed(&next);
    }
}

#[test]
fn mariadb_reads_no_other_rows_where_a_login_ends_the_oldest() {
    let home = Home::mariadb();
    let families = home.families();
    let columns = "family, issuer, subject, holder, hash, granted, lifetime_ms, absolute_ms, grace_ms, begun_ms, renewed_ms, \
                   turn, ends_ms";
    home.ask(&format!(
        "insert into {TABLE} ({columns}) select md5(seq), 'api', 'x', sha2(seq, 256), sha2(seq, 256), '', 1, 1, 1, 1, 1, 1, \
         9e15 from seq_1_to_5000; analyze table {TABLE}"
    ));
    let read = || {
        let status = home.ask(
            "select cast(sum(variable_value) as unsigned) from information_schema.global_status \
             where variable_name like 'HANDLER_READ%'",
        );
        status.trim().parse::<u64>().expect("a number")
    };
    let before = read();
    link::runtime().block_on(async {
        for _ in 0..20 {
            families.begin(rules(), grant(), 0).await.expect("a token");
        }
    });
    let read = read() - before;
    // Each of the ten logins that end one would read all.
    assert!(read < 25_000, "{read} rows");
    assert_eq!(home.held(), 5_010);
}
