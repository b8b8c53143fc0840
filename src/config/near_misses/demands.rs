//! Whether whoever may enter one route may enter another.

use std::fmt;

use super::super::checked::{Addresses, Dpop, Requirement, Route, TokenLeg};

/// What a route does without, beside another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// It demands nothing at all.
    Everything,
    /// It can be entered without what the other one demands.
    Something,
    /// It lets in addresses that the other one does not.
    Addresses,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lack::Everything => "which is public",
            Lack::Something => "which can be entered without what this one demands",
            Lack::Addresses => "which lets in other addresses",
        })
    }
}

/// What `other` does without of what `route` demands.
pub(super) fn lack(other: &Route, route: &Route) -> Option<Lack> {
    if !satisfies(&other.require, &route.require) {
        return Some(if other.require.is_public() { Lack::Everything } else { Lack::Something });
    }
    let wanted = route.addresses.as_ref()?;
    (!keeps_to(other.addresses.as_ref(), wanted)).then_some(Lack::Addresses)
}

/// Whether who shows `shown` has shown `wanted`. In doubt not.
fn satisfies(shown: &Requirement, wanted: &Requirement) -> bool {
    match (shown, wanted) {
        (_, Requirement::Public) => true,
        (Requirement::AnyOf(ways), _) => ways.iter().all(|way| satisfies(way, wanted)),
        (Requirement::AllOf(parts), _) if parts.iter().any(|part| satisfies(part, wanted)) => true,
        (_, Requirement::AnyOf(ways)) => ways.iter().any(|way| satisfies(shown, way)),
        (_, Requirement::AllOf(parts)) => parts.iter().all(|part| satisfies(shown, part)),
        (Requirement::Hmac(shown), Requirement::Hmac(wanted)) => shown == wanted,
        (Requirement::Jwt(shown, leg), Requirement::Jwt(wanted, other)) => shown == wanted && is_as_strict(leg, other),
        (Requirement::Public | Requirement::Hmac(_) | Requirement::Jwt(..) | Requirement::AllOf(_), _) => false,
    }
}

/// Where a token stands and how old a proof may be are no matter of who may enter.
fn is_as_strict(leg: &TokenLeg, wanted: &TokenLeg) -> bool {
    let is_bound = |dpop: Option<Dpop>| dpop.is_some_and(|dpop| dpop.required);
    wanted.scope.iter().all(|scope| leg.scope.contains(scope))
        && (leg.certificate || !wanted.certificate)
        && (is_bound(leg.dpop) || !is_bound(wanted.dpop))
}

/// Networks are compared as they are written.
fn keeps_to(shown: Option<&Addresses>, wanted: &Addresses) -> bool {
    let none = Addresses::default();
    let shown = shown.unwrap_or(&none);
    let allows_no_other = match (&shown.allow, &wanted.allow) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(shown), Some(wanted)) => shown.iter().all(|net| wanted.contains(net)),
    };
    allows_no_other && wanted.deny.iter().all(|net| shown.deny.contains(net))
}
