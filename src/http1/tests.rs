//! The codec against whole messages: requests and responses by rule, the classes of attack on framing, and
//! properties that hold for all input.

mod framing;
mod plain;
mod properties;
mod request;
mod response;

use std::rc::Rc;

use bytes::BytesMut;

use super::{BadRequest, BadResponse, Limits, RequestHead, ResponseHead};

/// The head in `text`, which must be complete.
fn request(text: impl AsRef<[u8]>) -> Result<Rc<RequestHead>, BadRequest> {
    let mut buffer = BytesMut::from(text.as_ref());
    RequestHead::parse(&mut buffer, &Limits::default()).map(|head| head.expect("a complete head"))
}

/// A request with these field lines, and `Host`.
fn with_fields(lines: &str) -> Result<Rc<RequestHead>, BadRequest> {
    request(format!("POST /a HTTP/1.1\r\nHost: gw.test\r\n{lines}\r\n"))
}

/// The head in `text`, which must be complete, of the answer to a GET.
fn response(text: impl AsRef<[u8]>) -> Result<Box<ResponseHead>, BadResponse> {
    let mut buffer = BytesMut::from(text.as_ref());
    ResponseHead::parse(&mut buffer, &Limits::default(), false).map(|head| head.expect("a complete head"))
}
