//! What a signature covers, by name (RFC 9421 sections 2.1 and 2.2): a header field or a derived component, with its
//! parameters. What is not understood is refused, never passed over.

use std::fmt;

use sfv::BareItem;

use super::structured::{self, Item};
use crate::scheme::{Failure, template::is_token};

/// One covered component.
#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) name: Name,
    /// Whether it is that of the request which is answered (section 2.4).
    pub(super) of_request: bool,
    /// The identifier as the signature writes it, its parameters in that order.
    item: Item,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// A part of the message that is no field (section 2.2).
    Derived(Derived),
    /// A header field, its name in lower case.
    Field(String, Form),
}

/// Parts of a message that are no fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Derived {
    Method,
    TargetUri,
    Authority,
    Scheme,
    RequestTarget,
    Path,
    Query,
    /// One query parameter, its name encoded as section 2.2.8 says.
    QueryParameter(String),
    Status,
}

/// How a field's value is written in the signature base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Its lines, joined.
    Plain,
    /// `sf`: the canonical text of the structured field.
    Structured,
    /// `key`: one member of a dictionary.
    Member(String),
    /// `bs`: each line as a byte sequence.
    Bytes,
}

impl Component {
    /// Reads an identifier out of a list of covered components.
    ///
    /// # Errors
    /// It is none that is understood.
    pub(super) fn of(item: Item) -> Result<Component, Failure> {
        let not_understood = |item: &Item| Failure::NotUnderstood { what: shown(&structured::write_item(item)) };
        let Some(parameters) = Recognised::of(&item) else { return Err(not_understood(&item)) };
        let name = match &item.value {
            BareItem::String(name) => parameters.named(name.as_str()),
            _ => None,
        };
        match name {
            Some(name) => Ok(Component { name, of_request: parameters.req, item }),
            None => Err(not_understood(&item)),
        }
    }

    /// Reads an identifier out of a config: `@method`, `content-digest`, or with parameters in the form of the RFC,
    /// `"@query-param";name="id"`.
    ///
    /// # Errors
    /// It is none that is understood.
    pub(super) fn named(text: &str) -> Result<Component, Failure> {
        let quoted = if text.starts_with('"') { text.to_owned() } else { format!("\"{text}\"") };
        let item = structured::item(quoted.as_bytes());
        Component::of(item.ok_or_else(|| Failure::NotUnderstood { what: shown(text) })?)
    }

    /// Whether it is the same as another one, in whatever order parameters are written.
    pub(super) fn is(&self, other: &Component) -> bool {
        self.name == other.name && self.of_request == other.of_request
    }

    /// Whether it is this part of the message itself.
    pub(super) fn is_derived(&self, derived: &Derived) -> bool {
        !self.of_request && matches!(&self.name, Name::Derived(own) if own == derived)
    }

    /// The field's name, of whichever message.
    pub(super) fn field(&self) -> Option<&str> {
        match &self.name {
            Name::Field(name, _) => Some(name),
            Name::Derived(_) => None,
        }
    }

    /// The identifier as an item of the list of covered components.
    pub(super) fn item(&self) -> &Item {
        &self.item
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&structured::write_item(&self.item))
    }
}

/// The parameters of an identifier, each of its type.
#[derive(Default)]
struct Recognised<'i> {
    sf: bool,
    bs: bool,
    req: bool,
    key: Option<&'i str>,
    name: Option<&'i str>,
}

impl<'i> Recognised<'i> {
    /// `None` where one is unknown, of another type, or (as `tr`) about what the gateway does not read.
    fn of(item: &'i Item) -> Option<Recognised<'i>> {
        let mut parameters = Recognised::default();
        for (key, value) in &item.parameters {
            match (key.as_str(), value) {
                ("sf", BareItem::Boolean(true)) => parameters.sf = true,
                ("bs", BareItem::Boolean(true)) => parameters.bs = true,
                ("req", BareItem::Boolean(true)) => parameters.req = true,
                ("key", BareItem::String(text)) => parameters.key = Some(text.as_str()),
                ("name", BareItem::String(text)) => parameters.name = Some(text.as_str()),
                _ => return None,
            }
        }
        Some(parameters)
    }

    fn named(&self, name: &str) -> Option<Name> {
        if let Some(derived) = name.strip_prefix('@') {
            let is_plain = !self.sf && !self.bs && self.key.is_none();
            return derived_component(derived, self.name).filter(|_| is_plain).map(Name::Derived);
        }
        let is_field = is_token(name) && !name.bytes().any(|byte| byte.is_ascii_uppercase());
        let form = match (self.sf, self.bs, self.key) {
            (false, false, None) => Form::Plain,
            (true, false, None) => Form::Structured,
            (false, true, None) => Form::Bytes,
            (false, false, Some(key)) => Form::Member(key.to_owned()),
            // Two forms of one value: whoever means which, it is not said.
            _ => return None,
        };
        (is_field && self.name.is_none()).then(|| Name::Field(name.to_owned(), form))
    }
}

fn derived_component(name: &str, parameter: Option<&str>) -> Option<Derived> {
    Some(match (name, parameter) {
        ("method", None) => Derived::Method,
        ("target-uri", None) => Derived::TargetUri,
        ("authority", None) => Derived::Authority,
        ("scheme", None) => Derived::Scheme,
        ("request-target", None) => Derived::RequestTarget,
        ("path", None) => Derived::Path,
        ("query", None) => Derived::Query,
        ("query-param", Some(name)) => Derived::QueryParameter(name.to_owned()),
        ("status", None) => Derived::Status,
        _ => return None,
    })
}

/// A name out of a request, as short as a log line can bear it.
fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_parameters_of_the_rfc_are_understood() {
        for text in [
            "@method",
            "content-digest",
            "\"cache-control\";key=\"max-age\"",
            "\"x\";sf",
            "\"x\";bs;req",
            "\"@query-param\";name=\"a%20b\"",
            "\"@status\"",
            "\"@method\";req",
        ] {
            let component = Component::named(text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
            assert!(component.to_string().contains(text.trim_matches('"')), "{component}");
        }
    }

    #[test]
    fn whatever_else_is_refused() {
        for text in [
            "",
            "@methods",
            "@signature-params",
            "Content-Type",
            "a b",
            "x:",
            "\"x\";tr",
            "\"x\";sf=?0",
            "\"x\";sf;bs",
            "\"x\";key=token",
            "\"x\";key=\"a\";sf",
            "\"x\";name=\"a\"",
            "\"x\";new",
            "\"@query-param\"",
            "\"@path\";name=\"a\"",
            "\"@path\";bs",
            "\"x\";sf;sf",
            "\"x\", \"y\"",
        ] {
            assert!(Component::named(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_order_of_parameters_makes_no_other_component() {
        let of = |text| Component::named(text).unwrap();
        assert!(of("\"x\";key=\"a\";req").is(&of("\"x\";req;key=\"a\"")));
        assert!(!of("\"x\";req").is(&of("x")) && !of("\"x\";sf").is(&of("x")));
    }
}
