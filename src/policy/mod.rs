//! [`Verified`](crate::authenticate::Verified) → [`Admitted`]: who may come from where, and once only.
//!
//! [`screen`] comes before routing and knows the address alone; [`admit`] comes after verification, or anyone could
//! burn a nonce or fill the store.

mod address;
mod addresses;
mod admitted;
pub mod chain;
mod forwarded;
mod guard;
mod known;
mod naming;
mod networks;
mod rates;
mod revoked;
mod told;

pub use address::{Believed, Client, Edge, Peer, Whence, screen};
pub use addresses::{AddressDenied, Addresses};
pub use admitted::{Admission, Admitted, NotAdmitted, Receipt, admit};
pub use guard::{Guard, GuardLimit};
pub use naming::Naming;
pub use networks::Networks;
pub use rates::{Beyond, Per, Prefixes, RateLimit};
pub use revoked::Withdrawn;
pub use told::LimitFields;
