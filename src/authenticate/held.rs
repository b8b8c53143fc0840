//! A request's parts in the form that schemes and token carriers read: views, nothing copied.

use smallvec::SmallVec;

use super::{Origin, jwt::HeaderValues};
use crate::{
    http1::RequestHead,
    message,
    scheme::{Unknown, View},
};

/// What a scheme may read of `head` and `body`.
pub(super) fn view<'a>(head: &'a RequestHead, body: &'a message::Body, origin: Origin<'a>) -> View<'a> {
    View {
        method: head.method(),
        target: head.origin_form(),
        scheme: origin.scheme,
        authority: origin.authority,
        headers: head,
        body: body.view(),
        known: &Unknown,
    }
}

impl HeaderValues for RequestHead {
    fn values<'h>(&'h self, name: &str) -> SmallVec<[&'h [u8]; 2]> {
        RequestHead::values(self, name).collect()
    }
}
