//! Limits of rate and lists of addresses, as the config has them.

use ipnet::IpNet;

use super::OnStoreFailure;
use crate::{rate::Quota, scheme::Template};

/// `rate_limits: { NAME: … }`, or one that a route writes itself.
#[derive(Debug)]
pub struct RateLimit {
    /// The name; of a route's own one the route's and a number.
    pub name: String,
    /// Whom it counts.
    pub per: RatePer,
    /// `rate` and `burst`.
    pub quota: Quota,
    /// What happens while a shared store cannot be asked. With `allow` each gateway counts for itself meanwhile.
    pub on_store_failure: OnStoreFailure,
    /// Whether answers that are not refused say how it stands.
    pub headers: bool,
}

/// `per:`
#[derive(Debug)]
pub enum RatePer {
    /// The client's network.
    Address(Prefixes),
    /// What a template makes of a request; `key_id`, `subject` and `route` are short for one.
    Template(Template),
}

/// `address: { ipv4: …, ipv6: … }`: how many bits of an address make a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefixes {
    /// Default 32.
    pub ipv4: u8,
    /// Default 64.
    pub ipv6: u8,
}

/// `addresses:`
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// Where it is there, only these are let in.
    pub allow: Option<Vec<IpNet>>,
    /// These never are.
    pub deny: Vec<IpNet>,
}

/// `trusted_proxies:`
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    /// Who they are.
    pub nets: Vec<IpNet>,
    /// Which header of theirs is believed; `None`: `X-Forwarded-For`, and `Forwarded` is continued with it.
    pub header: Option<ForwardingHeader>,
}

/// `header:` of `trusted_proxies`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ForwardingHeader {
    XForwardedFor,
    Forwarded,
}

/// `unverified:`
#[derive(Debug)]
pub struct Unverified {
    /// Which addresses are one.
    pub address: Prefixes,
    /// Requests of each, good and bad.
    pub requests: Option<Quota>,
    /// Credentials that were not good, of each.
    pub failures: Option<Quota>,
    /// Networks that are not counted.
    pub except: Vec<IpNet>,
}
