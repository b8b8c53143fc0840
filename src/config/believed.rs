//! What the gateway mints, and which of its own tokens entries believe it: where nobody meant that, a token is good for more
//! than it was made for.

use super::{
    checked::{ClaimValue, Config, Handout, Issuer, Requirement, TokenLeg, Tokens, UpstreamKind},
    reader::Reader,
    tree::Place,
};
use crate::jose::Key;

/// Whether `entry` believes what the first key of `signer` signs for `audience`. What else it wants of claims is not looked at.
pub(super) fn believes(entry: &Tokens, signer: &Tokens, audience: Option<&str>) -> bool {
    let is_for = |accepted: &String| Some(accepted.as_str()) == audience;
    let is_theirs = entry.issuer.is_none() || entry.issuer == signer.issuer;
    is_theirs && (entry.audience.is_empty() || entry.audience.iter().any(is_for)) && has_key(entry, signer)
}

fn has_key(entry: &Tokens, signer: &Tokens) -> bool {
    let Some(signs) = signer.signing_key() else { return std::ptr::eq(entry, signer) };
    let (kid, listed) = (signs.verifying().kid(), entry.keys.listed());
    // As a verifier has it: a token without a `kid` is for the only key there is, whatever that is called.
    let is_named = |key: &Key| key.kid() == kid || (kid.is_none() && listed.len() == 1);
    std::ptr::eq(entry, signer) || listed.iter().any(|known| is_named(&known.key) && signs.is_verified_by(&known.key))
}

/// Warns of routes that mint for whoever shows what was minted there.
pub(super) fn warn_of_renewal(config: &Config, places: &[Place], reader: &mut Reader<'_>) {
    for (route, place) in config.routes.iter().zip(places) {
        let upstream = config.upstreams.get(route.to);
        let Some(UpstreamKind::Mint(handout)) = upstream.map(|upstream| &upstream.kind) else { continue };
        let minted = config.issuers.get(handout.issuer).map(|issuer| Minted { config, issuer, handout });
        if minted.is_some_and(|minted| minted.admits(&route.require)) {
            reader
                .warning(*place, "what is minted here is good here: whoever has one such token has another for ever")
                .hint("`require` tokens of another entry, or with another `audience`; or a signature");
        }
    }
}

/// What a route hands out.
struct Minted<'c> {
    config: &'c Config,
    issuer: &'c Issuer,
    handout: &'c Handout,
}

impl Minted<'_> {
    /// Whether it is enough for `require`, by itself.
    fn admits(&self, require: &Requirement) -> bool {
        match require {
            Requirement::Public | Requirement::Hmac(_) => false,
            Requirement::Jwt(entry, leg) => self.is_good(*entry, leg),
            Requirement::AnyOf(ways) => ways.iter().any(|way| self.admits(way)),
            Requirement::AllOf(parts) => parts.iter().all(|part| self.admits(part)),
        }
    }

    /// It is a bearer token, and has the scopes that its claims say.
    fn is_good(&self, entry: usize, leg: &TokenLeg) -> bool {
        let tokens = &self.config.tokens;
        let (Some(entry), Some(signer)) = (tokens.get(entry), tokens.get(self.issuer.tokens)) else { return false };
        let is_bound = leg.certificate || leg.dpop.is_some_and(|dpop| dpop.required);
        let wants_scope = !entry.scope.is_empty() || !leg.scope.is_empty();
        !is_bound && (self.has_scope() || !wants_scope) && believes(entry, signer, self.issuer.audience.as_deref())
    }

    fn has_scope(&self) -> bool {
        let names = |claims: &[(String, ClaimValue)]| claims.iter().any(|(name, _)| name == "scope" || name == "scp");
        names(&self.issuer.claims) || names(&self.handout.claims)
    }
}
