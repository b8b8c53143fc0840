//! The filters: what can be done to a value between its source and the message.

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use regex::bytes::{Regex, RegexBuilder};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};

use super::{
    Scratch,
    parse::{Call, Word},
    source::{is_token, time_pattern},
};
use crate::scheme::{Fault, Why, parameters, path, timestamp};

/// One step of a chain.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::scheme) enum Filter {
    Lower,
    Upper,
    Trim,
    /// Trimmed, and each run of white space inside one space.
    Squeeze,
    Digest(Hash),
    Hex,
    HexUpper,
    Unhex,
    Base64,
    Base64Url,
    Unbase64,
    Unbase64Url,
    /// `&`-separated raw parameters, by their bytes.
    Sort,
    PercentEncode,
    PercentDecode,
    /// All but unreserved characters and slashes.
    PercentEncodePath,
    /// Dot segments and empty ones resolved.
    NormalizePath,
    StripPrefix(String),
    StripSuffix(String),
    /// Strips where it is there.
    TrimPrefix(String),
    /// Strips an authentication scheme's name (RFC 9110 section 11.4); under any other name there is nothing.
    AuthScheme(String),
    /// So many bytes from the start, or all.
    First(usize),
    Prefix(String),
    Suffix(String),
    /// Stands in for an absent source; a value that is there passes unchanged.
    Default(String),
    Match(Pattern),
    /// Unix seconds as a time in UTC, by a pattern of `strftime`.
    Date(String),
}

/// The digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scheme) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// A regular expression that the whole value must match.
#[derive(Clone, Debug)]
pub(in crate::scheme) struct Pattern {
    written: String,
    whole: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.written == other.written
    }
}

const NAMES: &[&str] = &[
    "lower",
    "upper",
    "trim",
    "squeeze",
    "sha1",
    "sha256",
    "sha384",
    "sha512",
    "hex",
    "HEX",
    "unhex",
    "base64",
    "base64url",
    "unbase64",
    "unbase64url",
    "sort",
    "percent_encode",
    "percent_decode",
    "percent_encode_path",
    "normalize_path",
    "strip_prefix",
    "strip_suffix",
    "trim_prefix",
    "auth_scheme",
    "first",
    "prefix",
    "suffix",
    "default",
    "match",
    "date",
];

/// The most that `first` keeps: it is held in memory.
const LONGEST_FIRST: usize = 1 << 20;

/// A compiled expression is refused above this size, so that no pattern can take the memory.
const PATTERN_SIZE: usize = 1 << 20;

impl Filter {
    pub(super) fn resolve(call: &Call) -> Result<Filter, Fault> {
        match call.name.text.as_str() {
            "strip_prefix" => Ok(Filter::StripPrefix(argument(call)?.text.clone())),
            "strip_suffix" => Ok(Filter::StripSuffix(argument(call)?.text.clone())),
            "trim_prefix" => Ok(Filter::TrimPrefix(argument(call)?.text.clone())),
            "auth_scheme" => Ok(Filter::AuthScheme(auth_scheme(argument(call)?)?)),
            "first" => Ok(Filter::First(count(argument(call)?)?)),
            "prefix" => Ok(Filter::Prefix(argument(call)?.text.clone())),
            "suffix" => Ok(Filter::Suffix(argument(call)?.text.clone())),
            "default" => Ok(Filter::Default(argument(call)?.text.clone())),
            "match" => Ok(Filter::Match(Pattern::compile(argument(call)?)?)),
            "date" => Ok(Filter::Date(time_pattern(argument(call)?)?)),
            name => match (plain(name), &call.argument) {
                (Some(filter), None) => Ok(filter),
                (Some(_), Some(word)) => Err(word.fault(format!("`{name}` takes no argument"))),
                (None, _) => {
                    let fault = call.name.fault(format!("there is no filter `{name}`"));
                    Err(fault.hint(format!("the filters are {}", NAMES.join(", "))).suggest(name, NAMES))
                }
            },
        }
    }

    /// Whether two different values can come out as one: then a signature over the result does not fix the value.
    pub(in crate::scheme) fn is_lossy(&self) -> bool {
        match self {
            Filter::Lower | Filter::Upper | Filter::Trim | Filter::Squeeze | Filter::Sort => true,
            Filter::NormalizePath | Filter::TrimPrefix(_) | Filter::AuthScheme(_) | Filter::First(_) => true,
            // `%41` and `A`, `AB` and `ab`.
            Filter::PercentDecode | Filter::Unhex => true,
            // Absent, and the same text sent.
            Filter::Default(_) => true,
            Filter::Digest(_) | Filter::Hex | Filter::HexUpper | Filter::Base64 | Filter::Base64Url => false,
            Filter::Unbase64 | Filter::Unbase64Url | Filter::PercentEncode | Filter::PercentEncodePath => false,
            Filter::StripPrefix(_) | Filter::StripSuffix(_) | Filter::Prefix(_) | Filter::Suffix(_) => false,
            Filter::Match(_) => false,
            // A day has many seconds.
            Filter::Date(_) => true,
        }
    }

    /// Whether, of two texts that differ in more than their case, what comes out differs in more than its case too; `before`
    /// if that was so of what goes in. Of digits in hexadecimal it always is. An alphabet with both cases has other letters
    /// for other bytes.
    pub(in crate::scheme) fn keeps_case(&self, before: bool) -> bool {
        match self {
            Filter::Hex | Filter::HexUpper => true,
            Filter::Base64 | Filter::Base64Url | Filter::Unbase64 | Filter::Unbase64Url | Filter::Digest(_) => false,
            Filter::Lower | Filter::Upper | Filter::PercentEncode | Filter::PercentEncodePath => before,
            Filter::StripPrefix(_) | Filter::StripSuffix(_) | Filter::Prefix(_) | Filter::Suffix(_) => before,
            Filter::Match(_) => before,
            Filter::Trim | Filter::Squeeze | Filter::Sort | Filter::NormalizePath | Filter::TrimPrefix(_) => false,
            Filter::AuthScheme(_) | Filter::First(_) | Filter::PercentDecode | Filter::Unhex => false,
            Filter::Default(_) | Filter::Date(_) => false,
        }
    }

    /// Whether what comes out says the same in either case: digits in hexadecimal, and digests, of which more is left than anyone
    /// can guess.
    pub(in crate::scheme) fn is_digits(&self) -> bool {
        matches!(self, Filter::Hex | Filter::HexUpper | Filter::Digest(_))
    }

    /// Whether it makes no sense on the raw bytes of a digest.
    pub(super) fn needs_text(&self) -> bool {
        match self {
            Filter::Lower | Filter::Upper | Filter::Trim | Filter::Squeeze => true,
            Filter::Sort | Filter::Match(_) | Filter::NormalizePath | Filter::Date(_) => true,
            Filter::Unhex | Filter::Unbase64 | Filter::Unbase64Url | Filter::PercentDecode => true,
            Filter::StripPrefix(_) | Filter::StripSuffix(_) | Filter::TrimPrefix(_) | Filter::AuthScheme(_) => true,
            Filter::First(_) | Filter::PercentEncodePath => false,
            Filter::Digest(_) | Filter::Hex | Filter::HexUpper | Filter::Base64 | Filter::Base64Url => false,
            Filter::PercentEncode | Filter::Prefix(_) | Filter::Suffix(_) | Filter::Default(_) => false,
        }
    }

    /// Whether raw bytes come out as text.
    pub(super) fn writes_text(&self) -> bool {
        let encodes = matches!(self, Filter::Hex | Filter::HexUpper | Filter::Base64 | Filter::Base64Url);
        encodes || matches!(self, Filter::PercentEncode | Filter::PercentEncodePath)
    }

    pub(in crate::scheme) fn apply(&self, value: &mut Scratch) -> Result<(), Why> {
        match self {
            Filter::Lower => value.make_ascii_lowercase(),
            Filter::Upper => value.make_ascii_uppercase(),
            Filter::Trim => *value = Scratch::from_slice(value.trim_ascii()),
            Filter::Squeeze => *value = squeezed(value),
            Filter::Digest(hash) => {
                let mut hasher = Hasher::new(*hash);
                hasher.update(value);
                value.clear();
                hasher.finish(value);
            }
            Filter::Hex => *value = Scratch::from_vec(hex::encode(&value).into_bytes()),
            Filter::HexUpper => *value = Scratch::from_vec(hex::encode_upper(&value).into_bytes()),
            Filter::Unhex => *value = Scratch::from_vec(hex::decode(&value).map_err(|_| Why::Refused)?),
            Filter::Base64 => *value = Scratch::from_vec(BASE64_STANDARD.encode(&value).into_bytes()),
            Filter::Base64Url => *value = Scratch::from_vec(BASE64_URL_SAFE_NO_PAD.encode(&value).into_bytes()),
            Filter::Unbase64 => *value = decoded(&BASE64_STANDARD, value)?,
            Filter::Unbase64Url => *value = decoded(&BASE64_URL_SAFE_NO_PAD, value)?,
            Filter::Sort => *value = parameters::sorted(value),
            Filter::PercentEncode => *value = parameters::percent_encoded(value, b""),
            Filter::PercentEncodePath => *value = parameters::percent_encoded(value, b"/"),
            Filter::NormalizePath => *value = path::normalized(value),
            Filter::PercentDecode => *value = parameters::percent_decoded(value, false).ok_or(Why::Refused)?,
            Filter::StripPrefix(prefix) => strip(value, |value| value.strip_prefix(prefix.as_bytes()))?,
            Filter::StripSuffix(suffix) => strip(value, |value| value.strip_suffix(suffix.as_bytes()))?,
            Filter::TrimPrefix(prefix) => strip(value, |value| value.strip_prefix(prefix.as_bytes()).or(Some(value)))?,
            Filter::AuthScheme(name) => *value = credentials(value, name).ok_or(Why::Absent)?,
            Filter::First(count) => value.truncate(*count),
            Filter::Prefix(prefix) => value.insert_from_slice(0, prefix.as_bytes()),
            Filter::Suffix(suffix) => value.extend_from_slice(suffix.as_bytes()),
            Filter::Default(_) => {}
            Filter::Match(pattern) if pattern.whole.is_match(value) => {}
            Filter::Match(_) => return Err(Why::Refused),
            Filter::Date(pattern) => *value = dated(value, pattern).ok_or(Why::Refused)?,
        }
        Ok(())
    }
}

impl Filter {
    /// What is told of a value of `source` that it refuses: an expression says itself what form is wanted.
    pub(in crate::scheme) fn place_of(&self, source: &impl std::fmt::Display) -> String {
        match self {
            Filter::Match(pattern) => format!("{source}|match:\"{}\"", pattern.written()),
            _ => source.to_string(),
        }
    }
}

/// A running digest.
pub(in crate::scheme) enum Hasher {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    pub(in crate::scheme) fn new(hash: Hash) -> Hasher {
        match hash {
            Hash::Sha1 => Hasher::Sha1(Sha1::new()),
            Hash::Sha256 => Hasher::Sha256(Sha256::new()),
            Hash::Sha384 => Hasher::Sha384(Sha384::new()),
            Hash::Sha512 => Hasher::Sha512(Sha512::new()),
        }
    }

    pub(in crate::scheme) fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Sha1(state) => state.update(bytes),
            Hasher::Sha256(state) => state.update(bytes),
            Hasher::Sha384(state) => state.update(bytes),
            Hasher::Sha512(state) => state.update(bytes),
        }
    }

    pub(in crate::scheme) fn finish(self, out: &mut Scratch) {
        match self {
            Hasher::Sha1(state) => out.extend_from_slice(&state.finalize()),
            Hasher::Sha256(state) => out.extend_from_slice(&state.finalize()),
            Hasher::Sha384(state) => out.extend_from_slice(&state.finalize()),
            Hasher::Sha512(state) => out.extend_from_slice(&state.finalize()),
        }
    }
}

impl Pattern {
    fn compile(word: &Word) -> Result<Pattern, Fault> {
        match whole_expression(&word.text) {
            Some(whole) => Ok(Pattern { written: word.text.clone(), whole }),
            None => Err(word.fault("not a regular expression, or too large a one")),
        }
    }

    /// The expression, as it is in the template.
    pub(in crate::scheme) fn written(&self) -> &str {
        &self.written
    }
}

/// A regular expression that must match the whole; `None` if the text is none, or too large a one.
pub(in crate::scheme) fn whole_expression(text: &str) -> Option<Regex> {
    // Bytes, not characters: `\d` is 0 to 9 and no other script's digits.
    let compile = |text: &str| RegexBuilder::new(text).unicode(false).size_limit(PATTERN_SIZE).build().ok();
    // Compiled alone first: `a)|(b` would otherwise escape the group.
    compile(text).and_then(|_| compile(&format!(r"\A(?:{text})\z")))
}

fn plain(name: &str) -> Option<Filter> {
    Some(match name {
        "lower" => Filter::Lower,
        "upper" => Filter::Upper,
        "trim" => Filter::Trim,
        "squeeze" => Filter::Squeeze,
        "sha1" => Filter::Digest(Hash::Sha1),
        "sha256" => Filter::Digest(Hash::Sha256),
        "sha384" => Filter::Digest(Hash::Sha384),
        "sha512" => Filter::Digest(Hash::Sha512),
        "hex" => Filter::Hex,
        "HEX" => Filter::HexUpper,
        "unhex" => Filter::Unhex,
        "base64" => Filter::Base64,
        "base64url" => Filter::Base64Url,
        "unbase64" => Filter::Unbase64,
        "unbase64url" => Filter::Unbase64Url,
        "sort" => Filter::Sort,
        "percent_encode" => Filter::PercentEncode,
        "percent_decode" => Filter::PercentDecode,
        "percent_encode_path" => Filter::PercentEncodePath,
        "normalize_path" => Filter::NormalizePath,
        _ => return None,
    })
}

fn argument(call: &Call) -> Result<&Word, Fault> {
    let name = &call.name.text;
    call.argument
        .as_ref()
        .ok_or_else(|| call.fault(format!("`{name}` needs an argument")).hint(format!("`{name}:\"…\"`")))
}

fn count(word: &Word) -> Result<usize, Fault> {
    let count = word.text.parse().ok().filter(|count| (1..=LONGEST_FIRST).contains(count));
    count.ok_or_else(|| word.fault(format!("this is not a number of bytes from 1 to {LONGEST_FIRST}")))
}

fn auth_scheme(word: &Word) -> Result<String, Fault> {
    match is_token(&word.text) {
        true => Ok(word.text.clone()),
        false => Err(word.fault("not the name of an authentication scheme")),
    }
}

/// What follows the name and at least one space; `None` under any other name.
fn credentials(value: &[u8], name: &str) -> Option<Scratch> {
    let (written, rest) = value.split_at_checked(name.len())?;
    let is_it = written.eq_ignore_ascii_case(name.as_bytes()) && rest.first() == Some(&b' ');
    is_it.then(|| Scratch::from_slice(rest.trim_ascii_start()))
}

/// Of a number that is no time of our calendar there is none.
fn dated(seconds: &[u8], pattern: &str) -> Option<Scratch> {
    let millis = timestamp::digits(seconds)?.checked_mul(1000)?;
    timestamp::formatted(pattern, millis).map(|text| Scratch::from_slice(text.as_bytes()))
}

fn squeezed(value: &[u8]) -> Scratch {
    let mut out = Scratch::with_capacity(value.len());
    for word in value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
    out
}

fn decoded(engine: &impl Engine, value: &Scratch) -> Result<Scratch, Why> {
    engine.decode(value).map(Scratch::from_vec).map_err(|_| Why::Refused)
}

fn strip(value: &mut Scratch, cut: impl Fn(&[u8]) -> Option<&[u8]>) -> Result<(), Why> {
    *value = Scratch::from_slice(cut(value).ok_or(Why::Refused)?);
    Ok(())
}
