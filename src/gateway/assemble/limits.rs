//! Limits of rate: the config's, numbered for the metrics, as the stages need them.

use std::sync::Arc;

use crate::{
    config::{self, Config, OnStoreFailure, RatePer},
    policy::{Addresses, Guard, GuardLimit, Naming, Networks, Per, Prefixes, RateLimit},
    rate::Quota,
    store::MemoryCounters,
};

/// The names of all limits, in the order of their numbers. Those of the guard hold what no other name can.
pub(super) fn names(config: &Config) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for limit in config.routes.iter().flat_map(|route| &route.rate_limits) {
        if !names.contains(&limit.name) {
            names.push(limit.name.clone());
        }
    }
    if config.unverified.is_some() {
        names.extend([REQUESTS.to_owned(), FAILURES.to_owned()]);
    }
    names
}

const REQUESTS: &str = "unverified:requests";
const FAILURES: &str = "unverified:failures";

/// The names of the config's key sources, in its order.
pub(super) fn key_sources(config: &Config) -> Arc<[Box<str>]> {
    config.keys.iter().map(|keys| keys.name.as_str().into()).collect()
}

/// The limits of a route.
pub(super) fn of_route(route: &config::Route, names: &[String], sources: &Arc<[Box<str>]>) -> Box<[RateLimit]> {
    let limit = |limit: &Arc<config::RateLimit>| RateLimit {
        name: limit.name.as_str().into(),
        index: number(&limit.name, names),
        per: match &limit.per {
            RatePer::Address(of) => Per::Network(prefixes(*of)),
            RatePer::Template(template) => Per::Template(template.clone(), Naming::of(template, sources)),
        },
        quota: limit.quota,
        may_count_alone: limit.on_store_failure == OnStoreFailure::Allow,
        headers: limit.headers,
    };
    route.rate_limits.iter().map(limit).collect()
}

/// What each address has before anything is verified.
pub(super) fn guard(config: &Config, counters: &Arc<MemoryCounters>, names: &[String]) -> Option<Guard> {
    let unverified = config.unverified.as_ref()?;
    let limit = |name: &str, quota: Option<Quota>| {
        quota.map(|quota| GuardLimit { name: name.into(), index: number(name, names), quota })
    };
    Some(Guard {
        counters: counters.clone(),
        prefixes: prefixes(unverified.address),
        requests: limit(REQUESTS, unverified.requests),
        failures: limit(FAILURES, unverified.failures),
        except: Networks::new(&unverified.except),
    })
}

/// Who may come.
pub(super) fn addresses(of: &config::Addresses) -> Addresses {
    Addresses { allow: of.allow.as_deref().map(Networks::new), deny: Networks::new(&of.deny) }
}

fn prefixes(of: config::Prefixes) -> Prefixes {
    Prefixes { ipv4: of.ipv4, ipv6: of.ipv6 }
}

fn number(name: &str, names: &[String]) -> usize {
    names.iter().position(|known| known == name).unwrap_or(names.len())
}
