//! Messages, keys and schemes to test with, and the tests by subject.

mod answers;
mod appendix_b;
mod keys;
mod policy;
mod replay;
mod requests;
mod structured_fields;

use super::*;
use crate::{
    scheme::{Algorithm, AnswerView, Body, Emitted, Failure, Headers, PreparedKey, Scheme, Unknown, View},
    secret::Secret,
};

/// 2024-04-30T14:00:00Z
const NOW: i64 = 1_714_485_600_000;

/// A request or an answer as text: a first line, header lines, an empty line, the body.
#[derive(Clone)]
struct Text {
    first: Vec<String>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    origin: (String, String),
}

impl Text {
    fn new(text: &str) -> Text {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let first = lines.next().unwrap().split(' ').map(str::to_owned).collect();
        let headers = lines.map(|line| line.split_once(':').unwrap());
        let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().as_bytes().to_vec())).collect();
        let origin = ("https".to_owned(), "example.com".to_owned());
        Text { first, headers, body: body.as_bytes().to_vec(), origin }
    }

    fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Text {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    fn without(mut self, name: &str) -> Text {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    fn line(mut self, method: &str, target: &str) -> Text {
        self.first = vec![method.to_owned(), target.to_owned()];
        self
    }

    fn body(mut self, body: &str) -> Text {
        self.body = body.as_bytes().to_vec();
        self
    }

    fn at(mut self, scheme: &str, authority: &str) -> Text {
        self.origin = (scheme.to_owned(), authority.to_owned());
        self
    }

    /// The message as its signer sends it.
    fn signed(self, emitted: Emitted) -> Text {
        emitted.headers.into_iter().fold(self, |text, (name, value)| text.without(&name).with(&name, value))
    }

    fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        String::from_utf8(found.unwrap_or_else(|| panic!("no {name}")).1.clone()).unwrap()
    }

    fn view(&self) -> View<'_> {
        View {
            method: &self.first[0],
            target: &self.first[1],
            scheme: &self.origin.0,
            authority: &self.origin.1,
            headers: self,
            body: Body::Memory(&self.body),
            known: &Unknown,
        }
    }

    /// As an answer to `request`.
    fn answer<'a>(&'a self, request: &'a Text) -> AnswerView<'a> {
        let body = Body::Memory(&self.body);
        AnswerView { request: request.view(), status: self.first[1].parse().unwrap(), headers: self, body }
    }
}

impl Headers for Text {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        for (_, value) in self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)) {
            visit(value.trim_ascii());
        }
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        self.headers.iter().for_each(|(name, _)| visit(name));
    }
}

fn request() -> Text {
    Text::new("POST /lamp?on=1 HTTP/1.1\nHost: example.com\nContent-Type: application/json\n\n{\"on\": true}")
}

fn definition(algorithm: Algorithm) -> MessageSignaturesDefinition {
    MessageSignaturesDefinition::new("test", vec![algorithm])
}

fn hmac() -> MessageSignaturesDefinition {
    definition(Algorithm::HmacSha256)
}

fn scheme(definition: &MessageSignaturesDefinition) -> Scheme {
    Scheme::message_signatures(definition).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn covering(names: &[&str]) -> MessageSignaturesDefinition {
    MessageSignaturesDefinition { components: names.iter().map(|name| (*name).to_owned()).collect(), ..hmac() }
}

fn hmac_key(secret: &str) -> PreparedKey {
    let recipe = KeyRecipe::of_documents([Algorithm::HmacSha256]);
    recipe.signing(&Secret::new(secret.as_bytes().to_vec())).unwrap()
}

/// Signed by the scheme itself at `NOW`, with the key `k` and a nonce.
fn signed(scheme: &Scheme, request: Text) -> Text {
    let emitted = scheme.sign(&request.view(), &hmac_key("k"), Some("dev-1"), NOW, "n-0").unwrap();
    request.signed(emitted)
}

fn verify_at(scheme: &Scheme, request: &Text, now_millis: i64) -> Result<usize, Failure> {
    let claimed = scheme.read(&request.view(), now_millis)?;
    scheme.verify(&claimed, &request.view(), &[&hmac_key("other"), &hmac_key("k")])
}

fn verify(scheme: &Scheme, request: &Text) -> Result<usize, Failure> {
    verify_at(scheme, request, NOW)
}

/// The request with a signature of the key `k` under the label `s`, which covers and says just `input`.
fn hand_signed(request: Text, input: &str) -> Text {
    let unsigned = request.clone().with("Signature-Input", format!("s={input}")).with("Signature", "s=:AA==:");
    let read = input::read(&unsigned, &input::Choice::Only).unwrap_or_else(|failure| panic!("{input}: {failure}"));
    let message = value::Message::Request(&unsigned.view());
    let base = base::signature_base(&read.components, &read.parameters, message, &Vec::new());
    let base = base.unwrap_or_else(|failure| panic!("{input}: {failure}"));
    let signature = hmac_key("k").signature(Algorithm::HmacSha256, base.as_bytes()).unwrap();
    let signature = structured::write_item(&structured::Item::plain(signature));
    request.with("Signature-Input", format!("s={input}")).with("Signature", format!("s={signature}"))
}

/// A scheme that takes any time and wants nothing to be covered, which no definition can say.
fn lax(definition: &MessageSignaturesDefinition) -> MessageSignatures {
    let mut scheme = MessageSignatures::compile(definition).unwrap();
    scheme.policy.components.clear();
    scheme.policy.created = false;
    scheme.policy.max_age = Duration::from_secs(1 << 40);
    scheme.policy.future = Duration::from_secs(1 << 40);
    scheme
}
