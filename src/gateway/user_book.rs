//! The users elsewhere that a config names, opened. A source that the next config names with the same settings goes on with
//! its connections, and with what it knows of the cost of a check.

use std::{fmt, sync::Arc};

use super::assemble::AssembleError;
use crate::{
    config::{Config, UsersSource},
    errands::Errands,
    issue::{UserSource, users::Elsewhere},
};

/// Sources by the names that the config gives them.
#[derive(Clone, Default)]
pub struct UserBook {
    /// The thread that they are asked on; none while there are none.
    errands: Option<Errands>,
    sources: Arc<[Open]>,
}

struct Open {
    name: String,
    settings: Elsewhere,
    source: Arc<UserSource>,
}

impl UserBook {
    /// The book of `config`, which goes on with what this one has.
    ///
    /// # Errors
    /// [`AssembleError::Users`]
    pub fn turned(&self, config: &Config) -> Result<UserBook, AssembleError> {
        let mut errands = self.errands.clone();
        let mut sources = Vec::new();
        for users in &config.users {
            let UsersSource::Elsewhere(settings) = &users.source else { continue };
            let failed = |source| AssembleError::Users { name: users.name.clone(), source };
            let source = match self.find(&users.name).filter(|open| open.settings == **settings) {
                Some(open) => open.source.clone(),
                None => {
                    let errands = Errands::running(&mut errands).map_err(failed)?;
                    Arc::new(settings.open(errands).map_err(failed)?)
                }
            };
            sources.push(Open { name: users.name.clone(), settings: (**settings).clone(), source });
        }
        Ok(UserBook { errands: errands.filter(|_| !sources.is_empty()), sources: sources.into() })
    }

    /// The source of that name.
    pub fn source(&self, name: &str) -> Option<Arc<UserSource>> {
        self.find(name).map(|open| open.source.clone())
    }

    fn find(&self, name: &str) -> Option<&Open> {
        self.sources.iter().find(|open| open.name == name)
    }
}

impl fmt::Debug for UserBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sources.iter().map(|open| &open.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, System};

    fn config(timeout: &str) -> Config {
        let text = format!(
            "listen: [{{ address: 127.0.0.1:0 }}]\n\
             tokens: {{ t: {{ keys: [{{ algorithm: HS256, secret: 0123456789abcdef0123456789abcdef }}] }} }}\n\
             users: {{ staff: {{ sql: {{ url: 'sqlite::memory:', query: 'select ? as password', timeout: {timeout} }} }} }}\n\
             issuers: {{ i: {{ tokens: t }} }}\n\
             upstreams: {{ login: {{ login: {{ issuer: i, users: staff }} }} }}\n\
             routes: [{{ match: {{ path: /, methods: [POST] }}, public: true, to: login }}]\n"
        );
        config::parse(&text, "t.yaml", &System).unwrap().0
    }

    #[test]
    fn a_source_goes_on_over_a_reload_unless_its_settings_are_others() {
        let first = UserBook::default().turned(&config("1s")).unwrap();
        let same = first.turned(&config("1s")).unwrap();
        let other = same.turned(&config("2s")).unwrap();
        let source = |book: &UserBook| book.source("staff").unwrap();
        assert!(Arc::ptr_eq(&source(&first), &source(&same)) && !Arc::ptr_eq(&source(&same), &source(&other)));
    }
}
