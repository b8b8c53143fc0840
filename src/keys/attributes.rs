//! What is known of a key id besides its secrets: free names with texts, and the routes it may be used on.

use std::sync::Arc;

/// The attribute that says on which routes a key may be used.
pub const ROUTES: &str = "routes";
/// Most attributes of one id.
pub const MOST_ATTRIBUTES: usize = 32;
/// Longest name of an attribute, in bytes.
pub const LONGEST_NAME: usize = 64;
/// Longest value of an attribute, in bytes.
pub const LONGEST_VALUE: usize = 1024;

/// The attributes of one id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes {
    texts: Box<[(Box<str>, Box<str>)]>,
    /// `None`: all.
    routes: Option<Box<[Box<str>]>>,
}

/// Why something cannot be an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributeFault {
    /// Templates could not name it.
    #[error("the name of an attribute has 1 to {LONGEST_NAME} letters, digits, `_` or `-`, and begins with a letter")]
    Name,
    /// It could not stand in a header.
    #[error("the value of an attribute has at most {LONGEST_VALUE} bytes and no control character")]
    Value,
    /// It stands there twice.
    #[error("this attribute stands there twice")]
    Twice,
    /// There are too many.
    #[error("more than {MOST_ATTRIBUTES} attributes")]
    TooMany,
    /// It would shut the key out everywhere.
    #[error("`routes` names no route; `*` is for all, and `disabled` shuts a key out")]
    NoRoute,
}

impl Attributes {
    /// Those texts by their names. An empty text is as if it were not there; `routes` is a list of names with spaces
    /// between them, or `*`.
    ///
    /// # Errors
    /// [`AttributeFault`], with the index of the text it is about.
    pub fn new<'a>(
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Option<Arc<Attributes>>, (usize, AttributeFault)> {
        let mut attributes = (Vec::new(), None);
        for (index, (name, value)) in texts.into_iter().enumerate() {
            check(name, value).map_err(|fault| (index, fault))?;
            if value.is_empty() {
                continue;
            }
            if attributes.0.iter().any(|(known, _): &(Box<str>, Box<str>)| **known == *name) {
                return Err((index, AttributeFault::Twice));
            }
            if name == ROUTES {
                attributes.1 = routes(value).map_err(|fault| (index, fault))?;
            }
            attributes.0.push((name.into(), value.into()));
            if attributes.0.len() > MOST_ATTRIBUTES {
                return Err((index, AttributeFault::TooMany));
            }
        }
        let (texts, routes) = attributes;
        Ok((!texts.is_empty()).then(|| Arc::new(Attributes { texts: texts.into(), routes })))
    }

    /// The text of that name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(known, _)| **known == *name).map(|(_, text)| &**text)
    }

    /// Names and texts, in the order in which they were given.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, text)| (&**name, &**text))
    }

    /// Whether the key may be used on the route of that name.
    pub fn may_use(&self, route: &str) -> bool {
        self.routes.as_ref().is_none_or(|routes| routes.iter().any(|allowed| **allowed == *route))
    }

    /// The routes it may be used on; `None` is all.
    pub fn routes(&self) -> Option<impl Iterator<Item = &str>> {
        self.routes.as_ref().map(|routes| routes.iter().map(|route| &**route))
    }
}

fn check(name: &str, value: &str) -> Result<(), AttributeFault> {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.len() > LONGEST_NAME
        || !name.starts_with(|first: char| first.is_ascii_alphabetic())
        || !name.bytes().all(is_inner)
    {
        return Err(AttributeFault::Name);
    }
    match value.len() > LONGEST_VALUE || value.chars().any(char::is_control) {
        true => Err(AttributeFault::Value),
        false => Ok(()),
    }
}

fn routes(value: &str) -> Result<Option<Box<[Box<str>]>>, AttributeFault> {
    let names: Vec<Box<str>> = value.split(' ').filter(|name| !name.is_empty()).map(Box::from).collect();
    match names.as_slice() {
        [] => Err(AttributeFault::NoRoute),
        [all] if **all == *"*" => Ok(None),
        _ => Ok(Some(names.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[(&str, &str)]) -> Result<Option<Arc<Attributes>>, AttributeFault> {
        Attributes::new(texts.iter().copied()).map_err(|(_, fault)| fault)
    }

    #[test]
    fn an_attribute_has_its_text_and_an_empty_one_is_not_there() {
        let attributes = of(&[("tenant", "acme"), ("note", ""), ("rate-class", "gold")]).unwrap().unwrap();
        assert_eq!((attributes.text("tenant"), attributes.text("note")), (Some("acme"), None));
        assert_eq!(attributes.texts().count(), 2);
        assert_eq!(of(&[("note", "")]), Ok(None));
    }

    #[test]
    fn a_key_may_be_used_everywhere_or_on_the_routes_that_are_named() {
        let with = |routes| of(&[("routes", routes)]).unwrap().unwrap();
        assert!(with("*").may_use("anything"));
        let some = with("verify  /api/**");
        assert!(some.may_use("verify") && some.may_use("/api/**"));
        assert!(!some.may_use("ver") && !some.may_use("") && !some.may_use("verify "));
        assert_eq!(of(&[("routes", " ")]), Err(AttributeFault::NoRoute));
    }

    #[test]
    fn what_no_template_could_name_and_no_header_hold_is_refused() {
        for name in ["", "1st", "a b", "ä", "a:b", "_a", &"a".repeat(65)] {
            assert_eq!(of(&[(name, "x")]), Err(AttributeFault::Name), "{name}");
        }
        assert_eq!(of(&[("a", "x\r\ny")]), Err(AttributeFault::Value));
        assert_eq!(of(&[("a", &"x".repeat(1025))]), Err(AttributeFault::Value));
        assert_eq!(of(&[("a", "x"), ("a", "y")]), Err(AttributeFault::Twice));
        let many: Vec<String> = (0..33).map(|number| format!("a{number}")).collect();
        assert_eq!(of(&many.iter().map(|name| (name.as_str(), "x")).collect::<Vec<_>>()), Err(AttributeFault::TooMany));
    }
}
