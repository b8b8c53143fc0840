//! `countersign scheme`: the presets that come with the gateway.

use clap::{Args, Subcommand};

use super::{Exit, data, raw_data, table::Table, trouble::Trouble};
use crate::scheme::presets;

/// Show the presets
#[derive(Subcommand)]
pub(super) enum SchemeCommand {
    List(List),
    Show(Show),
}

/// List the presets
///
///   countersign scheme list
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {}

/// Print a preset, ready to be copied into a config
///
///   countersign scheme show device-v2
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Show {
    /// The preset
    name: String,
}

impl SchemeCommand {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        match self {
            SchemeCommand::List(List {}) => data(format_args!("{}", list())),
            SchemeCommand::Show(Show { name }) => match presets::text(&name) {
                Some(text) => raw_data(text.as_bytes()),
                None => return Err(Trouble::unknown_preset(&name, "")),
            },
        }
        Ok(Exit::Ok)
    }
}

fn list() -> Table {
    let mut table = Table::new(&["PRESET", "WHAT IT IS"]);
    for name in presets::names() {
        let first = presets::text(name).and_then(|text| text.lines().next()).unwrap_or_default();
        table.row([name.to_owned(), first.trim_start_matches(['#', ' ']).to_owned()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_preset_is_listed_with_what_it_is() {
        let shown = list().to_string();
        for name in presets::names() {
            let line = shown.lines().find(|line| line.trim_start().starts_with(&format!("{name} "))).unwrap();
            assert!(line.len() > 40, "{line}");
        }
    }
}
