//! An upstream's answer, interim heads before it, to a GET and to a HEAD: the same whatever the split, and no head
//! beyond its limits, with a line that ends in two ways or with two ends of its body. Lines are passed on as they would be written one by one.
#![no_main]

use bytes::BytesMut;
use countersign::http1::{Framing, Limits, ResponseFraming, ResponseHead};
use countersign_fuzz::{NARROW, are_passed_on, bytewise, framing, has_plain_lines, in_pieces, readers::ours};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for (limits, to_head) in [(Limits::default(), false), (Limits::default(), true), (NARROW, false)] {
        let whole = ours::response([data], to_head, &limits);
        let bytewise = ours::response(bytewise(data), to_head, &limits);
        assert!(whole.is_like(&bytewise), "whole: {whole:#?}\nbyte by byte: {bytewise:#?}");
        let pieces = ours::response(in_pieces(data), to_head, &limits);
        assert!(whole.is_like(&pieces), "whole: {whole:#?}\nin pieces: {pieces:#?}");
        assert!(whole.largest_head <= limits.head);
        assert!(whole.messages.iter().all(|response| response.fields.len() <= limits.headers));
        assert!(whole.interim.iter().all(|status| matches!(status, 100..=199)));
        assert!(whole.messages.iter().all(|response| matches!(response.start.status, 200..=599)));
    }
    is_read_alike(data);
    let mut buffer = BytesMut::from(data);
    if let Ok(Some(head)) = ResponseHead::parse(&mut buffer, &Limits::default(), false) {
        has_plain_lines(&data[..data.len() - buffer.len()]);
        let lines: Vec<_> = head.lines().collect();
        let expected = match (head.status(), framing(&lines)) {
            (100..=199 | 204 | 304, _) => ResponseFraming::None,
            (_, Framing::None) => ResponseFraming::UntilClose,
            (_, announced) => announced.into(),
        };
        assert_eq!(head.framing(), expected);
        are_passed_on(&lines, |out, keeps| head.copy_lines(out, |_| keeps()));
    }
});

/// The short way through a head says what the long one does.
fn is_read_alike(data: &[u8]) {
    for (limits, to_head) in [(Limits::default(), false), (NARROW, true)] {
        let (mut short, mut long) = (BytesMut::from(data), BytesMut::from(data));
        let said = |head: Option<Box<ResponseHead>>| {
            head.map(|head| {
                let fields: Vec<_> = head.fields().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
                let connection = (head.keep_alive(), head.connection_names("x-a"));
                (head.status(), head.reason().to_owned(), head.version(), head.framing(), connection, fields)
            })
        };
        let one = ResponseHead::parse(&mut short, &limits, to_head).map(said);
        assert_eq!(one, ResponseHead::parse_with_care(&mut long, &limits, to_head).map(said));
        assert_eq!(short, long);
    }
}
