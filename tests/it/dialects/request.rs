//! A request to sign and verify, and schemes of presets with changes.

use countersign::{
    config::{self, System},
    scheme::{Body, Claimed, Emitted, Failure, Headers, PreparedKey, Scheme, Unknown, View, presets},
    secret::Secret,
};

/// 2024-04-30T14:00:00Z
pub(crate) const NOW: i64 = 1_714_485_600_000;

/// A request as a scheme sees it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) scheme: String,
    pub(crate) authority: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// `url` is `SCHEME://AUTHORITY/TARGET`.
    pub(crate) fn new(method: &str, url: &str) -> Request {
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let (authority, target) = rest.split_at(rest.find('/').expect("a path"));
        Request {
            method: method.to_owned(),
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Request {
        self.body = body.as_bytes().to_vec();
        self
    }

    /// The request as its signer sends it.
    pub(crate) fn signed(mut self, emitted: &Emitted) -> Request {
        let is_set = |name: &str| emitted.headers.iter().any(|(set, _)| set.eq_ignore_ascii_case(name));
        self.headers.retain(|(name, _)| !is_set(name));
        self.headers.extend(emitted.headers.iter().cloned());
        self.target = emitted.target.clone().unwrap_or(self.target);
        self
    }

    pub(crate) fn view(&self) -> View<'_> {
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
}

impl Headers for Request {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        for (_, value) in self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)) {
            visit(value.trim_ascii().as_bytes());
        }
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        self.headers.iter().for_each(|(name, _)| visit(name));
    }
}

/// A preset as it is.
pub(crate) fn preset(name: &str) -> Scheme {
    config::preset(name).unwrap_or_else(|problems| panic!("{name}: {problems}"))
}

/// A preset with keys of the user's own beside it, as YAML.
pub(crate) fn preset_with(name: &str, own: &str) -> std::sync::Arc<Scheme> {
    const SECRET: &str = "{ value: 0000000000000000000000000000000000000000000000000000000000000000 }";
    let has_key_id = presets::text(name).expect("a preset").contains("\nkey_id:");
    let keys = if has_key_id { format!("static: {{ id: {SECRET} }}") } else { format!("shared: {SECRET}") };
    let text = format!(
        "listen: 127.0.0.1:0
keys: {{ k: {{ {keys} }} }}
schemes:
  s:
    preset: {name}
    keys: k
{own}
upstreams: {{ e: {{ echo: true }} }}
routes: [{{ match: {{ path: / }}, require: {{ hmac: s }}, to: e }}]"
    );
    let (config, _) = config::parse(&text, "t.yaml", &System).unwrap_or_else(|problems| panic!("{name}: {problems}"));
    config.schemes[0].scheme.clone()
}

pub(crate) fn key(scheme: &Scheme, secret: &str) -> PreparedKey {
    scheme.key_recipe().verifying(&Secret::new(secret.as_bytes().to_vec())).unwrap_or_else(|fault| panic!("{fault}"))
}

/// What the request claims, if it verifies with the secret at this time.
pub(crate) fn verify(scheme: &Scheme, request: &Request, secret: &str, now: i64) -> Result<Claimed, Failure> {
    let claimed = scheme.read(&request.view(), now)?;
    scheme.verify(&claimed, &request.view(), &[&key(scheme, secret)])?;
    Ok(claimed)
}

/// The string-to-sign.
pub(crate) fn message(scheme: &Scheme, request: &Request, now: i64) -> String {
    let claimed = scheme.read(&request.view(), now).unwrap_or_else(|failure| panic!("{failure}: {request:?}"));
    String::from_utf8(scheme.message(&claimed, &request.view()).expect("a message")).expect("text")
}
