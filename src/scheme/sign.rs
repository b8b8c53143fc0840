//! Signing: the scheme's own headers, written so that [`Scheme::verify`] accepts them.

use super::{
    Escape, Failure, Headers, MacKey, Scheme, Template, View, Why,
    claimed::read_key_id,
    evaluate::{Emission, Evaluation},
    template::Source,
};

impl Scheme {
    /// The headers to set on the request. `nonce` is the caller's, random and visible.
    ///
    /// Headers that hold no signature are written first, in order, and are seen by the message and by those after
    /// them; what else the message needs (a JSON field, say) must be in the request already.
    pub fn sign(
        &self,
        view: &View<'_>,
        key: &MacKey,
        key_id: Option<&str>,
        now_millis: i64,
        nonce: &str,
    ) -> Result<Vec<(String, String)>, Failure> {
        if self.emit.is_empty() {
            return Err(Failure::NotEmitted);
        }
        let now = match &self.timestamp {
            Some(timestamp) => timestamp.write(now_millis).ok_or(Failure::TimestampUnreadable)?,
            None => String::new(),
        };
        let mut headers = Vec::with_capacity(self.emit.len());
        let unsigned = Emission { signature: "", now: &now, nonce };
        self.write_headers(view, key_id, unsigned, Holds::NoSignature, &mut headers)?;
        let signature = self.signature_over(&headers, view, key, key_id, unsigned)?;
        self.write_headers(
            view,
            key_id,
            Emission { signature: &signature, ..unsigned },
            Holds::Signature,
            &mut headers,
        )?;
        Ok(headers)
    }

    fn write_headers(
        &self,
        view: &View<'_>,
        key_id: Option<&str>,
        emission: Emission<'_>,
        which: Holds,
        headers: &mut Vec<(String, String)>,
    ) -> Result<(), Failure> {
        for (name, template) in self.emit.iter().filter(|(_, template)| self.holds(template) == which) {
            let mut value = Vec::new();
            let overlay = Overlay { base: view.headers, set: headers };
            let view = View { headers: &overlay, ..*view };
            let evaluation = Evaluation::of(self, view, key_id.map(str::as_bytes)).emitting(emission);
            template.render_with(&evaluation, Escape::Header, &mut value)?;
            let value = String::from_utf8(value).map_err(|_| Failure::unreadable(name, Why::Unwritable))?;
            headers.push((name.clone(), value));
        }
        Ok(())
    }

    fn signature_over(
        &self,
        headers: &[(String, String)],
        view: &View<'_>,
        key: &MacKey,
        key_id: Option<&str>,
        emission: Emission<'_>,
    ) -> Result<String, Failure> {
        let overlay = Overlay { base: view.headers, set: headers };
        let view = View { headers: &overlay, ..*view };
        // The id that a verifier will read out of the request, whatever the caller's was for.
        let in_request = self.key_id.as_ref().map(|template| read_key_id(&Evaluation::of(self, view, None), template));
        let in_request = in_request.transpose()?;
        let key_id = in_request.as_deref().or(key_id.map(str::as_bytes));
        let mut mac = key.clone();
        let evaluation = Evaluation::of(self, view, key_id).emitting(emission);
        evaluation.feed(&self.message, &mut |piece| mac.update(piece))?;
        Ok(mac.finish().encode(self.encoding))
    }

    fn holds(&self, template: &Template) -> Holds {
        match template.chains().any(|chain| matches!(chain.source, Source::Signature)) {
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
}
