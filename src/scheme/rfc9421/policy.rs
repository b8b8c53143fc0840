//! What a signature must cover and say of itself before it counts (RFC 9421 sections 3.2.1 and 7.2).

use std::time::Duration;

use super::{
    component::{Component, Derived, Form, Name},
    digest,
    input::{Input, Stated},
};
use crate::scheme::{Algorithm, Body, Coverage, Failure};

/// Longest key id in bytes.
const LONGEST_KEY_ID: usize = 256;

/// The rules of one scheme.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) tag: Option<String>,
    pub(super) components: Vec<Component>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) created: bool,
    pub(super) expires: bool,
    pub(super) nonce: bool,
    pub(super) max_age: Duration,
    pub(super) future: Duration,
}

/// What a signature says of its time, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// When it was made, in milliseconds since 1970.
    pub(super) created: Option<i64>,
    /// The same, or else until when it is good.
    pub(super) stated: Option<i64>,
    /// The first millisecond at which it is good, where it says one.
    pub(super) admitted_from: Option<i64>,
    /// The last millisecond at which it is good.
    pub(super) admitted_until: Option<i64>,
}

impl Policy {
    /// Everything but the time, the signature and the body's digest. Of a body that is not read yet it is not known
    /// whether `content-…` must be covered.
    pub(super) fn judge(&self, input: &Input, body: &Body<'_>) -> Result<(), Failure> {
        self.parameters(&input.stated)?;
        let is_needed = |wanted: &&Component| {
            let describes_body = wanted.field().is_some_and(|name| name.starts_with("content-"));
            !describes_body || digest::has_body(body) == Some(true)
        };
        let uncovered =
            self.components.iter().filter(is_needed).find(|wanted| !is_covered(&wanted.name, &input.components));
        match uncovered {
            Some(component) => Err(Failure::Uncovered { name: component.to_string() }),
            None => Ok(()),
        }
    }

    /// Judges what is said of the time.
    pub(super) fn times(&self, stated: &Stated, now_millis: i64) -> Result<Times, Failure> {
        let (max_age, future) = (millis(self.max_age), millis(self.future));
        let created = stated.created.map(|seconds| seconds.saturating_mul(1000));
        let expires = stated.expires.map(|seconds| seconds.saturating_mul(1000));
        if let Some(created) = created {
            let behind_millis = now_millis.saturating_sub(created);
            if behind_millis > max_age || behind_millis < future.saturating_neg() {
                return Err(Failure::Stale { behind_millis });
            }
        }
        if let Some(expires) = expires {
            let behind_millis = now_millis.saturating_sub(expires);
            // One that says no beginning must not reach further than one made now could.
            let is_too_long = created.is_none() && behind_millis < max_age.saturating_add(future).saturating_neg();
            if behind_millis > 0 || is_too_long {
                return Err(Failure::Stale { behind_millis });
            }
        }
        let ends = [created.map(|created| created.saturating_add(max_age)), expires];
        let longest = max_age.saturating_add(future);
        let begins = created.map(|created| created.saturating_sub(future));
        Ok(Times {
            created,
            stated: created.or(expires),
            admitted_from: begins.or(expires.map(|expires| expires.saturating_sub(longest))),
            admitted_until: ends.into_iter().flatten().min(),
        })
    }

    /// The algorithm that a signature says, if it does.
    pub(super) fn algorithm(&self, stated: &Stated) -> Result<Option<Algorithm>, Failure> {
        let Some(name) = &stated.algorithm else { return Ok(None) };
        let known = self.algorithms.iter().find(|algorithm| algorithm.name() == name);
        known.map(|algorithm| Some(*algorithm)).ok_or(Failure::Algorithm)
    }

    /// What every accepted signature covers.
    pub(super) fn coverage(&self) -> Coverage {
        let covers = |derived| is_covered(&Name::Derived(derived), &self.components);
        let mut coverage = Coverage {
            method: covers(Derived::Method),
            path: covers(Derived::Path),
            query: covers(Derived::Query),
            authority: covers(Derived::Authority),
            body: self.components.iter().any(binds_body),
            ..Coverage::default()
        };
        for component in &self.components {
            match &component.name {
                Name::Field(name, Form::Member(key)) => coverage.headers.push(format!("{name};key=\"{key}\"")),
                Name::Field(name, _) => coverage.headers.push(name.clone()),
                Name::Derived(Derived::QueryParameter(name)) if !coverage.query => {
                    coverage.parameters.push(name.clone());
                }
                Name::Derived(_) => {}
            }
        }
        coverage.headers.sort();
        coverage.headers.dedup();
        coverage.parameters.sort();
        coverage
    }

    fn parameters(&self, stated: &Stated) -> Result<(), Failure> {
        let unstated = |parameter| Err(Failure::Unstated { parameter });
        if stated.tag != self.tag {
            return Err(Failure::OtherTag);
        }
        self.algorithm(stated)?;
        let is_id = |id: &String| (1..=LONGEST_KEY_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        if !stated.key_id.as_ref().is_none_or(is_id) {
            return Err(Failure::KeyIdUnreadable);
        }
        match stated {
            Stated { created: None, .. } if self.created => unstated("created"),
            Stated { expires: None, .. } if self.expires => unstated("expires"),
            Stated { nonce, .. } if self.nonce && nonce.as_deref().is_none_or(str::is_empty) => unstated("nonce"),
            _ => Ok(()),
        }
    }
}

/// Whether the component binds the message's own body, through a digest that is then checked.
pub(super) fn binds_body(component: &Component) -> bool {
    match &component.name {
        _ if component.of_request => false,
        Name::Field(name, Form::Member(key)) => name == digest::NAME && matches!(key.as_str(), "sha-256" | "sha-512"),
        Name::Field(name, _) => name == digest::NAME,
        Name::Derived(_) => false,
    }
}

/// Whether what is covered vouches for what is wanted.
fn is_covered(wanted: &Name, by: &[Component]) -> bool {
    let has = |derived: &Derived| by.iter().any(|component| component.is_derived(derived));
    if by.iter().any(|component| !component.of_request && component.name == *wanted) {
        return true;
    }
    match wanted {
        Name::Derived(Derived::Path | Derived::Query | Derived::QueryParameter(_)) => {
            let is_in_query = matches!(wanted, Name::Derived(Derived::QueryParameter(_)));
            has(&Derived::TargetUri) || has(&Derived::RequestTarget) || is_in_query && has(&Derived::Query)
        }
        Name::Derived(Derived::Scheme | Derived::Authority | Derived::RequestTarget) => has(&Derived::TargetUri),
        Name::Derived(Derived::TargetUri) => {
            [Derived::Scheme, Derived::Authority, Derived::RequestTarget].iter().all(has)
        }
        Name::Derived(Derived::Method | Derived::Status) => false,
        Name::Field(name, _) if name == digest::NAME => by.iter().any(binds_body),
        Name::Field(name, form) => by.iter().any(|component| match &component.name {
            Name::Field(own, covered) if own == name && !component.of_request => says_as_much(covered, form),
            _ => false,
        }),
    }
}

/// Whether a value in one form fixes the value in another.
fn says_as_much(covered: &Form, wanted: &Form) -> bool {
    match wanted {
        Form::Bytes => matches!(covered, Form::Bytes),
        Form::Plain => matches!(covered, Form::Plain | Form::Bytes | Form::Structured),
        Form::Structured => matches!(covered, Form::Structured | Form::Plain | Form::Bytes),
        Form::Member(_) => covered == wanted || !matches!(covered, Form::Member(_)),
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
