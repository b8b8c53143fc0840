//! The demo's config, with keys made when it starts.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

use zeroize::Zeroizing;

use crate::{
    cli::{keys::random, trouble::Trouble},
    clock::Clock,
    config::{self, Environment},
    gateway::{self, Running, StartError},
    keys::{KeyRecord, KeyTable},
    scheme::Scheme,
    secret::Secret,
};

/// The id that `device-v2` requests are signed by.
pub(super) const DEVICE: &str = "sensor-7";
/// What a device of the first form calls itself.
pub(super) const MAC_ADDRESS: &str = "12:34:56:78:9a:bc";
/// Issuer and audience of the tokens.
pub(super) const ISSUER: &str = "demo";
pub(super) const AUDIENCE: &str = "api";

/// Tried first, so that the lines to paste look as in the documentation.
const USUAL_PORT: u16 = 8000;

/// Keys and schemes of one demo.
pub(super) struct Setup {
    keys: DemoKeys,
    pub(super) device: Arc<Scheme>,
    pub(super) device_v2: Arc<Scheme>,
}

/// Keys for this run, as text: hexadecimal, and used as it is.
struct DemoKeys {
    device: Zeroizing<String>,
    token: Zeroizing<String>,
}

/// Whether requests are logged on standard error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    Off,
    On,
}

impl Setup {
    /// Makes the keys.
    pub(super) fn new() -> Result<Setup, Trouble> {
        let key = || random(32).map(|bytes| Zeroizing::new(hex::encode(&*bytes)));
        Ok(Setup {
            keys: DemoKeys { device: key()?, token: key()? },
            device: Arc::new(config::preset("device")?),
            device_v2: Arc::new(config::preset("device-v2")?),
        })
    }

    /// Starts the gateway on 127.0.0.1, on `port` or else the usual one or any that is free.
    pub(super) fn start(&self, port: Option<u16>, log: Log) -> Result<(Running, SocketAddr), Trouble> {
        match self.start_on(port.unwrap_or(USUAL_PORT), log) {
            Err(Trouble::Start(StartError::Bind { .. })) if port.is_none() => self.start_on(0, log),
            other => other,
        }
    }

    fn start_on(&self, port: u16, log: Log) -> Result<(Running, SocketAddr), Trouble> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (config, _) = config::parse(&text(address, log), "demo.yaml", &self.keys)?;
        let running = gateway::start(config, None, 1, Clock::system())?;
        let bound = running.addresses().first().copied().unwrap_or(address);
        Ok((running, bound))
    }

    /// The key of both device routes, as a person would type it.
    pub(super) fn device_key(&self) -> &str {
        &self.keys.device
    }

    /// The key of the tokens.
    pub(super) fn token_key(&self) -> &[u8] {
        self.keys.token.as_bytes()
    }

    /// The devices' key, prepared for `scheme`.
    pub(super) fn keys_for(&self, scheme: &Scheme) -> Result<KeyTable, Trouble> {
        table(self.device_key().as_bytes(), scheme)
    }
}

/// A key for any id, prepared for `scheme`.
pub(super) fn table(key: &[u8], scheme: &Scheme) -> Result<KeyTable, Trouble> {
    Ok(KeyTable::shared(&KeyRecord::of([Secret::new(key.to_vec())]), |secret| scheme.key_recipe().signing(secret))?)
}

impl Environment for DemoKeys {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        match name {
            "DEVICE_KEY" => Some(self.device.as_bytes().to_vec()),
            "TOKEN_KEY" => Some(self.token.as_bytes().to_vec()),
            _ => None,
        }
    }

    fn file(&self, _path: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

fn text(address: SocketAddr, log: Log) -> String {
    let access = if log == Log::On { "stderr" } else { "off" };
    format!(
        r#"
listen: {address}
keys:
  shared: {{ shared: {{ env: DEVICE_KEY }} }}
  by-id: {{ static: {{ {DEVICE}: {{ env: DEVICE_KEY }} }} }}
schemes:
  device: {{ preset: device, keys: shared }}
  device-v2: {{ preset: device-v2, keys: by-id }}
tokens:
  api: {{ keys: [{{ algorithm: HS256, secret: {{ env: TOKEN_KEY }} }}], issuer: {ISSUER}, audience: {AUDIENCE}, leeway: 0s }}
upstreams:
  echo: {{ echo: true }}
routes:
  - {{ match: {{ path: /verify, methods: [POST] }}, require: {{ hmac: device }}, to: echo }}
  - {{ match: {{ path: /v2/**, methods: [POST] }}, require: {{ hmac: device-v2 }}, to: echo }}
  - {{ match: {{ path: /api/**, methods: [GET] }}, require: {{ jwt: api }}, to: echo }}
log: {{ access: {access}, format: pretty }}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_config_is_right_and_its_keys_are_long_enough() {
        let setup = Setup::new().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (config, problems) = config::parse(&text(address, Log::On), "demo.yaml", &setup.keys).unwrap();
        assert_eq!(config.routes.len(), 3);
        assert!(problems.iter().all(|problem| !problem.message.contains("secret")), "{problems:?}");
        assert_ne!(setup.device_key().as_bytes(), setup.token_key());
    }
}
