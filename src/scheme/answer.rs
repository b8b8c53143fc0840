//! Signing answers: how a client without TLS knows that an answer is genuine, and the answer to its very request.
//!
//! A form of its own beside the request's: it sees the answer's status, headers and body, and of the request what its
//! head says. The request's body is gone by then, and so are the scheme's named values, which may rest on it.

use super::{
    AnswerDefinition, Body, BodyNeed, Dialect, Failure, Fault, Headers, PreparedKey, Template, View, Why,
    evaluate::{Emission, Evaluation},
    leaves::Meanings,
    spans::Budget,
    tag::Tag,
    template::{Chain, Part, Scope, Source, Vocabulary, is_token},
};

/// The compiled form.
#[derive(Debug)]
pub(super) struct AnswerForm {
    message: Template,
    emit: Vec<(String, Template)>,
    need: BodyNeed,
}

/// An answer as its signature sees it.
#[derive(Clone, Copy)]
pub struct AnswerView<'a> {
    /// The request that it answers. Its body is not looked at.
    pub request: View<'a>,
    /// The status code.
    pub status: u16,
    /// The fields that the client gets.
    pub headers: &'a dyn Headers,
    /// The body that the client gets: none where the request was a HEAD, or the status has none.
    pub body: Body<'a>,
}

/// What an answer's signature may cover of its request.
#[derive(Clone, Copy, Debug)]
pub enum OfRequest<'n> {
    /// Its path and query.
    Target,
    /// That header.
    Header(&'n str),
}

/// What templates see of an answer besides headers and body, which stand where the request's do otherwise.
#[derive(Clone, Copy)]
pub(super) struct Reply<'a> {
    pub(super) status: u16,
    pub(super) request: &'a dyn Headers,
}

impl Dialect {
    /// Whether it says how answers are signed.
    pub(super) fn signs_answers(&self) -> bool {
        self.answer.is_some()
    }

    /// How much of an answer's body its signature needs.
    pub(super) fn answer_need(&self) -> BodyNeed {
        self.answer.as_ref().map_or(BodyNeed::Unneeded, |form| form.need)
    }

    /// Whether a signed answer is for a request of that target, and for one with that value of the header `name`.
    pub(super) fn answer_signs(&self, part: OfRequest<'_>) -> bool {
        self.answer.as_ref().is_some_and(|form| match part {
            OfRequest::Target => form.signs_target(),
            OfRequest::Header(name) => form.signs_request_header(name),
        })
    }

    /// The headers that a signed answer gets, each in the place of any of its name.
    pub(super) fn answer_headers(&self) -> impl Iterator<Item = &str> {
        self.answer.iter().flat_map(|form| &form.emit).map(|(name, _)| name.as_str())
    }

    /// Whether the request has what the signature of its answer will need of it: to be asked before anything is done.
    ///
    /// # Errors
    /// [`Failure::Unreadable`], with what is not there.
    pub(super) fn is_answerable(&self, request: &View<'_>) -> Result<(), Failure> {
        let Some(form) = &self.answer else { return Ok(()) };
        let evaluation = Evaluation::new(*request).replying(Reply { status: 0, request: request.headers });
        let templates = [&form.message].into_iter().chain(form.emit.iter().map(|(_, template)| template));
        for chain in templates.flat_map(Template::chains) {
            if chain.alternatives().all(|one| is_of_request(&one.source)) {
                evaluation.chain(chain, &mut |_| {})?;
            }
        }
        Ok(())
    }

    /// The headers to set on an answer. `key_id` is whose key it is, for the templates that name it.
    ///
    /// # Errors
    /// The scheme does not say how answers are signed, the key only verifies, or a value cannot be had.
    pub(super) fn sign_answer(
        &self,
        answer: &AnswerView<'_>,
        key: &PreparedKey,
        key_id: Option<&str>,
        now_millis: i64,
    ) -> Result<Vec<(String, String)>, Failure> {
        let form = self.answer.as_ref().ok_or(Failure::NotEmitted)?;
        let now = match &self.timestamp {
            Some(timestamp) => timestamp.write(now_millis).ok_or(Failure::TimestampUnreadable)?,
            None => now_millis.div_euclid(1000).to_string(),
        };
        let view = View { headers: answer.headers, body: answer.body, ..answer.request };
        let reply = Reply { status: answer.status, request: answer.request.headers };
        let algorithm = self.algorithms.usual_name();
        let emission = Emission { signature: "", now: &now, now_millis, expires: "", nonce: "", algorithm };
        let evaluation =
            |emission| Evaluation::of(self, view, key_id.map(str::as_bytes)).replying(reply).emitting(emission);
        let signature = self.answer_tag(form, &evaluation(emission), key)?.encode(self.encoding);
        let evaluation = evaluation(Emission { signature: &signature, ..emission });
        form.emit.iter().map(|(name, template)| Ok((name.clone(), written(name, template, &evaluation)?))).collect()
    }

    fn answer_tag(&self, form: &AnswerForm, evaluation: &Evaluation<'_>, key: &PreparedKey) -> Result<Tag, Failure> {
        let algorithm = self.algorithms.usual();
        if algorithm.is_hmac() {
            let mut mac = key.mac(algorithm).ok_or(Failure::NotSigning)?;
            evaluation.feed(&form.message, &mut |piece| mac.update(piece))?;
            return Ok(mac.finish());
        }
        let mut message = Vec::new();
        evaluation.feed(&form.message, &mut |piece| message.extend_from_slice(piece))?;
        key.sign(algorithm, &message).ok_or(Failure::NotSigning)
    }
}

fn written(name: &str, template: &Template, evaluation: &Evaluation<'_>) -> Result<String, Failure> {
    let mut value = Vec::new();
    template.render_with(evaluation, super::Escape::Header, &mut value)?;
    String::from_utf8(value).map_err(|_| Failure::unreadable(name, Why::Unwritable))
}

/// Whether the request's head alone gives it.
fn is_of_request(source: &Source) -> bool {
    matches!(
        source,
        Source::RequestHeader(_)
            | Source::Method
            | Source::Path
            | Source::Target
            | Source::Query
            | Source::Parameter(_)
            | Source::Scheme
            | Source::Authority
            | Source::Host
            | Source::Port
            | Source::Url
    )
}

/// Compiles the form; what is wrong with it goes to `faults`.
pub(super) fn compile(definition: &AnswerDefinition, hmac: bool, faults: &mut Vec<Fault>) -> AnswerForm {
    const MESSAGE: &str = "answer.message";
    const EMIT: &str = "answer.emit";
    let mut template = |field, index, text: &str, vocabulary| {
        let compiled = Template::compile_in(text, Scope { vocabulary, values: &[], key_id: true });
        compiled.unwrap_or_else(|fault| {
            faults.push(fault.in_field(field, index));
            Template::empty()
        })
    };
    let message = template(MESSAGE, None, &definition.message, Vocabulary::Reply);
    let emit = definition
        .emit
        .iter()
        .enumerate()
        .map(|(index, (name, text))| (name.clone(), template(EMIT, Some(index), text, Vocabulary::ReplyEmission)));
    let emit: Vec<(String, Template)> = emit.collect();
    if !faults.is_empty() {
        return AnswerForm { message, emit, need: BodyNeed::Unneeded };
    }
    if message.chains().next().is_none() {
        let fault = Fault::at(0, definition.message.len(), "the message is the same for every answer");
        faults.push(
            fault.hint("name what is signed: `{status}`, `{body}`, `{request_header:NAME}`").in_field(MESSAGE, None),
        );
    }
    for (index, (name, _)) in emit.iter().enumerate() {
        if !is_token(name) {
            faults.push(Fault::whole(EMIT, "not a header name").in_field(EMIT, Some(index)));
        }
    }
    if !emit.iter().flat_map(|(_, template)| template.chains()).any(is_signature) {
        faults.push(Fault::whole(EMIT, "no header holds the `{signature}`"));
    }
    let need = need(&message, &emit, hmac);
    AnswerForm { message, emit, need }
}

fn is_signature(chain: &Chain) -> bool {
    chain.alternatives().any(|chain| matches!(chain.source, Source::Signature))
}

fn need(message: &Template, emit: &[(String, Template)], hmac: bool) -> BodyNeed {
    let need = |template: &Template, streamed: bool| {
        let meanings = Meanings { values: &[], key_id: None, judged: &[], budget: &Budget::default() };
        BodyNeed::of(&meanings.leaves(template), streamed)
    };
    emit.iter().map(|(_, template)| need(template, false)).fold(need(message, hmac), BodyNeed::max)
}

impl AnswerForm {
    fn sources(&self) -> impl Iterator<Item = &Source> {
        self.message.chains().flat_map(Chain::alternatives).map(|chain| &chain.source)
    }

    /// Whether it signs that header of the request.
    pub(super) fn signs_request_header(&self, name: &str) -> bool {
        self.sources()
            .any(|source| matches!(source, Source::RequestHeader(signed) if signed.eq_ignore_ascii_case(name)))
    }

    /// Whether it signs what was asked for.
    pub(super) fn signs_target(&self) -> bool {
        self.sources().any(|source| matches!(source, Source::Target | Source::Url))
    }

    /// What is allowed but should not be. `is_signed` says what the request's own signature covers.
    pub(super) fn warnings(&self, is_signed: impl Fn(&Source) -> bool) -> Vec<Fault> {
        let sources = || self.sources();
        let mut warnings = Vec::new();
        if !sources().any(|source| matches!(source, Source::Body)) {
            warnings.push(Fault::whole("answer", "the body of an answer is not signed").hint("`{body|sha256|hex}`"));
        }
        if !sources().any(|source| matches!(source, Source::Status)) {
            warnings.push(Fault::whole("answer", "the status of an answer is not signed").hint("`{status}`"));
        }
        if !sources().any(|source| matches!(source, Source::RequestHeader(_) | Source::Parameter(_))) {
            let fault = Fault::whole("answer", "an answer to one request is as good for another");
            warnings.push(fault.hint("sign what is new in each request: `{request_header:NAME}`"));
        }
        let of_request = sources().filter_map(|source| match source {
            Source::RequestHeader(name) => Some((name, Source::Header(name.clone()))),
            _ => None,
        });
        for (name, _) in of_request.filter(|(_, source)| !is_signed(source)) {
            let message = format!("the request does not sign `{name}`, so anyone on the way chooses what answers sign");
            warnings.push(Fault::whole("answer", message).hint("sign it in the request's message too"));
        }
        if !matches!(self.message.parts().first(), Some(Part::Literal(_))) {
            let fault = Fault::whole("answer", "what an answer signs could be what a request signs");
            warnings.push(fault.hint("begin the message with text that no request's message begins with"));
        }
        warnings
    }
}
