//! A check's findings for a program: one JSON document.

use serde_json::{Value, json};

use super::{
    Report, Shape,
    text::{RouteRow, SchemeRow, Signs},
};
use crate::{config::Problem, scheme::Coverage};

/// `{ file, ok, problems, schemes, routes }`; the last two are empty where the config could not be read.
pub(super) fn of(file: &str, report: &Report) -> Value {
    let mut problems: Vec<Value> = report.problems.iter().map(problem).collect();
    problems.extend(report.unusable.as_ref().map(|error| {
        json!({
            "file": file, "line": null, "column": null, "length": null,
            "severity": "error", "message": error.to_string(), "expected": null, "hint": null,
        })
    }));
    let (schemes, routes) = match &report.shape {
        None => (Vec::new(), Vec::new()),
        Some(Shape { schemes, routes, .. }) => {
            (schemes.iter().map(scheme).collect::<Vec<_>>(), routes.iter().map(route).collect::<Vec<_>>())
        }
    };
    json!({ "file": file, "ok": report.is_usable(), "problems": problems, "schemes": schemes, "routes": routes })
}

/// Line and column are null where the file as a whole is meant, and column alone where the line as a whole is.
fn problem(problem: &Problem) -> Value {
    let place = |number: usize| (number > 0).then_some(number);
    json!({
        "file": problem.file,
        "line": place(problem.line),
        "column": place(problem.column),
        "length": place(problem.length),
        "severity": problem.severity.to_string(),
        "message": problem.message,
        "expected": problem.expected,
        "hint": problem.hint,
    })
}

fn scheme(scheme: &SchemeRow) -> Value {
    let Coverage { method, path, query, authority, body, headers, parameters, json, form, touching, in_part, partial } =
        &scheme.coverage;
    let in_part: Vec<&str> = in_part.iter().copied().chain(partial.iter().map(String::as_str)).collect();
    json!({
        "name": scheme.name,
        "preset": scheme.preset,
        "algorithm": scheme.algorithm,
        "coverage": {
            "method": method, "path": path, "query": query, "authority": authority, "body": body,
            "headers": headers, "query_parameters": parameters, "json_fields": json, "form_fields": form,
        },
        "unsigned": scheme.coverage.unsigned(),
        "touching": touching,
        "in_part": in_part,
        "replay_remembered_seconds": scheme.remembers.map(|time| time.as_secs_f64()),
    })
}

fn route(route: &RouteRow) -> Value {
    json!({
        "name": route.name,
        "line": route.line,
        "requires": route.demand,
        "must_cover": route.must_cover,
        "signs_requests": route.signs.as_ref().map(signs),
        "signs_answers": route.signs_answers.as_ref().map(signs),
        "handshake": route.handshake,
        "weakest": route.weakest.as_ref().map(|weakest| json!({ "by": weakest.by, "unsigned": weakest.unsigned })),
    })
}

/// `key_id` is null where the scheme has none, or `callers_key` says that the caller's own key signs.
fn signs(signs: &Signs) -> Value {
    json!({ "by": signs.by, "key_id": signs.key_id, "callers_key": signs.with_callers_key })
}
