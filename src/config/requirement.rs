//! `public:` and `require:`: what a caller must show, with the names in it resolved.

use super::{
    checked::{Requirement, SchemeConfig, TokenLeg, Tokens},
    definition::all_or_none,
    dpop,
    reader::Reader,
    section::Section,
    shape::Fields,
    token_claims,
    tokens::token_from,
    tree::{Node, Place, Value},
};

const FORMS: [&str; 4] = ["hmac", "jwt", "any_of", "all_of"];

/// Ways into one route, each a combination of credentials. Lists in lists multiply them.
const MOST_WAYS: usize = 64;
/// Credentials that one `require` names.
const MOST_LEGS: usize = 64;
/// Lists in lists.
const DEEPEST: usize = 4;

/// Reads `public: true` or `require: …` of a route: exactly one of them.
pub(super) fn read(
    fields: &Fields<'_>,
    route: Place,
    schemes: &mut Section<SchemeConfig>,
    tokens: &mut Section<Tokens>,
    reader: &mut Reader<'_>,
) -> Option<Requirement> {
    match (fields.entry("public"), fields.value("require")) {
        (None, None) => {
            reader
                .error(route, "this route says neither `public` nor `require`")
                .hint("a route is public only if it says so: `public: true`");
            None
        }
        (Some(public), None) => {
            if !reader.boolean(&public.value, "`public`")? {
                reader.error(public.value.place, "`public` can only be true").hint("say what is wanted: `require: …`");
                return None;
            }
            Some(Requirement::Public)
        }
        (Some(public), Some(node)) => {
            reader
                .error(public.key_place, "this route says both `public` and `require`")
                .expected("exactly one of them");
            // Read for what else is wrong with it.
            requirement(node, schemes, tokens, reader);
            None
        }
        (None, Some(node)) => {
            let read = requirement(node, schemes, tokens, reader)?;
            is_bounded(&read, node.place, reader).then_some(read)
        }
    }
}

/// A credential of a combination, by the config's index.
#[derive(Clone, Copy)]
pub(super) enum Leg {
    Scheme(usize),
    Tokens(usize),
}

/// Whether all ways in can be written out: a check goes through them, and so does a request.
fn is_bounded(require: &Requirement, place: Place, reader: &mut Reader<'_>) -> bool {
    let (ways, legs, depth) = (require.ways(), require.legs(), require.depth());
    let problem = match () {
        () if depth > DEEPEST => format!("lists of credentials stand in each other {depth} deep, and may {DEEPEST}"),
        () if legs > MOST_LEGS => format!("this names {legs} credentials, and may name {MOST_LEGS}"),
        () if ways > MOST_WAYS => format!("this can be met in more than {MOST_WAYS} ways"),
        () => return true,
    };
    reader.error(place, problem).hint(
        "each `any_of` in an `all_of` multiplies the ways: write out those that are meant, or make several routes",
    );
    false
}

fn requirement(
    node: &Node,
    schemes: &mut Section<SchemeConfig>,
    tokens: &mut Section<Tokens>,
    reader: &mut Reader<'_>,
) -> Option<Requirement> {
    let Some(entry) = reader.one_key(node, "`require`", &FORMS) else {
        hint_at_form(node, reader);
        return None;
    };
    match entry.key.as_str() {
        "hmac" => schemes.find(&entry.value, reader).map(Requirement::Hmac),
        "jwt" => jwt(&entry.value, tokens, reader),
        list => {
            let items = reader.list(&entry.value, &format!("`{list}`"))?;
            if items.is_empty() {
                reader.error(entry.value.place, format!("`{list}` is an empty list"));
            }
            let legs: Vec<_> = items.iter().filter_map(|item| requirement(item, schemes, tokens, reader)).collect();
            let complete = legs.len() == items.len() && !legs.is_empty();
            let legs = complete.then_some(legs)?;
            Some(if list == "any_of" { Requirement::AnyOf(legs) } else { Requirement::AllOf(legs) })
        }
    }
}

/// What was probably meant by what is no map of one key.
fn hint_at_form(node: &Node, reader: &mut Reader<'_>) {
    match &node.value {
        Value::List(_) => {
            reader.hint_at(node.place, "`{ any_of: [ … ] }` takes one of them, `{ all_of: [ … ] }` wants each")
        }
        Value::Scalar(_) => reader.hint_at(node.place, "`{ hmac: SCHEME }` or `{ jwt: TOKENS }`, with the name of one"),
        Value::Map(entries) => {
            let both = entries.len() > 1 && entries.iter().all(|entry| matches!(entry.key.as_str(), "hmac" | "jwt"));
            if let Some(second) = entries.get(1).filter(|_| both) {
                let hint = "`any_of: [{ hmac: … }, { jwt: … }]` takes one of them, `all_of` wants both";
                reader.hint_at(second.key_place, hint);
            }
        }
    }
}

fn jwt(node: &Node, tokens: &mut Section<Tokens>, reader: &mut Reader<'_>) -> Option<Requirement> {
    let Value::Map(_) = node.value else {
        return tokens.find(node, reader).map(|index| Requirement::Jwt(index, TokenLeg::default()));
    };
    let fields = reader.fields(node, "`jwt`", &["tokens", "from", "scope", "dpop", "certificate"])?;
    let from = fields.value("from").map(|node| token_from(node, reader));
    let scope = token_claims::scope(&fields, reader);
    let index = fields.required("tokens", reader).and_then(|node| tokens.find(node, reader))?;
    let dpop = fields.value("dpop").map(|node| dpop::read(node, reader));
    let certificate = fields.value("certificate");
    let certificate = certificate.map(|node| reader.choice(node, "`certificate`", &[("required", true)]));
    let from = all_or_none(from)?;
    if let Some(entry) = fields.entry("dpop") {
        let own = tokens.item(index).map(|entry| &entry.from);
        dpop::check(entry, from.as_ref().or(own), reader);
    }
    let (dpop, certificate) = (all_or_none(dpop)?, all_or_none(certificate)?.unwrap_or(false));
    Some(Requirement::Jwt(index, TokenLeg { from, scope: scope?, dpop, certificate }))
}

impl Requirement {
    /// In how many ways it can be met, or more than can be counted.
    fn ways(&self) -> usize {
        match self {
            Requirement::Public | Requirement::Hmac(_) | Requirement::Jwt(..) => 1,
            Requirement::AnyOf(legs) => legs.iter().map(Requirement::ways).fold(0, usize::saturating_add),
            Requirement::AllOf(legs) => legs.iter().map(Requirement::ways).fold(1, usize::saturating_mul),
        }
    }

    fn legs(&self) -> usize {
        self.schemes().len() + self.token_legs().len()
    }

    fn depth(&self) -> usize {
        match self {
            Requirement::Public | Requirement::Hmac(_) | Requirement::Jwt(..) => 0,
            Requirement::AnyOf(legs) | Requirement::AllOf(legs) => {
                1 + legs.iter().map(Requirement::depth).max().unwrap_or_default()
            }
        }
    }

    /// Whether nothing has to be shown.
    pub fn is_public(&self) -> bool {
        matches!(self, Requirement::Public)
    }

    /// The schemes it names, in order.
    pub fn schemes(&self) -> Vec<usize> {
        match self {
            Requirement::Public | Requirement::Jwt(..) => Vec::new(),
            Requirement::Hmac(index) => vec![*index],
            Requirement::AnyOf(legs) | Requirement::AllOf(legs) => legs.iter().flat_map(Requirement::schemes).collect(),
        }
    }

    /// Each combination of credentials that it can be met with, in the order of the file; none where nothing has to be shown.
    pub(super) fn combinations(&self) -> Vec<Vec<Leg>> {
        match self {
            Requirement::Public => Vec::new(),
            Requirement::Hmac(index) => vec![vec![Leg::Scheme(*index)]],
            Requirement::Jwt(index, _) => vec![vec![Leg::Tokens(*index)]],
            Requirement::AnyOf(legs) => legs.iter().flat_map(Requirement::combinations).collect(),
            Requirement::AllOf(legs) => {
                legs.iter().map(Requirement::combinations).fold(vec![Vec::new()], |sofar, options| {
                    sofar.iter().flat_map(|legs| options.iter().map(|more| [legs.as_slice(), more].concat())).collect()
                })
            }
        }
    }

    /// What is said of each token that it names.
    pub fn token_legs(&self) -> Vec<&TokenLeg> {
        match self {
            Requirement::Public | Requirement::Hmac(_) => Vec::new(),
            Requirement::Jwt(_, leg) => vec![leg],
            Requirement::AnyOf(legs) | Requirement::AllOf(legs) => {
                legs.iter().flat_map(Requirement::token_legs).collect()
            }
        }
    }

    /// Whether tokens of the entry at `index` get in.
    pub fn takes(&self, index: usize) -> bool {
        match self {
            Requirement::Public | Requirement::Hmac(_) => false,
            Requirement::Jwt(entry, _) => *entry == index,
            Requirement::AnyOf(legs) | Requirement::AllOf(legs) => legs.iter().any(|leg| leg.takes(index)),
        }
    }

    /// Whether a token can be what it is met with.
    pub fn takes_tokens(&self) -> bool {
        match self {
            Requirement::Public | Requirement::Hmac(_) => false,
            Requirement::Jwt(..) => true,
            Requirement::AnyOf(legs) | Requirement::AllOf(legs) => legs.iter().any(Requirement::takes_tokens),
        }
    }
}
