//! Who stands behind the refresh tokens of one issuer. They know users and clients by name alone, so that names must mean the
//! same wherever such tokens are given and taken: else bob of the customers is renewed as bob of the staff.

use super::{
    checked::{Registered, UpstreamKind, Who},
    reader::Reader,
    section::Section,
    tree::Place,
    upstreams::ReadUpstream,
};

/// What one service knows of the refresh tokens of an issuer; sources by their index.
struct Party {
    place: Place,
    issuer: usize,
    /// Where the users are that it gives tokens to; `Some(None)`: whoever says a name.
    gives_to: Option<Option<usize>>,
    /// Where it looks for the users of tokens that it takes.
    looks_in: Option<usize>,
    clients: Option<usize>,
}

/// Reports each service that would look for a user or a client in another place than where they were.
pub(super) fn report(upstreams: &Section<ReadUpstream>, reader: &mut Reader<'_>) {
    let parties: Vec<Party> = upstreams.each().filter_map(|(place, read)| party(place, &read.upstream.kind)).collect();
    for (index, party) in parties.iter().enumerate() {
        let is_other =
            |other: &Party| other.issuer == party.issuer && other.gives_to.is_some_and(|users| users != party.looks_in);
        if party.looks_in.is_some() && parties.iter().any(is_other) {
            reader
                .error(
                    party.place,
                    "its `users` are others than those that its issuer gives refresh tokens to elsewhere",
                )
                .hint("one name may be two people; give each source of users an issuer of its own");
        }
        let before = parties.get(..index).unwrap_or_default();
        let differs =
            |other: &Party| other.issuer == party.issuer && other.clients.is_some() && other.clients != party.clients;
        if party.clients.is_some() && before.iter().any(differs) {
            reader
                .error(party.place, "its `clients` are others than those of another service of its issuer")
                .hint("one name may be two clients; give each source of clients an issuer of its own");
        }
    }
}

fn party(place: Place, kind: &UpstreamKind) -> Option<Party> {
    let users = |registered: &Option<Registered>| registered.as_ref().map(|registered| registered.users);
    let (issuer, gives_to, looks_in, clients) = match kind {
        UpstreamKind::Login(login) => match login.who {
            Who::Users { users, .. } => (login.issuer, Some(Some(users)), None, None),
            Who::Anyone => (login.issuer, Some(None), None, None),
        },
        UpstreamKind::Refresh(renewal) => (renewal.issuer, None, renewal.users, None),
        UpstreamKind::Token(token) => {
            let own = users(&token.users);
            let gives_to = own.filter(|_| token.grants.password).map(Some);
            (token.issuer, gives_to, own.filter(|_| token.grants.refresh_token), users(&token.clients))
        }
        UpstreamKind::Revoke(revoke) => (revoke.issuer, None, None, users(&revoke.clients)),
        UpstreamKind::Servers { .. }
        | UpstreamKind::Echo
        | UpstreamKind::Respond(_)
        | UpstreamKind::Logout(_)
        | UpstreamKind::Mint(_)
        | UpstreamKind::Jwks(_) => return None,
    };
    Some(Party { place, issuer, gives_to, looks_in, clients })
}
