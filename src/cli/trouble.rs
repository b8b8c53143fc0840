//! Why a command could not do what it was asked, and with which exit code it ends then.

use std::{io, path::PathBuf};

use super::{Exit, key_file::KeyFileError, request::RequestError, words};
use crate::{
    config::Problems,
    gateway::StartError,
    keys::{NotChanged, NotWritable},
    scheme,
    store::revocations::LogError,
};

/// Anything that ends a command early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Config(#[from] Problems),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("there is no scheme `{name}` in {}; it has {known}", .file.display())]
    UnknownScheme { name: String, file: PathBuf, known: String },
    #[error("there is no preset `{name}`; the presets are {known}{hint}")]
    UnknownPreset { name: String, known: String, hint: &'static str },
    #[error("the keys file holds {0} ids: say with --id which one signs")]
    WhichId(usize),
    #[error("the keys file has no secret for the id `{0}`")]
    NoSecret(String),
    #[error(transparent)]
    Secret(#[from] scheme::KeyFault),
    #[error("the request cannot be signed: {0}")]
    Unsignable(scheme::Failure),
    #[error("no id: this scheme writes the key id into the request, so say it with --id")]
    NoId,
    #[error("the request was signed, but a gateway would refuse it: {0}")]
    WouldBeRefused(crate::authenticate::Reason),
    #[error("`{0}` is no URL: wanted is http://HOST/PATH or https://HOST/PATH")]
    Url(String),
    #[error("say with --tokens which entry of the config; it has {0}")]
    WhichTokens(String),
    #[error("the tokens of `{0}` are opaque: only their server knows what they are, and nobody is called from here")]
    OpaqueTokens(String),
    #[error("say with --issuer which issuer of the config; it has {0}")]
    WhichIssuer(String),
    #[error("say with --audience whom it is for: the tokens entry accepts {0}")]
    WhichAudience(String),
    #[error("the tokens entry `{0}` has no key that signs: its first is a public one, or its keys are with the issuer")]
    PublicKeyAlone(String),
    #[error("the claim `{0}` is taken from a request, and there is none: give it with --claim {0}=VALUE")]
    ClaimOfRequest(String),
    #[error("{0}")]
    NotMinted(crate::minting::MintingFault),
    #[error("there is no token on standard input")]
    EmptyInput,
    #[error("the key set cannot be used: {0}")]
    KeySet(crate::jose::SetFault),
    #[error("the file of the key set cannot be read: {0}")]
    KeySetFile(io::Error),
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
    #[error("a scheme of the demo's own is broken: {0:?}")]
    Scheme(Vec<scheme::Fault>),
    #[error("no answer from {place}: {source}")]
    NoAnswer { place: String, source: io::Error },
    #[error(
        "no answer from {0} yet: what was asked for may still be going on, and the gateway's log says what comes of it"
    )]
    NoAnswerYet(String),
    #[error("the gateway answered {status}: {error}")]
    NotDone { status: u16, error: String },
    #[error("no admin token: set COUNTERSIGN_ADMIN_TOKEN, or name a file with --token-file")]
    NoToken,
    #[error("{} has no `admin`", .0.display())]
    NoAdmin(PathBuf),
    #[error("the admin token in {}: {source}", .file.display())]
    TokenFile { file: PathBuf, source: io::Error },
    #[error("`{0}` is no time: wanted is RFC 3339, seconds since 1970, or `now`")]
    Time(String),
    #[error("nothing is revoked: {0}")]
    NotRevoked(String),
    #[error("what is revoked cannot be read: {0}")]
    NotListed(LogError),
    #[error("nothing is lifted: {0}")]
    NotLifted(String),
    #[error("{0}: {1}")]
    Keys(String, NotChanged),
    #[error("there is no key source `{name}`; the config has {known}")]
    NoKeys { name: String, known: String },
    #[error("the key source `{name}` cannot be changed from here: {why}")]
    NotKept { name: String, why: NotWritable },
    #[error("the keys of `{0}` stand in the config: change them there")]
    KeysInConfig(String),
    #[error("the keys of `{0}` are computed from its master; an id needs no change there")]
    KeysComputed(String),
    #[error("the audit line cannot be written: {0}; the keys are changed")]
    Audit(io::Error),
    #[error("the file for the secret cannot be written: {0}; the keys are as they were")]
    Out(io::Error),
    #[error(
        "standard output: {0}; the keys are changed, and nobody has the new secret: `rotate` the id once more, and `retire` this one"
    )]
    Lost(io::Error),
    #[error("there is no key source `{0}` with `derive`")]
    NotDerived(String),
    #[error("`{0}` cannot be a key id: 1 to 256 visible ASCII characters")]
    KeyId(String),
    #[error("{0}")]
    Signals(io::Error),
    #[error("{0}")]
    Password(crate::password::PasswordFault),
    #[error("the two passwords differ")]
    PasswordsDiffer,
    #[error("standard input: {0}")]
    Input(io::Error),
}

impl Trouble {
    /// Says it on standard error.
    pub(super) fn tell(&self) -> Exit {
        match self {
            Trouble::Config(problems) => words(format_args!("{problems}")),
            other => words(format_args!("countersign: {other}")),
        }
        if let Trouble::NoAnswer { source, .. } = self
            && matches!(source.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
        {
            words(format_args!(
                "  hint: `-c` with the gateway's config says where its admin listener is, or `--admin` does"
            ));
        }
        self.exit()
    }

    /// There is no preset `name`; `hint` is what else could have been meant.
    pub(super) fn unknown_preset(name: &str, hint: &'static str) -> Trouble {
        let known: Vec<&str> = scheme::presets::names().collect();
        Trouble::UnknownPreset { name: name.to_owned(), known: known.join(", "), hint }
    }

    fn exit(&self) -> Exit {
        match self {
            Trouble::Config(_) => Exit::Config,
            Trouble::UnknownScheme { .. }
            | Trouble::UnknownPreset { .. }
            | Trouble::WhichId(_)
            | Trouble::NoId
            | Trouble::WhichTokens(_)
            | Trouble::OpaqueTokens(_)
            | Trouble::WhichIssuer(_)
            | Trouble::WhichAudience(_)
            | Trouble::ClaimOfRequest(_)
            | Trouble::EmptyInput
            | Trouble::Time(_)
            | Trouble::NoToken
            | Trouble::NoAdmin(_)
            | Trouble::NotDerived(_)
            | Trouble::NoKeys { .. }
            | Trouble::NotKept { .. }
            | Trouble::KeysInConfig(_)
            | Trouble::KeysComputed(_)
            | Trouble::KeyId(_)
            | Trouble::Url(_) => Exit::Usage,
            Trouble::Start(_)
            | Trouble::KeyFile(_)
            | Trouble::Request(_)
            | Trouble::NoSecret(_)
            | Trouble::Keys(..)
            | Trouble::Audit(_)
            | Trouble::Out(_)
            | Trouble::Lost(_)
            | Trouble::Secret(_)
            | Trouble::Unsignable(_)
            | Trouble::WouldBeRefused(_)
            | Trouble::PublicKeyAlone(_)
            | Trouble::NotMinted(_)
            | Trouble::KeySet(_)
            | Trouble::KeySetFile(_)
            | Trouble::Random(_)
            | Trouble::Scheme(_)
            | Trouble::NoAnswer { .. }
            | Trouble::NoAnswerYet(_)
            | Trouble::NotDone { .. }
            | Trouble::TokenFile { .. }
            | Trouble::NotRevoked(_)
            | Trouble::NotListed(_)
            | Trouble::NotLifted(_)
            | Trouble::Signals(_)
            | Trouble::Password(_)
            | Trouble::PasswordsDiffer
            | Trouble::Input(_) => Exit::Runtime,
        }
    }
}
