//! What a message says of its signatures (RFC 9421 section 4): `Signature-Input` and `Signature`, and which one is meant.

use sfv::BareItem;

use super::{
    component::Component,
    structured::{self, Dictionary, InnerList, Item, Member},
};
use crate::scheme::{Failure, Headers};

/// The two headers, in lower case.
pub(super) const INPUT: &str = "signature-input";
pub(super) const SIGNATURE: &str = "signature";

/// Signatures that one message may bring.
pub(super) const MOST_SIGNATURES: usize = 8;
/// Components that one signature may cover: each is read, and its value written, before anything is proven.
const MOST_COMPONENTS: usize = 32;

/// A signature as it is claimed.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) components: Vec<Component>,
    pub(super) stated: Stated,
    /// The value of `@signature-params`: the covered components and what is stated, canonically (section 2.3).
    pub(super) parameters: String,
    pub(super) signature: Signature,
}

/// What a signature says of itself (section 2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stated {
    /// Seconds since 1970.
    pub(super) created: Option<i64>,
    /// Seconds since 1970.
    pub(super) expires: Option<i64>,
    pub(super) nonce: Option<String>,
    pub(super) algorithm: Option<String>,
    pub(super) key_id: Option<String>,
    pub(super) tag: Option<String>,
}

/// A signature's bytes.
#[derive(Clone)]
pub(super) struct Signature(pub(super) Vec<u8>);

/// Which of a message's signatures is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// That of this label.
    Label(String),
    /// That of this tag.
    Tag(String),
    /// The only one.
    Only,
}

/// The signature that is meant, whole and understood.
///
/// # Errors
/// There is none, the choice is between several, or the headers are not what they must be.
pub(super) fn read(headers: &dyn Headers, choice: &Choice) -> Result<Input, Failure> {
    let (inputs, signatures) = (field(headers, INPUT), field(headers, SIGNATURE));
    if inputs.is_empty() && signatures.is_empty() {
        return Err(Failure::MissingSignature);
    }
    let written = signatures;
    let (inputs, mut signatures) = (signatures_of(&inputs)?, signatures_of(&written)?);
    let index = chosen(&inputs, choice)?;
    let (label, member) = inputs.into_iter().nth(index).ok_or(Failure::MissingSignature)?;
    let Member::InnerList(list) = member else { return Err(Failure::Undecodable) };
    let at = signatures.iter().position(|(own, _)| *own == label).ok_or(Failure::Undecodable)?;
    let Member::Item(Item { value: BareItem::ByteSequence(bytes), parameters }) = signatures.swap_remove(at).1 else {
        return Err(Failure::Undecodable);
    };
    if !parameters.is_empty() || bytes.is_empty() || !is_canonical(&bytes, &written) {
        return Err(Failure::Undecodable);
    }
    let parameters = structured::write_inner_list(&list);
    let stated = Stated::of(&list)?;
    let components = components(list)?;
    Ok(Input { components, stated, parameters, signature: Signature(bytes) })
}

/// Whether any line of the two headers says anything.
pub(super) fn is_present(headers: &dyn Headers) -> bool {
    [INPUT, SIGNATURE].into_iter().any(|name| !field(headers, name).is_empty())
}

/// Whether the bytes stand there in their one canonical spelling. The structured fields' own readers let padding go.
fn is_canonical(bytes: &[u8], field: &[u8]) -> bool {
    let spelling = structured::write_item(&Item::plain(bytes));
    memchr::memmem::find(field, spelling.as_bytes()).is_some()
}

fn field(headers: &dyn Headers, name: &str) -> Vec<u8> {
    let mut joined = Vec::new();
    headers.each(name, &mut |line| {
        // An empty line adds no member (RFC 9110 section 5.6.1).
        if !line.is_empty() {
            if !joined.is_empty() {
                joined.extend_from_slice(b", ");
            }
            joined.extend_from_slice(line);
        }
    });
    joined
}

fn signatures_of(field: &[u8]) -> Result<Dictionary, Failure> {
    let dictionary = structured::dictionary(field).ok_or(Failure::Undecodable)?;
    if dictionary.is_empty() || dictionary.len() > MOST_SIGNATURES {
        return Err(Failure::Undecodable);
    }
    Ok(dictionary)
}

/// The place of the signature that is meant.
fn chosen(inputs: &Dictionary, choice: &Choice) -> Result<usize, Failure> {
    let is_meant = |(label, member): &(sfv::Key, Member)| match choice {
        Choice::Label(wanted) => label.as_str() == wanted,
        Choice::Tag(wanted) => tag(member) == Some(wanted),
        Choice::Only => true,
    };
    let mut meant = inputs.iter().enumerate().filter(|(_, input)| is_meant(input));
    match (meant.next(), meant.next()) {
        (None, _) => Err(Failure::MissingSignature),
        (Some((index, _)), None) => Ok(index),
        (Some(_), Some(_)) => Err(Failure::AmbiguousCarrier),
    }
}

fn tag(member: &Member) -> Option<&str> {
    let Member::InnerList(list) = member else { return None };
    list.parameters.iter().find_map(|(key, value)| match value {
        BareItem::String(tag) if key.as_str() == "tag" => Some(tag.as_str()),
        _ => None,
    })
}

fn components(list: InnerList) -> Result<Vec<Component>, Failure> {
    if list.items.len() > MOST_COMPONENTS {
        return Err(Failure::Undecodable);
    }
    let mut components: Vec<Component> = Vec::with_capacity(list.items.len());
    for item in list.items {
        let component = Component::of(item)?;
        if components.iter().any(|known| known.is(&component)) {
            return Err(Failure::NotUnderstood { what: format!("{component} twice") });
        }
        components.push(component);
    }
    Ok(components)
}

impl Stated {
    fn of(list: &InnerList) -> Result<Stated, Failure> {
        let mut stated = Stated::default();
        for (key, value) in &list.parameters {
            match (key.as_str(), value) {
                ("created", BareItem::Integer(time)) => stated.created = Some(seconds(*time)?),
                ("expires", BareItem::Integer(time)) => stated.expires = Some(seconds(*time)?),
                ("nonce", BareItem::String(text)) => stated.nonce = Some(text.as_str().to_owned()),
                ("alg", BareItem::String(text)) => stated.algorithm = Some(text.as_str().to_owned()),
                ("keyid", BareItem::String(text)) => stated.key_id = Some(text.as_str().to_owned()),
                ("tag", BareItem::String(text)) => stated.tag = Some(text.as_str().to_owned()),
                (key, _) => return Err(Failure::NotUnderstood { what: key.chars().take(80).collect() }),
            }
        }
        Ok(stated)
    }
}

fn seconds(time: sfv::Integer) -> Result<i64, Failure> {
    let seconds = i64::from(time);
    if seconds < 0 { Err(Failure::TimestampUnreadable) } else { Ok(seconds) }
}

impl std::fmt::Debug for Signature {
    /// Claimed signatures do not belong in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({} bytes)", self.0.len())
    }
}
