//! `countersign routes`: the route table, and which route a request would take.

mod explain;

use clap::Args;

use super::{
    Exit,
    config_file::{self, ConfigFile},
    data, protection,
    table::Table,
    trouble::Trouble,
};
use crate::config::{Config, Route};

/// Show the routes, or which one a request takes
///
///   countersign routes -c config/quickstart.yaml
///   countersign routes -c gateway.yaml --explain POST http://localhost/devices/1
///   countersign routes -c gateway.yaml --explain GET 'http://localhost/a/..%2fb'
///
/// What a route leaves unsigned is told for its weakest way in. The secrets and
/// files that the config names are not read.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct RoutesCommand {
    #[command(flatten)]
    config: ConfigFile,
    /// Say which route this request takes, or why it takes none
    #[arg(long, num_args = 2, value_names = ["METHOD", "URL"])]
    explain: Option<Vec<String>>,
}

impl RoutesCommand {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let config = config_file::describe(&self.config.path)?;
        match self.explain.as_deref() {
            Some([method, url]) => explain::explain(&config, method, url)?,
            _ => data(format_args!("{}", table(&config))),
        }
        Ok(Exit::Ok)
    }
}

fn table(config: &Config) -> Table {
    let heads = ["ROUTE", "METHODS", "HOST", "LISTENER", "PATH", "REQUIRES", "TO", "LEAVES UNSIGNED"];
    let mut table = Table::new(&heads);
    for route in &config.routes {
        table.row([
            route.name.clone(),
            or_any(&route.methods),
            or_any(&route.hosts),
            or_any(&listeners(config, route)),
            route.path.clone(),
            protection::demand(config, &route.require),
            upstream(config, route).to_owned(),
            unsigned(config, route),
        ]);
    }
    table.without_idle_columns("any")
}

fn unsigned(config: &Config, route: &Route) -> String {
    match protection::weakest(config, &route.require) {
        None => "-".to_owned(),
        Some(weakest) if weakest.unsigned.len() == 5 => "all parts".to_owned(),
        Some(weakest) => protection::listed(&weakest.unsigned),
    }
}

fn upstream<'c>(config: &'c Config, route: &Route) -> &'c str {
    config.upstreams.get(route.to).map_or("?", |upstream| &upstream.name)
}

fn listeners(config: &Config, route: &Route) -> Vec<String> {
    route.listeners.iter().map(|index| listener(config, *index)).collect()
}

fn listener(config: &Config, index: usize) -> String {
    config.listen.get(index).map_or_else(String::new, |listen| match &listen.name {
        Some(name) => name.clone(),
        None => listen.address.to_string(),
    })
}

fn or_any(words: &[String]) -> String {
    if words.is_empty() { "any".to_owned() } else { words.join(" ") }
}
