//! The config that a command is about, and the scheme that a command names.

use std::{io, path::Path, path::PathBuf, sync::Arc};

use clap::Args;

use super::trouble::Trouble;
use crate::{
    config::{self, Config, Environment},
    scheme::{Scheme, presets},
};

/// `-c FILE`
#[derive(Args)]
pub(super) struct ConfigFile {
    /// The config file
    #[arg(short = 'c', long = "config", value_name = "FILE", default_value = "countersign.yaml")]
    pub(super) path: PathBuf,
}

/// Reads a config for what it describes. The secrets and the files that it names are neither needed nor read.
pub(super) fn describe(path: &Path) -> Result<Config, Trouble> {
    Ok(config::load_in(path, &NoSecrets)?.0)
}

/// The scheme `name` of the config, or the preset of that name where there is no config.
pub(super) fn scheme(name: &str, config: Option<&Path>) -> Result<Arc<Scheme>, Trouble> {
    let Some(path) = config else {
        if presets::text(name).is_none() {
            return Err(Trouble::unknown_preset(name, " (for a scheme of a config, name that with -c)"));
        }
        return Ok(Arc::new(config::preset(name)?));
    };
    let config = describe(path)?;
    match config.schemes.iter().find(|entry| entry.name == name) {
        Some(entry) => Ok(entry.scheme.clone()),
        None => {
            let names: Vec<&str> = config.schemes.iter().map(|entry| entry.name.as_str()).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Err(Trouble::UnknownScheme { name: name.to_owned(), file: path.to_owned(), known })
        }
    }
}

/// A world in which every secret and every file is there and none is real: 64 zeros, which are text, hex and base64 alike.
struct NoSecrets;

pub(super) const ZEROS: [u8; 64] = [b'0'; 64];

impl Environment for NoSecrets {
    fn variable(&self, _name: &str) -> Option<Vec<u8>> {
        Some(ZEROS.to_vec())
    }

    fn file(&self, _path: &Path) -> io::Result<Vec<u8>> {
        Ok(ZEROS.to_vec())
    }

    fn opens(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn has_secrets(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
    }

    #[test]
    fn a_config_is_described_without_its_secrets() {
        assert_eq!(describe(&example("device-api.yaml")).unwrap().routes.len(), 2);
    }

    /// What kind of database it is stands in the secret.
    #[test]
    fn a_table_with_a_schema_is_described_where_its_database_is_a_secret() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("countersign.yaml");
        let config = "listen: 127.0.0.1:8000\n\
            tokens: { api: { keys: [{ algorithm: HS256, secret: { env: KEY } }], issuer: i, audience: a } }\n\
            issuers: { api: { tokens: api, refresh: { kept_in: { sql: { url: { env: URL }, table: auth.families } } } } }\n\
            upstreams: { ok: { respond: { body: ok } } }\n\
            routes: [{ match: { path: / }, public: true, to: ok }]\n";
        std::fs::write(&place, config).unwrap();
        assert_eq!(describe(&place).unwrap().issuers.len(), 1);
    }

    #[test]
    fn every_example_is_described() {
        let examples = std::fs::read_dir(example("")).unwrap().map(|entry| entry.unwrap().path());
        let examples: Vec<PathBuf> =
            examples.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
        assert!(examples.len() >= 20, "{examples:?}");
        for path in examples {
            assert!(describe(&path).is_ok_and(|config| !config.routes.is_empty()), "{}", path.display());
        }
    }

    /// As on the machine of whoever writes the client.
    #[test]
    fn none_of_the_files_that_a_config_names_need_be_there() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("countersign.yaml");
        let config = "listen: { address: '127.0.0.1:8000', tls: { certificate: c.pem, key: k.pem, client_ca: r.pem } }\n\
            addresses: { allow: { file: a.nets }, deny: { file: d.nets } }\n\
            keys: { k: { file: { path: keys.csv } }, h: { shared: { file: h.key } } }\n\
            schemes: { s: { preset: device, keys: h }, t: { preset: device-v2, keys: k } }\n\
            tokens:\n  api: { keys: [{ private_key: { file: t.pem } }], issuer: i, audience: a }\n  \
            set: { jwks: { file: set.json }, issuer: i, audience: a }\n\
            users: { staff: { file: staff.yaml } }\n\
            issuers: { api: { tokens: api } }\n\
            upstreams:\n  in: { login: { users: staff, issuer: api } }\n  \
            app: { servers: ['https://a'], tls: { roots: r.pem } }\n\
            routes:\n  - { match: { path: /in, methods: [POST] }, public: true, to: in }\n  \
            - { match: { path: / }, require: { any_of: [{ hmac: s }, { hmac: t }, { jwt: set }] }, to: app }\n";
        std::fs::write(&place, config).unwrap();
        match describe(&place) {
            Ok(config) => assert_eq!(config.routes.len(), 2),
            Err(trouble) => panic!("{trouble}"),
        }
    }

    #[test]
    fn a_scheme_is_the_configs_own_or_else_a_preset() {
        assert_eq!(scheme("body-text", Some(&example("device-api.yaml"))).unwrap().name(), "body-text");
        assert_eq!(scheme("raw-body", None).unwrap().name(), "raw-body");
        let unknown = scheme("raw-body", Some(&example("device-api.yaml"))).unwrap_err();
        assert!(unknown.to_string().ends_with("it has device, body-text, device-v2"), "{unknown}");
        let misspelt = scheme("devise", None).unwrap_err();
        assert!(
            misspelt.to_string().starts_with("there is no preset `devise`; the presets are device, "),
            "{misspelt}"
        );
    }
}
