//! Where gateways can keep refresh tokens together, each a real one, and what a test wants to know of it.

use std::{path::PathBuf, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use countersign::{
    errands::Errands,
    issue::Families,
    secret::Secret,
    sql_link::{self, Address},
    store::{
        families::SharedFamilies,
        redis::RedisFamilies,
        sql::{Settings, SqlFamilies},
    },
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::super::link;
use crate::support::{Database, Held, PASSWORD, RedisServer, sqlite, sqlite_writer};

pub(super) const TABLE: &str = "countersign_refresh_families";

/// A store that gateways share.
pub(super) enum Home {
    Redis(RedisServer),
    Server(Database),
    Sqlite(TempDir, Option<Held>),
}

impl Home {
    pub(super) fn redis() -> Home {
        Home::Redis(RedisServer::start())
    }

    pub(super) fn postgres() -> Home {
        Home::Server(Database::postgres())
    }

    pub(super) fn mariadb() -> Home {
        Home::Server(Database::mariadb())
    }

    pub(super) fn sqlite() -> Home {
        Home::Sqlite(tempfile::tempdir().expect("a directory"), None)
    }

    /// What a config says beside the issuers, what an issuer's `refresh` says, and the metric that tells of it.
    pub(super) fn config(&self) -> (String, String, &'static str) {
        let in_table = |more: &str| {
            let kept = format!("kept_in: {{ sql: {{ url: '{}', timeout: 2s{more} }} }}", self.url());
            (String::new(), kept, "countersign_refresh_store_up{issuer=\"api\"}")
        };
        match self {
            Home::Redis(redis) => {
                let store = format!("store: {{ redis: {{ url: \"redis://{}\" }} }}", redis.address());
                (store, "kept_in: redis".to_owned(), "countersign_store_up")
            }
            Home::Server(_) => in_table(&format!(", password: {{ value: \"{PASSWORD}\" }}")),
            Home::Sqlite(..) => in_table(""),
        }
    }

    fn url(&self) -> String {
        match self {
            Home::Redis(redis) => format!("redis://{}", redis.address()),
            Home::Server(database) => database.url(),
            Home::Sqlite(..) => format!("sqlite:{}", self.file().display()),
        }
    }

    pub(super) fn file(&self) -> PathBuf {
        match self {
            Home::Sqlite(directory, _) => directory.path().join("refresh.db"),
            Home::Redis(_) | Home::Server(_) => panic!("it is no file"),
        }
    }

    /// The families as a gateway has them, in this process.
    pub(super) fn families(&self) -> Families {
        if let Home::Redis(redis) = self {
            let families = RedisFamilies::new(link::open(link::to(redis)), "t:");
            return Families::Shared(SharedFamilies::in_redis(families));
        }
        Families::Shared(SharedFamilies::in_sql(self.tended(Duration::ZERO)))
    }

    /// The same in a database, and what is over is removed first after that time.
    pub(super) fn tended(&self, first_sweep: Duration) -> SqlFamilies {
        let password = Secret::new(PASSWORD.into());
        let password = Some(&password).filter(|_| matches!(self, Home::Server(_)));
        let timeout = Duration::from_millis(400);
        let address = Address::parse(&self.url(), password).expect("an address");
        let database = sql_link::Settings { address, connections: 4, timeout, is_written: true };
        let settings = Settings { database, table: TABLE.to_owned(), timeout };
        let families = SqlFamilies::new("api", &settings, &Errands::start().expect("a thread"));
        families.begin_to_tend(first_sweep);
        super::eventually("there is no table", || families.reading().is_up);
        families
    }

    /// What the database says; not to be asked of Redis.
    pub(super) fn ask(&self, statement: &str) -> String {
        match self {
            Home::Redis(_) => panic!("it speaks no SQL"),
            Home::Server(database) => database.run(statement),
            Home::Sqlite(..) => sqlite(&self.file(), statement),
        }
    }

    /// Families that it has.
    pub(super) fn held(&self) -> usize {
        match self {
            Home::Redis(redis) => {
                let is_family = |key: &&String| redis.ask::<String>(&["TYPE", key]) == "hash";
                redis.ask::<Vec<String>>(&["KEYS", "*"]).iter().filter(is_family).count()
            }
            Home::Server(_) | Home::Sqlite(..) => {
                self.ask(&format!("select count(*) from {TABLE}")).trim().parse().expect("a number")
            }
        }
    }

    /// All that it has, as text.
    pub(super) fn content(&self) -> String {
        let Home::Redis(redis) = self else { return self.ask(&format!("select * from {TABLE}")) };
        let of_key = |key: &String| match redis.ask::<String>(&["TYPE", key]).as_str() {
            "hash" => redis.ask::<Vec<Vec<u8>>>(&["HGETALL", key]),
            _ => redis.ask::<Vec<Vec<u8>>>(&["ZRANGE", key, "0", "-1"]),
        };
        let keys: Vec<String> = redis.ask(&["KEYS", "*"]);
        let values: Vec<u8> = keys.iter().flat_map(of_key).flatten().collect();
        format!("{keys:?} {}", values.escape_ascii())
    }

    /// It is there and says nothing; SQLite's file cannot be written.
    pub(super) fn freeze(&mut self) {
        let file = matches!(self, Home::Sqlite(..)).then(|| self.file());
        match self {
            Home::Redis(redis) => redis.freeze(),
            Home::Server(database) => database.freeze(),
            Home::Sqlite(_, writer) => *writer = file.map(|file| sqlite_writer(&file)),
        }
    }

    pub(super) fn thaw(&mut self) {
        match self {
            Home::Redis(redis) => redis.thaw(),
            Home::Server(database) => database.thaw(),
            Home::Sqlite(_, writer) => *writer = None,
        }
    }

    /// Whether the renewals of `once`, which was renewed before, and of `first`, which was not, are known not to be done.
    pub(super) fn has_taken_back(&self, once: &str, first: &str) -> bool {
        if let Home::Redis(redis) = self {
            return redis.ask::<Vec<String>>(&["KEYS", "*withdrawn*"]).len() == 2;
        }
        // The one found out before it asked for a change; the other is taken back whatever became of it.
        let (once, first) = (hash(once), hash(first));
        let is_back = format!("(hash = '{once}' and turn >= 1) or (hash = '{first}' and turn >= 1)");
        self.ask(&format!("select count(*) from {TABLE} where {is_back}")).trim() == "2"
    }
}

/// What is kept of a token.
pub(super) fn hash(token: &str) -> String {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).expect("a token");
    hex::encode(Sha256::digest(&bytes[16..]))
}
