//! Every dialect that ships: what a preset signs it verifies, what it covers cannot be changed, and what others signed
//! (in their documentation, in published vectors, or computed here by other means) is accepted.
//!
//! All of it at the scheme's interface: the listener refuses some requests of the vectors for what they are.

mod aws_vectors;
mod cavage_vectors;
mod documented;
mod gateway;
mod independent;
mod recorded;
mod refusals;
mod request;
mod round_trip;
mod samples;
