//! Headers as the standard has them, and what is almost one.

use proptest::prelude::*;

use super::*;

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, block].concat()
}

fn source(bytes: &[u8]) -> Result<Option<String>, Malformed> {
    parse(bytes).map(|header| match header.expect("a whole header").source {
        Source::At(address) => Some(address.to_string()),
        Source::Proxy => Some("the proxy".to_owned()),
        Source::Untold => None,
    })
}

fn v4_block() -> Vec<u8> {
    vec![192, 0, 2, 1, 10, 0, 0, 1, 0x30, 0x39, 1, 187]
}

#[test]
fn a_line_says_where_a_connection_came_from() {
    for (line, from) in [
        ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", Some("255.255.255.255")),
        ("PROXY TCP4 192.0.2.1 10.0.0.1 12345 443\r\n", Some("192.0.2.1")),
        ("PROXY TCP6 2001:db8::1 2001:db8::2 1 0\r\n", Some("2001:db8::1")),
        ("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:10.0.0.1 1 2\r\n", Some("192.0.2.1")),
        ("PROXY UNKNOWN\r\n", None),
        ("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
    ] {
        assert_eq!(source(line.as_bytes()), Ok(from.map(str::to_owned)), "{line}");
        let more = format!("{line}GET / HTTP/1.1\r\n");
        assert_eq!(parse(more.as_bytes()).unwrap().unwrap().length, line.len(), "{line}");
    }
}

#[test]
fn a_line_that_is_almost_one_is_refused() {
    for line in [
        "PROXY TCP4 192.0.2.1 10.0.0.1 12345 443\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 12345 443 \r\n",
        "PROXY  TCP4 192.0.2.1 10.0.0.1 12345 443\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 12345\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 12345 443 1\r\n",
        "PROXY TCP4 192.0.2.01 10.0.0.1 12345 443\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 012345 443\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 +1 443\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 65536 443\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1  443\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 10.0.0.1 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        "PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n",
        "PROXY tcp4 192.0.2.1 10.0.0.1 1 2\r\n",
        "PROXY \r\n",
        "PROXY TCP4 \u{661}92.0.2.1 10.0.0.1 1 2\r\n",
    ] {
        assert_eq!(parse(line.as_bytes()), Err(Malformed::Line), "{line:?}");
    }
}

#[test]
fn a_line_without_an_end_is_not_waited_for() {
    let endless = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
    assert_eq!(parse(&endless[..106]), Ok(None));
    assert_eq!(parse(&endless[..107]), Err(Malformed::TooLong));
    assert_eq!(parse(&endless), Err(Malformed::TooLong));
}

#[test]
fn a_binary_header_says_where_a_connection_came_from() {
    let v6 = [[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0; 16]].concat();
    let v6 = [v6, vec![0, 1, 0, 2]].concat();
    assert_eq!(source(&v2(0x21, 0x11, &v4_block())), Ok(Some("192.0.2.1".to_owned())));
    assert_eq!(source(&v2(0x21, 0x21, &v6)), Ok(Some("2001:db8::1".to_owned())));
    let with_more = [v4_block(), vec![0x03, 0, 4, 1, 2, 3, 4]].concat();
    assert_eq!(source(&v2(0x21, 0x11, &with_more)), Ok(Some("192.0.2.1".to_owned())));
    for header in [v2(0x20, 0x11, &v4_block()), v2(0x20, 0, &[])] {
        assert_eq!(source(&header), Ok(Some("the proxy".to_owned())));
    }
    for header in [v2(0x21, 0, &[]), v2(0x21, 0x31, &[0; 216])] {
        assert_eq!(source(&header), Ok(None));
    }
}

#[test]
fn a_binary_header_that_is_almost_one_is_refused() {
    for header in [
        v2(0x11, 0x11, &v4_block()),
        v2(0x22, 0x11, &v4_block()),
        v2(0x31, 0x11, &v4_block()),
        v2(0x21, 0x12, &v4_block()),
        v2(0x21, 0x41, &v4_block()),
        v2(0x21, 0x11, &v4_block()[..11]),
        v2(0x21, 0x21, &[0; 35]),
        v2(0x21, 0x31, &[0; 215]),
    ] {
        assert_eq!(parse(&header), Err(Malformed::Binary), "{header:?}");
    }
    assert_eq!(parse(&v2(0x21, 0x11, &[0; LONGEST - 15])), Err(Malformed::TooLong));
    assert!(matches!(parse(&v2(0x21, 0x11, &[0; LONGEST - 16])), Ok(Some(_))));
}

#[test]
fn anything_else_is_refused_at_its_first_wrong_byte() {
    for bytes in [&b"G"[..], b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"PROXx", b"\r\n\r\n\0\r\nQUIT\r", b"proxy ", b" "]
    {
        assert_eq!(parse(bytes), Err(Malformed::Absent), "{bytes:?}");
    }
    assert_eq!(parse(b""), Ok(None));
}

proptest! {
    /// However a header arrives, it is the same, and every part of it asks for more.
    #[test]
    fn a_part_of_a_header_asks_for_the_rest(v2_or_v1 in any::<bool>(), rest in prop::collection::vec(any::<u8>(), 0..50)) {
        let header = match v2_or_v1 {
            true => v2(0x21, 0x11, &v4_block()),
            false => b"PROXY TCP4 192.0.2.1 10.0.0.1 12345 443\r\n".to_vec(),
        };
        for end in 0..header.len() {
            prop_assert_eq!(parse(&header[..end]), Ok(None), "{}", end);
        }
        let whole = parse(&[header.clone(), rest].concat()).unwrap().unwrap();
        prop_assert_eq!((whole.length, whole.source), (header.len(), Source::At([192, 0, 2, 1].into())));
    }

    /// No bytes make it panic, or read beyond what there is or what is allowed.
    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..300), signed in any::<bool>()) {
        let bytes = if signed { [v2::SIGNATURE, &bytes].concat() } else { bytes };
        if let Ok(Some(header)) = parse(&bytes) {
            prop_assert!(header.length <= bytes.len().min(LONGEST));
        }
    }
}
