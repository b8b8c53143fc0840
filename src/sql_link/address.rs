//! Where a database is: its URL, read for the kind of database it is.

use std::{fmt, str::FromStr};

use sqlx::{
    ConnectOptions,
    mysql::{MySqlConnectOptions, MySqlSslMode},
    postgres::{PgConnectOptions, PgSslMode},
    sqlite::SqliteConnectOptions,
};
use zeroize::Zeroizing;

use crate::secret::{Secret, are_equal};

/// A database's address, password and all. It does not print.
#[derive(Clone)]
pub struct Address {
    kind: Kind,
    /// What it was made of, to tell whether two are the same.
    written: Secret,
}

/// The kinds of databases, each with what its driver wants to know.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one a key source")]
pub enum Kind {
    /// PostgreSQL.
    Postgres(PgConnectOptions),
    /// MySQL or MariaDB.
    MySql(MySqlConnectOptions),
    /// SQLite.
    Sqlite(SqliteConnectOptions),
}

/// Why a URL is no address. It may hold a password, so nothing of it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// It begins with something else.
    #[error("it must begin with `postgres://`, `mysql://` or `sqlite:`")]
    Scheme,
    /// Its driver does not take it.
    #[error("it is no URL of such a database")]
    Malformed,
    /// The password is no text.
    #[error("a password must be text")]
    Password,
    /// There is none for a file.
    #[error("a SQLite database has no password")]
    NoPassword,
}

/// Why nothing that lasts can be written to a SQLite database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// It is in no file.
    #[error("this database is in no file: it would be forgotten with its last connection")]
    InMemory,
    /// Its file has no name; each connection would have one of its own.
    #[error("this URL names no file")]
    Unnamed,
    /// `file:` is SQLite's own kind of URL, and would be taken for the file's name.
    #[error("`file:` in this URL would become part of the file's name")]
    NoPath,
    /// It says so.
    #[error("this URL says that the database is only read")]
    ReadOnly,
}

impl Address {
    /// Reads `url`. A `password` beside it goes before one in it.
    ///
    /// # Errors
    /// [`AddressFault`]
    pub fn parse(url: &str, password: Option<&Secret>) -> Result<Address, AddressFault> {
        let text = |secret: &Secret| String::from_utf8(secret.expose().to_vec()).map(Zeroizing::new);
        let known = password.map(text).transpose().map_err(|_| AddressFault::Password)?;
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let kind = match scheme {
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(url).map_err(|_| AddressFault::Malformed)?;
                let options = known.iter().fold(options, |options, password| options.password(password));
                Kind::Postgres(options.application_name("countersign").disable_statement_logging())
            }
            "mysql" | "mariadb" => {
                let options = MySqlConnectOptions::from_str(url).map_err(|_| AddressFault::Malformed)?;
                let options = known.iter().fold(options, |options, password| options.password(password));
                Kind::MySql(options.disable_statement_logging())
            }
            "sqlite" if known.is_some() => return Err(AddressFault::NoPassword),
            "sqlite" => {
                let options = SqliteConnectOptions::from_str(url).map_err(|_| AddressFault::Malformed)?;
                Kind::Sqlite(options.create_if_missing(false).disable_statement_logging())
            }
            _ => return Err(AddressFault::Scheme),
        };
        let mut written = url.as_bytes().to_vec();
        written.push(0);
        written.extend(password.map(Secret::expose).unwrap_or_default());
        Ok(Address { kind, written: Secret::new(written) })
    }

    /// Its kind.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The name of its kind.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Postgres(_) => "PostgreSQL",
            Kind::MySql(_) => "MySQL",
            Kind::Sqlite(_) => "SQLite",
        }
    }

    /// Whether it is SQLite's, and in no file: it is gone with its last connection.
    pub fn is_in_memory(&self) -> bool {
        let Kind::Sqlite(options) = &self.kind else { return false };
        // So the driver names what it is told to keep in memory; or that is said behind a name.
        let is_unnamed = options.get_filename().to_str().is_some_and(|file| file.starts_with("file:sqlx-in-memory-"));
        let said = b"mode=memory";
        is_unnamed || self.written.expose().windows(said.len()).any(|window| window == said)
    }

    /// Why nothing that lasts can be written to it, as far as its URL says.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn can_keep(&self) -> Result<(), FileFault> {
        let Kind::Sqlite(options) = &self.kind else { return Ok(()) };
        let name = options.get_filename().as_os_str().as_encoded_bytes();
        if self.is_in_memory() {
            return Err(FileFault::InMemory);
        }
        let url = self.written.expose().split(|byte| *byte == 0).next().unwrap_or_default();
        let mut said = url.split(|byte| matches!(byte, b'?' | b'&')).skip(1);
        match () {
            () if name.is_empty() => Err(FileFault::Unnamed),
            () if name.starts_with(b"file:") => Err(FileFault::NoPath),
            () if said.any(|said| matches!(said, b"mode=ro" | b"immutable=true" | b"immutable=1")) => {
                Err(FileFault::ReadOnly)
            }
            () => Ok(()),
        }
    }

    /// Whether it is sure to be that database and nobody between: a file, this machine, or TLS with a certificate that is
    /// checked.
    pub fn is_safe(&self) -> bool {
        let is_here = |host: &str| host == "localhost" || host.starts_with('/') || is_loopback(host);
        match &self.kind {
            Kind::Sqlite(_) => true,
            Kind::Postgres(options) => {
                options.get_socket().is_some()
                    || is_here(options.get_host())
                    || matches!(options.get_ssl_mode(), PgSslMode::VerifyFull)
            }
            Kind::MySql(options) => {
                options.get_socket().is_some()
                    || is_here(options.get_host())
                    || matches!(options.get_ssl_mode(), MySqlSslMode::VerifyIdentity)
            }
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl PartialEq for Address {
    fn eq(&self, other: &Address) -> bool {
        are_equal(self.written.expose(), other.written.expose())
    }
}

impl Eq for Address {}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_what_kind_of_database_it_is() {
        for (url, name) in [
            ("postgres://u:hunter2@db/devices", "PostgreSQL"),
            ("postgresql://db/devices?sslmode=verify-full", "PostgreSQL"),
            ("mysql://u@db/devices", "MySQL"),
            ("mariadb://u@db/devices", "MySQL"),
            ("sqlite:devices.db", "SQLite"),
            ("sqlite:///var/lib/devices.db?mode=ro", "SQLite"),
        ] {
            let address = Address::parse(url, None).unwrap();
            assert_eq!(address.name(), name, "{url}");
            assert!(!format!("{address:?}").contains("hunter2"));
        }
        assert_eq!(Address::parse("redis://db", None).unwrap_err(), AddressFault::Scheme);
        assert_eq!(Address::parse("devices.db", None).unwrap_err(), AddressFault::Scheme);
        assert_eq!(Address::parse("postgres://db:port/x", None).unwrap_err(), AddressFault::Malformed);
        let password = Secret::new(b"x".to_vec());
        assert_eq!(Address::parse("sqlite:x.db", Some(&password)).unwrap_err(), AddressFault::NoPassword);
    }

    #[test]
    fn what_is_in_no_file_is_known() {
        for (url, in_memory) in [
            ("sqlite::memory:", true),
            ("sqlite://:memory:", true),
            ("sqlite:x.db?mode=memory", true),
            ("sqlite:x.db", false),
            ("sqlite:///var/lib/x.db?mode=rwc", false),
            ("postgres://db/d", false),
        ] {
            assert_eq!(Address::parse(url, None).unwrap().is_in_memory(), in_memory, "{url}");
        }
    }

    #[test]
    fn what_keeps_nothing_is_known_by_its_url() {
        for (url, fault) in [
            ("sqlite:x.db", None),
            ("sqlite:///var/lib/x.db?mode=rwc", None),
            ("postgres://db/d", None),
            ("sqlite::memory:", Some(FileFault::InMemory)),
            ("sqlite:", Some(FileFault::Unnamed)),
            ("sqlite://", Some(FileFault::Unnamed)),
            ("sqlite:file:x.db", Some(FileFault::NoPath)),
            ("sqlite:x.db?mode=ro", Some(FileFault::ReadOnly)),
            ("sqlite:x.db?cache=private&immutable=true", Some(FileFault::ReadOnly)),
        ] {
            assert_eq!(Address::parse(url, None).unwrap().can_keep().err(), fault, "{url}");
        }
    }

    #[test]
    fn two_addresses_are_the_same_with_the_same_password_alone() {
        let with = |password: &str| Address::parse("postgres://u@db/d", Some(&Secret::new(password.into()))).unwrap();
        assert_eq!(with("a"), with("a"));
        assert_ne!(with("a"), with("b"));
    }

    #[test]
    fn only_this_machine_and_a_checked_certificate_are_safe() {
        for (url, safe) in [
            ("postgres://db/d", false),
            ("postgres://db/d?sslmode=require", false),
            ("postgres://db/d?sslmode=verify-full", true),
            ("postgres://127.0.0.1/d", true),
            ("mysql://db/d", false),
            ("mysql://localhost/d", true),
            ("mysql://db/d?ssl-mode=VERIFY_IDENTITY", true),
            ("sqlite:d.db", true),
        ] {
            assert_eq!(Address::parse(url, None).unwrap().is_safe(), safe, "{url}");
        }
    }
}
