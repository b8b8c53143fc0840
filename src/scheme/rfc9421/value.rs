//! The value of a covered component (RFC 9421 sections 2.1 and 2.2): out of the request, or out of the answer to it.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    component::{Component, Derived, Form, Name},
    query,
    structured::{self, Member},
};
use crate::scheme::{AnswerView, Failure, Headers, View, Why};

/// What is signed: a request, or an answer with the request that it answers.
#[derive(Clone, Copy)]
pub(super) enum Message<'a> {
    Request(&'a View<'a>),
    Answer(&'a AnswerView<'a>),
}

/// What kind of structured field a header is (RFC 9651 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// One value with parameters.
    Item,
    /// A list.
    List,
    /// A dictionary.
    Dictionary,
}

/// Structured fields by their names in lower case, as far as the scheme says more than is known.
pub(super) type FieldTypes = Vec<(String, FieldType)>;

/// Fields that are structured by their own specifications.
const KNOWN: [(&str, FieldType); 13] = [
    ("accept-signature", FieldType::Dictionary),
    ("cache-status", FieldType::List),
    ("cdn-cache-control", FieldType::Dictionary),
    ("client-cert", FieldType::Item),
    ("client-cert-chain", FieldType::List),
    ("content-digest", FieldType::Dictionary),
    ("priority", FieldType::Dictionary),
    ("proxy-status", FieldType::List),
    ("repr-digest", FieldType::Dictionary),
    ("signature", FieldType::Dictionary),
    ("signature-input", FieldType::Dictionary),
    ("want-content-digest", FieldType::Dictionary),
    ("want-repr-digest", FieldType::Dictionary),
];

/// The component's value, one line of visible characters, spaces and tabs.
///
/// # Errors
/// The message does not have it, has it twice where that means two things, or has bytes in it that no line can hold.
pub(super) fn value(component: &Component, message: Message<'_>, types: &FieldTypes) -> Result<String, Failure> {
    let (request, answer) = match message {
        Message::Request(_) if component.of_request => return Err(misplaced(component)),
        Message::Request(view) => (Some(view), None),
        Message::Answer(answer) if component.of_request => (Some(&answer.request), None),
        Message::Answer(answer) => (None, Some(answer)),
    };
    let value = match (&component.name, request, answer) {
        (Name::Derived(Derived::Status), None, Some(answer)) => answer.status.to_string(),
        (Name::Derived(derived), Some(view), _) => derived_value(derived, view, component)?,
        (Name::Derived(_), ..) => return Err(misplaced(component)),
        (Name::Field(name, form), Some(view), _) => field_value(name, form, view.headers, types, component)?,
        (Name::Field(name, form), _, Some(answer)) => field_value(name, form, answer.headers, types, component)?,
        (Name::Field(..), None, None) => return Err(misplaced(component)),
    };
    // A line break in it could pass for the next component; anything beyond ASCII is for `bs` (section 2.1).
    match value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        true => Ok(value),
        false => Err(Failure::unreadable(component, Why::Unwritable)),
    }
}

fn misplaced(component: &Component) -> Failure {
    Failure::NotUnderstood { what: format!("{component} here") }
}

fn derived_value(derived: &Derived, view: &View<'_>, component: &Component) -> Result<String, Failure> {
    Ok(match derived {
        Derived::Method => view.method.to_owned(),
        Derived::TargetUri => format!("{}://{}{}", view.scheme, authority(view), view.target),
        Derived::Authority => authority(view),
        Derived::Scheme => view.scheme.to_ascii_lowercase(),
        Derived::RequestTarget => view.target.to_owned(),
        Derived::Path if view.path().is_empty() => "/".to_owned(),
        Derived::Path => view.path().to_owned(),
        Derived::Query => format!("?{}", view.query()),
        Derived::QueryParameter(name) => {
            query::parameter(view.query(), name).map_err(|why| Failure::unreadable(component, why))?
        }
        Derived::Status => return Err(misplaced(component)),
    })
}

/// In lower case, and without the port that the scheme has anyway (RFC 9421 section 2.2.3).
fn authority(view: &View<'_>) -> String {
    let (host, port) = view.host_and_port();
    if port == view.usual_port() { host.to_ascii_lowercase() } else { view.authority.to_ascii_lowercase() }
}

fn field_value(
    name: &str,
    form: &Form,
    headers: &dyn Headers,
    types: &FieldTypes,
    component: &Component,
) -> Result<String, Failure> {
    let unreadable = |why| Failure::unreadable(component, why);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    headers.each(name, &mut |line| lines.push(line.to_vec()));
    if lines.is_empty() {
        return Err(unreadable(Why::Absent));
    }
    let malformed = || unreadable(Why::Malformed);
    let field_type =
        || types.iter().map(|(own, kind)| (own.as_str(), *kind)).chain(KNOWN).find(|(own, _)| *own == name);
    match form {
        Form::Plain => String::from_utf8(lines.join(&b", "[..])).map_err(|_| unreadable(Why::Unwritable)),
        Form::Bytes => {
            let lines: Vec<String> = lines.iter().map(|line| format!(":{}:", BASE64_STANDARD.encode(line))).collect();
            Ok(lines.join(", "))
        }
        Form::Structured => {
            let (_, kind) = field_type().ok_or_else(|| unreadable(Why::NotStructured))?;
            canonical(&lines.join(&b", "[..]), kind).ok_or_else(malformed)
        }
        Form::Member(key) => {
            if field_type().is_some_and(|(_, kind)| kind != FieldType::Dictionary) {
                return Err(unreadable(Why::NotStructured));
            }
            let dictionary = structured::dictionary(&lines.join(&b", "[..])).ok_or_else(malformed)?;
            let member = dictionary.iter().find(|(own, _)| own.as_str() == key);
            Ok(write_member(&member.ok_or_else(|| unreadable(Why::Absent))?.1))
        }
    }
}

fn canonical(field: &[u8], kind: FieldType) -> Option<String> {
    Some(match kind {
        FieldType::Item => structured::write_item(&structured::item(field)?),
        FieldType::List => structured::write_list(&structured::list(field)?),
        FieldType::Dictionary => structured::write_dictionary(&structured::dictionary(field)?),
    })
}

fn write_member(member: &Member) -> String {
    match member {
        Member::Item(item) => structured::write_item(item),
        Member::InnerList(list) => structured::write_inner_list(list),
    }
}
