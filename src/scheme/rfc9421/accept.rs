//! `Accept-Signature` (RFC 9421 section 5.1): what a refused client is told to sign.

use sfv::{BareItem, KeyRef, StringRef, key_ref};

use super::{
    MessageSignatures,
    component::Component,
    structured::{self, InnerList, Member, Parameters},
};

impl MessageSignatures {
    /// The member of `Accept-Signature` that asks for this scheme's signature, as the whole of a header's value.
    ///
    /// It names no key: which keys are known is nobody's business.
    pub(in crate::scheme) fn accept_signature(&self) -> String {
        let mut parameters = Parameters::new();
        let wanted = [("created", self.policy.created), ("expires", self.policy.expires), ("nonce", self.policy.nonce)];
        for (name, _) in wanted.into_iter().filter(|(_, is_wanted)| *is_wanted) {
            push(&mut parameters, name, true);
        }
        if let [only] = self.policy.algorithms.as_slice() {
            push_text(&mut parameters, key_ref("alg"), only.name());
        }
        if let Some(tag) = &self.policy.tag {
            push_text(&mut parameters, key_ref("tag"), tag);
        }
        let items = self.policy.components.iter().map(Component::item).cloned().collect();
        let list = Member::InnerList(InnerList { items, parameters });
        let label = KeyRef::from_str(&self.label).map(|label| (label.to_owned(), list));
        // A label was checked when the scheme was compiled.
        label.map(|member| structured::write_dictionary(&vec![member])).unwrap_or_default()
    }
}

fn push(parameters: &mut Parameters, name: &str, value: impl Into<BareItem>) {
    if let Ok(name) = KeyRef::from_str(name) {
        parameters.push((name.to_owned(), value.into()));
    }
}

fn push_text(parameters: &mut Parameters, name: &KeyRef, text: &str) {
    // Algorithm names and checked tags are strings.
    if let Ok(text) = StringRef::from_str(text) {
        parameters.push((name.to_owned(), BareItem::String(text.to_owned())));
    }
}
