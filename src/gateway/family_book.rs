//! The databases in which a config keeps families of refresh tokens, opened. One that the next config names with the same settings for
//! the same issuer goes on with its connections.

use std::{
    fmt, io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    config::{Config, FamilyTable, KeptIn},
    errands::Errands,
    issue::Families,
    observe::FamilyCounts,
    store::{
        families::SharedFamilies,
        sql::{Reading, Settings, SqlFamilies},
    },
};

/// How long it is waited at a start for databases that nothing is known of. One that takes longer is there when it is.
const PATIENCE: Duration = Duration::from_secs(2);
const GLANCE: Duration = Duration::from_millis(5);
/// So long after its start a gateway leaves in their place families that are over: the clock of a machine that has just started,
/// on which the database may be, is not always right yet.
const FIRST_SWEEP: Duration = Duration::from_secs(5 * 60);

/// Databases by the names of the issuers that they are for.
#[derive(Clone, Default)]
pub struct FamilyBook {
    /// The thread that they are asked on; none while there are none.
    errands: Option<Errands>,
    stores: Arc<[Open]>,
}

#[derive(Clone)]
struct Open {
    issuer: String,
    settings: FamilyTable,
    store: SqlFamilies,
    families: Arc<Families>,
    is_new: bool,
}

impl FamilyBook {
    /// The book of `config`, which goes on with what this one has. Nobody is asked yet.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn turned(&self, config: &Config) -> io::Result<FamilyBook> {
        let mut errands = self.errands.clone();
        let mut stores = Vec::new();
        for issuer in &config.issuers {
            let Some(KeptIn::Sql(table)) = issuer.refresh.as_ref().map(|refresh| &refresh.kept_in) else { continue };
            let store = match self.find(&issuer.name).filter(|open| open.settings == **table) {
                Some(open) => Open { is_new: false, ..open.clone() },
                None => {
                    let errands = Errands::running(&mut errands)?;
                    Open::new(&issuer.name, table, errands)
                }
            };
            stores.push(store);
        }
        Ok(FamilyBook { errands: errands.filter(|_| !stores.is_empty()), stores: stores.into() })
    }

    /// Begins to look after those that are new, and waits a little for them.
    pub fn begin(&self) {
        let new: Vec<&Open> = self.stores.iter().filter(|open| open.is_new).collect();
        for open in &new {
            open.store.begin_to_tend(FIRST_SWEEP);
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE && !new.iter().all(|open| open.store.has_been_heard_of()) {
            thread::sleep(GLANCE);
        }
    }

    /// The families of an issuer that are kept in a database.
    pub fn families(&self, issuer: &str) -> Option<Arc<Families>> {
        self.find(issuer).map(|open| open.families.clone())
    }

    /// What each of them counted.
    pub fn counts(&self) -> Vec<FamilyCounts> {
        self.stores.iter().map(|open| counts(&open.issuer, open.store.reading())).collect()
    }

    fn find(&self, issuer: &str) -> Option<&Open> {
        self.stores.iter().find(|open| open.issuer == issuer)
    }
}

impl Open {
    fn new(issuer: &str, table: &FamilyTable, errands: &Errands) -> Open {
        let FamilyTable { database, table: name, timeout } = table.clone();
        let store = SqlFamilies::new(issuer, &Settings { database, table: name, timeout }, errands);
        let families = Arc::new(Families::Shared(SharedFamilies::in_sql(store.clone())));
        Open { issuer: issuer.to_owned(), settings: table.clone(), store, families, is_new: true }
    }
}

fn counts(issuer: &str, reading: Reading) -> FamilyCounts {
    let Reading { is_up, answered, timed_out, failed, turned_away, swept } = reading;
    FamilyCounts {
        issuer: issuer.to_owned(),
        questions: [("answered", answered), ("timed_out", timed_out), ("failed", failed), ("turned_away", turned_away)],
        swept,
        is_up,
    }
}

impl fmt::Debug for FamilyBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.stores.iter().map(|open| &open.issuer)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, System};

    fn config(table: &str) -> Config {
        let text = format!(
            "listen: [{{ address: 127.0.0.1:0 }}]\n\
             tokens: {{ t: {{ keys: [{{ algorithm: HS256, secret: 0123456789abcdef0123456789abcdef }}] }} }}\n\
             issuers: {{ i: {{ tokens: t, refresh: {{ kept_in: {{ sql: {{ url: 'sqlite:x.db', table: {table} }} }} }} }} }}\n\
             upstreams: {{ login: {{ login: {{ issuer: i, dangerously_without_password: true }} }} }}\n\
             routes: [{{ match: {{ path: /, methods: [POST] }}, public: true, to: login }}]\n"
        );
        config::parse(&text, "t.yaml", &System).unwrap().0
    }

    #[test]
    fn a_database_goes_on_over_a_reload_unless_its_settings_are_others() {
        let first = FamilyBook::default().turned(&config("a")).unwrap();
        let same = first.turned(&config("a")).unwrap();
        let other = same.turned(&config("b")).unwrap();
        let families = |book: &FamilyBook| book.families("i").unwrap();
        assert!(Arc::ptr_eq(&families(&first), &families(&same)) && !Arc::ptr_eq(&families(&same), &families(&other)));
        assert!(same.stores.iter().all(|open| !open.is_new) && other.stores.iter().all(|open| open.is_new));
    }
}
