//! Real servers behind the gateway.

mod nginx;
mod node;
mod python;
