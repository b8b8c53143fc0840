//! What must hold between the templates of a scheme: what is signed, what a replay key rests on, what is only unwise.

use super::{BodyNeed, Definition, Fault, Leaf, Meanings, OpenUntilBody, Part, Parts, Signed, Source, Template};
use crate::scheme::{Algorithm, Carrier};

/// The templates, and what the signature vouches for.
pub(super) struct Rules<'p> {
    definition: &'p Definition,
    parts: &'p Parts,
    meanings: Meanings<'p>,
    signed: Signed,
}

impl<'p> Rules<'p> {
    pub(super) fn new(definition: &'p Definition, parts: &'p Parts, values: &'p [Template]) -> Rules<'p> {
        let meanings = Meanings { values, key_id: parts.key_id.as_ref() };
        let signed = Signed::by_message(&parts.message, meanings).with_requirements(&parts.require, meanings);
        Rules { definition, parts, meanings, signed }
    }

    pub(super) fn signed(&self) -> &Signed {
        &self.signed
    }

    pub(super) fn key_id_is_signed(&self) -> bool {
        let own = self.parts.key_id.as_ref().map(|template| self.meanings.leaves(template));
        own.is_some_and(|leaves| self.signed.fixes_all(&leaves) || self.signed.fixes(&key_id_leaf()))
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.key_id_within_itself(&mut faults);
        faults.extend(self.message());
        faults.extend(self.signature_within_message());
        faults.extend(self.timestamp());
        faults.extend(self.replay());
        faults
    }

    pub(super) fn warnings(&self) -> Vec<Fault> {
        let mut warnings = Vec::new();
        if self.definition.signature.algorithm == Algorithm::HmacSha1 {
            let fault = Fault::whole("signature.algorithm", "hmac-sha1 is only for senders that cannot do better");
            warnings.push(fault.hint("hmac-sha256"));
        }
        match &self.definition.timestamp {
            None => warnings.push(Fault::whole("timestamp", "without a timestamp a signature is good for ever")),
            Some(timestamp) => {
                if timestamp.past.is_none() {
                    let fault = Fault::whole("timestamp", "without `past` a signature is good for ever");
                    warnings.push(fault.hint("past: 300s"));
                } else if timestamp.future.is_none() {
                    let fault = Fault::whole("timestamp", "without `future` a request may be dated ahead at will");
                    warnings.push(fault.hint("future: 300s"));
                }
                if timestamp.dangerously_unsigned {
                    warnings.push(Fault::whole("timestamp", "the timestamp is not signed, so it proves nothing"));
                }
            }
        }
        if self.definition.replay.is_none() {
            warnings.push(Fault::whole("replay", "a request can be sent again as it is").hint("replay: true"));
        }
        warnings.extend(touching(&self.parts.message, "message", None));
        for (index, value) in self.meanings.values.iter().enumerate() {
            warnings.extend(touching(value, "values", Some(index)));
        }
        warnings
    }

    pub(super) fn body_need(&self) -> BodyNeed {
        let collected = [
            self.key_id_leaves(),
            self.parts.timestamp.iter().flat_map(|timestamp| self.meanings.leaves(&timestamp.from)).collect(),
            self.parts.require.iter().flat_map(|(a, b)| [a, b]).flat_map(|side| self.meanings.leaves(side)).collect(),
        ];
        let replay = self.parts.replay.as_ref().and_then(|replay| replay.key.as_ref());
        let streamed = [
            self.meanings.leaves(&self.parts.message),
            replay.map(|key| self.meanings.leaves(key)).unwrap_or_default(),
        ];
        let collected = collected.iter().map(|leaves| BodyNeed::of(leaves, false));
        let streamed = streamed.iter().map(|leaves| BodyNeed::of(leaves, true));
        let carrier = match self.parts.carrier {
            Carrier::Json(_) | Carrier::Form(_) => BodyNeed::Parsed,
            Carrier::Header(_) | Carrier::Query(_) => BodyNeed::Unneeded,
        };
        collected.chain(streamed).fold(carrier, BodyNeed::max)
    }

    pub(super) fn open_until_body(&self) -> OpenUntilBody {
        let rests_on_body = |leaves: &[Leaf]| BodyNeed::of(leaves, false) > BodyNeed::Unneeded;
        let timestamp = self.parts.timestamp.as_ref().map(|timestamp| self.meanings.leaves(&timestamp.from));
        OpenUntilBody {
            signature: self.parts.signature.source.is_parsed_body(),
            key_id: rests_on_body(&self.key_id_leaves()),
            timestamp: timestamp.is_some_and(|leaves| rests_on_body(&leaves)),
        }
    }

    fn key_id_leaves(&self) -> Vec<Leaf> {
        self.parts.key_id.as_ref().map(|template| self.meanings.leaves(template)).unwrap_or_default()
    }

    /// Directly it has no name there; through a named value it could still come in.
    fn key_id_within_itself(&self, faults: &mut Vec<Fault>) {
        let timestamp = self.parts.timestamp.as_ref().map(|timestamp| ("timestamp.from", &timestamp.from));
        let key_id = self.parts.key_id.as_ref().map(|template| ("key_id", template));
        for (field, template) in key_id.into_iter().chain(timestamp) {
            let leaves = self.meanings.without_key_id().leaves(template);
            if let Some(leaf) = leaves.iter().find(|leaf| matches!(leaf.source, Source::KeyId)) {
                faults.push(leaf.fault("this rests on `key_id`, which is not known yet").in_field(field, None));
            }
        }
    }

    fn message(&self) -> Option<Fault> {
        if self.definition.message.is_empty() {
            return Some(Fault::whole("message", "the message is empty"));
        }
        let constant = self.meanings.leaves(&self.parts.message).is_empty();
        constant.then(|| {
            let fault = Fault::at(0, self.definition.message.len(), "the message is the same for every request");
            fault.hint("name what is signed: `{body}`, `{target}`, `{header:NAME}`").in_field("message", None)
        })
    }

    fn signature_within_message(&self) -> Option<Fault> {
        let carrier = &self.parts.signature.source;
        let leaves = self.meanings.leaves(&self.parts.message);
        let within = leaves.iter().find(|leaf| leaf.source.contains(carrier))?;
        Some(within.fault("this contains the signature itself").in_field("message", None))
    }

    fn timestamp(&self) -> Option<Fault> {
        let (compiled, definition) = self.parts.timestamp.as_ref().zip(self.definition.timestamp.as_ref())?;
        let leaves = self.meanings.leaves(&compiled.from);
        if leaves.is_empty() {
            let fault = Fault::at(0, definition.from.len(), "the timestamp names no source");
            return Some(fault.in_field("timestamp.from", None));
        }
        let unsigned = leaves.iter().find(|leaf| !self.signed.fixes(leaf))?;
        let fault = unsigned.fault("the timestamp is not part of the message, so anyone can change it");
        let fault = fault.hint("sign it, or say `dangerously_unsigned: true`").in_field("timestamp.from", None);
        (!definition.dangerously_unsigned).then_some(fault)
    }

    fn replay(&self) -> Option<Fault> {
        let (compiled, definition) = self.parts.replay.as_ref().zip(self.definition.replay.as_ref())?;
        let timestamp = self.definition.timestamp.as_ref().filter(|timestamp| !timestamp.dangerously_unsigned);
        let bounded = timestamp.is_some_and(|timestamp| timestamp.past.is_some() && timestamp.future.is_some());
        if !bounded && definition.remember.is_none() {
            let fault = Fault::whole("replay", "nothing says how long a request is remembered");
            return Some(fault.hint("set `past` and `future` of a signed timestamp, or `remember`"));
        }
        let key = compiled.key.as_ref()?;
        // Whether an unsigned id may count is asked where the keys are known: `fault_with_shared_keys`.
        let leaves = self.meanings.without_key_id().leaves(key);
        if leaves.is_empty() {
            return Some(Fault::whole("replay", "the replay key is the same for every request"));
        }
        let unsigned = leaves.iter().find(|leaf| !matches!(leaf.source, Source::KeyId) && !self.signed.fixes(leaf))?;
        let fault = unsigned.fault("this is not signed, so it can be changed to send a request again");
        Some(fault.hint("use what the message signs, in the same form").in_field("replay", None))
    }
}

impl Leaf {
    fn fault(&self, message: &str) -> Fault {
        Fault::at(self.offset, self.length, message)
    }
}

fn key_id_leaf() -> Leaf {
    Leaf { source: Source::KeyId, filters: Vec::new(), offset: 0, length: 0 }
}

/// `a` + `bc` and `ab` + `c` are one message.
fn touching(template: &Template, field: &'static str, index: Option<usize>) -> Vec<Fault> {
    let pairs = template.parts().windows(2).filter_map(|pair| match pair {
        [Part::Chain(first), Part::Chain(second)] if !first.has_fixed_length() && !second.has_fixed_length() => {
            Some(second)
        }
        _ => None,
    });
    pairs
        .map(|chain| {
            let message = "nothing separates this from the value before it";
            let fault = Fault::at(chain.offset, chain.length, message);
            fault.hint("bytes can move from one to the other under the same signature").in_field(field, index)
        })
        .collect()
}
