//! All requests of one connection: the same whatever the split, no head beyond its limits or with a line that ends in
//! two ways, and a head that is accepted is accepted again when it is written from its parts. It names one server and one end
//! of its body. Lines are passed on as they would be written one by one.
#![no_main]

use std::rc::Rc;

use bytes::BytesMut;
use countersign::http1::{Limits, RequestHead, Version};
use countersign_fuzz::{NARROW, are_passed_on, bytewise, framing, has_plain_lines, in_pieces, readers::ours};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for limits in [Limits::default(), NARROW] {
        let whole = ours::requests([data], &limits);
        let bytewise = ours::requests(bytewise(data), &limits);
        assert!(whole.is_like(&bytewise), "whole: {whole:#?}\nbyte by byte: {bytewise:#?}");
        let pieces = ours::requests(in_pieces(data), &limits);
        assert!(whole.is_like(&pieces), "whole: {whole:#?}\nin pieces: {pieces:#?}");
        assert!(whole.largest_head <= limits.head);
        assert!(whole.messages.iter().all(|request| request.fields.len() <= limits.headers));
    }
    is_read_alike(data);
    let mut buffer = BytesMut::from(data);
    if let Ok(Some(head)) = RequestHead::parse(&mut buffer, &Limits::default()) {
        has_plain_lines(&data[..data.len() - buffer.len()]);
        is_accepted_again(&head);
        let lines: Vec<_> = head.lines().collect();
        assert_eq!(head.framing(), framing(&lines));
        are_passed_on(&lines, |out, keeps| head.copy_lines(out, |_| keeps()));
    }
});

/// The short way through a head says what the long one does.
fn is_read_alike(data: &[u8]) {
    for limits in [Limits::default(), NARROW] {
        let (mut short, mut long) = (BytesMut::from(data), BytesMut::from(data));
        let said = |head: Option<Rc<RequestHead>>| {
            head.map(|head| {
                let fields: Vec<_> = head.fields().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
                let line = format!("{} {} {} {:?}", head.method(), head.target(), head.path(), head.query());
                let connection = (head.keep_alive(), head.expects_continue(), head.connection_names("x-a"));
                (line, head.authority().to_owned(), head.version(), head.framing(), connection, fields)
            })
        };
        let one = RequestHead::parse(&mut short, &limits).map(said);
        assert_eq!(one, RequestHead::parse_with_care(&mut long, &limits).map(said));
        assert_eq!(short, long);
    }
}

fn is_accepted_again(head: &RequestHead) {
    let fields: Vec<_> = head.fields().collect();
    assert!(head.origin_form().starts_with(head.path()));
    assert!(!head.path().is_empty());
    assert!(head.value("Host").is_none_or(|host| host == head.authority().as_bytes()));
    assert!(head.values("Host").count() <= 1);
    if head.version() == Version::Http11 {
        assert!(!head.authority().is_empty());
        let again = RequestHead::from_parts(head.method(), head.target(), &fields).expect("accepted once");
        assert_eq!(again.fields().collect::<Vec<_>>(), fields);
        assert_eq!((again.framing(), again.keep_alive()), (head.framing(), head.keep_alive()));
        assert_eq!((again.target(), again.authority()), (head.target(), head.authority()));
    }
}
