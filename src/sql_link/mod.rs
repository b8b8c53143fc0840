//! The way to a database: PostgreSQL, MySQL or MariaDB, SQLite.
//!
//! What is asked is the business of who asks, and stands in the config: an operator's own query, whose parameters are bound
//! and never become part of it. This room knows addresses, keeps connections, bounds how long one is waited for and how many
//! rows are read, and makes plain cells of what comes. Connections are kept among the [errands](crate::errands), a few for
//! the process: a pool a worker would multiply what the database has to hold.

mod address;
mod cells;
mod database;
mod error;
mod pools;
mod transaction;

pub use self::{
    address::{Address, AddressFault, FileFault, Kind},
    cells::{Cell, Row, truth},
    database::{Database, Settings},
    error::SqlError,
    transaction::Transaction,
};
