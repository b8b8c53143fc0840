//! Key sources that are elsewhere, as a config describes them, and how each is opened.

use std::io;

use super::{Remote, cache, cache::Cached, http, redis, sql};
use crate::{clock::Clock, errands::Errands, outcall::Client};

/// A source that has to be asked, and what is remembered of its answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Elsewhere {
    /// Whom to ask.
    pub place: Place,
    /// How, and for how long an answer is good.
    pub cache: cache::Settings,
}

/// Whom to ask.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one a key source")]
pub enum Place {
    /// A database.
    Sql(sql::Settings),
    /// Redis.
    Redis(redis::Settings),
    /// Another service.
    Http(http::Settings),
}

impl PartialEq for Place {
    fn eq(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Sql(one), Place::Sql(other)) => one == other,
            (Place::Redis(one), Place::Redis(other)) => one.is_same(other),
            (Place::Http(one), Place::Http(other)) => one == other,
            (Place::Sql(_) | Place::Redis(_) | Place::Http(_), _) => false,
        }
    }
}

impl Elsewhere {
    /// Gets ready to ask. Nothing is connected to: a source that is away now may be back when it is asked.
    ///
    /// # Errors
    /// What is needed on this machine cannot be had, such as roots.
    pub fn open(&self, name: &str, errands: &Errands, clock: &Clock) -> io::Result<Cached> {
        let remote: Box<dyn Remote> = match &self.place {
            Place::Sql(settings) => Box::new(sql::Source::new(settings, errands, clock.clone())),
            Place::Redis(settings) => Box::new(redis::Source::new(settings, clock.clone()).map_err(io::Error::other)?),
            Place::Http(settings) => {
                let client = Client::new(errands.clone(), &settings.calls)?;
                Box::new(http::Source::new(client, settings.clone(), clock.clone()))
            }
        };
        Ok(Cached::new(name, remote, &self.cache, errands.clone(), clock.clone()))
    }
}
