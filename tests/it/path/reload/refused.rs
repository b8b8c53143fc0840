//! A config that is of no use: the one before stays.

use std::fs;

use super::{Stage, answers, asked};
use crate::path::support::{PATIENCE, eventually};

/// Writes `config`, and waits until it is refused.
fn refused(stage: &Stage, config: &str) {
    let before = stage.metric("countersign_config_refused_total");
    stage.write(config);
    assert!(eventually(PATIENCE, || stage.metric("countersign_config_refused_total") > before), "{config}");
}

#[test]
fn a_broken_config_changes_nothing_and_every_problem_is_said() {
    let stage = Stage::start(&answers("one"));
    let mut talk = stage.talk();
    for broken in [
        "upstreams: [",
        "upstreams: { own: { echo: true } }\nroots: []\nrouts: []\n",
        &format!("{}limits: {{ body: 1 }}\nlimits: {{ body: 2 }}\n", answers("two")),
        &format!("{}keys: {{ k: {{ shared: {{ value: \"\" }} }} }}\n", answers("two")),
        &format!("{}keys: {{ k: {{ shared: {{ file: nowhere }} }} }}\n", answers("two")),
        "",
    ] {
        refused(&stage, broken);
        assert_eq!(asked(&mut talk), "one", "{broken}");
        assert_eq!(asked(&mut stage.talk()), "one", "{broken}");
    }
    assert_eq!(stage.metric("countersign_config_generation"), 1.0);
    let log = stage.gateway.output_when(|log| log.contains("there is no such file"));
    for words in ["unknown key `roots`", "unknown key `routs`", "stands twice", "the secret is empty", "no such file"] {
        assert!(log.contains(words), "{words} in\n{log}");
    }
    stage.change(&answers("two"));
    assert_eq!(asked(&mut talk), "two");
}

#[test]
fn a_config_that_is_written_bit_by_bit_never_takes_the_old_one_down() {
    let stage = Stage::start(&answers("one"));
    let mut talk = stage.talk();
    let before = stage.metric("countersign_config_generation");
    let whole = format!("listen: {}\nadmin: {}\n{}", stage.address, stage.admin, answers("two"));
    for end in (0..=whole.len()).step_by(40).chain([whole.len()]) {
        fs::write(stage.gateway.path("gateway.yaml"), whole.get(..end).expect("ASCII")).expect("written");
        assert!(matches!(asked(&mut talk).as_str(), "one" | "two"));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(eventually(PATIENCE, || stage.metric("countersign_config_generation") > before));
    assert!(eventually(PATIENCE, || asked(&mut talk) == "two"));
}

#[test]
fn a_file_that_was_missing_makes_the_config_good_when_it_comes() {
    let stage = Stage::start(&answers("one"));
    let config = format!(
        "keys: {{ k: {{ shared: {{ file: late.key }} }} }}\nschemes: {{ v2: {{ preset: device-v2, keys: k }} }}\n{}",
        answers("two")
    );
    refused(&stage, &config);
    stage.gateway.put("late.key", "a-key-of-twenty-bytes");
    assert!(eventually(PATIENCE, || asked(&mut stage.talk()) == "two"));
}

#[test]
fn what_needs_a_restart_is_said_and_the_rest_is_taken_on() {
    let stage = Stage::start(&answers("one"));
    stage.change(&format!("{}log: {{ access: off }}\nreplay: {{ capacity: 10 }}\n", answers("two")));
    assert_eq!(asked(&mut stage.talk()), "two");
    assert_eq!(stage.metric("countersign_replay_capacity"), 1_000_000.0);
    let log = stage.gateway.output_when(|log| log.contains("`replay` has changed"));
    assert!(log.contains("`log` has changed, which needs a restart"), "{log}");
    assert!(log.contains("`replay` has changed, which needs a restart"), "{log}");
    assert!(!log.contains("`admin` has changed"), "{log}");
}
