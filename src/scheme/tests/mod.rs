//! Requests and definitions to test with, and the tests by subject.

mod answers;
mod carriers;
mod complexity;
mod coverage;
mod cures;
mod keys;
mod language;
mod moving;
mod parts;
mod presets;
mod replay;
mod robustness;
mod rules;
mod signing;
mod times;
mod twofold;
mod values;
mod vectors;

use std::{io, time::Duration};

use super::*;
use crate::secret::Secret;

/// 2024-04-30T14:00:00Z
const NOW: i64 = 1_714_485_600_000;

#[derive(Clone)]
struct Request {
    method: String,
    target: String,
    scheme: String,
    authority: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    fn new(method: &str, target: &str) -> Request {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            scheme: "https".to_owned(),
            authority: "api.example.com".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    /// The request as its signer sends it.
    fn signed(mut self, emitted: Emitted) -> Request {
        self.target = emitted.target.unwrap_or(self.target);
        emitted.headers.into_iter().fold(self, |request, (name, value)| request.header(&name, &value))
    }

    fn body(self, body: &str) -> Request {
        Request { body: body.as_bytes().to_vec(), ..self }
    }

    fn view(&self) -> View<'_> {
        View {
            method: &self.method,
            target: &self.target,
            scheme: &self.scheme,
            authority: &self.authority,
            headers: self,
            body: Body::Memory(&self.body),
            known: &Unknown,
        }
    }

    fn head(&self) -> View<'_> {
        View { body: Body::Unread, ..self.view() }
    }
}

impl Headers for Request {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        for (_, value) in self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)) {
            visit(value.trim_ascii());
        }
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        self.headers.iter().for_each(|(name, _)| visit(name));
    }
}

/// A body outside memory, in pieces of three bytes.
struct Pieces<'a>(&'a [u8]);

impl Spooled for Pieces<'_> {
    fn read(&self, visit: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.0.chunks(3).for_each(visit);
        Ok(())
    }
}

/// A scheme with a signature in `X-Signature` and nothing but this message.
fn definition(message: &str) -> Definition {
    Definition::new("test", message, signature("{header:X-Signature}"))
}

fn signature(from: &str) -> SignatureDefinition {
    SignatureDefinition::new(from, Encoding::Hex, Algorithm::HmacSha256)
}

fn timestamp(from: &str, seconds: u64) -> TimestampDefinition {
    TimestampDefinition {
        from: Some(from.to_owned()),
        formats: vec![TimestampFormat::Unix],
        past: Some(Duration::from_secs(seconds)),
        future: Some(Duration::from_secs(seconds)),
        ..TimestampDefinition::default()
    }
}

fn scheme(definition: &Definition) -> Scheme {
    Scheme::compile(definition).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn faults(definition: &Definition) -> Vec<Fault> {
    Scheme::compile(definition).map(|_| ()).expect_err("the definition is accepted")
}

fn key(secret: &str) -> PreparedKey {
    let recipe = key::KeyRecipe::new([Algorithm::HmacSha256], None);
    recipe.signing(&Secret::new(secret.as_bytes().to_vec())).unwrap()
}

fn verify(scheme: &Scheme, request: &Request, secret: &str) -> Result<usize, Failure> {
    let claimed = scheme.read(&request.view(), NOW)?;
    scheme.verify(&claimed, &request.view(), &[&key(secret)])
}

/// The message of a request whose signature does not matter.
fn message(definition: &Definition, request: &Request) -> Result<String, Failure> {
    let request = request.clone().header("X-Signature", &"0".repeat(64));
    let scheme = scheme(definition);
    let claimed = scheme.read(&request.view(), NOW)?;
    scheme.message(&claimed, &request.view()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn unreadable<T>(place: &str, why: Why) -> Result<T, Failure> {
    Err(Failure::Unreadable { place: place.to_owned(), why })
}

fn texts(entries: &[(&str, &str)]) -> Vec<(String, ValueDefinition)> {
    strings(entries).into_iter().map(|(name, text)| (name, ValueDefinition::Text(text))).collect()
}

fn strings(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}
