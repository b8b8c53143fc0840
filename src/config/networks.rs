//! Networks in the config: addresses alone or with a prefix.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{reader::Reader, tree::Node};

/// Reads a list of addresses and networks. `everybody` is what follows where one of them is every address there is.
pub(super) fn list(node: &Node, what: &str, everybody: &str, reader: &mut Reader<'_>) -> Vec<IpNet> {
    let items = reader.list(node, what).unwrap_or_default();
    items.iter().filter_map(|item| network(item, everybody, reader)).collect()
}

fn network(node: &Node, everybody: &str, reader: &mut Reader<'_>) -> Option<IpNet> {
    let text = reader.text(node, "an address or network")?;
    let shown = reader.quote(node.place, text);
    let network = parse(text);
    match network {
        None => {
            reader
                .error(node.place, format!("{shown} is not an address or network"))
                .expected("such as `10.0.0.0/8` or `192.0.2.1`");
        }
        Some(network) if network.prefix_len() == 0 => {
            reader.warning(node.place, format!("{shown} is every address: {everybody}"));
        }
        Some(network) if network.addr() != network.network() => {
            reader
                .warning(node.place, format!("{shown} has bits beyond its prefix"))
                .hint(format!("the network is `{}`", network.trunc()));
        }
        Some(_) => (),
    }
    network.map(|network| network.trunc())
}

fn parse(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
