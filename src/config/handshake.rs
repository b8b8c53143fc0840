//! `handshake:` of a route: what a webhook's sender asks before it sends, answered by the gateway itself.

use super::{
    checked::{Handshake, Requirement, SchemeConfig},
    reader::Reader,
    secret,
    section::Section,
    tree::{Node, Value},
};
use crate::scheme::Algorithm;

/// Shortest token that draws no warning, in bytes.
const SHORTEST_TOKEN: usize = 16;

/// Reads `zoom`, `dropbox` or `{ meta: { verify_token: … } }`.
pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Handshake> {
    const META: &str = "`{ meta: { verify_token: … } }`";
    let Value::Map(_) = node.value else {
        let choices = [("zoom", false), ("dropbox", true)];
        return reader.choice_or(node, "`handshake`", &choices, META).map(|is_dropbox| match is_dropbox {
            true => Handshake::Dropbox,
            false => Handshake::Zoom,
        });
    };
    let meta = reader.one_key(node, "`handshake`", &["meta"])?;
    let fields = reader.fields(&meta.value, "`meta`", &["verify_token"])?;
    let token = fields.required("verify_token", reader)?;
    let verify_token = secret::secret(token, reader, SHORTEST_TOKEN, "a verify token")?;
    Some(Handshake::Meta { verify_token })
}

/// Reports a handshake that can never come about on its route.
pub(super) fn check(
    node: &Node,
    handshake: &Handshake,
    methods: &[String],
    require: &Requirement,
    schemes: &Section<SchemeConfig>,
    reader: &mut Reader<'_>,
) {
    let method = match handshake {
        Handshake::Zoom => "POST",
        Handshake::Dropbox | Handshake::Meta { .. } => "GET",
    };
    if !methods.is_empty() && !methods.iter().any(|listed| listed == method) {
        reader
            .error(node.place, format!("`handshake` has no effect: this route takes no {method}"))
            .hint(format!("the sender asks with a {method}: add it to `methods`"));
    }
    if !matches!(handshake, Handshake::Zoom) {
        return;
    }
    let proves =
        |index: usize| schemes.item(index).is_none_or(|entry| entry.scheme.algorithm() == Algorithm::HmacSha256);
    let known = require.named_by();
    if known.is_empty() || !known.into_iter().all(proves) {
        reader
            .error(node.place, "Zoom signs what it asks, and wants an answer made with the same key")
            .hint("`require: { hmac: … }` with a scheme of HMAC-SHA256, such as the preset `zoom`");
    }
}
