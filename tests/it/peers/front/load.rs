//! wrk and h2load: many connections at once, and every answer the right one.

use super::super::{
    stage::Stage,
    tools::{beside, run, tool},
};

#[test]
fn wrk_gets_nothing_but_right_answers() {
    let stage = Stage::start();
    let script = beside("front/wrk.lua");
    let mut wrk = tool("wrk", "wrk");
    let printed = run(wrk.args(["-t1", "-c16", "-d1s", "--timeout=20s", "-s"]).arg(script).arg(stage.url("/open/wrk")));
    let counted = printed.out.lines().find_map(|line| line.strip_prefix("wrong: 0 right: "));
    let right: usize = counted.and_then(|right| right.parse().ok()).unwrap_or_else(|| panic!("{}", printed.out));
    assert!(right > 0 && !printed.out.contains("Socket errors"), "{}", printed.out);
    let seen = stage.seen();
    assert!(seen.iter().all(|request| (request.method.as_str(), request.target.as_str()) == ("GET", "/open/wrk")));
    // When its time is over wrk leaves the answers that are still on their way, one a connection.
    assert!((right..=right + 16).contains(&seen.len()), "{right} answers, {} requests", seen.len());
}

#[test]
fn h2load_gets_an_answer_to_every_request() {
    let stage = Stage::start();
    let mut h2load = tool("h2load", "nghttp2-client");
    let printed = run(h2load.args(["--h1", "-n2000", "-c10"]).arg(stage.url("/open/h2load")));
    for line in [
        "requests: 2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout",
        "status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx",
    ] {
        assert!(printed.out.contains(line), "{}", printed.out);
    }
    let saw = stage.saw();
    assert_eq!(saw.len(), 2000);
    assert!(saw.iter().all(|request| request == "GET /open/h2load 0"));
}
