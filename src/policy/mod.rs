//! [`Verified`](crate::authenticate::Verified) → [`Admitted`]: who may come from where, and once only.
//!
//! [`screen`] comes before routing and knows the address alone; [`admit`] comes after verification, or anyone could
//! burn a nonce or fill the store.

mod address;
mod admitted;
mod forwarded;

pub use address::{Client, Edge, Peer, screen};
pub use admitted::{Admission, Admitted, NotAdmitted, Receipt, admit};
