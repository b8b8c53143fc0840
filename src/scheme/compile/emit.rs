//! What a signer writes: each place once, the signature among them; and what it writes where it is not told.

use super::{Chain, Compiler, Fault, Part, Source, Template, Uses};
use crate::scheme::{
    Carrier, Place,
    template::{Filter, is_token},
};

impl Compiler<'_> {
    pub(super) fn emit(&mut self, signature: Option<&(Chain, Carrier)>) -> Vec<(Place, Template)> {
        let mut emit: Vec<(Place, Template)> = Vec::new();
        for (index, (name, text)) in self.definition.emit.iter().enumerate() {
            let template = self.template("emit", Some(index), text, Uses::Emission);
            let place = Place::named(name);
            let problem = match &place {
                None => Some("not a header name"),
                Some(place) if emit.iter().any(|(other, _)| other.is_same(place)) => Some("this is set twice"),
                Some(_) => None,
            };
            if let Some(problem) = problem {
                self.faults.push(Fault::whole("emit", problem).in_field("emit", Some(index)));
            }
            let writes_time = template.chains().find(|chain| matches!(chain.source, Source::Now | Source::Expires));
            if let (Some(chain), None) = (writes_time, &self.definition.timestamp) {
                let message = format!("there is no timestamp whose format `{}` could have", chain.source);
                self.faults.push(Fault::at(chain.offset, chain.length, message).in_field("emit", Some(index)));
            }
            emit.extend(place.map(|place| (place, template)));
        }
        match signature {
            Some((chain, carrier)) if emit.is_empty() => implied_emission(carrier, chain),
            Some((_, carrier)) => {
                self.signature_is_emitted(carrier, &emit);
                emit
            }
            None => emit,
        }
    }

    fn signature_is_emitted(&mut self, carrier: &Carrier, emit: &[(Place, Template)]) {
        let (kind, place) = match (Place::of(carrier), carrier) {
            (Some(place), _) if emit.iter().any(|(set, _)| set.is_same(&place)) => return,
            (_, Carrier::Header(name)) => ("header", name.clone()),
            (_, Carrier::Query(name)) => ("parameter", format!("?{name}")),
            (_, Carrier::Json(_) | Carrier::Form(_)) if emit.is_empty() => return,
            (_, Carrier::Json(_) | Carrier::Form(_)) => {
                return self.faults.push(Fault::whole("emit", "a signature in a body cannot be written"));
            }
        };
        let message = format!("`emit` does not write the signature's {kind} `{place}`");
        let hint = format!("how it stands in a request that is signed: emit: {{ {place}: \"{{signature}}\" }}");
        self.faults.push(Fault::whole("emit", message).hint(hint));
    }
}

impl Place {
    /// A header's name, or a parameter's behind a `?`.
    fn named(name: &str) -> Option<Place> {
        match name.strip_prefix('?') {
            Some(parameter) if !parameter.is_empty() => Some(Place::Query(parameter.to_owned())),
            None if is_token(name) => Some(Place::Header(name.to_owned())),
            _ => None,
        }
    }

    fn of(carrier: &Carrier) -> Option<Place> {
        match carrier {
            Carrier::Header(name) => Some(Place::Header(name.clone())),
            Carrier::Query(name) => Some(Place::Query(name.clone())),
            Carrier::Json(_) | Carrier::Form(_) => None,
        }
    }

    fn is_same(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Header(a), Place::Header(b)) => a.eq_ignore_ascii_case(b),
            _ => self == other,
        }
    }
}

/// Where the filters can be undone by writing their argument, the signature can be written without being told.
fn implied_emission(carrier: &Carrier, signature: &Chain) -> Vec<(Place, Template)> {
    let (mut before, mut after) = (String::new(), String::new());
    for filter in &signature.filters {
        match filter {
            Filter::StripPrefix(prefix) => before.push_str(prefix),
            Filter::StripSuffix(suffix) => after.insert_str(0, suffix),
            Filter::AuthScheme(name) => before.extend([name.as_str(), " "]),
            _ => return Vec::new(),
        }
    }
    let is_whole = !matches!(signature.source, Source::Field(..));
    let value = Part::Chain(Chain::plain(Source::Signature));
    let template = Template::of(vec![Part::Literal(before), value, Part::Literal(after)]);
    Place::of(carrier).filter(|_| is_whole).map(|place| (place, template)).into_iter().collect()
}
