//! How many files the process may have open, and how many clients that is room for.
//!
//! A client that is served needs a descriptor of its own and one towards its upstream. Were all of them given to
//! clients, nobody could be served: better to let those who come last wait in the system's queue.

use rustix::process::{Resource, getrlimit, setrlimit};

/// For listeners, runtimes, log and admin, and for bodies that are spooled.
const RESERVED: u64 = 64;

/// A client's and its upstream's.
const EACH: u64 = 2;

/// However few there are, so many clients are let in.
const LEAST: u64 = 16;

/// One in so many connections may be lacking before it is worth a word.
const FEW: usize = 20;

/// Raises the process's limit of open files as far as it may, and returns how many of the `wanted` connections fit.
pub(super) fn room(wanted: usize) -> usize {
    let Some(limit) = raised() else { return wanted };
    let room = usize::try_from(clients(limit)).unwrap_or(usize::MAX);
    // The 20,000 files that services often get are some few short of the default, which nobody has to mend.
    if room < wanted - wanted / FEW {
        tracing::warn!(
            open_files = limit,
            wanted,
            connections = room,
            "the limit of open files allows fewer connections"
        );
    }
    room.min(wanted)
}

/// The limit that holds from now on; `None` where there is none.
fn raised() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current?;
    limit.current = limit.maximum;
    // Refused, it stays what it was.
    if setrlimit(Resource::Nofile, limit).is_ok() { limit.current } else { Some(before) }
}

fn clients(limit: u64) -> u64 {
    (limit.saturating_sub(RESERVED) / EACH).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_leaves_a_descriptor_for_its_upstream() {
        assert_eq!(clients(1024), 480);
        assert!(clients(1024) * EACH + RESERVED <= 1024);
    }

    #[test]
    fn a_tiny_limit_still_lets_some_in() {
        assert_eq!(clients(0), LEAST);
        assert_eq!(clients(64), LEAST);
    }
}
