//! Request heads, rule by rule.

use std::rc::Rc;

use bytes::BytesMut;

use super::{request, with_fields};
use crate::http1::{BadHead, BadRequest, Framing, Limits, RequestHead, Version, encode};

fn line(line: &str) -> Result<Rc<RequestHead>, BadRequest> {
    request(format!("{line}\r\nHost: gw.test\r\n\r\n"))
}

fn host(lines: &str) -> Result<Rc<RequestHead>, BadRequest> {
    request(format!("GET / HTTP/1.1\r\n{lines}\r\n"))
}

fn fault<T: std::fmt::Debug>(result: Result<T, BadRequest>) -> BadRequest {
    result.expect_err("a refusal")
}

#[test]
fn a_plain_head_is_taken_off_the_buffer() {
    let mut buffer = BytesMut::from(
        "POST /verify?a=1&b HTTP/1.1\r\nHost: gw.test:8000\r\nX-A: 1\r\nx-a:\t 2 \r\nEmpty:\r\n\r\nbody",
    );
    let head = RequestHead::parse(&mut buffer, &Limits::default()).expect("valid").expect("complete");
    assert_eq!(buffer, "body");
    assert_eq!((head.method(), head.version()), ("POST", Version::Http11));
    assert_eq!((head.target(), head.origin_form()), ("/verify?a=1&b", "/verify?a=1&b"));
    assert_eq!((head.path(), head.query()), ("/verify", Some("a=1&b")));
    assert_eq!(head.authority(), "gw.test:8000");
    let fields: Vec<_> = head.fields().collect();
    let expected: [(&str, &[u8]); 4] = [("Host", b"gw.test:8000"), ("X-A", b"1"), ("x-a", b"2"), ("Empty", b"")];
    assert_eq!(fields, expected);
    assert_eq!(head.values("X-a").collect::<Vec<_>>(), [b"1", b"2"]);
    assert_eq!(head.value("empty"), Some(&b""[..]));
    assert_eq!(head.value("absent"), None);
    assert!(head.keep_alive());
    assert!(!head.expects_continue());
    assert_eq!(head.framing(), Framing::None);
}

#[test]
fn an_incomplete_head_asks_for_more_and_leaves_the_buffer() {
    for part in ["", "\r", "\r\n", "G", "GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost: gw.test\r\n\r"] {
        let mut buffer = BytesMut::from(part);
        assert!(RequestHead::parse(&mut buffer, &Limits::default()).expect("no fault").is_none(), "{part:?}");
        assert_eq!(buffer, part);
    }
}

#[test]
fn what_can_never_become_a_request_is_refused_before_its_end() {
    let cases = [
        ("GET /public/a\r\n", BadRequest::RequestLine),
        ("GET /a HTTP/1.1\rHost: x\r\r", BadRequest::Head(BadHead::BareLineBreak)),
        ("GET /a HTTP/1.1\n", BadRequest::Head(BadHead::BareLineBreak)),
        ("\u{16}", BadRequest::Tls),
        ("\u{16}\u{3}\u{1}\n\r\n\r\n", BadRequest::Tls),
        ("\u{15}\u{3}\u{1}", BadRequest::RequestLine),
        ("PRI * HTTP/2.0\r\n", BadRequest::Http2),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BadRequest::Http2),
        ("GET * HTTP/2.0\r\n", BadRequest::Version),
        ("\r\n\r\n", BadRequest::Head(BadHead::NoStartLine)),
        (" GET", BadRequest::RequestLine),
    ];
    for (text, expected) in cases {
        let result = RequestHead::parse(&mut BytesMut::from(text), &Limits::default());
        assert_eq!(fault(result), expected, "{text:?}");
    }
}

#[test]
fn one_empty_line_before_the_request_is_skipped_and_no_more() {
    assert_eq!(request("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("valid").authority(), "a");
    assert_eq!(fault(request("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")), BadHead::NoStartLine.into());
}

#[test]
fn a_request_line_is_three_parts_with_one_space_between() {
    let bad = [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        " GET / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET\t/\tHTTP/1.1",
        "GET /",
        "GET",
        "GET / HTTP/1.1x",
        "GET / HTTP/01.1",
        "GET / http/1.1",
        "GET / HTTP/1",
        "GET / HTTP/1.10",
        "GET / XTTP/1.1",
        "G(T / HTTP/1.1",
        "G\u{e9}T / HTTP/1.1",
        "G=\":<>(e),[T];?\" / HTTP/1.1",
        "/ HTTP/1.1",
        "GET / / HTTP/1.1",
        "GET  HTTP/1.1",
        "GET /a\0 HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
        "GET /\u{b} HTTP/1.1",
    ];
    for bad in bad {
        assert_eq!(fault(line(bad)), BadRequest::RequestLine, "{bad:?}");
    }
}

#[test]
fn another_version_is_not_served() {
    for bad in ["GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "PRI / HTTP/2.0"] {
        assert_eq!(fault(line(bad)), BadRequest::Version, "{bad:?}");
    }
    assert_eq!(line("GET / HTTP/1.0").expect("valid").version(), Version::Http10);
}

#[test]
fn a_method_is_any_token_without_lower_case() {
    for good in ["GET", "PURGE", "M-SEARCH", "X_1", "!#$%&'*+-.^_`|~"] {
        assert_eq!(line(&format!("{good} / HTTP/1.1")).expect("valid").method(), good);
    }
    assert_eq!(fault(line("get / HTTP/1.1")), BadRequest::Method);
    assert_eq!(fault(line("PRI / HTTP/1.1")), BadRequest::Method);
    assert_eq!(fault(line("CONNECT /public/a HTTP/1.1")), BadRequest::Connect);
    assert_eq!(fault(line("CONNECT gw.test:80 HTTP/1.1")), BadRequest::Connect);
    assert_eq!(fault(line("TRACE /public/a HTTP/1.1")), BadRequest::Trace);
    assert_eq!(fault(line("TRACK /public/a HTTP/1.1")), BadRequest::Trace);
}

#[test]
fn a_target_is_in_origin_or_absolute_form_or_the_asterisk_of_options() {
    let bad = [
        "gw.test:80",
        "secure/x",
        "*",
        "gopher://gw.test/",
        "http:/gw.test/",
        "http://",
        "http:///a",
        "http://a@gw.test/",
        "http://gw.test:99999/",
        "http://gw.test?a",
        "/a#b",
        "#",
        "?a",
        "://gw.test/",
        "//gw.test\u{e9}/",
    ];
    for bad in bad {
        assert_eq!(fault(line(&format!("GET {bad} HTTP/1.1"))), BadRequest::Target, "{bad:?}");
    }
    assert_eq!(fault(line("OPTIONS ** HTTP/1.1")), BadRequest::Target);
    let head = line("OPTIONS * HTTP/1.1").expect("valid");
    assert_eq!((head.path(), head.query(), head.origin_form()), ("*", None, "*"));
}

#[test]
fn a_raw_byte_beyond_ascii_in_the_target_is_refused() {
    assert_eq!(fault(request(b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n")), BadRequest::Target);
    assert_eq!(fault(request(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n")), BadRequest::RequestLine);
}

#[test]
fn path_and_query_are_kept_as_they_came() {
    let parts = |target: &str| {
        let head = line(&format!("GET {target} HTTP/1.1")).expect("valid");
        (head.path().to_owned(), head.query().map(str::to_owned), head.origin_form().to_owned())
    };
    let expected =
        |path: &str, query: Option<&str>, origin: &str| (path.to_owned(), query.map(str::to_owned), origin.to_owned());
    assert_eq!(parts("/a/%2e%2E//b;c"), expected("/a/%2e%2E//b;c", None, "/a/%2e%2E//b;c"));
    assert_eq!(parts("/a?x=/../&y=?"), expected("/a", Some("x=/../&y=?"), "/a?x=/../&y=?"));
    assert_eq!(parts("/a?"), expected("/a", Some(""), "/a?"));
    assert_eq!(parts("http://gw.test"), expected("/", None, "/"));
    assert_eq!(parts("HTTP://GW.test:80/"), expected("/", None, "/"));
    assert_eq!(parts("https://gw.test:443/a?b://c"), expected("/a", Some("b://c"), "/a?b://c"));
}

#[test]
fn a_head_that_is_not_all_text_says_the_same_of_its_line_and_its_host() {
    let said = |line: &str, value: &[u8], host: &str| {
        let head =
            request([line.as_bytes(), b"\r\nX-A: ", value, b"\r\n", host.as_bytes(), b"\r\n"].concat()).expect("valid");
        [head.method(), head.target(), head.path(), head.origin_form(), head.authority()].map(str::to_owned)
    };
    for (line, host) in [
        ("POST /a?b HTTP/1.1", "Host: gw.test:80\r\n"),
        ("GET http://gw.test HTTP/1.1", "Host: GW.test:80\r\n"),
        ("GET http://gw.test/ HTTP/1.0", ""),
        ("GET / HTTP/1.0", ""),
    ] {
        assert_eq!(said(line, b"\xff", host), said(line, b"a", host), "{line:?}");
    }
    assert_eq!(said("GET / HTTP/1.1", b"\xff", "Host: gw.test\r\n")[4], "gw.test");
}

#[test]
fn host_is_one_valid_authority() {
    assert_eq!(fault(host("X-A: b\r\n")), BadRequest::MissingHost);
    assert_eq!(fault(host("Host: a\r\nhost: a\r\n")), BadRequest::DuplicateHost);
    for bad in ["", "admin@gw.test", "gw.test:99999x", "a b", "a,b", "\u{e9}"] {
        assert_eq!(fault(host(&format!("Host: {bad}\r\n"))), BadRequest::Host, "{bad:?}");
    }
    assert_eq!(fault(host("Host: gw.test\0.evil\r\n")), BadHead::FieldValue.into());
    assert_eq!(host("Host: [::1]:80\r\n").expect("valid").authority(), "[::1]:80");
}

#[test]
fn an_absolute_form_must_agree_with_host() {
    for differs in ["http://other.test/", "http://gw.test:8080/", "https://gw.test:80/"] {
        assert_eq!(fault(line(&format!("GET {differs} HTTP/1.1"))), BadRequest::AuthorityMismatch, "{differs:?}");
    }
    assert_eq!(fault(request("GET http://gw.test/ HTTP/1.1\r\n\r\n")), BadRequest::MissingHost);
    let as_host_writes_it = request("GET http://gw.test/ HTTP/1.1\r\nHost: GW.test:80\r\n\r\n").expect("valid");
    assert_eq!(as_host_writes_it.authority(), "GW.test:80");
}

#[test]
fn http_1_0_may_name_no_host_and_no_more_than_one() {
    assert_eq!(request("GET / HTTP/1.0\r\n\r\n").expect("valid").authority(), "");
    assert_eq!(request("GET http://gw.test/ HTTP/1.0\r\n\r\n").expect("valid").authority(), "gw.test");
    assert_eq!(fault(request("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n")), BadRequest::DuplicateHost);
    assert_eq!(fault(request("GET / HTTP/1.0\r\nHost:\r\n\r\n")), BadRequest::Host);
}

#[test]
fn a_field_line_is_a_token_a_colon_and_a_value_without_controls() {
    for bad in ["Badline", "X A: b", "X-A : b", "X-A :b", ": b", "X\u{e9}: b", "X(: b", "\"X\": b", "X-A\0: b"] {
        assert_eq!(fault(with_fields(&format!("{bad}\r\n"))), BadHead::FieldName.into(), "{bad:?}");
    }
    for bad in ["a\0b", "\u{1}", "a\u{7f}", "\u{b}", "a\u{8}b"] {
        assert_eq!(fault(with_fields(&format!("X-A: {bad}\r\n"))), BadHead::FieldValue.into(), "{bad:?}");
    }
    let head = request(b"GET / HTTP/1.1\r\nHost: a\r\nX_A: \xff\tb\r\n\r\n").expect("valid");
    assert_eq!(head.value("x_a"), Some(&b"\xff\tb"[..]));
}

#[test]
fn no_line_break_but_crlf_is_taken() {
    for bad in ["X-A: b\n", "X-A: b\rX-Auth-User: admin\r\n", "X-A: b\r\r\n", "X-A:\n b\r\n", "\n", "X-A: b\n\r\n"] {
        assert_eq!(fault(with_fields(bad)), BadHead::BareLineBreak.into(), "{bad:?}");
    }
    assert_eq!(fault(with_fields("X-A: b\r\n c\r\n")), BadHead::Folded.into());
}

#[test]
fn too_many_fields_or_bytes_are_told_apart_from_bad_ones() {
    let many = fault(with_fields(&"X: a\r\n".repeat(100)));
    assert_eq!((many, many.status()), (BadHead::TooManyFields.into(), 431));
    assert_eq!(with_fields(&"X: a\r\n".repeat(99)).expect("valid").fields().count(), 100);
    let large = fault(with_fields(&format!("X: {}\r\n", "a".repeat(32 * 1024))));
    assert_eq!((large, large.status()), (BadHead::TooLarge.into(), 431));
}

#[test]
fn no_more_is_taken_off_connection_lines_than_a_head_has_fields() {
    let listing = |count: usize| with_fields(&format!("Connection: {}\r\nConnection: a\r\n", "b,".repeat(count)));
    assert!(listing(254).expect("valid").connection_names("b"));
    for count in [255, 15_000] {
        let many = fault(listing(count));
        assert_eq!((many, many.status()), (BadHead::TooManyOptions.into(), 431), "{count}");
    }
    assert_eq!(fault(with_fields(&format!("Connection: {}\r\n", ",".repeat(256)))), BadHead::TooManyOptions.into());
}

#[test]
fn a_limit_above_what_is_addressed_still_refuses() {
    let limits = Limits { head: usize::MAX, headers: usize::MAX, chunk_overhead: 0 };
    let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: a\r\n".repeat(300));
    let result = RequestHead::parse(&mut BytesMut::from(text.as_str()), &limits);
    assert_eq!(fault(result), BadHead::TooManyFields.into());
}

#[test]
fn a_connection_persists_by_its_version_unless_told_otherwise() {
    let http10 = |lines: &str| request(format!("GET / HTTP/1.0\r\n{lines}\r\n")).expect("valid").keep_alive();
    assert!(with_fields("").expect("valid").keep_alive());
    assert!(!with_fields("Connection: x , CLOSE\r\n").expect("valid").keep_alive());
    assert!(!with_fields("Connection: keep-alive, close\r\n").expect("valid").keep_alive());
    assert!(!with_fields("Connection: keep-alive\r\nConnection: close\r\n").expect("valid").keep_alive());
    assert!(!http10(""));
    assert!(http10("Connection: Keep-Alive\r\n"));
    assert!(!http10("Connection: Keep-Alive, close\r\n"));
}

#[test]
fn connection_names_the_fields_it_lists_whatever_else_it_holds() {
    let head = request(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: \xff\xfe,, X-One\r\nconnection:x-two\t,;\r\n\r\n")
        .expect("valid");
    assert!(head.connection_names("x-one") && head.connection_names("X-Two"));
    assert!(!head.connection_names("x-three") && !head.connection_names("one"));
    assert!(head.keep_alive());
}

#[test]
fn the_lines_that_are_kept_are_copied_as_they_would_be_written_and_no_other() {
    let plain = "Host: a\r\nX-A: 1\r\nX-B:2\r\nX_C: 3\r\nX-D: 4\r\n";
    let odd = "Host: a\r\nX-A:\r\nX-B:\t2\r\nX-C: 3 \r\nX-D: 4\r\nX-E:5\r\n";
    for fields in [plain, odd] {
        let head = request(format!("GET / HTTP/1.1\r\n{fields}\r\n")).expect("valid");
        for kept in 0..1_u32 << head.lines().count() {
            let keeps = |place: &u32| kept & (1 << place) != 0;
            let (mut copied, mut written, mut places) = (vec![], vec![], 0_u32..);
            head.copy_lines(&mut copied, |_| places.next().is_some_and(|place| keeps(&place)));
            let lines = (0..).zip(head.lines()).filter(|(place, _)| keeps(place));
            lines.for_each(|(_, (name, value))| encode::line(&mut written, name, value));
            assert_eq!(copied.escape_ascii().to_string(), written.escape_ascii().to_string(), "{kept:b}");
        }
    }
}

#[test]
fn only_100_continue_is_expected() {
    assert!(with_fields("Expect: 100-Continue\r\n").expect("valid").expects_continue());
    for bad in ["Expect: y 100-continue", "Expect:", "Expect: 100-continue\r\nExpect: 100-continue", "Expect: 200-ok"] {
        let fault = fault(with_fields(&format!("{bad}\r\n")));
        assert_eq!((fault, fault.status()), (BadRequest::Expectation, 417), "{bad:?}");
    }
    let old = request("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expect("valid");
    assert!(!old.expects_continue());
}

#[test]
fn a_head_from_parts_obeys_the_same_rules() {
    let head = RequestHead::from_parts("GET", "/a?b", &[("Host", b"gw.test"), ("X-A", b"1")]).expect("valid");
    assert_eq!((head.path(), head.query(), head.value("x-a")), ("/a", Some("b"), Some(&b"1"[..])));
    for (method, target) in
        [("GET", "/ HTTP/1.1\r\nX: "), ("GET", "/ HTTP/1.0"), ("GET /", "/"), ("\r\nGET", "/"), ("", "/")]
    {
        let result = RequestHead::from_parts(method, target, &[("Host", b"a")]);
        assert_eq!(fault(result), BadRequest::RequestLine, "{method:?} {target:?}");
    }
    let with_field = |name, value: &[u8]| fault(RequestHead::from_parts("GET", "/", &[("Host", b"a"), (name, value)]));
    for name in ["", "X: Y", "X\r\nY", "X "] {
        assert_eq!(with_field(name, b"a"), BadHead::FieldName.into(), "{name:?}");
    }
    for value in ["a\r\nX-B: c", "a\nb", "a\0"] {
        assert_eq!(with_field("X", value.as_bytes()), BadHead::FieldValue.into(), "{value:?}");
    }
}

#[test]
fn a_head_in_a_log_shows_neither_values_nor_query() {
    let head = request("GET /a?token=s3cret HTTP/1.1\r\nHost: a\r\nAuthorization: s3cret\r\n\r\n").expect("valid");
    let text = format!("{head:?}");
    assert!(text.contains("Authorization") && !text.contains("s3cret"), "{text}");
}
