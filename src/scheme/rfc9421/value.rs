//! The value of a covered component (RFC 9421 sections 2.1 and 2.2): out of the request, or out of the answer to it.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    component::{Component, Derived, Form, Name},
    query::Query,
    structured::{self, Dictionary, Member},
};
use crate::scheme::{AnswerView, Failure, Headers, View, Why, twins};

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

/// What is taken apart for one of its members, once however many of them are covered: a request lists them before anything of it is
/// proven.
#[derive(Default)]
pub(super) struct ReadOnce {
    /// By the field's name, and whether it is that of the request which is answered.
    dictionaries: Vec<((String, bool), Dictionary)>,
    query: Option<Query>,
}

impl ReadOnce {
    fn dictionary(&mut self, name: &str, of_request: bool, field: &[u8]) -> Option<&Dictionary> {
        let is_it = |(own, of): &(String, bool)| own == name && *of == of_request;
        let at = match self.dictionaries.iter().position(|(which, _)| is_it(which)) {
            Some(at) => at,
            None => {
                self.dictionaries.push(((name.to_owned(), of_request), structured::dictionary(field)?));
                self.dictionaries.len() - 1
            }
        };
        self.dictionaries.get(at).map(|(_, dictionary)| dictionary)
    }

    /// There is one in a message: an answer has none of its own.
    fn query(&mut self, query: &str) -> Result<&Query, Why> {
        let read = match self.query.take() {
            Some(read) => read,
            None => Query::read(query)?,
        };
        Ok(self.query.insert(read))
    }
}

/// The component's value, one line of visible characters, spaces and tabs.
///
/// # Errors
/// The message does not have it, has it twice where that means two things, or has bytes in it that no line can hold.
pub(super) fn value(
    component: &Component,
    message: Message<'_>,
    types: &FieldTypes,
    read: &mut ReadOnce,
) -> Result<String, Failure> {
    let (request, answer) = match message {
        Message::Request(_) if component.of_request => return Err(misplaced(component)),
        Message::Request(view) => (Some(view), None),
        Message::Answer(answer) if component.of_request => (Some(&answer.request), None),
        Message::Answer(answer) => (None, Some(answer)),
    };
    let value = match (&component.name, request, answer) {
        (Name::Derived(Derived::Status), None, Some(answer)) => answer.status.to_string(),
        (Name::Derived(derived), Some(view), _) => derived_value(derived, view, component, read)?,
        (Name::Derived(_), ..) => return Err(misplaced(component)),
        (Name::Field(name, _), Some(view), None) if twins::has_twin(view.headers, name) => {
            return Err(Failure::unreadable(component, Why::Twin));
        }
        (Name::Field(name, form), Some(view), _) => field_value((name, form), view.headers, types, component, read)?,
        (Name::Field(name, form), _, Some(answer)) => {
            field_value((name, form), answer.headers, types, component, read)?
        }
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

fn derived_value(
    derived: &Derived,
    view: &View<'_>,
    component: &Component,
    read: &mut ReadOnce,
) -> Result<String, Failure> {
    let unreadable = |why| Failure::unreadable(component, why);
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
            let query = read.query(view.query()).map_err(unreadable)?;
            query.parameter(name).map_err(unreadable)?.to_owned()
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
    (name, form): (&str, &Form),
    headers: &dyn Headers,
    types: &FieldTypes,
    component: &Component,
    read: &mut ReadOnce,
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
            let field = lines.join(&b", "[..]);
            let dictionary = read.dictionary(name, component.of_request, &field).ok_or_else(malformed)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of thirty components over one long field would have it read thirty times, before anything is proven.
    #[test]
    fn a_field_and_a_query_are_taken_apart_once() {
        let mut read = ReadOnce::default();
        let has = |dictionary: Option<&Dictionary>, key: &str| {
            dictionary.is_some_and(|dictionary| dictionary.iter().any(|(own, _)| own.as_str() == key))
        };
        assert!(has(read.dictionary("x", false, b"a=1"), "a"));
        assert!(has(read.dictionary("x", false, b"b=1"), "a"));
        assert!(has(read.dictionary("x", true, b"b=1"), "b"));
        assert!(has(read.dictionary("y", false, b"b=1"), "b"));
        assert_eq!(read.query("a=1").unwrap().parameter("a"), Ok("1"));
        assert_eq!(read.query("a=2").unwrap().parameter("a"), Ok("1"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_each_time() {
        let mut read = ReadOnce::default();
        assert!(read.dictionary("x", false, b"a=").is_none());
        assert!(read.dictionary("x", false, b"a=").is_none());
        assert_eq!(read.query("a=%zz").err(), Some(Why::Malformed));
    }
}
