//! `sign:` and `sign_response:`: by which scheme, and with whose key.

use super::{
    checked::{AnswerSigner, KeySource, Keys, Requirement, Route, SchemeConfig, Signer},
    reader::Reader,
    routes::ReadRoute,
    section::Section,
    tree::{Node, Place, Value},
};
use crate::{
    keys::KeyRecord,
    scheme::{Carrier, OfRequest, Scheme},
};

/// What signs: the schemes, and the keys they refer to.
pub(super) struct Signers<'a> {
    pub(super) schemes: &'a mut Section<SchemeConfig>,
    pub(super) keys: &'a Section<Keys>,
}

/// A scheme's name alone, or with the key id.
struct Written<'t> {
    place: Place,
    scheme: usize,
    key_id: Option<(&'t str, Place)>,
}

/// Reads `sign:` of an upstream or a route.
pub(super) fn request(node: &Node, signers: &mut Signers<'_>, reader: &mut Reader<'_>) -> Option<Signer> {
    let written = written(node, "`sign`", signers, reader)?;
    let entry = signers.schemes.item(written.scheme)?;
    if !entry.scheme.can_sign() {
        reader
            .error(written.place, format!("the scheme `{}` does not say how to write its signature", entry.name))
            .hint("give it `emit`");
        return None;
    }
    let key_id = key_id(&written, entry, entry.scheme.emits_key_id(), signers.keys, reader)?;
    Some(Signer { scheme: written.scheme, key_id })
}

/// Reads `sign_response:` of a route with that requirement.
///
/// A scheme that the route requires signs with the caller's own key; any other, or one with a key id, with a key of the
/// gateway's own.
pub(super) fn answer(
    node: &Node,
    require: Option<&Requirement>,
    signers: &mut Signers<'_>,
    reader: &mut Reader<'_>,
) -> Option<AnswerSigner> {
    let written = written(node, "`sign_response`", signers, reader)?;
    let entry = signers.schemes.item(written.scheme)?;
    if !entry.scheme.signs_answers() {
        reader
            .error(written.place, format!("the scheme `{}` does not say how answers are signed", entry.name))
            .hint("give it `answer`");
        return None;
    }
    let required = require.is_some_and(|require| require.schemes().contains(&written.scheme));
    if !required || written.key_id.is_some() {
        let key_id = key_id(&written, entry, entry.scheme.has_key_id(), signers.keys, reader)?;
        return Some(AnswerSigner::Own(Signer { scheme: written.scheme, key_id }));
    }
    if !require.is_some_and(|require| require.named_by().contains(&written.scheme)) {
        reader
            .error(written.place, format!("no caller is known by `{}` on this route", entry.name))
            .hint("of an `all_of` the first leg's key signs");
        return None;
    }
    if !entry.scheme.algorithm().is_hmac() {
        reader
            .error(written.place, format!("the keys of `{}` verify requests and sign nothing", entry.name))
            .hint("sign answers by a scheme with private keys, and name its `key_id`");
        return None;
    }
    Some(AnswerSigner::Callers(written.scheme))
}

fn written<'t>(node: &'t Node, what: &str, signers: &mut Signers<'_>, reader: &mut Reader<'_>) -> Option<Written<'t>> {
    let Value::Map(_) = node.value else {
        let scheme = signers.schemes.find(node, reader)?;
        return Some(Written { place: node.place, scheme, key_id: None });
    };
    let fields = reader.fields(node, what, &["scheme", "key_id"])?;
    let named = fields.required("scheme", reader);
    let key_id = match fields.value("key_id") {
        None => None,
        Some(node) => Some((reader.text(node, "`key_id`")?, node.place)),
    };
    let named = named?;
    Some(Written { place: named.place, scheme: signers.schemes.find(named, reader)?, key_id })
}

/// The id to sign as, or none where none is needed; `None` where it was said what is wrong.
fn key_id(
    written: &Written<'_>,
    entry: &SchemeConfig,
    names_key: bool,
    keys: &Section<Keys>,
    reader: &mut Reader<'_>,
) -> Option<Option<String>> {
    let source = keys.item(entry.keys)?;
    let missing = |why: String, reader: &mut Reader<'_>| {
        let problem = reader.error(written.place, format!("`key_id` is missing: {why}"));
        problem.hint(format!("`{{ scheme: {}, key_id: … }}`", entry.name));
        None
    };
    match (&source.source, written.key_id) {
        (KeySource::Shared(_), None) if names_key => {
            missing(format!("`{}` writes one, and the key is for any", entry.name), reader)
        }
        (KeySource::Shared(record), id) => {
            is_signing(&entry.scheme, record, written.place, source, reader)?;
            match id {
                None => Some(None),
                Some((id, place)) => sound_id(id, place, reader).then(|| Some(id.to_owned())),
            }
        }
        (KeySource::Elsewhere(_), _) => {
            reader
                .error(
                    written.place,
                    format!("the keys in `{}` are elsewhere, and what signs must stand here", source.name),
                )
                .hint("give the scheme that signs a key source with `shared` or `static`");
            None
        }
        (KeySource::Derive { .. } | KeySource::File { .. }, None) => {
            missing(format!("`{}` has a key for each id", source.name), reader)
        }
        (KeySource::Derive { .. } | KeySource::File { .. }, Some((id, place))) => {
            sound_id(id, place, reader).then(|| Some(id.to_owned()))
        }
        (KeySource::Static(ids), None) => match ids.as_slice() {
            [(only, record)] => {
                is_signing(&entry.scheme, record, written.place, source, reader)?;
                Some(Some(only.clone()))
            }
            several => missing(format!("there are {} keys in `{}`", several.len(), source.name), reader),
        },
        (KeySource::Static(ids), Some((id, place))) => {
            let Some((_, record)) = ids.iter().find(|(known, _)| known == id) else {
                let shown = reader.quote(place, id);
                let problem = reader.error(place, format!("there is no key {shown} in `{}`", source.name));
                problem.suggest(id, ids.iter().map(|(id, _)| id.as_str()));
                return None;
            };
            is_signing(&entry.scheme, record, place, source, reader)?;
            Some(Some(id.to_owned()))
        }
    }
}

/// Each secret may come to be the first that is live.
fn is_signing(scheme: &Scheme, record: &KeyRecord, place: Place, keys: &Keys, reader: &mut Reader<'_>) -> Option<()> {
    if record.disabled {
        reader.error(place, format!("the key in `{}` is disabled, so it signs nothing", keys.name));
        return None;
    }
    match record.secrets.iter().find_map(|known| scheme.key_recipe().signing(&known.secret).err()) {
        None => Some(()),
        Some(fault) => {
            reader.error(place, format!("the secret in `{}` cannot sign: {fault}", keys.name));
            None
        }
    }
}

/// As a verifier reads one.
fn sound_id(id: &str, place: Place, reader: &mut Reader<'_>) -> bool {
    let is_sound = id.len() <= 256 && id.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_sound {
        reader.error(place, "this cannot be a key id").expected("1 to 256 visible ASCII characters");
    }
    is_sound
}

/// Reports what `sign` on a route can never come to.
pub(super) fn check_headers(
    set: &[(String, crate::scheme::Template)],
    at: Option<Place>,
    scheme: &Scheme,
    reader: &mut Reader<'_>,
) {
    let Some(at) = at else { return };
    for (name, _) in set {
        if scheme.emitted_headers().iter().any(|emitted| emitted.eq_ignore_ascii_case(name)) {
            reader.error(at, format!("`{name}` is set, and the signature writes it too")).hint("remove it");
        }
    }
}

/// Reports keys that sign what anyone asks for, and verify requests as well: what came back signed could be sent as a
/// request.
pub(super) fn check_answer_keys(routes: &[ReadRoute], schemes: &Section<SchemeConfig>, reader: &mut Reader<'_>) {
    let keys_of = |index: usize| schemes.item(index).map(|entry| entry.keys);
    let verifying: Vec<usize> =
        routes.iter().flat_map(|read| read.route.require.schemes()).filter_map(keys_of).collect();
    for ReadRoute { route, sign_response, place } in routes {
        let Some(AnswerSigner::Own(signer)) = &route.sign_response else { continue };
        check_own_answers(route, signer, sign_response.unwrap_or(*place), schemes, reader);
        if keys_of(signer.scheme).is_some_and(|keys| verifying.contains(&keys)) {
            let message =
                format!("`sign_response` of `{}` signs for everybody with keys that verify requests", route.name);
            reader
                .error(sign_response.unwrap_or(*place), message)
                .hint("what came back signed could be sent as a request: give answers a key source of their own");
        }
    }
}

/// Warns where a key that signs for everybody would sign, for one caller, what another takes for the answer to his own
/// request: both may send one nonce.
fn check_own_answers(
    route: &Route,
    signer: &Signer,
    place: Place,
    schemes: &Section<SchemeConfig>,
    reader: &mut Reader<'_>,
) {
    let Some(signs) = schemes.item(signer.scheme) else { return };
    let verifying = route.require.schemes();
    let is_tied = |index: &usize| match schemes.item(*index).map(|entry| entry.scheme.carrier()) {
        Some(Carrier::Header(name)) => signs.scheme.answer_signs(OfRequest::Header(name)),
        _ => signs.scheme.answer_signs(OfRequest::Target),
    };
    let by_signatures_alone = !verifying.is_empty() && route.require.token_legs().is_empty();
    if by_signatures_alone && verifying.iter().all(is_tied)
        || signs.scheme.answer_signs(OfRequest::Target) && !by_signatures_alone
    {
        return;
    }
    let message = format!("answers of `{}` are signed for everybody, and do not say to which request", route.name);
    let hint = match by_signatures_alone {
        true => {
            "sign the request's signature in `answer` too, as `{request_header:X-HMAC-Signature}`: else whoever has a key can have an answer signed that passes for another caller's"
        }
        false => {
            "sign `{target}` in `answer` too: else whoever comes here can have an answer signed that passes for another's"
        }
    };
    reader.warning(place, message).hint(hint);
}

impl Requirement {
    /// The schemes that a caller can be known by, in order.
    pub(super) fn named_by(&self) -> Vec<usize> {
        match self {
            Requirement::Public | Requirement::Jwt(..) => Vec::new(),
            Requirement::Hmac(index) => vec![*index],
            Requirement::AnyOf(legs) => legs.iter().flat_map(Requirement::named_by).collect(),
            Requirement::AllOf(legs) => legs.first().map(Requirement::named_by).unwrap_or_default(),
        }
    }
}
