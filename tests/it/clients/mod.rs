//! The clients that exist, unmodified, against the configs made for them: each gets the very answers that it knows.

mod device_api;
mod token_apis;
