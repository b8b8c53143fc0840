//! What a request claims before anything is verified: signature, key id, time. Read once, strictly.

use smallvec::{SmallVec, smallvec};

use super::{
    Algorithm, Body, Carrier, Dialect, Failure, Misspelt, Several, View, Why,
    evaluate::Evaluation,
    tag::Tag,
    template::{Filter, Scratch, Source, Template},
    values::NamedValue,
};

/// Longest key id in bytes.
const LONGEST_KEY_ID: usize = 256;
/// Signatures that one request may bring.
const MOST_CANDIDATES: usize = 8;

/// What a request claims. Made by [`Dialect::read`] alone.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    pub(super) signatures: SmallVec<[Tag; 1]>,
    pub(super) algorithm: Algorithm,
    key_id: Option<SmallVec<[u8; 64]>>,
    signed_millis: Option<i64>,
    time_millis: Option<i64>,
    pub(super) admitted_until: Option<i64>,
    complete: bool,
}

/// Whether a request uses a scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The carrier is there and not empty.
    Yes,
    /// It is not.
    No,
    /// Only the body can tell, and it is not in memory.
    Unknown,
}

/// Which claims can be read only once the body is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenUntilBody {
    pub(super) signature: bool,
    pub(super) key_id: bool,
    pub(super) timestamp: bool,
}

impl Claims {
    /// The key id: 1 to 256 visible bytes. `None` if the scheme has none, or the body must be read first.
    pub(super) fn key_id(&self) -> Option<&[u8]> {
        self.key_id.as_deref()
    }

    /// When it says that it was signed, in milliseconds since 1970.
    pub(super) fn signed_millis(&self) -> Option<i64> {
        self.signed_millis
    }

    /// The stated time in milliseconds since 1970: that of signing, or else the one until which the signature is good.
    pub(super) fn time_millis(&self) -> Option<i64> {
        self.time_millis
    }

    /// Whether all claims are read; otherwise [`Dialect::read`] must be called again with the body.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn ready(&self) -> Result<(), Failure> {
        match self.complete {
            true => Ok(()),
            false => Err(Failure::unreadable("body", Why::BodyUnread)),
        }
    }
}

impl Dialect {
    /// Whether the request carries a signature of this scheme. One that is ill-typed or came twice is there.
    pub(super) fn is_present(&self, view: &View<'_>) -> Presence {
        let in_body = matches!(self.carrier, Carrier::Json(_) | Carrier::Form(_));
        if in_body && !matches!(view.body, Body::Memory(_)) {
            return Presence::Unknown;
        }
        match self.carried(&Evaluation::of(self, *view, None).refusing_repeated()) {
            Ok(_) => Presence::Yes,
            Err(Failure::MissingSignature) => Presence::No,
            Err(failure) if failure.is_no_json() && matches!(self.carrier, Carrier::Json(_)) => Presence::No,
            Err(_) => Presence::Yes,
        }
    }

    /// Reads what the request claims, and refuses what can be refused without a key.
    ///
    /// With [`Body::Unread`] only what the head shows is read and checked; the rest stays open.
    pub(super) fn read(&self, view: &View<'_>, now_millis: i64) -> Result<Box<Claims>, Failure> {
        let held = !matches!(view.body, Body::Unread);
        let open = self.open_until_body;
        let evaluation = Evaluation::of(self, *view, None).refusing_repeated();
        // Where it stays from its beginning, for it is handed on often.
        let mut claimed = Box::new(Claims {
            signatures: SmallVec::new(),
            algorithm: self.algorithms.usual(),
            key_id: None,
            signed_millis: None,
            time_millis: None,
            admitted_until: None,
            complete: true,
        });
        match held || !open.signature {
            true => {
                self.read_signatures(&evaluation, &mut claimed)?;
            }
            false => claimed.complete = false,
        }
        match &self.key_id {
            Some(template) if held || !open.key_id => claimed.key_id = Some(read_key_id(&evaluation, template)?),
            Some(_) => claimed.complete = false,
            None => {}
        }
        match &self.timestamp {
            Some(timestamp) if held || !open.timestamp => {
                let times = timestamp.judge(&evaluation, now_millis)?;
                claimed.signed_millis = times.signed;
                claimed.time_millis = times.stated;
                claimed.admitted_until = times.admitted_until;
            }
            Some(_) => claimed.complete = false,
            None => {}
        }
        Ok(claimed)
    }

    fn read_signatures(&self, evaluation: &Evaluation<'_>, claimed: &mut Claims) -> Result<(), Failure> {
        // Nearly always there is one, alone in its header.
        if let Some(text) = evaluation.lone_header(&self.signature).filter(|text| !text.is_empty())
            && self.several == Several::No
        {
            claimed.algorithm = self.algorithms.claimed(evaluation)?;
            let tag = Tag::decode(text, self.encoding, claimed.algorithm);
            let tag = tag.ok_or_else(|| self.misspelt(text, claimed.algorithm))?;
            claimed.signatures.push(tag);
            return Ok(());
        }
        // A request without a signature lacks just that, whatever else it lacks.
        let carried = self.carried(evaluation).map_err(of_carrier)?;
        claimed.algorithm = self.algorithms.claimed(evaluation)?;
        claimed.signatures = self.decoded(evaluation, carried, claimed.algorithm)?;
        Ok(())
    }

    /// Each signature as it came; where the carrier's filters take it, without what they take off.
    pub(super) fn as_they_came(&self, evaluation: &Evaluation<'_>) -> Result<Vec<Vec<u8>>, Failure> {
        let carried = self.carried(evaluation)?;
        let each = match self.several {
            Several::No => vec![self.only_one(evaluation, carried)?],
            Several::Split(_) | Several::Pairs => self.each_one(evaluation, &carried)?,
        };
        let filters = || self.signature.filters.iter().skip_while(|filter| matches!(filter, Filter::AuthScheme(_)));
        Ok(each.into_iter().map(|text| filtered(text.clone(), filters()).unwrap_or(text).to_vec()).collect())
    }

    /// The carrier's text as a whole, before it is taken apart.
    fn carried(&self, evaluation: &Evaluation<'_>) -> Result<Scratch, Failure> {
        let text = match (&self.signature.source, self.signature.filters.first()) {
            (Source::Field(index, ..), _) => match self.values.get(*index) {
                Some(NamedValue::Fields(fields)) => evaluation.collect(&fields.from),
                _ => Err(Failure::MissingSignature),
            },
            // Credentials under another name are another scheme's.
            (source, Some(filter @ Filter::AuthScheme(_))) => evaluation.raw(&self.signature).and_then(|mut raw| {
                filter.apply(&mut raw).map_err(|why| Failure::unreadable(source, why))?;
                Ok(raw)
            }),
            _ => evaluation.raw(&self.signature),
        };
        match text {
            Ok(text) if text.is_empty() => Err(Failure::MissingSignature),
            Err(failure) if failure.is_absence() => Err(Failure::MissingSignature),
            Err(failure) if failure.is_repetition() => Err(Failure::AmbiguousCarrier),
            other => other,
        }
    }

    /// The signatures in it. Of several, those that are none of this scheme's are passed over.
    fn decoded(
        &self,
        evaluation: &Evaluation<'_>,
        carried: Scratch,
        algorithm: Algorithm,
    ) -> Result<SmallVec<[Tag; 1]>, Failure> {
        // Of the carrier's own text the name of the authentication scheme is stripped already.
        let filters = || self.signature.filters.iter().skip_while(|filter| matches!(filter, Filter::AuthScheme(_)));
        let decode = |text| Tag::decode(&filtered(text, filters())?, self.encoding, algorithm);
        if self.several == Several::No {
            let text = self.only_one(evaluation, carried)?;
            let Some(bare) = filtered(text, filters()) else { return Err(self.unframed(evaluation, algorithm)) };
            let tag = Tag::decode(&bare, self.encoding, algorithm);
            return Ok(smallvec![tag.ok_or_else(|| self.misspelt(&bare, algorithm))?]);
        }
        let written = self.each_one(evaluation, &carried)?;
        let signatures: SmallVec<[Tag; 1]> = written.into_iter().filter_map(decode).collect();
        if signatures.is_empty() { Err(Failure::Undecodable) } else { Ok(signatures) }
    }

    /// For the log: what a client wrote that cannot be decoded.
    #[cold]
    fn misspelt(&self, text: &[u8], algorithm: Algorithm) -> Failure {
        Failure::Misspelt(Misspelt::of(text, self.encoding, algorithm))
    }

    /// The same of one whose filters refuse it. It is read once more, for no good request is to pay for a copy.
    #[cold]
    fn unframed(&self, evaluation: &Evaluation<'_>, algorithm: Algorithm) -> Failure {
        let text = self.carried(evaluation).and_then(|carried| self.only_one(evaluation, carried)).unwrap_or_default();
        Failure::Misspelt(Misspelt::of(&text, self.encoding, algorithm).without_its_frame())
    }

    fn only_one(&self, evaluation: &Evaluation<'_>, carried: Scratch) -> Result<Scratch, Failure> {
        let Source::Field(index, _, name) = &self.signature.source else { return Ok(carried) };
        let one = evaluation.parsed(*index).and_then(|all| all.one(name).map_err(|why| Failure::unreadable(name, why)));
        one.map(Scratch::from_slice).map_err(of_carrier)
    }

    /// Each signature as it is written.
    fn each_one(&self, evaluation: &Evaluation<'_>, carried: &[u8]) -> Result<Vec<Scratch>, Failure> {
        let each: Vec<Scratch> = match (&self.several, &self.signature.source) {
            (Several::Split(separator), _) => {
                let text = std::str::from_utf8(carried).map_err(|_| Failure::Undecodable)?;
                let pieces = text.split(separator.as_str()).take(MOST_CANDIDATES + 1);
                pieces.map(|piece| Scratch::from_slice(piece.as_bytes())).collect()
            }
            (_, Source::Field(index, _, name)) => {
                evaluation.parsed(*index).map_err(of_carrier)?.all(name).map(Scratch::from_slice).collect()
            }
            _ => vec![Scratch::from_slice(carried)],
        };
        if each.len() > MOST_CANDIDATES { Err(Failure::Undecodable) } else { Ok(each) }
    }
}

/// What is wrong with a carrier that is there.
fn of_carrier(failure: Failure) -> Failure {
    match failure {
        failure if failure.is_repetition() => Failure::AmbiguousCarrier,
        Failure::Unreadable { why: Why::Absent | Why::WrongType | Why::Refused, .. } => Failure::Undecodable,
        other => other,
    }
}

fn filtered<'f>(mut text: Scratch, filters: impl Iterator<Item = &'f Filter>) -> Option<Scratch> {
    for filter in filters {
        filter.apply(&mut text).ok()?;
    }
    Some(text)
}

pub(super) fn read_key_id(evaluation: &Evaluation<'_>, template: &Template) -> Result<SmallVec<[u8; 64]>, Failure> {
    match template.lone_chain().and_then(|chain| evaluation.lone_header(chain)) {
        Some(id) => sound_key_id(id),
        None => sound_key_id(&evaluation.collect(template)?),
    }
}

fn sound_key_id(id: &[u8]) -> Result<SmallVec<[u8; 64]>, Failure> {
    let is_sound = (1..=LONGEST_KEY_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic);
    if is_sound { Ok(SmallVec::from_slice(id)) } else { Err(Failure::KeyIdUnreadable) }
}
