//! `countersign check`: every problem of a config, and what its schemes leave unsigned.
//!
//! What was found is what was asked for, so it goes to standard output. Nothing is bound.

mod document;
mod text;

use std::path::PathBuf;

use clap::Args;

use super::{Exit, config_file::ConfigFile, data};
use crate::{
    clock::Clock,
    config::{self, Config, Problem},
    gateway::{self, StartError},
    keys::Doubt,
};

/// Check a config without running it
///
///   countersign check -c config/quickstart.yaml
///   countersign check -c gateway.yaml --json | jq '.problems[].message'
///
/// Reads the config as `run` does, with its secrets, certificates and keys. Every
/// error and warning is shown with its place, those of files of keys too; then what
/// each scheme signs, and what each signed route leaves open by its weakest way in.
///
/// Exit code 0 where the config can be used, 3 where it cannot.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigFile,
    /// One JSON document with problems, schemes and routes
    #[arg(long)]
    json: bool,
}

/// What a check found.
struct Report {
    problems: Vec<Problem>,
    /// Why a config without errors cannot be used on this machine.
    unusable: Option<StartError>,
    shape: Option<Shape>,
}

/// What a config that could be read consists of.
struct Shape {
    schemes: Vec<text::SchemeRow>,
    routes: Vec<text::RouteRow>,
    tokens: usize,
    upstreams: usize,
}

impl Check {
    pub(super) fn execute(self) -> Exit {
        let report = match config::load(&self.config.path) {
            Ok((config, mut problems)) => {
                let shape = Some(Shape::of(&config));
                let rehearsed = gateway::rehearse(config, Clock::system());
                problems.extend(rehearsed.iter().flatten().map(of_keys));
                Report { problems, unusable: rehearsed.err(), shape }
            }
            Err(problems) => Report { problems: problems.0, unusable: None, shape: None },
        };
        let file = self.config.path.display().to_string();
        match self.json {
            true => data(format_args!("{:#}", document::of(&file, &report))),
            false => data(format_args!("{}", text::Page { file: &file, report: &report })),
        }
        if report.is_usable() { Exit::Ok } else { Exit::Config }
    }
}

/// What the log would say of a file of keys.
fn of_keys((path, Doubt { line, what }): &(PathBuf, Doubt)) -> Problem {
    Problem::of_a_line(path.display().to_string(), usize::try_from(*line).unwrap_or_default(), what.to_string())
}

impl Report {
    fn is_usable(&self) -> bool {
        self.shape.is_some() && self.unusable.is_none()
    }
}

impl Shape {
    fn of(config: &Config) -> Shape {
        Shape {
            schemes: config.schemes.iter().map(text::SchemeRow::of).collect(),
            routes: config.routes.iter().map(|route| text::RouteRow::of(config, route)).collect(),
            tokens: config.tokens.len(),
            upstreams: config.upstreams.len(),
        }
    }
}
