//! What is read out of a query or a body, and what less exact readers would find there.

use super::*;

fn read_by(template: &str, request: &Request) -> Result<String, Failure> {
    message(&definition(template), request)
}

fn twofold(template: &str, request: &Request) {
    refused(Why::Twofold, template, request);
}

fn refused(why: Why, template: &str, request: &Request) {
    let place = template.trim_matches(['{', '}']);
    assert_eq!(read_by(template, request), unreadable(place, why), "{} {:?}", request.target, request.headers);
}

#[test]
fn a_parameter_beside_one_that_some_take_for_it_is_refused() {
    let brackets = ["id[]=b", "id%5B0%5D=b", "id[x]", "id[x=b", "[id]=b", "id]=b", "[[id=b", "[]id=b"];
    let others = ["Id=b", "ID=b", "id%00=b", "id%00x=b", "+id=b", "x=1;id=b", "x;ID", "%u0069d=b", "%U0049d=b"];
    for other in brackets.into_iter().chain(others) {
        for both in [format!("id=a&{other}"), format!("{other}&id=a")] {
            twofold("{query:id}", &Request::new("GET", &format!("/?{both}")));
            twofold("{form:id}", &Request::new("POST", "/").body(&both));
        }
    }
    for other in ["dev.id=b", "dev%20id=b", "Dev_Id=b", "dev_id[]=b", "dev[id=b", "dev%5bid=b"] {
        twofold("{query:dev_id}", &Request::new("GET", &format!("/?dev_id=a&{other}")));
    }
    for query in ["id=a", "x=1&Id=b", "id[]"] {
        refused(Why::InQueryToo, "{form:id}", &Request::new("POST", &format!("/?{query}")).body("id=a"));
    }
    for other in ["A[b]", "a][b]", "[a][b]]", "a[b][]"] {
        twofold("{form:a[b]}", &Request::new("POST", "/").body(&format!("a[b]=1&{other}=2")));
    }
}

#[test]
fn what_nobody_takes_for_a_parameter_may_stand_beside_it() {
    let query = "id=a;b&ids=b&i.d=c&xid=d&x[id]=e&id2=f&i=id=g&x=%3Bid=h&id-=i&%u0069=j&i[d]=k";
    assert_eq!(read_by("{query:id}", &Request::new("GET", &format!("/?{query}"))).unwrap(), "a;b");
    let fields = Request::new("POST", "/").body("a[b]=1&a[c]=2&a=3");
    assert_eq!(read_by("{form:a[b]}{form:a[c]}", &fields).unwrap(), "12");
    assert_eq!(read_by("{query:dev_id}", &Request::new("GET", "/?dev_id=a&dev[id]=b&devid=c")).unwrap(), "a");
    // Another dialect's; this one's is not there.
    let absent = Request::new("GET", "/?Id=a");
    assert_eq!(read_by("{query:id}", &absent), unreadable("query:id", Why::Absent));
}

#[test]
fn a_field_beside_one_that_some_take_for_it_is_refused() {
    for name in ["Mac", "MAC", "m\\u0061C", "mac\\u0000", "mac\\u0000x", "MA\\u0043\\u0000", "m_ac", "mac_"] {
        let body = format!(r#"{{"mac":"a","{name}":"b"}}"#);
        twofold("{json:/mac}", &Request::new("POST", "/").body(&body));
        let inner = format!(r#"{{"x":{body}}}"#);
        twofold("{json:/x/mac}", &Request::new("POST", "/").body(&inner));
        let outer = format!(r#"{{"mac":{{"x":1}},"{name}":{{"x":2}}}}"#);
        twofold("{json:/mac/x}", &Request::new("POST", "/").body(&outer));
    }
    twofold("{json:/keys}", &Request::new("POST", "/").body("{\"keys\":1,\"\u{212a}ey\u{17f}\":2}"));
    for other in ["macAddress", "mac-address", "MACADDRESS", "mac_address_", "Mac-Addre\u{17f}s"] {
        let body = format!(r#"{{"mac_address":"a","{other}":"b"}}"#);
        twofold("{json:/mac_address}", &Request::new("POST", "/").body(&body));
    }
    for (one, other) in [("\"a\"", "\"a\""), ("\"a\"", "\"\\u0061\""), ("1", "1")] {
        let body = format!(r#"{{"mac_address":{one},"macAddress":{other}}}"#);
        read_by("{json:/mac_address}", &Request::new("POST", "/").body(&body)).expect("the same under both names");
    }
    for (one, other) in [("1", "1.0"), ("1", "\"1\""), ("\"a\"", "null"), ("\"a\"", "[\"a\"]"), ("\"a\"", "\"a \"")] {
        twofold("{json:/mac}", &Request::new("POST", "/").body(&format!(r#"{{"mac":{one},"MAC":{other}}}"#)));
    }
    twofold("{json:/mac}", &Request::new("POST", "/").body(r#"{"Mac":"a","mac":"a","MAC":"b"}"#));
    twofold("{json:/mac/x}", &Request::new("POST", "/").body(r#"{"mac":{"x":1},"MAC":{"x":1}}"#));
    let apart = r#"{"mac":"a","macs":"b","m ac":"c","_mac":"f","x":{"MAC":"d"},"a":[{"MAC":"e"}]}"#;
    assert_eq!(read_by("{json:/mac}", &Request::new("POST", "/").body(apart)).unwrap(), "a");
}

#[test]
fn no_field_is_read_out_of_what_its_reader_unpacks_first() {
    for (name, value) in [
        ("Content-Encoding", "deflate"),
        ("Content-Encoding", "identity, br"),
        ("Content-Encoding", "utf-8 gzip"),
        ("Content-Type", "application/json; charset=utf-7"),
        ("Content-Type", "application/json;charset=\"UTF-16LE\""),
        ("Content-Type", "application/json; x=y ; Charset = ibm037"),
        ("Content-Type", "application/json; charset=utf-8; charset=iso-2022-jp"),
        ("Content-Type", "application/json; charset*=utf-8''utf-7"),
        ("Content-Type", "application/json; charset"),
        ("Content-Type", "application/json; charset: utf-16"),
        ("Content-Type", "application/json; charset:=utf-8"),
        ("Content-Type", "application/json charset=utf-7"),
        ("Content-Type", "application/json, x; charset=utf-7"),
        ("Content-Type", "application/json; charset=\"utf-8"),
        ("Content-Type", "application/json; charset=utf-8 utf-7"),
    ] {
        let why = if name == "Content-Encoding" { Why::Packed } else { Why::OtherText };
        refused(why, "{json:/a}", &Request::new("POST", "/").header(name, value).body(r#"{"a":1}"#));
    }
    for (name, value, why) in [
        ("Content-Encoding", "gzip", Why::Packed),
        ("Content-Type", "application/x-www-form-urlencoded; charset=utf-16", Why::OtherText),
    ] {
        let request = Request::new("POST", "/").header(name, value).body("a=1");
        refused(why, "{form:a}", &request);
        let all = ValueDefinition::Parameters(ParametersDefinition::new(vec![ParametersOf::Form]));
        let definition = Definition { values: vec![("all".to_owned(), all)], ..definition("{all}") };
        assert_eq!(message(&definition, &request), unreadable("form", why));
    }
    let umlaut = Request::new("POST", "/").header("Content-Type", "application/json; charset=iso-8859-1");
    refused(Why::OtherText, "{json:/a}", &umlaut.clone().body(r#"{"a":"ä"}"#));
    assert_eq!(read_by("{json:/a}", &umlaut.body(r#"{"a":"a"}"#)).unwrap(), "a");
    for sound in [
        "application/json; charset=UTF-8",
        "application/json; Charset=\"utf8\"",
        "application/json; charset='utf-8'",
        "application/json;charset=",
        "text/plain; charset=us-ascii",
        "application/json; charset=ANSI_X3.4-1968",
        "application/json; charset=ISO_8859-1:1987; x=y",
        "application/json; charset: utf-8",
        "application/json; charset=UTF_8",
    ] {
        let request = Request::new("POST", "/").header("Content-Type", sound).header("Content-Encoding", "identity");
        assert_eq!(read_by("{json:/a}", &request.body(r#"{"a":1}"#)).unwrap(), "1", "{sound}");
    }
    for sound in ["UTF-8", "utf8", "none", "identity, identity", "identity,", ""] {
        let request = Request::new("POST", "/").header("Content-Encoding", sound).body(r#"{"a":"ä"}"#);
        assert_eq!(read_by("{json:/a}", &request).unwrap(), "ä", "{sound}");
    }
}

#[test]
fn no_field_is_read_out_of_what_may_be_another_kind_of_document() {
    let declared = |content_type: &str, body: &str| match content_type {
        "" => Request::new("POST", "/").body(body),
        content_type => Request::new("POST", "/").header("Content-Type", content_type).body(body),
    };
    let form = "application/x-www-form-urlencoded";
    for hidden in ["&a=2&", ";a=2", "&%61=2", "&A=2", "&a[]=2", "&a"] {
        let json = format!(r#"{{"a":1,"b":"{hidden}"}}"#);
        let read = if hidden == "&a" { Ok("1".to_owned()) } else { unreadable("json:/a", Why::OtherKind) };
        assert_eq!(read_by("{json:/a}", &declared(form, &json)), read, "{hidden}");
        assert_eq!(read_by("{json:/a}", &declared("", &json)), read, "{hidden}");
        for spoilt in [format!("{form},application/json"), format!("{form} x"), format!("; {form}"), ";x=y".to_owned()]
        {
            assert_eq!(read_by("{json:/a}", &declared(&spoilt, &json)), read, "{hidden} {spoilt}");
        }
        assert_eq!(read_by("{json:/a}", &declared("application/json", &json)).unwrap(), "1", "{hidden}");
    }
    let empty = Request::new("POST", "/").header("Content-Type", "").body(r#"{"a":1,"b":"&a=2&"}"#);
    refused(Why::OtherKind, "{json:/a}", &empty);
    refused(Why::OtherKind, "{json:/a~1b}", &declared(form, r#"{"a/b":1,"b":"&a/b=2&"}"#));
    // Clients that say nothing of their JSON, or what curl says.
    for content_type in [form, "", "text/plain"] {
        assert_eq!(read_by("{json:/a}", &declared(content_type, r#"{"a":1,"b":"x&y=z"}"#)).unwrap(), "1");
    }
    refused(Why::OtherKind, "{form:a}", &declared("application/json", r#"{"b":"&a=1&","a":2}"#));
    refused(Why::OtherKind, "{form:a}", &declared("", r#"{"b":"&a=1&","A":2}"#));
    refused(Why::OtherKind, "{form:a}", &declared("multipart/form-data; boundary=b", "a=1&x=\r\n--b\r\n"));
    refused(Why::OtherKind, "{form:a}", &declared("image/svg+xml", "<x><![CDATA[&a=1&]]><a>2</a></x>"));
    refused(Why::OtherKind, "{form:a}", &declared("text/xml, x", "x=1&a=1"));
    refused(Why::OtherKind, "{form:a}", &declared(&format!("{form}, multipart/form-data"), "x=1&a=1"));
    // What no strict reader takes for JSON, and many another does: with a name twice, with more behind it, with a comment.
    for loose in
        [r#"{"b":"&a=1&","a":2,"a":2}"#, r#"{"b":"&a=1&","a":2}x"#, r#" {"b":"&a=1&"}{}"#, r#"/*&a=1&*/{"a":2}"#]
    {
        refused(Why::OtherKind, "{form:a}", &declared("application/json", loose));
        refused(Why::OtherKind, "{form:a}", &declared(&format!("{form},application/json"), loose));
    }
    // Where the mark is passed over `a` is there twice.
    refused(Why::OtherKind, "{form:a}", &declared(form, "\u{feff}a=2&a=1"));
    for content_type in [form, "", "text/plain", "application/json"] {
        assert_eq!(read_by("{form:a}", &declared(content_type, "a=1&b={}")).unwrap(), "1", "{content_type}");
    }
    let twice = declared("application/json", r#"{"a":1,"b":"&a=2&"}"#).header("Content-Type", form);
    refused(Why::OtherKind, "{json:/a}", &twice);
}

/// Thousands of character sets, of which each needs a look at the body.
#[test]
fn a_body_is_looked_at_once_however_much_is_said_of_it() {
    let said = format!("application/json{}", ";charset=gb".repeat(5000));
    let body = format!(r#"{{"a":1,"b":"{}"}}"#, "x".repeat(4 << 20));
    let request = Request::new("POST", "/").header("Content-Type", &said).body(&body);
    let begun = std::time::Instant::now();
    assert_eq!(read_by("{json:/a}", &request).unwrap(), "1");
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
}
