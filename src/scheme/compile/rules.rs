//! What must hold between the templates of a scheme: what is signed, what a replay key rests on, what is only unwise.

use super::{
    BodyNeed, Chain, Definition, Fault, Leaf, Meanings, OpenUntilBody, Part, Parts, Signed, Source, Template, cures,
};
use crate::scheme::{
    Algorithm, Carrier, Relation, TimestampDefinition,
    spans::{Budget, Judged, Spans},
    template::Filter,
    values::{Cover, Covered, NamedValue},
};

/// What the claims of every request that is let in are like.
pub(super) fn judged(definition: &Definition, parts: &Parts, values: &[NamedValue], budget: &Budget) -> Vec<Judged> {
    let meanings = Meanings { values, key_id: None, judged: &[], budget };
    let key_id = parts.key_id.as_ref().and_then(|template| Judged::key_id(template, meanings));
    let formats = definition.timestamp.as_ref().map_or(&[][..], |timestamp| &timestamp.formats);
    let [mut from, mut expires, mut lasts] = [None, None, None];
    if let Some(timestamp) = &parts.timestamp {
        let time = |template: &Template| Judged::time(template, formats, meanings);
        from = timestamp.from.as_ref().and_then(time);
        expires = timestamp.expires.as_ref().and_then(time);
        lasts = timestamp.lasts.as_ref().and_then(|template| Judged::seconds(template, meanings));
    }
    [key_id, from, expires, lasts].into_iter().flatten().collect()
}

/// The templates, and what the signature vouches for.
pub(super) struct Rules<'p> {
    definition: &'p Definition,
    parts: &'p Parts,
    meanings: Meanings<'p>,
    signed: Signed<'p>,
}

impl<'p> Rules<'p> {
    pub(super) fn new(
        definition: &'p Definition,
        parts: &'p Parts,
        values: &'p [NamedValue],
        judged: &'p [Judged],
        budget: &'p Budget,
    ) -> Rules<'p> {
        let meanings = Meanings { values, key_id: parts.key_id.as_ref(), judged, budget };
        let signed = Signed::by_message(&parts.message, meanings).with_requirements(&parts.require);
        Rules { definition, parts, meanings, signed }
    }

    pub(super) fn signed(&self) -> &Signed<'p> {
        &self.signed
    }

    /// Where the id selects its key, a wrong id finds the wrong key. A key shared by all ids gives no such proof: an
    /// id that is not fixed could be exchanged, and with it the subject and the replay key.
    pub(super) fn with_shared_keys(&self) -> Option<Fault> {
        let own = self.parts.key_id.as_ref()?;
        let is_fixed =
            |signed: &Signed<'_>| signed.undetermined(own).is_none() || signed.fixes(&Leaf::of(Source::KeyId));
        if is_fixed(&self.signed) {
            return None;
        }
        if is_fixed(&self.signed.wherever_it_ends()) {
            let message = "the message does not tell the key id from what stands beside it, and a shared key does not \
                vouch for where it ends";
            let hint = "give every id a key of its own, or put a newline on both sides of it";
            return Some(Fault::whole("key_id", message).hint(self.or_closed(hint)));
        }
        let fault = Fault::whole("key_id", "the key id is not signed, and a shared key does not vouch for it");
        Some(fault.hint("add `{key_id}` to the message, or give every id a key of its own"))
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.key_id_within_itself(&mut faults);
        faults.extend(self.message());
        faults.extend(self.signature_within_message());
        faults.extend(self.beginnings());
        faults.extend(self.timestamp());
        faults.extend(self.replay());
        faults
    }

    pub(super) fn warnings(&self) -> Vec<Fault> {
        let mut warnings = Vec::new();
        if self.parts.algorithms.all().any(|algorithm| algorithm == Algorithm::HmacSha1) {
            let fault = Fault::whole("signature.algorithm", "hmac-sha1 is only for senders that cannot do better");
            warnings.push(fault.hint("hmac-sha256"));
        }
        match &self.definition.timestamp {
            None => warnings.push(Fault::whole("timestamp", "without a timestamp a signature is good for ever")),
            Some(timestamp) => {
                if timestamp.from.is_none() {
                    if timestamp.future.is_none() {
                        let fault =
                            Fault::whole("timestamp", "without `future` a signature is good as long as it says");
                        warnings.push(fault.hint("future: 1h"));
                    }
                } else if timestamp.past.is_none() {
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
            let hint = if self.has_an_end() { "replay: true" } else { "replay: { remember: 1d }" };
            warnings.push(Fault::whole("replay", "a request can be sent again as it is").hint(hint));
        }
        warnings.extend(self.parts.answer.iter().flat_map(|answer| answer.warnings(|part| self.signed.covers(part))));
        warnings.extend(self.of_text(&self.parts.message, "message", None));
        for (index, value) in self.meanings.values.iter().enumerate() {
            if let NamedValue::Text(template) = value {
                warnings.extend(self.of_text(template, "values", Some(index)));
            }
        }
        warnings
    }

    fn of_text(&self, template: &Template, field: &'static str, index: Option<usize>) -> Vec<Fault> {
        let spelt = spelt_newline(template).into_iter().chain(misspelt_source(template));
        spelt.map(|fault| fault.in_field(field, index)).chain(self.moving(template, field, index)).collect()
    }

    pub(super) fn body_need(&self) -> BodyNeed {
        let required = self.parts.require.iter().flat_map(|requirement| [&requirement.left, &requirement.right]);
        let links = self.parts.key.iter().filter_map(|(_, chain)| chain.as_ref()).flat_map(|chain| &chain.links);
        let claimed = self.parts.key_id.iter().chain(self.parts.algorithms.template()).chain(self.times());
        let collected = required.chain(links).chain(claimed).map(|template| self.need(template, false));
        // Public-key algorithms go over the message twice.
        let is_streamed = self.parts.algorithms.all().all(|algorithm| algorithm.is_hmac());
        let replay = self.parts.replay.as_ref().and_then(|replay| replay.key.as_ref());
        let message = self.need(&self.parts.message, is_streamed);
        let fed = replay.map_or(BodyNeed::Unneeded, |key| self.need(key, true));
        let bodyless = self.parts.require.iter().any(|requirement| requirement.relation == Relation::EqualIfBody);
        let counted = if bodyless { BodyNeed::Bytes } else { BodyNeed::Unneeded };
        let carrier = match self.parts.carrier {
            Carrier::Json(_) | Carrier::Form(_) => BodyNeed::Parsed,
            Carrier::Header(_) | Carrier::Query(_) => BodyNeed::Unneeded,
        };
        collected.chain([message, fed, counted]).fold(carrier, BodyNeed::max)
    }

    /// As [`body_need`](Rules::body_need), to sign.
    pub(super) fn signing_need(&self) -> BodyNeed {
        let links = self.parts.key.iter().filter_map(|(_, chain)| chain.as_ref()).flat_map(|chain| &chain.links);
        let emitted = self.parts.emit.iter().map(|(_, template)| template);
        let collected = emitted.chain(links).chain(&self.parts.key_id).map(|template| self.need(template, false));
        let is_streamed = self.definition.signature.algorithm.all().first().is_some_and(|first| first.is_hmac());
        collected.fold(self.need(&self.parts.message, is_streamed), BodyNeed::max)
    }

    pub(super) fn open_until_body(&self) -> OpenUntilBody {
        let rests_on_body = |template: &Template| self.need(template, false) > BodyNeed::Unneeded;
        OpenUntilBody {
            signature: matches!(self.parts.carrier, Carrier::Json(_) | Carrier::Form(_))
                || self.parts.algorithms.template().is_some_and(rests_on_body),
            key_id: self.parts.key_id.as_ref().is_some_and(rests_on_body),
            timestamp: self.times().any(rests_on_body),
        }
    }

    fn need(&self, template: &Template, streamed: bool) -> BodyNeed {
        BodyNeed::of(&self.meanings.leaves(template), streamed)
    }

    fn times(&self) -> impl Iterator<Item = &Template> {
        self.parts.timestamp.iter().flat_map(|timestamp| timestamp.templates().map(|(_, template)| template))
    }

    /// Directly it has no name there; through a named value it could still come in.
    fn key_id_within_itself(&self, faults: &mut Vec<Fault>) {
        let times = self.parts.timestamp.iter().flat_map(|timestamp| timestamp.templates());
        let key_id = self.parts.key_id.as_ref().map(|template| ("key_id", template));
        let algorithm = self.parts.algorithms.template().map(|template| ("signature.algorithm", template));
        let carrier = Template::of(vec![Part::Chain(self.parts.signature.clone())]);
        let leaves = |(field, template)| (field, self.meanings.without_key_id().leaves(template));
        let read = key_id.into_iter().chain(algorithm).chain(times).map(leaves);
        for (field, leaves) in read.chain([leaves(("signature.from", &carrier))]) {
            if let Some(leaf) = leaves.iter().find(|leaf| matches!(leaf.source, Source::KeyId)) {
                faults.push(leaf.fault("this rests on `key_id`, which is not known yet").in_field(field, None));
            }
        }
    }

    fn message(&self) -> Option<Fault> {
        if self.definition.message.is_empty() {
            return Some(Fault::whole("message", "the message is empty"));
        }
        is_constant(&self.meanings.leaves(&self.parts.message)).then(|| {
            let fault = Fault::at(0, self.definition.message.len(), "the message is the same for every request");
            fault.hint("name what is signed: `{body}`, `{target}`, `{header:NAME}`").in_field("message", None)
        })
    }

    fn signature_within_message(&self) -> Option<Fault> {
        let leaves = self.meanings.leaves(&self.parts.message);
        let carrier = match &self.parts.carrier {
            Carrier::Header(name) => Source::Header(name.clone()),
            Carrier::Query(name) => Source::Parameter(name.clone()),
            Carrier::Json(pointer) => Source::Json(pointer.clone()),
            Carrier::Form(name) => Source::Form(name.clone()),
        };
        // Taking a carrier apart reads it; only what comes out of it whole is a fault.
        let holds = |leaf: &&Leaf| {
            leaf.is_certain && [&carrier, &self.parts.signature.source].into_iter().any(|one| leaf.source.contains(one))
        };
        let within = leaves.iter().find(holds)?;
        Some(within.fault("this contains the signature itself").in_field("message", None))
    }

    /// Of all headers of a beginning: no request could ever hold to these.
    fn beginnings(&self) -> Option<Fault> {
        let begins = |name: &str, beginning: &str| name.to_ascii_lowercase().starts_with(beginning);
        self.meanings.values.iter().enumerate().find_map(|(index, value)| {
            let NamedValue::Headers(lines) = value else { return None };
            let beginning = lines.beginning()?;
            let is_own = matches!(&self.parts.carrier, Carrier::Header(name) if begins(name, beginning));
            let can_be = |one: &Covered| one.special.is_some() || begins(&one.name, beginning);
            let other = lines.covers.iter().map(Cover::names).find(|names| !names.iter().any(can_be));
            let message = match other.and_then(|names| names.first()) {
                _ if is_own => "the signature itself stands in a header that begins so".to_owned(),
                Some(other) => format!("`{}` must be in this list, and begins otherwise", other.name),
                None => return None,
            };
            Some(Fault::whole("values.headers", message).in_field("values.headers", Some(index)))
        })
    }

    fn timestamp(&self) -> Option<Fault> {
        let (compiled, definition) = self.parts.timestamp.as_ref().zip(self.definition.timestamp.as_ref())?;
        for (field, template) in compiled.templates() {
            if is_constant(&self.meanings.leaves(template)) {
                return Some(Fault::whole(field, "the timestamp names no source"));
            }
            if field != "timestamp.lasts" && !cures::can_be_written(template, &definition.formats) {
                let fault = Fault::whole(field, "no time in these `formats` can be written as its `match` wants it");
                return Some(fault.hint(
                    "put them in accord: 10 digits are seconds since 1970 (`unix`), 13 milliseconds (`unix_millis`)",
                ));
            }
            if definition.dangerously_unsigned {
                continue;
            }
            let has_both_ends = has_both_ends(definition);
            if let Some(unsigned) = self.signed.undetermined_time(template, has_both_ends) {
                if self.has_one_length_in_message(template, has_both_ends) {
                    continue;
                }
                if self.signed.undetermined_time(template, true).is_none() {
                    let fault = unsigned.fault("without a window the timestamp must not move to what stands beside it");
                    let hint = "set both `past` and `future`, or put a newline around it in the message";
                    return Some(fault.hint(hint).in_field(field, None));
                }
                if self.signed.wherever_it_ends().undetermined(template).is_none() {
                    let message = "the message does not tell the timestamp from what stands beside it";
                    let fault = unsigned.fault(message);
                    let hint = cures::time_of_one_length(unsigned, &definition.formats);
                    return Some(fault.hint(self.or_closed(&hint)).in_field(field, None));
                }
                let fault = unsigned.fault("the timestamp is not part of the message, so anyone can change it");
                return Some(fault.hint("sign it, or say `dangerously_unsigned: true`").in_field(field, None));
            }
        }
        None
    }

    /// Whether the message reads the same value in one length: then it is of that length wherever else it is read.
    fn has_one_length_in_message(&self, time: &Template, has_both_ends: bool) -> bool {
        let asks = |filter: &Filter| matches!(filter, Filter::Match(_));
        let is_plain = |chain: &&Chain| chain.otherwise.is_none() && chain.filters.iter().all(asks);
        let Some(own) = time.single().filter(is_plain) else { return false };
        let same = self.parts.message.chains().filter(|chain| is_plain(chain) && chain.source.same(&own.source));
        let alone = |chain: &Chain| Template::of(vec![Part::Chain(chain.clone())]);
        same.map(alone).any(|template| self.signed.undetermined_time(&template, has_both_ends).is_none())
    }

    /// The hint, and beside it what can be done where clients stay as they are.
    fn or_closed(&self, hint: &str) -> String {
        let (message, key_id) = (&self.parts.message, self.parts.key_id.as_ref());
        let spans = Spans::of(message, self.meanings);
        let chains: Vec<&Chain> = message.chains().collect();
        let closed = chains.windows(2).find_map(|pair| match pair {
            [first, second] if spans.lends(first, second) => cures::closed(message, key_id, first),
            _ => None,
        });
        closed
            .map_or_else(|| hint.to_owned(), |closed| format!("{hint}; or, where clients cannot be changed, {closed}"))
    }

    /// Whether a signed time says until when a request is let in: so long it is to be remembered.
    fn has_an_end(&self) -> bool {
        let timestamp = self.definition.timestamp.as_ref().filter(|timestamp| !timestamp.dangerously_unsigned);
        timestamp.is_some_and(has_both_ends)
    }

    fn replay(&self) -> Option<Fault> {
        let (compiled, definition) = self.parts.replay.as_ref().zip(self.definition.replay.as_ref())?;
        if !self.has_an_end() && definition.remember.is_none() {
            let fault = Fault::whole("replay", "nothing says how long a request is remembered");
            return Some(fault.hint("set `past` and `future` of a signed timestamp, or `remember`"));
        }
        let key = compiled.key.as_ref()?;
        if is_constant(&self.meanings.without_key_id().leaves(key)) {
            return Some(Fault::whole("replay", "the replay key is the same for every request"));
        }
        // Whether an unsigned id may count is asked where the keys are known: `fault_with_shared_keys`.
        let unsigned = self.signed.undetermined_beside_key_id(key)?;
        if self.signed.wherever_it_ends().undetermined_beside_key_id(key).is_none() {
            let message = "the message does not tell this from what stands beside it, so bytes can move to send a request \
                again";
            let fault = unsigned.fault(message);
            return Some(
                fault
                    .hint("`replay: true`, which takes the whole message; or sign it on a line of its own")
                    .in_field("replay", None),
            );
        }
        let fault = unsigned.fault("this is not signed, so it can be changed to send a request again");
        Some(fault.hint("use what the message signs, in the same form").in_field("replay", None))
    }

    /// `a` + `bc` and `ab` + `c` are one message.
    fn moving(&self, template: &Template, field: &'static str, index: Option<usize>) -> Vec<Fault> {
        let chains: Vec<&Chain> = template.chains().collect();
        // Of one value nothing is asked, and to look costs more than all else here.
        if chains.len() < 2 {
            return Vec::new();
        }
        let spans = Spans::of(template, self.meanings);
        let pairs = chains.windows(2).filter_map(|pair| match pair {
            [first, second] if spans.lends(first, second) => Some((first, second)),
            _ => None,
        });
        let fault = |(first, second): (&&Chain, &&Chain)| {
            let message = format!("nothing says where `{}` ends and `{}` begins", first.source, second.source);
            let hint = cures::of_neighbours(template, self.parts.key_id.as_ref(), first);
            second.fault(&message).hint(hint).in_field(field, index)
        };
        pairs.map(fault).collect()
    }
}

impl Leaf {
    fn fault(&self, message: &str) -> Fault {
        Fault::at(self.offset, self.length, message)
    }
}

impl Chain {
    fn fault(&self, message: &str) -> Fault {
        Fault::at(self.offset, self.length, message)
    }
}

/// In YAML `\n` is a newline between double quotes alone.
fn spelt_newline(template: &Template) -> Option<Fault> {
    let mut literals = template.parts().iter().filter_map(|part| match part {
        Part::Literal(literal) => Some(literal),
        Part::Chain(_) => None,
    });
    literals.find(|literal| literal.contains("\\n")).map(|_| {
        Fault::at(0, 0, "`\\n` is signed as a backslash and an `n` here")
            .hint("for a newline write the template in double quotes, or as a block (`|-`)")
    })
}

/// Text that would be a source if it were written as one.
fn misspelt_source(template: &Template) -> Option<Fault> {
    let (written, meant) = template.misspelt_source()?;
    let message = format!("`{written}` is text here, and no source: it is signed as it stands");
    Some(Fault::at(0, 0, message).hint(format!("a source is written `{meant}`")))
}

/// Whether it is known until when a request is let in. An expiry lies ahead.
fn has_both_ends(timestamp: &TimestampDefinition) -> bool {
    match timestamp.from {
        Some(_) => timestamp.past.is_some() && timestamp.future.is_some(),
        None => timestamp.future.is_some(),
    }
}

/// Whether nothing of a request comes in: a named value is nothing by itself.
fn is_constant(leaves: &[Leaf]) -> bool {
    leaves.iter().all(|leaf| matches!(leaf.source, Source::Value(..)))
}
