//! The rules themselves.

/// Rooms that put the others together, and so may name any of them.
pub(super) const ABOVE: [&str; 2] = ["gateway", "cli"];

/// What one room must not name of our own.
pub(super) struct Rule {
    pub(super) room: &'static str,
    never: &'static [&'static str],
    /// What is allowed although it is in a room of `never`.
    except: &'static [&'static str],
}

/// A crate that only some rooms may name.
pub(super) struct Crate {
    /// It, and others that are the same to the rule. A path stands for what is below it.
    pub(super) names: &'static [&'static str],
    /// The rooms that may.
    only: Rooms,
}

enum Rooms {
    These(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

const fn never(room: &'static str, never: &'static [&'static str]) -> Rule {
    Rule { room, never, except: &[] }
}

/// Everything that decides something about a request, or puts those that do together.
const STAGES: &[&str] =
    &["gateway", "authenticate", "policy", "forward", "issue", "admin", "observe", "config", "cli", "diagnose"];

const EVERYTHING_OF_OURS: &[&str] = &[
    "gateway", "scheme", "authenticate", "policy", "http1", "forward", "issue", "keys", "store", "diagnose", "observe",
    "admin", "config", "cli", "clock", "deadline", "json", "message", "refusal", "secret", "shutdown", "transport",
];

/// Who must not know whom.
pub(super) const RULES: &[Rule] = &[
    // Proving who sent a request is free of what is then allowed, remembered, forwarded or reported.
    never("authenticate", &["gateway", "policy", "store", "forward", "issue", "config", "observe", "admin", "cli"]),
    // Admission takes a proof, and must not be able to make or weaken one.
    Rule {
        room: "policy",
        never: &["gateway", "forward", "issue", "config", "keys", "authenticate", "observe", "admin", "cli"],
        except: &["authenticate::Verified"],
    },
    // Serving sees an admitted request alone.
    never("forward", &["gateway", "authenticate", "keys", "store", "issue", "config", "observe", "admin", "cli"]),
    // What is signed is a pure function of a request's bytes, of keys and of a number that is the time.
    never(
        "scheme",
        &["gateway", "authenticate", "policy", "http1", "forward", "issue", "keys", "store", "diagnose", "observe",
          "admin", "config", "cli", "clock", "deadline", "message", "shutdown", "transport"],
    ),
    // The codec could leave the house as a crate of its own.
    never("http1", EVERYTHING_OF_OURS),
    never("keys", &["gateway", "authenticate", "policy", "http1", "forward", "issue", "store", "diagnose", "observe",
                    "admin", "config", "cli", "message", "transport"]),
    never("store", &["gateway", "scheme", "authenticate", "policy", "http1", "forward", "issue", "keys", "diagnose",
                     "observe", "admin", "config", "cli", "message", "transport"]),
    // What is reported is handed over by the gateway; a stage that reports would know who listens.
    Rule { room: "observe", never: EVERYTHING_OF_OURS, except: &["refusal", "clock", "shutdown"] },
    Rule { room: "admin", never: STAGES, except: &["observe"] },
    // The config speaks the operator's language; only templates are compiled while it is read.
    never("config", &["gateway", "authenticate", "policy", "http1", "forward", "issue", "keys", "store", "diagnose",
                      "observe", "admin", "cli", "message", "transport"]),
    // What everybody shares knows nobody.
    never("clock", EVERYTHING_OF_OURS),
    never("deadline", EVERYTHING_OF_OURS),
    never("json", EVERYTHING_OF_OURS),
    never("refusal", EVERYTHING_OF_OURS),
    never("secret", EVERYTHING_OF_OURS),
    never("shutdown", EVERYTHING_OF_OURS),
    never("transport", EVERYTHING_OF_OURS),
    never("message", &["gateway", "authenticate", "policy", "forward", "issue", "keys", "store", "diagnose",
                       "observe", "admin", "config", "cli"]),
];

/// Crates that stay where they are understood.
pub(super) const SPECIAL_CRATES: &[Crate] = &[
    Crate { names: &["hmac", "sha1", "sha2"], only: Rooms::These(&["scheme", "authenticate", "keys", "issue"]) },
    Crate { names: &["jsonwebtoken"], only: Rooms::These(&["authenticate", "issue"]) },
    Crate { names: &["serde_yaml"], only: Rooms::These(&["config"]) },
    Crate { names: &["hyper", "hyper_util"], only: Rooms::These(&["gateway", "forward", "admin"]) },
    Crate { names: &["clap"], only: Rooms::These(&["cli"]) },
    // Rooms that tests must be able to run without a runtime, a clock or a log.
    Crate { names: &["tokio", "tracing"], only: Rooms::AllBut(&["scheme", "http1", "json", "refusal", "secret"]) },
    Crate {
        names: &["std::time::SystemTime", "std::time::Instant"],
        only: Rooms::AllBut(&["scheme", "http1", "json", "store", "keys", "config"]),
    },
];

impl Rule {
    /// Whether `path`, inside this crate, is out of bounds. A room may always name itself.
    pub(super) fn forbids(&self, path: &str) -> bool {
        let room = path.split("::").next().unwrap_or_default();
        room != self.room && self.never.contains(&room) && !self.except.iter().any(|allowed| is_below(path, allowed))
    }
}

impl Crate {
    pub(super) fn forbids(&self, path: &str, room: &str) -> bool {
        let allowed = match self.only {
            Rooms::These(rooms) => rooms.contains(&room),
            Rooms::AllBut(rooms) => !rooms.contains(&room),
        };
        !allowed && self.covers(path)
    }

    /// Whether `path` is one that this rule is about.
    pub(super) fn covers(&self, path: &str) -> bool {
        self.names.iter().any(|name| is_below(path, name))
    }
}

fn is_below(path: &str, prefix: &str) -> bool {
    path == prefix || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with("::"))
}
