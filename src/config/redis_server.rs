//! Where a Redis is and how it is spoken to: the keys that a store and a key source have in common.

use std::time::Duration;

use super::{
    checked::{RedisPlace, RedisServer, RedisTls},
    definition::all_or_none,
    host::{self, RedisUrl, UrlError},
    reader::Reader,
    secret,
    shape::Fields,
    tree::{Node, Place},
};

/// The keys that [`read`] reads.
pub(super) const KEYS: [&str; 8] =
    ["url", "sentinel", "cluster", "username", "password", "ca", "timeout", "connect_timeout"];

const TIMEOUT: Duration = Duration::from_millis(250);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest time-outs: requests wait for the one, and the return of a server for the other.
const LONGEST: Duration = Duration::from_secs(60);

/// Reads a Redis out of a map that may have other keys besides.
pub(super) fn read(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<RedisServer> {
    let place = place(fields, reader);
    let (tls, database) = match &place {
        Some((place, urls)) => {
            let is_cluster = matches!(place, RedisPlace::Cluster(_));
            (tls(fields, urls, reader), database(urls, is_cluster, reader))
        }
        None => (None, None),
    };
    let username = fields.value("username").map(|node| reader.line(node, "`username`").map(str::to_owned));
    let password = fields.value("password").map(|node| password(node, reader));
    if let (Some(entry), None) = (fields.entry("username"), fields.value("password")) {
        reader.error(entry.key_place, "`username` needs a `password`");
    }
    let timeout = timeout(fields, "timeout", TIMEOUT, reader);
    let connect_timeout = self::timeout(fields, "connect_timeout", CONNECT_TIMEOUT, reader);
    Some(RedisServer {
        place: place?.0,
        username: all_or_none(username)?,
        password: all_or_none(password)?,
        database: database?,
        tls: tls?,
        timeout: timeout?,
        connect_timeout: connect_timeout?,
    })
}

type Urls = Vec<(RedisUrl, Place)>;

/// `url`, `sentinel` or `cluster`: exactly one of them.
fn place(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<(RedisPlace, Urls)> {
    let mut ways = fields.entries().iter().filter(|entry| ["url", "sentinel", "cluster"].contains(&entry.key.as_str()));
    let Some(way) = ways.next() else {
        reader.error(fields.place, "it is not said where Redis is").expected("one of `url`, `sentinel` or `cluster`");
        return None;
    };
    if let Some(second) = ways.next() {
        reader.error(second.key_place, "Redis is in one place").expected("one of `url`, `sentinel` or `cluster`");
        return None;
    }
    match way.key.as_str() {
        "url" => {
            let urls = urls(std::slice::from_ref(&way.value), reader)?;
            let (url, _) = urls.first()?;
            Some((RedisPlace::Server(url.host.clone(), url.port), urls))
        }
        "sentinel" => sentinel(&way.value, reader),
        _ => {
            let urls = urls(reader.one_or_many(&way.value, "`cluster`"), reader)?;
            Some((RedisPlace::Cluster(addresses(&urls)), urls))
        }
    }
}

fn sentinel(node: &Node, reader: &mut Reader<'_>) -> Option<(RedisPlace, Urls)> {
    let fields = reader.fields(node, "`sentinel`", &["service", "servers"])?;
    let service = fields.required("service", reader).and_then(|node| reader.line(node, "`service`"));
    let servers = fields.required("servers", reader);
    let servers = servers.and_then(|node| urls(reader.one_or_many(node, "`servers`"), reader));
    let (service, servers) = (service?.to_owned(), servers?);
    Some((RedisPlace::Sentinel { service, servers: addresses(&servers) }, servers))
}

fn addresses(urls: &Urls) -> Vec<(String, u16)> {
    urls.iter().map(|(url, _)| (url.host.clone(), url.port)).collect()
}

fn urls(nodes: &[Node], reader: &mut Reader<'_>) -> Option<Urls> {
    let read: Vec<_> = nodes.iter().filter_map(|node| Some((url(node, reader)?, node.place))).collect();
    (read.len() == nodes.len() && !read.is_empty()).then_some(read)
}

fn url(node: &Node, reader: &mut Reader<'_>) -> Option<RedisUrl> {
    let text = reader.text(node, "the URL of a Redis")?;
    match host::redis(text) {
        Ok(url) => Some(url),
        Err(why) => {
            let shown = reader.quote(node.place, text);
            let problem = reader
                .error(node.place, format!("{shown} cannot be a Redis: {why}"))
                .expected("such as `redis://127.0.0.1:6379` or `rediss://redis.internal:6380/2`");
            if why == UrlError::UserInfo {
                problem.hint("they stand in `username` and `password`");
            }
            None
        }
    }
}

/// All of the URLs agree on TLS.
fn tls(fields: &Fields<'_>, urls: &Urls, reader: &mut Reader<'_>) -> Option<Option<RedisTls>> {
    let with = urls.first().is_some_and(|(url, _)| url.tls);
    if let Some((_, place)) = urls.iter().find(|(url, _)| url.tls != with) {
        reader.error(*place, "some of these are reached over TLS and some are not");
        return None;
    }
    let ca = fields.value("ca").map(|node| reader.roots_file(node));
    if let (Some(entry), false) = (fields.entry("ca"), with) {
        reader.error(entry.key_place, "`ca` has no effect: Redis is not reached over TLS").hint("TLS is `rediss://`");
    }
    let ca = all_or_none(ca)?;
    Some(with.then_some(RedisTls { ca }))
}

/// All of the URLs agree on the database; a cluster has only one.
fn database(urls: &Urls, is_cluster: bool, reader: &mut Reader<'_>) -> Option<u32> {
    let database = urls.first().and_then(|(url, _)| url.database).unwrap_or(0);
    if let Some((_, place)) = urls.iter().find(|(url, _)| url.database.unwrap_or(0) != database) {
        reader.error(*place, "these name different databases");
        return None;
    }
    if let (true, Some((_, place))) = (is_cluster && database != 0, urls.first()) {
        reader.error(*place, "a cluster has only the database 0");
        return None;
    }
    Some(database)
}

fn password(node: &Node, reader: &mut Reader<'_>) -> Option<crate::secret::Secret> {
    let secret = secret::secret(node, reader, 1, "a password")?;
    if std::str::from_utf8(secret.expose()).is_err() && reader.environment.has_secrets() {
        reader.error(node.place, "the password is not text in UTF-8");
        return None;
    }
    Some(secret)
}

fn timeout(fields: &Fields<'_>, key: &str, usual: Duration, reader: &mut Reader<'_>) -> Option<Duration> {
    let Some(node) = fields.value(key) else { return Some(usual) };
    let timeout = reader.positive_duration(node, &format!("`{key}`"))?;
    if timeout > LONGEST {
        reader.error(node.place, format!("`{key}` is longer than a minute"));
        return None;
    }
    Some(timeout)
}
