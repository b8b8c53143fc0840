//! `countersign keys derive`: the key of one id, computed as a gateway computes it.

use std::path::PathBuf;

use clap::Args;
use zeroize::Zeroizing;

use super::super::{Exit, data, raw_data, trouble::Trouble};
use crate::{
    config::{self, KeySource},
    keys::{Derived, is_key_id},
};

/// Print the derived key of an id
///
///   countersign keys derive -c gateway.yaml --source fleet --id dev-1
///   umask 077; countersign keys derive -c gateway.yaml --source fleet --id dev-1 > dev-1.key
///
/// The config's `keys` has the source, with `derive`; its master is read. Of several
/// masters the first is taken. The key is printed as hexadecimal, unless `output: hex`
/// makes that text the key itself; then it is printed as it is.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Derive {
    /// The config file
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// The key source
    #[arg(long, value_name = "NAME")]
    source: String,
    /// Whose key
    #[arg(long, value_name = "ID")]
    id: String,
    /// The bytes of the key themselves
    #[arg(long)]
    raw: bool,
}

impl Derive {
    pub(super) fn execute(&self) -> Result<Exit, Trouble> {
        let (config, _) = config::load(&self.config)?;
        let source = config.keys.iter().find(|keys| keys.name == self.source).map(|keys| &keys.source);
        let Some(KeySource::Derive { masters, method, output }) = source else {
            return Err(Trouble::NotDerived(self.source.clone()));
        };
        if !is_key_id(self.id.as_bytes()) {
            return Err(Trouble::KeyId(self.id.clone()));
        }
        let record = Derived::new(masters, method, *output).record(self.id.as_bytes());
        let first = record.secrets.first().ok_or_else(|| Trouble::NoSecret(self.id.clone()))?;
        match (self.raw, output) {
            (true, _) => raw_data(first.secret.expose()),
            (false, crate::keys::Output::Hex) => {
                data(format_args!("{}", String::from_utf8_lossy(first.secret.expose())));
            }
            (false, crate::keys::Output::Raw) => {
                data(format_args!("{}", *Zeroizing::new(hex::encode(first.secret.expose()))));
            }
        }
        Ok(Exit::Ok)
    }
}
