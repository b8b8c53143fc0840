//! The rules themselves: what each room may name of ours, and which crates stay where they are understood.

/// Rooms that put the others together, and so may name any of them.
pub(super) const ABOVE: [&str; 2] = ["gateway", "cli"];

/// What one room may name of our own besides itself.
pub(super) struct Rule {
    pub(super) room: &'static str,
    may: &'static [&'static str],
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

const fn rule(room: &'static str, may: &'static [&'static str]) -> Rule {
    Rule { room, may }
}

/// Who may know whom. What is not here is forbidden.
pub(super) const RULES: &[Rule] = &[
    // The codec could leave the house as a crate of its own.
    rule("http1", &[]),
    // What is signed is a pure function of a request's bytes, of keys and of a number that is the time.
    rule("scheme", &["jose", "json", "percent", "secret"]),
    // Proving who sent a request is free of what is then allowed, remembered, forwarded or reported.
    rule(
        "authenticate",
        &[
            "scheme", "keys", "clock", "deadline", "http1", "jose", "json", "message", "percent", "refusal", "secret",
            "soon", "cookies",
        ],
    ),
    // Admission takes a proof and what of it is good for once, and must not be able to make or weaken one.
    rule(
        "policy",
        &[
            "authenticate::Verified",
            "authenticate::Replay",
            "store",
            "rate",
            "clock",
            "http1",
            "message",
            "scheme",
            "refusal",
            "soon",
        ],
    ),
    // Serving sees an admitted request alone. What it signs it signs with a key that was made ready for it; a signature has
    // a time, so there is a clock.
    rule(
        "forward",
        &[
            "policy",
            "http1",
            "message",
            "scheme",
            "clock",
            "deadline",
            "transport",
            "buffers",
            "percent",
            "roots",
            "soon",
            "minting",
            "percent",
        ],
    ),
    // The issuer sees an admitted request alone, and knows nothing of how its tokens are verified.
    rule(
        "issue",
        &[
            "policy::Admitted",
            // Whom an attempt to log in counts against is what any limit of rate counts against.
            "policy::Prefixes",
            "policy::Whence",
            "http1",
            "message",
            "scheme",
            "clock",
            "deadline",
            "minting",
            "password",
            "percent",
            "rate",
            "secret",
            "store",
            // Users elsewhere are asked for among the errands, over the ways that are there, and some answers are JSON.
            "errands",
            "outcall",
            "sql_link",
            "json",
            "percent",
            "cookies",
        ],
    ),
    // A file of keys is read as strictly as a request is, and again when it changes.
    rule(
        "keys",
        &[
            "scheme::KeyFault",
            "scheme::PreparedKey",
            "secret",
            "asking",
            "clock",
            "soon",
            // Sources elsewhere are asked among the errands, over the ways that are there, and some answer in JSON.
            "errands",
            "outcall",
            "redis_link",
            "sql_link",
            "json",
            "watch",
        ],
    ),
    // What is shared is asked for over the ways that are there; hashes of tokens are compared as secrets are.
    rule("store", &["clock", "rate", "redis_link", "errands", "ownership", "secret", "sql_link"]),
    // How much is too much is arithmetic: it counts nobody and knows no time.
    rule("rate", &[]),
    // A way to Redis; what is asked is not its business.
    rule("redis_link", &["secret"]),
    // A way to databases, likewise; connections live among the errands.
    rule("sql_link", &["errands", "secret"]),
    // What is reported is handed over by the gateway; a stage that reports would know who listens.
    rule("observe", &["refusal", "clock"]),
    rule("admin", &["observe", "clock", "secret"]),
    // The config speaks the operator's language; only templates are compiled and key documents read with it, so that what
    // is wrong with them has a place; and what is known of a key is the same in a config as in any other source. Where users
    // are asked for is described in the words of who asks, as with keys.
    rule(
        "config",
        &[
            "scheme",
            "clock",
            "cookies",
            "http1::usual_port",
            "issue::users",
            "jose",
            "json",
            "keys",
            "outcall",
            "password",
            // Which route answers for a path is found as the route table finds it.
            "path_trie",
            "rate",
            "redis_link",
            "refusal",
            "roots",
            "secret",
            "sql_link",
        ],
    ),
    // Of a caller it is known which key verified, and what else is known of that.
    rule("message", &["http1", "scheme", "keys::Matched"]),
    // The gateway's own calls know where they run and whom they trust, and not what they are for.
    rule("outcall", &["errands", "roots"]),
    // What everybody shares knows nobody.
    // What is asked is not its business.
    rule("asking", &[]),
    rule("buffers", &[]),
    rule("clock", &[]),
    // What a cookie needs beside it is asked of a request's head, and compared as secrets are.
    rule("cookies", &["http1", "secret"]),
    rule("deadline", &[]),
    rule("ownership", &[]),
    // Keys and algorithms of tokens and of signatures that public keys check: pure, as what uses them.
    rule("jose", &["json", "secret"]),
    // Fetching keys is beside a request's way: it fills what `authenticate` reads, and sees no request.
    rule("key_sets", &["authenticate::jwt", "clock", "errands", "jose", "json", "outcall", "roots"]),
    // So is asking what a token is: it sees the token alone, and what it is told others judge.
    rule("introspection", &["asking", "authenticate::jwt", "clock", "errands", "json", "outcall", "roots", "secret"]),
    rule("errands", &[]),
    rule("json", &[]),
    // A token is made of a key, templates and a request as they see it; whom it is for is told.
    rule("minting", &["jose", "scheme"]),
    rule("password", &[]),
    rule("path_trie", &[]),
    rule("percent", &[]),
    rule("proxy_protocol", &[]),
    rule("refusal", &[]),
    rule("roots", &[]),
    rule("secret", &[]),
    rule("soon", &[]),
    rule("transport", &["buffers"]),
    rule("watch", &[]),
];

/// Crates that stay where they are understood.
pub(super) const SPECIAL_CRATES: &[Crate] = &[
    Crate {
        names: &["hmac", "sha1", "sha2"],
        // A store hashes what its counters are counted by, so that keys have one length and tell nobody's name.
        only: Rooms::These(&["scheme", "authenticate", "cookies", "jose", "keys", "issue", "store"]),
    },
    Crate { names: &["aws_lc_rs"], only: Rooms::These(&["scheme", "jose"]) },
    // Tests make tokens with it; what is verified is verified by our own reading of the standard.
    Crate { names: &["jsonwebtoken"], only: Rooms::These(&["issue"]) },
    // Keys may stand in a file of YAML, which is read record by record.
    Crate { names: &["serde_yaml"], only: Rooms::These(&["config", "keys"]) },
    Crate { names: &["argon2", "bcrypt"], only: Rooms::These(&["password"]) },
    Crate { names: &["hyper", "hyper_util"], only: Rooms::These(&["gateway", "forward", "admin", "outcall"]) },
    Crate { names: &["sqlx"], only: Rooms::These(&["sql_link"]) },
    Crate { names: &["hyper_rustls"], only: Rooms::These(&["outcall"]) },
    Crate { names: &["redis"], only: Rooms::These(&["redis_link", "store", "keys"]) },
    Crate { names: &["clap"], only: Rooms::These(&["cli"]) },
    // Whoever wants to hear of a changed file asks `watch`, which also knows when one stands still.
    Crate { names: &["notify"], only: Rooms::These(&["watch"]) },
    // Rooms that tests must be able to run without a runtime or a log.
    Crate {
        names: &["tokio", "tracing"],
        only: Rooms::AllBut(&[
            "scheme",
            "http1",
            "jose",
            "json",
            "password",
            "proxy_protocol",
            "rate",
            "refusal",
            "secret",
        ]),
    },
    // Rooms that are told the time.
    Crate {
        names: &["std::time::SystemTime", "std::time::Instant"],
        only: Rooms::AllBut(&["scheme", "http1", "jose", "json", "rate", "store", "keys", "config"]),
    },
];

impl Rule {
    /// Whether `path`, inside this crate, is out of bounds.
    pub(super) fn forbids(&self, path: &str) -> bool {
        !is_below(path, self.room) && !self.may.iter().any(|allowed| is_below(path, allowed))
    }
}

impl Crate {
    /// Whether `room` must not name `path`.
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
