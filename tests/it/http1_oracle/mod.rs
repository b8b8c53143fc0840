//! Our HTTP/1 codec against hyper's, fed the same bytes. Ours is the stricter one, so whatever it accepts hyper must
//! accept too, and both must read the same; what only ours refuses must be of a class with a name and a reason.
//!
//! - [`readers`]: the two readers and the verdict, which the fuzz targets use too.
//! - [`classes`]: one example of each class, and that the document tells of it.
//!
//! Not a test of all that we refuse: that is in the codec's own tests.
#![allow(clippy::expect_used)] // Here a failed expectation is a failed test.

mod classes;
mod readers;

use proptest::collection::vec;
use proptest::prelude::*;

use self::readers::{agreement, hypers, ours, ours::End};
use countersign::http1::Limits;

/// Requests that are right in most places and odd in some.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        6 => "(GET|POST|PUT|PURGE) /[a-z%.;/]{0,8}(\\?[a-z=&/?]{0,6})? HTTP/1\\.[01]\r\n",
        1 => "(GET|OPTIONS) (http://a/[a-z]{0,3}|\\*|a:80|/a#b) HTTP/1.1\r\n",
        1 => "[A-Z]{1,4} ?/?[ -~]{0,6} HTTP/[0-3].[0-3]\r?\n",
    ];
    let field = prop_oneof![
        4 => Just("Host: a\r\n".to_owned()),
        2 => "Content-Length: ?[+0-9, ]{1,2}\r\n",
        2 => "Transfer-Encoding: (chunked|CHUNKED|,chunked|gzip)\r\n",
        4 => "X-[A-Za-z_]{1,4}:[ \t]?[ -~]{0,6}\r\n",
        1 => "[ -~]{0,8}\r?\n",
        1 => "(Connection|Expect): (close|keep-alive|100-continue|x)\r\n",
    ];
    (line, vec(field, 0..5), body()).prop_map(|(line, fields, body)| {
        let head = fields.concat();
        // Most without a Host would be refused at once and prove nothing.
        let host = if head.contains("Host") { "" } else { "Host: a\r\n" };
        format!("{line}{host}{head}\r\n{body}").into_bytes()
    })
}

/// Responses of the same kind.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let interim = "(HTTP/1.1 10[0-4] x\r\n(X: y\r\n)?\r\n){0,2}";
    let line = prop_oneof![
        6 => "HTTP/1\\.[01] (200|204|304|404)( [ -~]{0,4})?\r\n",
        1 => "[hH]TTP/[0-3]\\.[0-3] ?[0-9]{1,4} ?[ -~]{0,6}\r?\n",
    ];
    let field = prop_oneof![
        3 => "Content-Length: ?[+0-9, ]{1,2}\r\n",
        2 => "Transfer-Encoding: (chunked|CHUNKED|,chunked|gzip)\r\n",
        4 => "X-[A-Za-z_]{1,4}:[ \t]?[ -~]{0,6}\r\n",
        1 => "[ -~]{0,8}\r?\n",
        1 => "Connection: (close|keep-alive|x)\r\n",
    ];
    (interim, line, vec(field, 0..4), body())
        .prop_map(|(interim, line, fields, body)| format!("{interim}{line}{}\r\n{body}", fields.concat()).into_bytes())
}

fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[a-z]{0,9}",
        4 => "([1-3];?a?\r\n[a-z]{1,3}\r\n){0,3}0(;a=b)?\r\n(X: y\r\n)?\r\n",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_we_accept_hyper_reads_the_same(requests in vec(request(), 1..4)) {
        if let Err(disagreement) = agreement::on_requests(&requests.concat()) {
            prop_assert!(false, "{}", disagreement);
        }
    }

    #[test]
    fn no_split_of_a_connection_changes_what_it_means(requests in vec(request(), 1..4), size in 1_usize..40) {
        let (input, limits) = (requests.concat(), Limits::default());
        let (whole, pieces) = (ours::requests([&input[..]], &limits), ours::requests(input.chunks(size), &limits));
        prop_assert!(whole.is_like(&pieces), "{:#?}\n{:#?}", whole, pieces);
    }

    #[test]
    fn what_we_accept_of_an_upstream_hyper_reads_the_same(response in response(), to_head: bool) {
        if let Err(disagreement) = agreement::on_response(&response, to_head) {
            prop_assert!(false, "{}", disagreement);
        }
    }
}

#[test]
fn the_oracle_sees_plain_requests_as_we_do() {
    let input = "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n\
                 GET http://a:80/b HTTP/1.1\r\nHost: a\r\n\r\n\
                 POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
                 POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n\
                 OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (ours, hypers) = (ours::requests([input.as_bytes()], &Limits::default()), hypers::requests(input.as_bytes()));
    assert_eq!((ours.messages.len(), ours.end), (5, End::Closed(input.len() - 27)));
    assert_eq!(ours.messages, hypers);
}

#[test]
fn the_oracle_sees_plain_responses_as_we_do() {
    for (input, body) in [
        ("HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", &b"ok"[..]),
        ("HTTP/1.0 200 OK\r\n\r\nok", b"ok"),
        ("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n", b"ok"),
        ("HTTP/1.1 304 Same\r\nContent-Length: 2\r\n\r\n", b""),
    ] {
        let ours = ours::response([input.as_bytes()], false, &Limits::default());
        assert_eq!(ours.messages.first().map(|response| &response.body.bytes[..]), Some(body), "{input:?}");
        assert_eq!(ours.messages.first(), hypers::response(input.as_bytes(), false).as_ref(), "{input:?}");
    }
}

#[test]
fn a_body_that_only_hyper_ends_is_noticed() {
    // A chunk whose end is missing is of no class: hyper does not take it either, so the verdict is made up here.
    let mut ours =
        ours::requests([&b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"[..]], &Limits::default());
    assert_eq!(ours.end, End::InBody);
    let mut hypers = ours.messages.clone();
    assert!(agreement::judge(&ours, &hypers, |_| false).is_ok());
    hypers[0].body.is_whole = true;
    assert!(agreement::judge(&ours, &hypers, |_| false).is_err());
    ours.messages[0].body.is_whole = true;
    hypers[0].body.bytes = b"help!".to_vec();
    assert!(agreement::judge(&ours, &hypers, |_| false).is_err());
    hypers.clear();
    assert!(agreement::judge(&ours, &hypers, |_| false).is_err());
}
