//! What is needed by whoever asks others, and remembers their answers, for many who want to know the same: a table with room for so
//! many, questions that are under way and may be joined, and whether the other side is there.
//!
//! What is asked, of whom, and how long an answer is good is not known here.

mod flights;
mod health;
mod table;

pub use flights::{Boarding, Flight, Flights, Pilot, Whose};
pub use health::{Health, PAUSE};
pub use table::Table;
