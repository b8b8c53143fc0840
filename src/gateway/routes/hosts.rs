//! The routes of one listener by host: an exact name, else the longest wildcard that fits, else any host.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::path_trie::PathTrie;

/// The routes of one host.
#[derive(Default)]
pub(super) struct Group {
    /// By the patterns as written.
    pub(super) exact: PathTrie<usize>,
    /// By the patterns as a lenient upstream reads them, to compare with what it makes of a path.
    pub(super) folded: PathTrie<usize>,
}

type Groups = HashMap<Box<[u8]>, Group, RandomState>;

/// Hosts and their routes.
#[derive(Default)]
pub(super) struct Hosts {
    names: Groups,
    /// By what follows `*.`; every name below it is meant.
    wildcards: Groups,
    any: Group,
}

/// Of a DNS name (RFC 1035 section 2.3.4); nothing longer is looked up.
const LONGEST_NAME: usize = 253;

type Name = SmallVec<[u8; 256]>;

impl Hosts {
    /// The groups that answer for an authority, the most specific first.
    pub(super) fn groups(&self, authority: &str) -> SmallVec<[&Group; 4]> {
        let mut groups = SmallVec::new();
        let name = self.has_names().then(|| name(authority)).filter(|name| name.len() <= LONGEST_NAME);
        if let Some(name) = &name {
            groups.extend(self.names.get(name.as_slice()));
            groups.extend(parents(name).filter_map(|parent| self.wildcards.get(parent)));
        }
        groups.push(&self.any);
        groups
    }

    fn has_names(&self) -> bool {
        !self.names.is_empty() || !self.wildcards.is_empty()
    }

    /// The group of one host pattern, made where it is missing; `None` is any host.
    pub(super) fn group(&mut self, host: Option<&str>) -> &mut Group {
        match host.map(|host| (host, host.strip_prefix("*."))) {
            None => &mut self.any,
            Some((_, Some(parent))) => self.wildcards.entry(name(parent).as_slice().into()).or_default(),
            Some((host, None)) => self.names.entry(name(host).as_slice().into()).or_default(),
        }
    }
}

/// The host of an authority as it is compared: without port and final dot, in lower case.
fn name(authority: &str) -> Name {
    let host = match authority.strip_prefix('[').and_then(|address| address.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host.strip_suffix('.').unwrap_or(host).bytes().map(|byte| byte.to_ascii_lowercase()).collect()
}

/// The names above this one, the nearest first.
fn parents(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    memchr::memchr_iter(b'.', name).filter(|&dot| dot > 0).filter_map(|dot| name.get(dot + 1..))
}
