//! The configs we ship are the manual: each must be one that the binary accepts, and says what it lacks when it does.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use crate::support::countersign;

/// What the examples take from the environment.
const ENVIRONMENT: [&str; 8] =
    ["API_DB_KEY", "API_KEY", "DB_PASSWORD", "DEVICE_KEY", "WEBHOOK_KEY", "JWT_KEY", "LEGACY_KEY", "REDIS_PASSWORD"];
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn examples() -> Vec<PathBuf> {
    let paths = fs::read_dir(root().join("config")).expect("the examples").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    paths.push(root().join("docker/gateway.yaml"));
    paths.sort();
    paths
}

fn check(config: &Path, environment: &[&str]) -> Output {
    let environment = environment.iter().map(|name| (name, SECRET));
    countersign().envs(environment).args(["check", "-c"]).arg(config).output().expect("the binary runs")
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_example_is_accepted() {
    let examples = examples();
    assert!(examples.len() >= 5, "{examples:?}");
    for example in examples {
        let output = check(&example, &ENVIRONMENT);
        assert_eq!(output.status.code(), Some(0), "{}:\n{}", example.display(), words(&output));
    }
}

/// Whoever copies an example copies its routes.
#[test]
fn no_example_has_a_way_around_a_route_by_a_slash() {
    for example in examples() {
        let said = words(&check(&example, &ENVIRONMENT));
        assert!(!said.contains("is not this route's"), "{}:\n{said}", example.display());
    }
}

#[test]
fn an_example_without_its_key_is_refused_and_the_variable_named() {
    let output = check(&root().join("config/device-api.yaml"), &[]);
    assert_eq!(output.status.code(), Some(3), "{}", words(&output));
    assert!(words(&output).contains("API_DB_KEY"), "{}", words(&output));
}

#[test]
fn no_secret_of_the_environment_is_ever_said() {
    for example in examples() {
        let said = words(&check(&example, &ENVIRONMENT));
        assert!(!said.contains(SECRET), "{}:\n{said}", example.display());
    }
}

#[test]
fn the_quickstart_fits_on_one_screen() {
    let text = fs::read_to_string(root().join("config/quickstart.yaml")).expect("the quickstart");
    assert!(text.lines().count() < 45, "{} lines", text.lines().count());
}
