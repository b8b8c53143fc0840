//! `countersign reload`: a running gateway takes its config on anew, and says what came of it.

use clap::Args;

use super::{Exit, admin::AdminPlace, data, trouble::Trouble, words};

/// Let a running gateway load its config again
///
///   COUNTERSIGN_ADMIN_TOKEN=… countersign reload
///   countersign reload -c /etc/countersign/gateway.yaml --token-file /etc/countersign/admin.token
///   countersign reload --admin unix:/run/countersign.sock
///
/// Needs `admin: { address: …, token: … }` in the gateway's config. A config with
/// errors is refused and the one before stays in force: every problem is printed, and
/// the exit code is 3.
///
/// `kill -HUP` does the same without a token; what came of it is in the log then.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Reload {
    #[command(flatten)]
    place: AdminPlace,
}

impl Reload {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let said = self.place.ask("POST", "/reload", "")?;
        match said.status {
            200 => {
                said.texts("notes").for_each(|note| words(format_args!("{note}")));
                data(format_args!("loaded, config {} since the start", said.body["generation"]));
                Ok(Exit::Ok)
            }
            422 => {
                said.texts("problems").for_each(|problem| words(format_args!("{problem}")));
                words(format_args!("countersign: the config is refused; the one before stays in force"));
                Ok(Exit::Config)
            }
            _ => Err(said.trouble()),
        }
    }
}
