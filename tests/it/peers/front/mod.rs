//! Real clients in front of the gateway, on an open path and, where they can sign in a few lines, on a guarded one. The
//! scripts beside these tests check statuses and bodies.

mod browser;
mod curl;
mod load;
mod scripts;

pub(super) use browser::{WITHOUT_CHROMIUM, chromium};
