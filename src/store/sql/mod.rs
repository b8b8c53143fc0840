//! What several gateways remember together in a database: families of refresh tokens.
//!
//! Every change is one statement that says what must still be so for it to be done, so that of any number of gateways one
//! does it; no transaction is kept open between two questions. The way there is [`sql_link`](crate::sql_link)'s.

mod asked;
mod families;
mod row;
mod statements;
mod tender;

pub use self::{
    asked::{Reading, SqlTrouble},
    families::{Settings, SqlFamilies},
    statements::Statements,
};
