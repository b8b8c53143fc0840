//! The HTTP clients of Python and Node, each in a script of its own, and what the upstream got from them.

use std::{collections::BTreeMap, process::Command};

use super::super::{
    stage::Stage,
    tools::{beside, node, python, run},
};

const BIG: usize = 2 << 20;

/// Runs a script against a stage of its own, and gives what the upstream saw: method, target and length.
fn saw(interpreter: Command, script: &str) -> Vec<String> {
    let stage = Stage::start();
    let mut command = interpreter;
    run(stage.tell(command.arg(beside("front").join(script))));
    stage.saw()
}

/// The requests that are not one of `/open/many/*`, after it was seen that each of these came once.
fn without_many(saw: Vec<String>, count: usize) -> Vec<String> {
    let (many, rest): (Vec<_>, Vec<_>) = saw.into_iter().partition(|request| request.contains("/open/many/"));
    let mut times = BTreeMap::new();
    many.into_iter().for_each(|request| *times.entry(request).or_insert(0) += 1);
    assert_eq!((times.len(), times.values().max()), (count, Some(&1)), "{times:?}");
    rest
}

#[test]
fn http_client_of_python() {
    let expected = [
        "GET /open/a?b=c 0".to_owned(),
        "POST /open/post 5".to_owned(),
        format!("PUT /open/big {BIG}"),
        format!("POST /open/chunked {BIG}"),
        "HEAD /open/head 0".to_owned(),
        "GET /signed/a?b=c 0".to_owned(),
        "POST /signed/post 5".to_owned(),
        format!("PUT /signed/big {BIG}"),
    ];
    assert_eq!(saw(python(), "http_client.py"), expected);
}

#[test]
fn requests_of_python() {
    let expected = [
        "GET /open/a?b=c+d 0".to_owned(),
        "POST /open/form 3".to_owned(),
        "POST /open/json 8".to_owned(),
        format!("PUT /open/big {BIG}"),
        "POST /open/chunked 7".to_owned(),
        "HEAD /open/head 0".to_owned(),
        "GET /open/stream 0".to_owned(),
        "GET /signed/a?b=c 0".to_owned(),
        format!("PUT /signed/big {BIG}"),
    ];
    assert_eq!(saw(python(), "requests_client.py"), expected);
}

#[test]
fn aiohttp_of_python() {
    let expected = [
        "GET /open/a?b=c 0".to_owned(),
        format!("POST /open/big {BIG}"),
        format!("POST /open/chunked {BIG}"),
        format!("POST /open/expect {BIG}"),
        "HEAD /open/head 0".to_owned(),
        format!("POST /signed/big {BIG}"),
    ];
    assert_eq!(without_many(saw(python(), "aiohttp_client.py"), 50), expected);
}

#[test]
fn http_module_of_node() {
    let expected = [
        "GET /open/a?b=c 0".to_owned(),
        "POST /open/post 5".to_owned(),
        "POST /open/chunked 7".to_owned(),
        format!("PUT /open/expect {BIG}"),
        "HEAD /open/head 0".to_owned(),
        format!("PUT /signed/big {BIG}"),
    ];
    assert_eq!(saw(node(), "http_module.mjs"), expected);
}

#[test]
fn fetch_of_node() {
    let expected = [
        "GET /open/a?b=c 0".to_owned(),
        "POST /open/post 5".to_owned(),
        "POST /open/form 5".to_owned(),
        "POST /open/stream 7".to_owned(),
        "HEAD /open/head 0".to_owned(),
        "GET /signed/a?b=c 0".to_owned(),
        format!("PUT /signed/big {BIG}"),
    ];
    assert_eq!(without_many(saw(node(), "fetch.mjs"), 30), expected);
}
