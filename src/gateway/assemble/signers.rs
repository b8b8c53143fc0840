//! Who signs what: the schemes and keys of the config, made ready for requests that go on and answers that go back.

use std::{fmt, sync::Arc};

use super::{super::handshake::Handshake, AssembleError, hold, patience, tables::Sources};
use crate::{
    authenticate::SignatureRule,
    clock::Clock,
    config::{self, AnswerSigner, Config, Signer},
    forward::{AnswerKeys, AnswerSigning, CallerKeys, Holding, OwnKey, Signing},
    message::{Budgets, Identity},
    scheme::{PreparedKey, Scheme},
};

/// The schemes' keys, as those who sign need them.
pub(super) struct Signers<'c> {
    pub(super) config: &'c Config,
    pub(super) rules: &'c [Arc<SignatureRule>],
    pub(super) sources: &'c Sources,
}

/// What a route signs and answers itself.
pub(super) struct Proofs {
    pub(super) sign: Option<Arc<Signing>>,
    pub(super) sign_response: Option<Arc<AnswerSigning>>,
    pub(super) handshake: Option<Handshake>,
}

impl Signers<'_> {
    /// Those of each route, in the config's order.
    pub(super) fn proofs(&self, budgets: &Budgets, clock: &Clock) -> Result<Vec<Proofs>, AssembleError> {
        let config = self.config;
        // How large an answer may be is nothing that its request's bound would say.
        let of_answers = hold(config.limits.body, &config.limits);
        let proofs = |route: &config::Route| {
            let limits = hold(route.max_body.unwrap_or(config.limits.body), &config.limits);
            let holding =
                Holding { clock: clock.clone(), limits, patience: patience(limits), budgets: budgets.clone() };
            Ok(Proofs {
                sign: self.request(route, &holding)?,
                sign_response: self.answer(route, &Holding { limits: of_answers, ..holding.clone() })?,
                handshake: route.handshake.as_ref().map(|handshake| self.handshake(handshake, route)),
            })
        };
        config.routes.iter().map(proofs).collect()
    }

    fn handshake(&self, handshake: &config::Handshake, route: &config::Route) -> Handshake {
        match handshake {
            config::Handshake::Zoom => Handshake::Zoom(Arc::new(self.callers(&route.require))),
            config::Handshake::Dropbox => Handshake::Dropbox,
            config::Handshake::Meta { verify_token } => Handshake::Meta { verify_token: verify_token.clone() },
        }
    }

    /// How requests on `route` are signed for its upstream, if they are.
    fn request(&self, route: &config::Route, holding: &Holding) -> Result<Option<Arc<Signing>>, AssembleError> {
        let Some(signer) = self.config.signer(route) else { return Ok(None) };
        let Some((scheme, key)) = self.own(signer)? else { return Ok(None) };
        Ok(Some(Arc::new(Signing::new(scheme, key, signer.key_id.clone(), holding.clone()))))
    }

    /// How answers on `route` are signed, if they are.
    fn answer(&self, route: &config::Route, holding: &Holding) -> Result<Option<Arc<AnswerSigning>>, AssembleError> {
        let signing = match &route.sign_response {
            None => return Ok(None),
            Some(AnswerSigner::Own(signer)) => {
                self.own(signer)?.map(|(scheme, key)| (scheme, AnswerKeys::Own(key, signer.key_id.clone())))
            }
            Some(AnswerSigner::Callers(index)) => self.rules.get(*index).map(|rule| {
                (rule.scheme.clone(), AnswerKeys::Callers(Arc::new(Callers { rules: vec![rule.clone()] })))
            }),
        };
        Ok(signing.map(|(scheme, keys)| Arc::new(AnswerSigning::new(scheme, keys, holding.clone()))))
    }

    /// The keys of all that `require` can know a caller by.
    fn callers(&self, require: &config::Requirement) -> Callers {
        Callers { rules: require.schemes().into_iter().filter_map(|index| self.rules.get(index).cloned()).collect() }
    }

    /// The scheme and the key that signs. `None` only where the config's check has already said what is wrong.
    fn own(&self, signer: &Signer) -> Result<Option<OwnSigner>, AssembleError> {
        let Some(entry) = self.config.schemes.get(signer.scheme) else { return Ok(None) };
        let key = self.sources.signing(self.config, entry, signer.key_id.as_deref().unwrap_or_default())?;
        Ok(Some((entry.scheme.clone(), key)))
    }
}

/// By what the gateway signs in its own name, and with which key.
type OwnSigner = (Arc<Scheme>, Arc<dyn OwnKey>);

/// The keys that requests are verified with, which sign what goes back to whoever has them.
struct Callers {
    rules: Vec<Arc<SignatureRule>>,
}

impl CallerKeys for Callers {
    fn key_of<'k>(&'k self, identity: &'k Identity<'_>) -> Option<(&'k PreparedKey, Option<&'k str>)> {
        let (key, key_id) = self.rules.iter().find_map(|rule| identity.key_by(rule.scheme.name()))?;
        Some((key.prepared()?, key_id))
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|rule| rule.scheme.name())).finish()
    }
}
