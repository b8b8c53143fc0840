//! Signing requests and answers, so that [`verify`](super::verify) and every other reader of RFC 9421 accepts them.

use sfv::{BareItem, Integer, KeyRef, StringRef};

use super::{
    MessageSignatures,
    base::signature_base,
    component::{Component, Name},
    digest,
    policy::{binds_body, millis},
    structured::{self, InnerList, Item, Member, Parameters},
    value::{Message, ReadOnce, value},
};
use crate::scheme::{Algorithm, AnswerView, Body, Emitted, Failure, Headers, PreparedKey, View, Why};

/// Who signs, and when.
#[derive(Clone, Copy)]
struct Signer<'a> {
    key: &'a PreparedKey,
    algorithm: Algorithm,
    key_id: Option<&'a str>,
    now_millis: i64,
    /// Empty: none.
    nonce: &'a str,
}

impl MessageSignatures {
    /// `Content-Digest`, `Signature-Input` and `Signature` for a request.
    pub(in crate::scheme) fn sign(
        &self,
        view: &View<'_>,
        key: &PreparedKey,
        key_id: Option<&str>,
        now_millis: i64,
        nonce: &str,
    ) -> Result<Emitted, Failure> {
        let signer = self.signer(key, key_id, now_millis, nonce)?;
        let (components, digest) = covered(&self.policy.components, view.headers, &view.body)?;
        let headers = Overlay { base: view.headers, digest: digest.as_deref() };
        let view = View { headers: &headers, ..*view };
        let (input, signature) = self.signed(&components, signer, Message::Request(&view))?;
        Ok(emitted(digest, input, signature))
    }

    /// The same headers for an answer, whose `;req` components are those of the request that it answers.
    pub(in crate::scheme) fn sign_answer(
        &self,
        answer: &AnswerView<'_>,
        key: &PreparedKey,
        key_id: Option<&str>,
        now_millis: i64,
        nonce: &str,
    ) -> Result<Vec<(String, String)>, Failure> {
        let signer = self.signer(key, key_id, now_millis, nonce)?;
        let (components, digest) = covered(&self.answer, answer.headers, &answer.body)?;
        let headers = Overlay { base: answer.headers, digest: digest.as_deref() };
        let answer = AnswerView { headers: &headers, ..*answer };
        let (input, signature) = self.signed(&components, signer, Message::Answer(&answer))?;
        Ok(emitted(digest, input, signature).headers)
    }

    /// Whether the request has what the signature of its answer will cover of it.
    pub(in crate::scheme) fn is_answerable(&self, request: &View<'_>) -> Result<(), Failure> {
        // The answer itself is not asked for anything.
        let answer = AnswerView { request: *request, status: 200, headers: request.headers, body: Body::Unread };
        let (message, mut read) = (Message::Answer(&answer), ReadOnce::default());
        let mut of_request = self.answer.iter().filter(|component| component.of_request);
        of_request.try_for_each(|component| value(component, message, &self.types, &mut read).map(|_| ()))
    }

    fn signer<'a>(
        &self,
        key: &'a PreparedKey,
        key_id: Option<&'a str>,
        now_millis: i64,
        nonce: &'a str,
    ) -> Result<Signer<'a>, Failure> {
        let algorithm = key.algorithms().next().ok_or(Failure::NotSigning)?;
        // Where nobody remembers nonces, one would only look as if somebody did.
        Ok(Signer { key, algorithm, key_id, now_millis, nonce: if self.replay { nonce } else { "" } })
    }

    /// The values of the two headers.
    fn signed(
        &self,
        components: &[Component],
        signer: Signer<'_>,
        message: Message<'_>,
    ) -> Result<(String, String), Failure> {
        let items = components.iter().map(Component::item).cloned().collect();
        let list = InnerList { items, parameters: self.parameters(signer)? };
        let base = signature_base(components, &structured::write_inner_list(&list), message, &self.types)?;
        let signature = signer.key.signature(signer.algorithm, base.as_bytes()).ok_or(Failure::NotSigning)?;
        let label = KeyRef::from_str(&self.label).map_err(|_| unwritable("label"))?.to_owned();
        let input = structured::write_dictionary(&vec![(label.clone(), Member::InnerList(list))]);
        let signature = Member::Item(Item::plain(BareItem::ByteSequence(signature)));
        Ok((input, structured::write_dictionary(&vec![(label, signature)])))
    }

    fn parameters(&self, signer: Signer<'_>) -> Result<Parameters, Failure> {
        let mut parameters = Parameters::new();
        let mut add = |name: &'static str, value: BareItem| {
            let key = KeyRef::from_str(name).map_err(|_| unwritable(name))?;
            parameters.push((key.to_owned(), value));
            Ok::<(), Failure>(())
        };
        add("created", seconds(signer.now_millis)?)?;
        if self.policy.expires {
            add("expires", seconds(signer.now_millis.saturating_add(millis(self.policy.max_age)))?)?;
        }
        if let Some(id) = signer.key_id {
            add("keyid", text("keyid", id)?)?;
        }
        if !signer.nonce.is_empty() {
            add("nonce", text("nonce", signer.nonce)?)?;
        }
        // A key alone may not tell which one it was: an RSA key serves two.
        if self.policy.algorithms.len() > 1 {
            add("alg", text("alg", signer.algorithm.name())?)?;
        }
        if let Some(tag) = &self.policy.tag {
            add("tag", text("tag", tag)?)?;
        }
        Ok(parameters)
    }
}

/// What of `wanted` this message has, and the digest of its body where that is to be covered.
fn covered(
    wanted: &[Component],
    headers: &dyn Headers,
    body: &Body<'_>,
) -> Result<(Vec<Component>, Option<String>), Failure> {
    let mut digest = None;
    let mut components = Vec::with_capacity(wanted.len());
    for component in wanted {
        let is_there = match &component.name {
            _ if binds_body(component) => {
                let has_body = digest::has_body(body).ok_or_else(|| Failure::unreadable("body", Why::BodyUnread))?;
                if has_body && digest.is_none() {
                    digest = Some(digest::write(body)?);
                }
                has_body
            }
            Name::Field(name, _) if !component.of_request && name.starts_with("content-") => {
                let mut is_there = false;
                headers.each(name, &mut |_| is_there = true);
                is_there
            }
            Name::Field(..) | Name::Derived(_) => true,
        };
        if is_there {
            components.push(component.clone());
        }
    }
    Ok((components, digest))
}

fn emitted(digest: Option<String>, input: String, signature: String) -> Emitted {
    let digest = digest.map(|digest| ("Content-Digest".to_owned(), digest));
    let signed = [("Signature-Input".to_owned(), input), ("Signature".to_owned(), signature)];
    Emitted { headers: digest.into_iter().chain(signed).collect(), target: None }
}

fn seconds(millis: i64) -> Result<BareItem, Failure> {
    let seconds = Integer::try_from(millis.div_euclid(1000)).map_err(|_| Failure::TimestampUnreadable)?;
    Ok(BareItem::Integer(seconds))
}

fn text(what: &'static str, text: &str) -> Result<BareItem, Failure> {
    StringRef::from_str(text).map(|text| BareItem::String(text.to_owned())).map_err(|_| unwritable(what))
}

fn unwritable(what: &'static str) -> Failure {
    Failure::unreadable(what, Why::Unwritable)
}

/// The message's headers with the digest in the place of any that was there.
struct Overlay<'a> {
    base: &'a dyn Headers,
    digest: Option<&'a str>,
}

impl Headers for Overlay<'_> {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        match self.digest.filter(|_| name.eq_ignore_ascii_case(digest::NAME)) {
            Some(digest) => visit(digest.as_bytes()),
            None => self.base.each(name, visit),
        }
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        self.base.names(visit);
        if self.digest.is_some() {
            visit(digest::NAME);
        }
    }
}
