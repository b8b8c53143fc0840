//! What a request claims before anything is verified: signature, key id, time. Read once, strictly.

use smallvec::SmallVec;

use super::{
    Body, Carrier, Failure, Scheme, View, Why,
    evaluate::Evaluation,
    mac::Tag,
    template::{Scratch, Template},
};

/// Longest key id in bytes.
const LONGEST_KEY_ID: usize = 256;

/// What a request claims. Made by [`Scheme::read`] alone.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub(super) signatures: SmallVec<[Tag; 1]>,
    key_id: Option<SmallVec<[u8; 64]>>,
    time_millis: Option<i64>,
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

impl Claimed {
    /// The key id: 1 to 256 visible bytes. `None` if the scheme has none, or the body must be read first.
    pub fn key_id(&self) -> Option<&[u8]> {
        self.key_id.as_deref()
    }

    /// The stated time in milliseconds since 1970.
    pub fn time_millis(&self) -> Option<i64> {
        self.time_millis
    }

    /// Whether all claims are read; otherwise [`Scheme::read`] must be called again with the body.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn ready(&self) -> Result<(), Failure> {
        match self.complete {
            true => Ok(()),
            false => Err(Failure::unreadable("body", Why::BodyUnread)),
        }
    }
}

impl Scheme {
    /// Whether the request carries a signature of this scheme. One that is ill-typed or came twice is there.
    pub fn is_present(&self, view: &View<'_>) -> Presence {
        let in_body = matches!(self.carrier, Carrier::Json(_) | Carrier::Form(_));
        if in_body && !matches!(view.body, Body::Memory(_)) {
            return Presence::Unknown;
        }
        match self.carried(&Evaluation::of(self, *view, None).refusing_repeated()) {
            Ok(_) => Presence::Yes,
            Err(Failure::MissingSignature) => Presence::No,
            Err(Failure::Unreadable { why: Why::Malformed, .. }) if matches!(self.carrier, Carrier::Json(_)) => {
                Presence::No
            }
            Err(_) => Presence::Yes,
        }
    }

    /// Reads what the request claims, and refuses what can be refused without a key.
    ///
    /// With [`Body::Unread`] only what the head shows is read and checked; the rest stays open.
    pub fn read(&self, view: &View<'_>, now_millis: i64) -> Result<Claimed, Failure> {
        let held = !matches!(view.body, Body::Unread);
        let open = self.open_until_body;
        let evaluation = Evaluation::of(self, *view, None).refusing_repeated();
        let mut claimed = Claimed { signatures: SmallVec::new(), key_id: None, time_millis: None, complete: true };
        match held || !open.signature {
            true => claimed.signatures.push(self.decoded(&evaluation)?),
            false => claimed.complete = false,
        }
        match &self.key_id {
            Some(template) if held || !open.key_id => claimed.key_id = Some(read_key_id(&evaluation, template)?),
            Some(_) => claimed.complete = false,
            None => {}
        }
        match &self.timestamp {
            Some(timestamp) if held || !open.timestamp => {
                let text = evaluation.collect(&timestamp.from)?;
                claimed.time_millis = Some(timestamp.judge(&text, now_millis)?);
            }
            Some(_) => claimed.complete = false,
            None => {}
        }
        Ok(claimed)
    }

    /// The carrier's value, before its filters.
    fn carried(&self, evaluation: &Evaluation<'_>) -> Result<Scratch, Failure> {
        match evaluation.raw(&self.signature) {
            Ok(value) if value.is_empty() => Err(Failure::MissingSignature),
            Err(failure) if failure.is_absence() => Err(Failure::MissingSignature),
            other => other,
        }
    }

    fn decoded(&self, evaluation: &Evaluation<'_>) -> Result<Tag, Failure> {
        let text = self.carried(evaluation).and_then(|raw| self.signature.filtered(raw));
        match text {
            Ok(text) => Tag::decode(&text, self.encoding, self.algorithm).ok_or(Failure::Undecodable),
            Err(failure) if failure.is_repetition() => Err(Failure::AmbiguousCarrier),
            Err(Failure::Unreadable { why: Why::WrongType | Why::Refused, .. }) => Err(Failure::Undecodable),
            Err(failure) => Err(failure),
        }
    }
}

pub(super) fn read_key_id(evaluation: &Evaluation<'_>, template: &Template) -> Result<SmallVec<[u8; 64]>, Failure> {
    let id = evaluation.collect(template)?;
    let is_sound = (1..=LONGEST_KEY_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic);
    match is_sound {
        true => Ok(SmallVec::from_slice(&id)),
        false => Err(Failure::KeyIdUnreadable),
    }
}
