//! Signing: the scheme's own headers, written so that [`Dialect::verify`] accepts them.

use super::{
    BodyNeed, Dialect, Escape, Failure, Headers, Place, PreparedKey, Template, View, Why,
    claimed::read_key_id,
    evaluate::{Emission, Evaluation},
    parameters::{percent_encoded, replaced},
    tag::Tag,
    template::{Chain, Source},
};

/// What signing adds to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// Headers, each in the place of any of its name that was there.
    pub headers: Vec<(String, String)>,
    /// The target with the parameters that hold the signature; `None` where it stays as it is.
    pub target: Option<String>,
}

/// What is the same for all that one signing writes.
#[derive(Clone, Copy)]
struct Signing<'a> {
    view: View<'a>,
    key_id: Option<&'a str>,
    emission: Emission<'a>,
}

impl Dialect {
    /// Whether it says how its signature is written, so that it can sign.
    pub(super) fn can_sign(&self) -> bool {
        !self.emit.is_empty()
    }

    /// The headers that signing sets.
    pub(super) fn emitted_headers(&self) -> impl Iterator<Item = &str> {
        self.emit.iter().filter_map(|(place, _)| match place {
            Place::Header(name) => Some(name.as_str()),
            Place::Query(_) => None,
        })
    }

    /// Whether signing writes a key id: then the signer must have one.
    pub(super) fn emits_key_id(&self) -> bool {
        let mut sources = self.emit.iter().flat_map(|(_, template)| template.chains()).flat_map(Chain::alternatives);
        sources.any(|chain| matches!(chain.source, Source::KeyId))
    }

    /// How much of the body signing needs.
    pub(super) fn signing_need(&self) -> BodyNeed {
        self.signing_need
    }

    /// What to set on the request. `nonce` is the caller's, random and visible.
    ///
    /// What holds no signature is written first, in order, and is seen by the message and by what follows. What holds it
    /// is then written with zeros in its place, because a message may need the rest of it (the time in an Authorization
    /// header, say), and once more with the signature. What else the message needs (a JSON field, say) must be in the
    /// request already.
    ///
    /// # Errors
    /// The scheme does not say how to write its signature, the key only verifies, or a value cannot be had.
    pub(super) fn sign(
        &self,
        view: &View<'_>,
        key: &PreparedKey,
        key_id: Option<&str>,
        now_millis: i64,
        nonce: &str,
    ) -> Result<Emitted, Failure> {
        if self.emit.is_empty() {
            return Err(Failure::NotEmitted);
        }
        let time = |written: Option<String>| written.ok_or(Failure::TimestampUnreadable);
        let (now, expires) = match &self.timestamp {
            Some(timestamp) => (time(timestamp.write(now_millis))?, time(timestamp.write_expiry(now_millis))?),
            None => (String::new(), String::new()),
        };
        let zeros = Tag::zeros(self.algorithms.usual()).encode(self.encoding);
        let algorithm = self.algorithms.usual_name();
        let emission = Emission { signature: &zeros, now: &now, now_millis, expires: &expires, nonce, algorithm };
        let signing = Signing { view: *view, key_id, emission };
        let mut unsigned = Emitted { headers: Vec::with_capacity(self.emit.len()), target: None };
        self.write(signing, Holds::NoSignature, &mut unsigned)?;
        let mut draft = unsigned.clone();
        self.write(signing, Holds::Signature, &mut draft)?;
        let signature = self.signature_over(signing, &draft, key)?.encode(self.encoding);
        let emission = Emission { signature: &signature, ..emission };
        self.write(Signing { emission, ..signing }, Holds::Signature, &mut unsigned)?;
        Ok(unsigned)
    }

    fn write(&self, signing: Signing<'_>, which: Holds, emitted: &mut Emitted) -> Result<(), Failure> {
        for (place, template) in self.emit.iter().filter(|(_, template)| self.holds(template) == which) {
            let mut value = Vec::new();
            let overlay = Overlay { base: signing.view.headers, set: &emitted.headers };
            let target = emitted.target.as_deref().unwrap_or(signing.view.target);
            let view = View { headers: &overlay, target, ..signing.view };
            let key_id = signing.key_id.map(str::as_bytes);
            let evaluation = Evaluation::of(self, view, key_id).emitting(signing.emission);
            template.render_with(&evaluation, Escape::Header, &mut value)?;
            match place {
                Place::Header(name) => {
                    let value = String::from_utf8(value).map_err(|_| Failure::unreadable(name, Why::Unwritable))?;
                    emitted.headers.push((name.clone(), value));
                }
                Place::Query(name) => {
                    let value = percent_encoded(&value, b"");
                    let changed = replaced(target, name, &value);
                    emitted.target = Some(changed.ok_or_else(|| Failure::unreadable("query", Why::Malformed))?);
                }
            }
        }
        Ok(())
    }

    fn signature_over(&self, signing: Signing<'_>, draft: &Emitted, key: &PreparedKey) -> Result<Tag, Failure> {
        let overlay = Overlay { base: signing.view.headers, set: &draft.headers };
        let target = draft.target.as_deref().unwrap_or(signing.view.target);
        let view = View { headers: &overlay, target, ..signing.view };
        // The id that a verifier will read out of the request, whatever the caller's was for.
        let in_request = self.key_id.as_ref().map(|template| read_key_id(&Evaluation::of(self, view, None), template));
        let in_request = in_request.transpose()?;
        let key_id = in_request.as_deref().or(signing.key_id.map(str::as_bytes));
        let evaluation = Evaluation::of(self, view, key_id).emitting(signing.emission);
        let algorithm = self.algorithms.usual();
        if !algorithm.is_hmac() {
            let mut message = Vec::new();
            evaluation.feed(&self.message, &mut |piece| message.extend_from_slice(piece))?;
            return key.sign(algorithm, &message).ok_or(Failure::NotSigning);
        }
        let mut mac = key.mac(algorithm).ok_or(Failure::NotSigning)?;
        if let Some(chain) = &self.key_chain {
            mac = chain.derived(mac, algorithm, &chain.texts(&evaluation)?).ok_or(Failure::NotSigning)?;
        }
        evaluation.feed(&self.message, &mut |piece| mac.update(piece))?;
        Ok(mac.finish())
    }

    fn holds(&self, template: &Template) -> Holds {
        let mut sources = template.chains().flat_map(Chain::alternatives).map(|chain| &chain.source);
        match sources.any(|source| matches!(source, Source::Signature)) {
            true => Holds::Signature,
            false => Holds::NoSignature,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Signature,
    NoSignature,
}

/// The request's headers with those already written in their place.
struct Overlay<'a> {
    base: &'a dyn Headers,
    set: &'a [(String, String)],
}

impl Headers for Overlay<'_> {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        match self.set.iter().find(|(set, _)| set.eq_ignore_ascii_case(name)) {
            Some((_, value)) => visit(value.trim_ascii().as_bytes()),
            None => self.base.each(name, visit),
        }
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        self.base.names(visit);
        self.set.iter().for_each(|(name, _)| visit(name));
    }
}
