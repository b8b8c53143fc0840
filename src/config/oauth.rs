//! `token` and `revoke` of an upstream: the endpoints that OAuth 2.0 clients know.

use super::{
    checked::{GrantTypes, Registered, RevocationEndpoint, TokenEndpoint},
    login::Issuing,
    reader::Reader,
    throttle,
    tree::Node,
};

/// Reads a token endpoint.
pub(super) fn token(node: &Node, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<TokenEndpoint> {
    let fields = reader.fields(node, "`token`", &["issuer", "clients", "users", "grants", "throttle"])?;
    let issuer = fields.required("issuer", reader).and_then(|node| issuing.issuers.find(node, reader));
    let throttle = throttle::read(&fields, [throttle::CLIENT, throttle::USER, throttle::ADDRESS], reader);
    let of = |key: &str, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>| {
        fields.value(key).map(|node| issuing.users.find(node, reader))
    };
    let (clients, users) = (of("clients", issuing, reader), of("users", issuing, reader));
    if clients.is_none() && users.is_none() {
        reader
            .error(node.place, "nobody could have a token here: there are neither `clients` nor `users`")
            .hint("`clients: NAME` names a source of `users` whose passwords are client secrets");
        return None;
    }
    let refreshes = issuer.and_then(|index| issuing.issuers.item(index)).is_none_or(|issuer| issuer.refresh.is_some());
    let possible = GrantTypes {
        client_credentials: clients.is_some(),
        password: users.is_some(),
        refresh_token: users.is_some() && refreshes,
    };
    let grants = fields.value("grants").map_or(Some(possible), |node| grants(node, possible, reader));
    let [client, user, address] = throttle?;
    let registered = |index: Option<Option<usize>>, quota| -> Option<Option<Registered>> {
        index.map_or(Some(None), |index| Some(Some(Registered { users: index?, throttle: (quota, address) })))
    };
    Some(TokenEndpoint {
        issuer: issuer?,
        clients: registered(clients, client)?,
        users: registered(users, user)?,
        grants: grants?,
    })
}

/// Reads a revocation endpoint.
pub(super) fn revoke(node: &Node, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<RevocationEndpoint> {
    let fields = reader.fields(node, "`revoke`", &["issuer", "clients", "throttle"])?;
    let issuer = fields.required("issuer", reader).and_then(|node| issuing.issuers.find(node, reader));
    let throttle = throttle::read(&fields, [throttle::CLIENT, throttle::ADDRESS], reader);
    let clients = fields.value("clients").map(|node| issuing.users.find(node, reader));
    check_place(node, issuing, reader);
    let [client, address] = throttle?;
    let clients = match clients {
        None => None,
        Some(index) => Some(Registered { users: index?, throttle: (client, address) }),
    };
    Some(RevocationEndpoint { issuer: issuer?, clients })
}

/// Reports that nothing would keep what is taken back.
pub(super) fn check_place(node: &Node, issuing: &Issuing<'_>, reader: &mut Reader<'_>) {
    if !issuing.can_revoke {
        reader
            .error(node.place, "there is no place for what is revoked")
            .expected("`revocations: { file: … }`, or `{ redis: true }`");
    }
}

fn grants(node: &Node, possible: GrantTypes, reader: &mut Reader<'_>) -> Option<GrantTypes> {
    let mut grants = GrantTypes { client_credentials: false, password: false, refresh_token: false };
    let choices = [("client_credentials", 0), ("password", 1), ("refresh_token", 2)];
    for item in reader.one_or_many(node, "`grants`") {
        let (listed, is_possible, lacks) = match reader.choice(item, "a grant", &choices)? {
            0 => (&mut grants.client_credentials, possible.client_credentials, "`clients`"),
            1 => (&mut grants.password, possible.password, "`users`"),
            _ => (&mut grants.refresh_token, possible.refresh_token, "`users`, and an issuer with `refresh: {}`"),
        };
        *listed = true;
        if !is_possible {
            reader.error(item.place, "this grant cannot be had here").expected(lacks);
        }
    }
    Some(grants)
}
