//! The sources a template can name, and which of them where.

use std::fmt;

use super::{
    parse::{Call, Word},
    scope::{Scope, Vocabulary},
};
use crate::scheme::{Fact, Fault, timestamp, values::ParameterSource};

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(in crate::scheme) enum Source {
    Method,
    Path,
    Target,
    Query,
    Parameter(String),
    Scheme,
    Authority,
    /// The authority without its port, and the port alone, that of the scheme where none is written.
    Host,
    Port,
    Url,
    Header(String),
    /// The names of the headers that begin with this, in lower case.
    HeaderNames(String),
    Json(String),
    Form(String),
    Body,
    /// The claimed key id, as the scheme's own template reads it.
    KeyId,
    /// A named value: index and name.
    Value(usize, String),
    /// A part of a named value that is taken apart: index and name of the value, and the part's name.
    Field(usize, String, String),
    /// What a loop goes over.
    Name,
    Item,
    /// The key's own bytes, before anything is derived from them.
    Secret,
    Claim(String),
    Attribute(String),
    Fact(Fact),
    /// Of an answer.
    Status,
    /// A header of the request, where `header` is one of its answer.
    RequestHeader(String),
    Signature,
    Now,
    /// The time of signing by a pattern of its own.
    NowAs(String),
    Expires,
    Nonce,
    /// The name by which a request says its algorithm.
    Algorithm,
    /// Several, of which the first that is there counts; as text, without and with their filters. Only where templates are taken
    /// apart.
    FirstOf {
        names: String,
        written: String,
    },
    /// All parameters of one place but those named. Only where templates are taken apart.
    Each(ParameterSource, Vec<String>),
}

impl Source {
    pub(super) fn resolve(call: &Call, scope: Scope<'_>) -> Result<Source, Fault> {
        let name = call.name.text.as_str();
        if let Some((index, value)) = scope.values.iter().enumerate().find(|(_, value)| value.name == name) {
            return value.source(index, call);
        }
        if !scope.vocabulary.contains(name) {
            return Err(scope.unknown(&call.name));
        }
        match name {
            "header" => Ok(Source::Header(header_name(call)?)),
            "header_names" => Ok(Source::HeaderNames(header_name(call)?.to_ascii_lowercase())),
            "request_header" => Ok(Source::RequestHeader(header_name(call)?)),
            "json" => Ok(Source::Json(pointer(call)?)),
            "form" => Ok(Source::Form(argument(call)?.text.clone())),
            "now" if call.argument.is_some() => Ok(Source::NowAs(time_pattern(argument(call)?)?)),
            "claim" => Ok(Source::Claim(argument(call)?.text.clone())),
            "key" => Ok(Source::Attribute(argument(call)?.text.clone())),
            "query" if call.argument.is_some() || is_answer(scope.vocabulary) => {
                Ok(Source::Parameter(argument(call)?.text.clone()))
            }
            "key_id" if is_answer(scope.vocabulary) => without_argument(call, Source::Fact(Fact::KeyId)),
            "key_id" if !scope.key_id => {
                Err(call.fault("there is no key id here").hint("`key_id` must be set, and cannot use itself"))
            }
            _ => match plain(name) {
                Some(source) => without_argument(call, source),
                None => Err(scope.unknown(&call.name)),
            },
        }
    }

    /// Whether both name the same thing; header names without regard to case.
    pub(in crate::scheme) fn same(&self, other: &Source) -> bool {
        match (self, other) {
            (Source::Header(a), Source::Header(b)) | (Source::RequestHeader(a), Source::RequestHeader(b)) => {
                a.eq_ignore_ascii_case(b)
            }
            (Source::Value(..), Source::Value(..)) | (Source::Field(..), Source::Field(..)) => {
                self.to_string() == other.to_string()
            }
            // A value's name is no source's, but `auth:ts` may be written like one.
            (Source::Value(..) | Source::Field(..), _) | (_, Source::Value(..) | Source::Field(..)) => false,
            _ => self.to_string() == other.to_string(),
        }
    }

    /// Whether who knows this source's bytes knows the other's.
    pub(in crate::scheme) fn contains(&self, other: &Source) -> bool {
        match (self, other) {
            (Source::Url, Source::Scheme | Source::Authority | Source::Target) => true,
            (Source::Url | Source::Authority, Source::Host | Source::Port) => true,
            (Source::Url | Source::Target, Source::Path | Source::Query | Source::Parameter(_)) => true,
            (Source::Query, Source::Parameter(_)) => true,
            (Source::Body, Source::Json(_) | Source::Form(_)) => true,
            (Source::Body, Source::Each(ParameterSource::Form | ParameterSource::DeclaredForm, _)) => true,
            (Source::Each(of, except), _) => of.contains(other) && !except.iter().any(|name| other.is_named(name)),
            _ => self.same(other),
        }
    }

    /// Whether it is the body, or in it.
    pub(in crate::scheme) fn is_of_body(&self) -> bool {
        matches!(self, Source::Body) || self.is_parsed_body()
    }

    pub(in crate::scheme) fn is_parsed_body(&self) -> bool {
        match self {
            Source::Json(_) | Source::Form(_) => true,
            Source::Each(of, _) => matches!(of, ParameterSource::Form | ParameterSource::DeclaredForm),
            _ => false,
        }
    }

    /// Whether it is the parameter or pair of this name.
    fn is_named(&self, name: &str) -> bool {
        self.parameter_name() == Some(name)
    }

    /// The name of a parameter or pair.
    pub(in crate::scheme) fn parameter_name(&self) -> Option<&str> {
        match self {
            Source::Parameter(name) | Source::Form(name) | Source::Field(_, _, name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Method => f.write_str("method"),
            Source::Path => f.write_str("path"),
            Source::Target => f.write_str("target"),
            Source::Query => f.write_str("query"),
            Source::Parameter(name) => write!(f, "query:{name}"),
            Source::Scheme => f.write_str("scheme"),
            Source::Authority => f.write_str("authority"),
            Source::Host => f.write_str("host"),
            Source::Port => f.write_str("port"),
            Source::Url => f.write_str("url"),
            Source::Header(name) => write!(f, "header:{name}"),
            Source::HeaderNames(prefix) => write!(f, "header_names:{prefix}"),
            Source::Json(pointer) => write!(f, "json:{pointer}"),
            Source::Form(name) => write!(f, "form:{name}"),
            Source::Body => f.write_str("body"),
            Source::KeyId | Source::Fact(Fact::KeyId) => f.write_str("key_id"),
            Source::Value(_, name) => f.write_str(name),
            Source::Field(_, name, field) => write!(f, "{name}:{field}"),
            Source::Name => f.write_str("name"),
            Source::Item => f.write_str("value"),
            Source::Secret => f.write_str("secret"),
            Source::Claim(name) => write!(f, "claim:{name}"),
            Source::Attribute(name) => write!(f, "key:{name}"),
            Source::Fact(Fact::Subject) => f.write_str("subject"),
            Source::Fact(Fact::Scheme) => f.write_str("scheme_name"),
            Source::Fact(Fact::Route) => f.write_str("route"),
            Source::Fact(Fact::RequestId) => f.write_str("request_id"),
            Source::Fact(Fact::ClientAddress) => f.write_str("client_address"),
            Source::Fact(Fact::Token) => f.write_str("token"),
            Source::Fact(Fact::RefreshToken) => f.write_str("refresh_token"),
            Source::Fact(Fact::CsrfToken) => f.write_str("csrf_token"),
            Source::Fact(Fact::ExpiresIn) => f.write_str("expires_in"),
            Source::Status => f.write_str("status"),
            Source::RequestHeader(name) => write!(f, "request_header:{name}"),
            Source::Signature => f.write_str("signature"),
            Source::Now => f.write_str("now"),
            Source::NowAs(pattern) => write!(f, "now:{pattern}"),
            Source::Expires => f.write_str("expires"),
            Source::Nonce => f.write_str("nonce"),
            Source::Algorithm => f.write_str("algorithm"),
            Source::FirstOf { written, .. } => f.write_str(written),
            Source::Each(of, except) => write!(f, "every {} but {except:?}", of.name()),
        }
    }
}

/// Whether what is meant is what is known after verification.
fn is_answer(vocabulary: Vocabulary) -> bool {
    matches!(vocabulary, Vocabulary::Answer | Vocabulary::Issued)
}

fn plain(name: &str) -> Option<Source> {
    Some(match name {
        "method" => Source::Method,
        "path" => Source::Path,
        "target" => Source::Target,
        "query" => Source::Query,
        "scheme" => Source::Scheme,
        "authority" => Source::Authority,
        "host" => Source::Host,
        "port" => Source::Port,
        "url" => Source::Url,
        "body" => Source::Body,
        "key_id" => Source::KeyId,
        "subject" => Source::Fact(Fact::Subject),
        "scheme_name" => Source::Fact(Fact::Scheme),
        "route" => Source::Fact(Fact::Route),
        "request_id" => Source::Fact(Fact::RequestId),
        "client_address" => Source::Fact(Fact::ClientAddress),
        "token" => Source::Fact(Fact::Token),
        "refresh_token" => Source::Fact(Fact::RefreshToken),
        "csrf_token" => Source::Fact(Fact::CsrfToken),
        "expires_in" => Source::Fact(Fact::ExpiresIn),
        "status" => Source::Status,
        "signature" => Source::Signature,
        "now" => Source::Now,
        "expires" => Source::Expires,
        "nonce" => Source::Nonce,
        "algorithm" => Source::Algorithm,
        "name" => Source::Name,
        "value" => Source::Item,
        "secret" => Source::Secret,
        _ => return None,
    })
}

pub(super) fn without_argument(call: &Call, source: Source) -> Result<Source, Fault> {
    match &call.argument {
        None => Ok(source),
        Some(word) => Err(word.fault(format!("`{}` takes no argument", call.name.text))),
    }
}

fn argument(call: &Call) -> Result<&Word, Fault> {
    match &call.argument {
        Some(word) if !word.text.is_empty() => Ok(word),
        _ => {
            let fault = call.fault(format!("`{}` needs an argument", call.name.text));
            Err(fault.hint(format!("`{{{}:…}}`", call.name.text)))
        }
    }
}

/// How a time is written, as `strftime` has it.
pub(super) fn time_pattern(word: &Word) -> Result<String, Fault> {
    match timestamp::formatted(&word.text, 0) {
        Some(_) => Ok(word.text.clone()),
        None => Err(word.fault("not a pattern of a time").hint("such as `%Y%m%d`")),
    }
}

/// RFC 9110 section 5.6.2: a token.
fn header_name(call: &Call) -> Result<String, Fault> {
    let word = argument(call)?;
    match is_token(&word.text) {
        true => Ok(word.text.clone()),
        false => Err(word.fault("not a header name")),
    }
}

/// RFC 9110 section 5.6.2.
pub(in crate::scheme) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// RFC 6901 section 3, without the pointer to the whole document.
fn pointer(call: &Call) -> Result<String, Fault> {
    let word = argument(call)?;
    if !word.text.starts_with('/') {
        return Err(word.fault("a JSON pointer starts with `/`").hint(format!("`{{json:/{}}}`", word.text)));
    }
    let escapes_hold = word.text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    match escapes_hold {
        true => Ok(word.text.clone()),
        false => Err(word.fault("in a JSON pointer `~` is written `~0`, `/` in a name `~1`")),
    }
}
