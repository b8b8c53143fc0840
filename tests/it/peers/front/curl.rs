//! curl, as people and shell scripts use it.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::super::{
    stage::Stage,
    tools::{self, Printed},
};

fn curl(arguments: &[&str]) -> Printed {
    tools::run(tools::tool("curl", "curl").args(["--silent", "--show-error", "--max-time", "30"]).args(arguments))
}

/// A file of so many bytes, which go away with the directory.
fn file(length: usize) -> (TempDir, PathBuf, Vec<u8>) {
    let directory = tempfile::tempdir().expect("a directory");
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
    let path = directory.path().join("body");
    fs::write(&path, &bytes).expect("the file is written");
    (directory, path, bytes)
}

#[test]
fn curl_gets_posts_and_asks_for_the_head() {
    let stage = Stage::start();
    let told = ["-w", " %{http_code} %{http_version}"];
    let get = curl(&[&told[..], &[&stage.url("/open/a?b=c%20d")]].concat());
    assert_eq!(get.out, "/open/a?b=c%20d 200 1.1");
    let post = curl(&[&told[..], &["--data", "a=b", &stage.url("/open/form")]].concat());
    assert_eq!(post.out, "a=b 200 1.1");
    let head = curl(&["--head", &stage.url("/open/head")]);
    assert!(head.out.starts_with("HTTP/1.1 200 OK\r\n") && head.out.contains("Content-Length: 10\r\n"), "{}", head.out);
    let unsigned = curl(&[&told[..], &["-o", "/dev/null", &stage.url("/signed/a")]].concat());
    assert_eq!(unsigned.out, " 400 1.1");
    assert_eq!(stage.saw(), ["GET /open/a?b=c%20d 0", "POST /open/form 3", "HEAD /open/head 0"]);
}

#[test]
fn curl_uses_one_connection_for_several_urls() {
    let stage = Stage::start();
    let urls = ["/open/1", "/open/2", "/open/3"].map(|target| stage.url(target));
    let printed = curl(&["-w", " %{num_connects}\n", &urls[0], &urls[1], &urls[2]]);
    assert_eq!(printed.out, "/open/1 1\n/open/2 0\n/open/3 0\n");
    assert_eq!(stage.saw(), ["GET /open/1 0", "GET /open/2 0", "GET /open/3 0"]);
}

#[test]
fn curl_speaks_http_1_0() {
    let stage = Stage::start();
    let printed =
        curl(&["--http1.0", "-w", " %{http_code} %{num_connects}\n", &stage.url("/open/1"), &stage.url("/open/2")]);
    assert_eq!(printed.out, "/open/1 200 1\n/open/2 200 1\n");
    let (_directory, path, body) = file(100_000);
    let data = format!("@{}", path.display());
    let post =
        curl(&["--http1.0", "-w", " %{http_code}", "-o", "/dev/null", "--data-binary", &data, &stage.url("/open/3")]);
    assert_eq!(post.out, " 200");
    let seen = stage.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[2].body, body);
}

#[test]
fn curl_waits_for_100_continue_before_a_large_body() {
    let stage = Stage::start();
    let (directory, path, body) = file(3 << 20);
    let (data, copy) = (format!("@{}", path.display()), directory.path().join("copy"));
    let copy = copy.to_str().expect("a plain path");
    // From a megabyte on curl says Expect by itself.
    let printed = curl(&["--verbose", "--data-binary", &data, "-o", copy, &stage.url("/open/large")]);
    let (expected, invited) = (printed.err.find("> Expect: 100-continue"), printed.err.find("< HTTP/1.1 100 Continue"));
    assert!(expected.is_some() && expected < invited, "{}", printed.err);
    assert_eq!(fs::read(copy).expect("the answer"), body);
    let seen = stage.seen();
    assert_eq!((seen.len(), &seen[0].body), (1, &body));
}

#[test]
fn curl_uploads_chunks() {
    let stage = Stage::start();
    let (directory, path, body) = file(3 << 20);
    let (path, copy) = (path.to_str().expect("a plain path"), directory.path().join("copy"));
    let copy = copy.to_str().expect("a plain path");
    let printed = curl(&[
        "-H",
        "Transfer-Encoding: chunked",
        "-w",
        "%{http_code}",
        "-T",
        path,
        "-o",
        copy,
        &stage.url("/open/chunks"),
    ]);
    assert_eq!(printed.out, "200");
    assert_eq!(fs::read(copy).expect("the answer"), body);
    let seen = stage.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].values("transfer-encoding")), ("PUT", vec!["chunked"]));
    assert_eq!((seen.len(), &seen[0].body), (1, &body));
}
