//! Networks in the config: addresses alone or with a prefix, in a list or in a file; `addresses:` and `trusted_proxies:`.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::{
    checked::{Addresses, ForwardingHeader, TrustedProxies},
    environment::why_unreadable,
    reader::Reader,
    tree::{Node, Value},
};

/// Reads `trusted_proxies:`: a list, or `nets` and the `header` that is believed.
pub(super) fn proxies(node: &Node, reader: &mut Reader<'_>) -> TrustedProxies {
    let everybody = "any client can say whom it speaks for";
    let Value::Map(_) = node.value else {
        return TrustedProxies { nets: list(node, "`trusted_proxies`", everybody, reader), header: None };
    };
    let Some(fields) = reader.fields(node, "`trusted_proxies`", &["nets", "header"]) else {
        return TrustedProxies::default();
    };
    let nets = fields.required("nets", reader).map(|node| list(node, "`nets`", everybody, reader));
    let headers = [("x-forwarded-for", ForwardingHeader::XForwardedFor), ("forwarded", ForwardingHeader::Forwarded)];
    let header = fields.value("header").and_then(|node| reader.choice(node, "`header`", &headers));
    TrustedProxies { nets: nets.unwrap_or_default(), header }
}

/// Reads `addresses:`.
pub(super) fn addresses(node: &Node, reader: &mut Reader<'_>) -> Option<Addresses> {
    let fields = reader.fields(node, "`addresses`", &["allow", "deny"])?;
    if fields.entries().is_empty() {
        reader.error(node.place, "`addresses` says nothing").expected("allow, deny or both");
    }
    let allow = fields.value("allow").map(|node| {
        let allow = list_or_file(node, "`allow`", "allowing it allows everybody", reader);
        if allow.is_empty() && !reader.found_errors() {
            reader.warning(node.place, "`allow` is empty: nobody is let in");
        }
        allow
    });
    let deny = fields.value("deny").map(|node| list_or_file(node, "`deny`", "nobody is let in", reader));
    Some(Addresses { allow, deny: deny.unwrap_or_default() })
}

/// Reads a list of addresses and networks, or one alone. `everybody` is what follows where one of them is every address there is.
pub(super) fn list(node: &Node, what: &str, everybody: &str, reader: &mut Reader<'_>) -> Vec<IpNet> {
    let items = reader.one_or_any(node, what).unwrap_or_default();
    items.iter().filter_map(|item| network(item, everybody, reader)).collect()
}

fn list_or_file(node: &Node, what: &str, everybody: &str, reader: &mut Reader<'_>) -> Vec<IpNet> {
    let Value::Map(_) = node.value else { return list(node, what, everybody, reader) };
    let entry = reader.one_key(node, what, &["file"]);
    entry.and_then(|entry| file(&entry.value, reader)).unwrap_or_default()
}

/// One address or network a line; what follows `#` is a remark.
fn file(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<IpNet>> {
    let path = reader.path(node, "`file`")?;
    if !reader.environment.has_secrets() {
        // None at all would be told as a list that lets nobody in.
        return Some(vec![IpAddr::from(Ipv4Addr::LOCALHOST).into()]);
    }
    let content = match reader.environment.file(&path) {
        Ok(content) => content,
        Err(error) => {
            let why = why_unreadable(&error);
            reader.error(node.place, format!("the file of addresses cannot be read: {why}"));
            return None;
        }
    };
    let text = String::from_utf8_lossy(&content);
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).enumerate();
    let mut networks = Vec::new();
    for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
        match parse(line) {
            Some(network) => networks.push(network.trunc()),
            None => {
                // The first is enough: a file that is none of addresses would have one problem a line.
                let message = format!("line {} of the file is not an address or network", index + 1);
                reader.error(node.place, message).expected("one a line, such as `10.0.0.0/8` or `192.0.2.1`");
                return None;
            }
        }
    }
    Some(networks)
}

fn network(node: &Node, everybody: &str, reader: &mut Reader<'_>) -> Option<IpNet> {
    let text = reader.text(node, "an address or network")?;
    let shown = reader.quote(node.place, text);
    let network = parse(text);
    match network {
        None => {
            let problem = reader.error(node.place, format!("{shown} is not an address or network"));
            problem.expected("such as `10.0.0.0/8` or `192.0.2.1`");
            match text {
                "localhost" => problem.hint("no name is looked up: `127.0.0.0/8` and `::1` are this machine"),
                "*" | "any" | "all" => problem.hint("everybody is `0.0.0.0/0` and `::/0`"),
                _ => problem,
            };
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
