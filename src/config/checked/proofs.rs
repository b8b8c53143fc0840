//! What the gateway itself proves, in requests that go on and answers that go back, and what it wants proven of each part.

use super::{Config, Route};
use crate::secret::Secret;

impl Config {
    /// How requests on `route` are signed for its upstream: as it says, or else as the upstream does.
    pub fn signer<'c>(&'c self, route: &'c Route) -> Option<&'c Signer> {
        route.sign.as_ref().or_else(|| self.upstreams.get(route.to)?.sign.as_ref())
    }
}

/// `sign:`, and `sign_response:` with a key of the gateway's own: by what, and in whose name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Index into [`Config::schemes`], whose keys hold the secret.
    pub scheme: usize,
    /// The id whose first secret signs; none where there is one key for all and the scheme writes no id.
    pub key_id: Option<String>,
}

/// `sign_response:`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerSigner {
    /// With the secret that the request was signed with; index into [`Config::schemes`].
    Callers(usize),
    /// With a key of the gateway's own.
    Own(Signer),
}

impl AnswerSigner {
    /// Index into [`Config::schemes`].
    pub fn scheme(&self) -> usize {
        match self {
            AnswerSigner::Callers(scheme) | AnswerSigner::Own(Signer { scheme, .. }) => *scheme,
        }
    }
}

/// `handshake:`: what a webhook's sender asks before it sends.
#[derive(Debug, Clone)]
pub enum Handshake {
    /// A signed event wants its token back, with an HMAC of it.
    Zoom,
    /// A GET wants its challenge back.
    Dropbox,
    /// A GET that knows the token wants its challenge back.
    Meta {
        /// The token.
        verify_token: Secret,
    },
}

impl Handshake {
    /// As the config names it.
    pub fn name(&self) -> &'static str {
        match self {
            Handshake::Zoom => "zoom",
            Handshake::Dropbox => "dropbox",
            Handshake::Meta { .. } => "meta",
        }
    }
}

/// A part of a request that a route wants signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Part {
    Method,
    Path,
    Query,
    Authority,
    Body,
}
