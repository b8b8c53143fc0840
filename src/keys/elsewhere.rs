//! Key sources that are elsewhere, as a config describes them, and how each is opened.

use std::io;

use super::{Remote, cache, cache::Cached, http, sql};
use crate::{clock::Clock, errands::Errands, outcall::Client};

/// A source that has to be asked, and what is remembered of its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Whom to ask.
    pub place: Place,
    /// How, and for how long an answer is good.
    pub cache: cache::Settings,
}

/// Whom to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there is one a key source")]
pub enum Place {
    /// A database.
    Sql(sql::Settings),
    /// Another service.
    Http(http::Settings),
}

impl Elsewhere {
    /// Gets ready to ask. Nothing is connected to: a source that is away now may be back when it is asked.
    ///
    /// # Errors
    /// What is needed on this machine cannot be had, such as roots.
    pub fn open(&self, name: &str, errands: &Errands, clock: &Clock) -> io::Result<Cached> {
        let remote: Box<dyn Remote> = match &self.place {
            Place::Sql(settings) => Box::new(sql::Source::new(settings, errands, clock.clone())),
            Place::Http(settings) => {
                let client = Client::new(errands.clone(), &settings.calls)?;
                Box::new(http::Source::new(client, settings.clone(), clock.clone()))
            }
        };
        Ok(Cached::new(name, remote, &self.cache, errands.clone(), clock.clone()))
    }
}
