//! A request's head from arbitrary bytes: no panic, and what is accepted reads the same when written again.
#![no_main]

use bytes::BytesMut;
use countersign::http1::{Limits, RequestHead};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut buffer = BytesMut::from(data);
    let Ok(Some(head)) = RequestHead::parse(&mut buffer, &Limits::default()) else { return };
    let fields: Vec<_> = head.fields().collect();
    assert!(head.origin_form().starts_with(head.path()));
    assert!(!head.path().is_empty());
    if head.version() == countersign::http1::Version::Http11 {
        assert!(!head.authority().is_empty());
        let again = RequestHead::from_parts(head.method(), head.target(), &fields).expect("accepted once");
        assert_eq!(again.fields().collect::<Vec<_>>(), fields);
        assert_eq!(again.framing(), head.framing());
        assert_eq!((again.target(), again.authority()), (head.target(), head.authority()));
    }
});
