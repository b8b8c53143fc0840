//! One loaded config, ready for use: immutable, shared by all workers.

use std::{sync::Arc, time::Duration};

use super::{
    family_book::FamilyBook, handshake::Handshake, key_book::KeyBook, publisher_book::PublisherBook, refusals::Shape,
    routes::Routes, upstreams::Book, user_book::UserBook, windows::Windows,
};
use crate::{
    authenticate::{Requirement, SignatureRule},
    clock::Clock,
    config::{Limits, Timeouts},
    forward::{AnswerSigning, Dress, Target},
    http1, issue,
    message::{Budgets, HoldLimits},
    observe::Labels,
    policy::{Addresses, Edge, Guard, RateLimit},
    store::{Claims, Counters, revocations::Revocations},
};

/// What a config says, as the stages need it.
pub struct Snapshot {
    /// The listeners, in the config's order.
    pub edges: Vec<Edge>,
    /// The route table.
    pub routes: Routes<Arc<Route>>,
    /// How refusals look where no route was found.
    pub shape: Shape,
    /// Budgets for held bodies.
    pub budgets: Budgets,
    /// What is revoked.
    pub revocations: Arc<Revocations>,
    /// Replay claims.
    pub claims: Arc<Claims>,
    /// What limits of rate have counted.
    pub counters: Arc<Counters>,
    /// Limits on what is not verified yet.
    pub guard: Option<Guard>,
    /// Issuers whose keys are fetched.
    pub publishers: PublisherBook,
    /// The time.
    pub clock: Clock,
    /// Bounds.
    pub limits: Limits,
    /// The codec's bounds, from `limits`.
    pub head_limits: http1::Limits,
    /// The largest body that any route takes.
    pub largest_body: u64,
    /// Time-outs.
    pub timeouts: Timeouts,
    /// The servers, for the next config to go on with.
    pub upstreams: Book,
    /// Names behind the metrics' indices.
    pub labels: Arc<Labels>,
    /// Key sources that have to be asked.
    pub keys: KeyBook,
    /// Users who have to be asked for.
    pub users: UserBook,
    /// Databases that keep refresh tokens.
    pub families: FamilyBook,
    /// For how long requests are let in.
    pub windows: Windows,
    /// The schemes with their keys.
    pub signatures: Vec<Arc<SignatureRule>>,
}

/// Who serves the requests of a route.
#[derive(Debug, Clone)]
pub enum Service {
    /// An upstream, or a fixed answer.
    Forward(Target),
    /// The token issuer.
    Issue(Arc<issue::Service>),
}

/// One route, ready for use.
#[derive(Debug)]
pub struct Route {
    /// Its index in the config.
    pub index: usize,
    /// Its name.
    pub name: Arc<str>,
    /// What must be shown.
    pub requirement: Requirement,
    /// Who serves requests.
    pub service: Service,
    /// The upstream's index in the config.
    pub upstream: usize,
    /// How requests are dressed for it.
    pub dress: Dress,
    /// How answers are signed.
    pub sign_response: Option<Arc<AnswerSigning>>,
    /// What its senders ask before they send.
    pub handshake: Option<Handshake>,
    /// Whether it answers for some hosts alone.
    pub names_hosts: bool,
    /// Who may come here.
    pub addresses: Option<Addresses>,
    /// Its limits of rate.
    pub limits: Box<[RateLimit]>,
    /// Bounds on the body.
    pub hold: HoldLimits,
    /// How long a sender may take for a body that is held before it is verified.
    pub patience: Duration,
    /// How refusals look.
    pub shape: Shape,
}
