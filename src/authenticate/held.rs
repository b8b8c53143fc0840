//! A request's parts in the form that schemes and token carriers read: views, nothing copied.

use smallvec::SmallVec;

use super::{Origin, jwt::HeaderValues};
use crate::{
    http1::RequestHead,
    message,
    scheme::{Unknown, View},
};

/// What a scheme may read of `head` and `body`. A request for another host than the public one has no authority to it:
/// whether a scheme signs the host can depend on the request's own list of headers, and what is signed for the public
/// host must not pass for one sent elsewhere.
pub(super) fn view<'a>(head: &'a RequestHead, body: &'a message::Body, origin: Origin<'a>) -> View<'a> {
    View {
        method: head.method(),
        target: head.origin_form(),
        scheme: origin.scheme,
        authority: if origin.is_public_host { origin.authority } else { "" },
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
