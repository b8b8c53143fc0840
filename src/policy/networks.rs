//! Sets of networks: whether an address is in one of ten thousand, without looking at each.
//!
//! Networks become ranges, sorted and joined, so that a look-up halves what is left. A mapped address is the IPv4 address
//! that it maps, and a network of mapped addresses is the IPv4 network: whoever reaches the gateway over either is the same.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// A set of networks, immutable once made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    v4: Box<[(u32, u32)]>,
    v6: Box<[(u128, u128)]>,
}

impl Networks {
    /// The set of all addresses that are in any of `networks`.
    pub fn new(networks: &[IpNet]) -> Networks {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match network {
                IpNet::V4(net) => v4.push((net.network().to_bits(), net.broadcast().to_bits())),
                IpNet::V6(net) => match (mapped(net.network()), mapped(net.broadcast())) {
                    (Some(first), Some(last)) => v4.push((first, last)),
                    _ => v6.push((net.network().to_bits(), net.broadcast().to_bits())),
                },
            }
        }
        // `::/0` and its like hold the mapped addresses too.
        let first_mapped = std::net::Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().to_bits();
        if v6.iter().any(|(first, last)| (first..=last).contains(&&first_mapped)) {
            v4.push((0, u32::MAX));
        }
        Networks { v4: joined(v4), v6: joined(v6) }
    }

    /// Whether `address` is in one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(v4) => holds(&self.v4, v4.to_bits()),
            IpAddr::V6(v6) => holds(&self.v6, v6.to_bits()),
        }
    }

    /// Whether no address is.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }
}

fn mapped(address: Ipv6Addr) -> Option<u32> {
    address.to_ipv4_mapped().map(std::net::Ipv4Addr::to_bits)
}

/// Sorted, and without overlap.
fn joined<T: Ord + Copy>(mut ranges: Vec<(T, T)>) -> Box<[(T, T)]> {
    ranges.sort_unstable();
    let mut joined: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => joined.push((first, last)),
        }
    }
    joined.into()
}

fn holds<T: Ord + Copy>(ranges: &[(T, T)], address: T) -> bool {
    let behind = ranges.partition_point(|(first, _)| *first <= address);
    behind.checked_sub(1).and_then(|index| ranges.get(index)).is_some_and(|(_, last)| address <= *last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks(list: &[&str]) -> Networks {
        Networks::new(&list.iter().map(|net| net.parse().unwrap()).collect::<Vec<_>>())
    }

    #[track_caller]
    fn assert_holds(set: &Networks, inside: &[&str], outside: &[&str]) {
        for address in inside {
            assert!(set.contains(address.parse().unwrap()), "{address} is in it");
        }
        for address in outside {
            assert!(!set.contains(address.parse().unwrap()), "{address} is not in it");
        }
    }

    #[test]
    fn a_network_holds_its_first_and_last_address_and_no_other() {
        let set = networks(&["192.0.2.0/24", "10.1.2.3/32", "2001:db8::/32"]);
        let inside = ["192.0.2.0", "192.0.2.255", "10.1.2.3", "2001:db8::", "2001:db8:ffff::1"];
        assert_holds(&set, &inside, &["192.0.1.255", "192.0.3.0", "10.1.2.2", "10.1.2.4", "2001:db9::"]);
    }

    #[test]
    fn networks_inside_others_hide_nothing() {
        let set = networks(&["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "11.0.0.0/32"]);
        assert_holds(&set, &["10.0.0.0", "10.1.2.255", "10.255.255.255", "11.0.0.0"], &["9.255.255.255", "11.0.0.1"]);
    }

    #[test]
    fn a_mapped_address_is_the_address_it_maps() {
        let set = networks(&["192.0.2.0/24"]);
        assert_holds(&set, &["::ffff:192.0.2.9", "::ffff:c000:209"], &["::ffff:192.0.3.9", "::192.0.2.9"]);
        assert_holds(&networks(&["::ffff:192.0.2.0/120"]), &["192.0.2.9", "::ffff:192.0.2.9"], &["192.0.3.9"]);
        assert_holds(&networks(&["::/0"]), &["192.0.2.9", "::ffff:192.0.2.9", "2001:db8::1"], &[]);
    }

    #[test]
    fn nothing_is_in_no_networks() {
        assert!(networks(&[]).is_empty());
        assert_holds(&networks(&[]), &[], &["0.0.0.0", "::"]);
    }

    proptest! {
        /// Each look-up says what looking at every network says.
        #[test]
        fn a_set_says_what_its_networks_say(
            nets in prop::collection::vec((any::<u32>(), 4_u8..=32), 0..50),
            addresses in prop::collection::vec(any::<u32>(), 1..50),
        ) {
            let nets: Vec<IpNet> = nets
                .into_iter()
                .map(|(bits, length)| IpNet::new(IpAddr::V4(bits.into()), length).unwrap().trunc())
                .collect();
            let set = Networks::new(&nets);
            let edges = nets.iter().flat_map(|net| [net.network(), net.broadcast()]);
            for address in addresses.into_iter().map(|bits| IpAddr::V4(bits.into())).chain(edges) {
                prop_assert_eq!(set.contains(address), nets.iter().any(|net| net.contains(&address)), "{}", address);
            }
        }
    }
}
