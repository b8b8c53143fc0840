//! Who signs what: the schemes and keys of the config, made ready for requests that go on and answers that go back.

use std::{fmt, sync::Arc};

use super::AssembleError;
use crate::{
    authenticate::SignatureRule,
    config::{self, AnswerSigner, Config, KeySource, Signer},
    forward::{AnswerKeys, AnswerSigning, CallerKeys, Holding, Signing},
    keys::KeyTable,
    message::Identity,
    scheme::{PreparedKey, Scheme},
    secret::Secret,
};

/// The schemes' keys, as those who sign need them.
pub(super) struct Signers<'c> {
    pub(super) config: &'c Config,
    pub(super) rules: &'c [Arc<SignatureRule>],
}

impl Signers<'_> {
    /// How requests on `route` are signed for its upstream, if they are.
    pub(super) fn request(
        &self,
        route: &config::Route,
        holding: &Holding,
    ) -> Result<Option<Arc<Signing>>, AssembleError> {
        let of_upstream = self.config.upstreams.get(route.to).and_then(|upstream| upstream.sign.as_ref());
        let Some(signer) = route.sign.as_ref().or(of_upstream) else { return Ok(None) };
        let Some((scheme, key)) = self.own(signer)? else { return Ok(None) };
        Ok(Some(Arc::new(Signing::new(scheme, key, signer.key_id.clone(), holding.clone()))))
    }

    /// How answers on `route` are signed, if they are.
    pub(super) fn answer(
        &self,
        route: &config::Route,
        holding: &Holding,
    ) -> Result<Option<Arc<AnswerSigning>>, AssembleError> {
        let signing = match &route.sign_response {
            None => return Ok(None),
            Some(AnswerSigner::Own(signer)) => self
                .own(signer)?
                .map(|(scheme, key)| (scheme, AnswerKeys::Own(key, signer.key_id.clone()))),
            Some(AnswerSigner::Callers(index)) => self.rules.get(*index).map(|rule| {
                (rule.scheme.clone(), AnswerKeys::Callers(Arc::new(Callers { rules: vec![rule.clone()] })))
            }),
        };
        Ok(signing.map(|(scheme, keys)| Arc::new(AnswerSigning::new(scheme, keys, holding.clone()))))
    }

    /// The keys of all that `require` can know a caller by.
    pub(super) fn callers(&self, require: &config::Requirement) -> Callers {
        Callers { rules: require.schemes().into_iter().filter_map(|index| self.rules.get(index).cloned()).collect() }
    }

    /// The first secret is the one that signs: those after it are on their way out. `None` only where the config's check
    /// has already said what is wrong.
    fn own(&self, signer: &Signer) -> Result<Option<(Arc<Scheme>, PreparedKey)>, AssembleError> {
        let Some(entry) = self.config.schemes.get(signer.scheme) else { return Ok(None) };
        let Some(keys) = self.config.keys.get(entry.keys) else { return Ok(None) };
        let prepare = |secret: &Secret| entry.scheme.key_recipe().signing(secret);
        let id = signer.key_id.as_deref().unwrap_or_default();
        let table = match &keys.source {
            KeySource::Shared(secrets) => KeyTable::shared(secrets.get(..1).unwrap_or_default(), prepare),
            KeySource::Static(ids) => {
                let own = ids.iter().filter(|(known, _)| known == id);
                KeyTable::by_id(own.map(|(id, all)| (id.as_bytes(), all.get(..1).unwrap_or_default())), prepare)
            }
        };
        let table = table.map_err(|source| AssembleError::Key { scheme: entry.name.clone(), source })?;
        let key = table.find(Some(id.as_bytes())).and_then(|key| key.prepared().first().map(|key| (*key).clone()));
        Ok(key.map(|key| (entry.scheme.clone(), key)))
    }
}

/// The keys that requests are verified with, which sign what goes back to whoever has them.
pub(in crate::gateway) struct Callers {
    rules: Vec<Arc<SignatureRule>>,
}

impl CallerKeys for Callers {
    fn key_of(&self, identity: &Identity<'_>) -> Option<&PreparedKey> {
        let rule = self.rules.iter().find(|rule| identity.by == Some(rule.scheme.name()))?;
        // A scheme without ids may stand beside one with: the id is the other's then.
        let id = identity.key_id.as_deref().filter(|_| rule.scheme.has_key_id());
        rule.keys.find(id.map(str::as_bytes))?.prepared().get(identity.secret?).copied()
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|rule| rule.scheme.name())).finish()
    }
}
