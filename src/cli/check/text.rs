//! A check's findings for a person: problems, two tables, and a last line that says it all.

use std::{fmt, time::Duration};

use super::{Report, Shape};
use crate::{
    cli::{
        counted,
        protection::{self, Weakest},
        table::Table,
    },
    config::{self, AnswerSigner, Config, Severity},
    scheme::Coverage,
};

/// All of it.
pub(super) struct Page<'r> {
    pub(super) file: &'r str,
    pub(super) report: &'r Report,
}

/// A scheme, as far as it is shown.
pub(super) struct SchemeRow {
    pub(super) name: String,
    pub(super) preset: Option<String>,
    pub(super) algorithm: &'static str,
    pub(super) coverage: Coverage,
    pub(super) remembers: Option<Duration>,
}

/// A route, as far as it is shown.
pub(super) struct RouteRow {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) demand: String,
    pub(super) is_signed: bool,
    pub(super) weakest: Option<Weakest>,
    /// The parts that it demands, all of which its every way in signs.
    pub(super) must_cover: Vec<&'static str>,
    /// The scheme by which its requests are signed for the upstream, with the key id.
    pub(super) signs: Option<Signs>,
    /// The same for its answers.
    pub(super) signs_answers: Option<Signs>,
    pub(super) handshake: Option<&'static str>,
}

/// By what something is signed, and as whom; nobody where the caller's own key signs, or the scheme has no ids.
pub(super) struct Signs {
    pub(super) by: String,
    pub(super) key_id: Option<String>,
    pub(super) with_callers_key: bool,
}

impl SchemeRow {
    pub(super) fn of(entry: &config::SchemeConfig) -> SchemeRow {
        SchemeRow {
            name: entry.name.clone(),
            preset: entry.preset.clone(),
            algorithm: entry.scheme.algorithm().name(),
            coverage: entry.scheme.coverage(),
            remembers: entry.scheme.remembers(),
        }
    }
}

impl RouteRow {
    pub(super) fn of(config: &Config, route: &config::Route) -> RouteRow {
        RouteRow {
            name: route.name.clone(),
            line: route.line,
            demand: protection::demand(config, &route.require),
            is_signed: !route.require.schemes().is_empty(),
            weakest: protection::weakest(config, &route.require),
            must_cover: route.must_cover.iter().map(|part| part.name()).collect(),
            signs: config.signer(route).map(|signer| Signs::of(config, signer)),
            signs_answers: route.sign_response.as_ref().map(|signer| match signer {
                AnswerSigner::Own(signer) => Signs::of(config, signer),
                AnswerSigner::Callers(scheme) => Signs {
                    by: protection::scheme_name(config, *scheme).to_owned(),
                    key_id: None,
                    with_callers_key: true,
                },
            }),
            handshake: route.handshake.as_ref().map(config::Handshake::name),
        }
    }
}

impl Signs {
    fn of(config: &Config, signer: &config::Signer) -> Signs {
        let by = protection::scheme_name(config, signer.scheme).to_owned();
        Signs { by, key_id: signer.key_id.clone(), with_callers_key: false }
    }
}

impl fmt::Display for Signs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.key_id, self.with_callers_key) {
            (_, true) => write!(f, "{}, with the caller's key", self.by),
            (Some(id), false) => write!(f, "{} as {id}", self.by),
            (None, false) => f.write_str(&self.by),
        }
    }
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { problems, unusable, shape } = self.report;
        // Where the config can be shown, the tables below say what some notes say, side by side.
        let shown = problems.iter().filter(|problem| shape.is_none() || !problem.is_in_a_table);
        for problem in shown {
            writeln!(f, "{problem}\n")?;
        }
        if let Some(error) = unusable {
            writeln!(f, "{}: error: {error}\n", self.file)?;
        }
        match shape {
            None => write!(f, "{}", self.counts()),
            Some(shape) => {
                schemes(shape, f)?;
                routes(self.file, shape, f)?;
                signed(shape, f)?;
                self.verdict(shape, f)
            }
        }
    }
}

impl Page<'_> {
    fn verdict(&self, shape: &Shape, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.report.is_usable() {
            return write!(f, "{}", self.counts());
        }
        let parts = [
            counted(shape.routes.len(), "route"),
            counted(shape.schemes.len(), "scheme"),
            counted(shape.tokens, "token rule"),
            counted(shape.upstreams, "upstream"),
        ];
        write!(f, "ok: {}; {}", parts.join(", "), self.counts())
    }

    fn counts(&self) -> String {
        let of = |severity| self.report.problems.iter().filter(|problem| problem.severity == severity).count();
        let errors = of(Severity::Error) + usize::from(self.report.unusable.is_some());
        let counts = [(errors, "error"), (of(Severity::Warning), "warning")];
        let found: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| counted(*n, what)).collect();
        if found.is_empty() { "no warnings".to_owned() } else { found.join(", ") }
    }
}

fn schemes(shape: &Shape, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if shape.schemes.is_empty() {
        return Ok(());
    }
    let heads = ["SCHEME", "METHOD", "PATH", "QUERY", "AUTHORITY", "BODY", "ONCE WITHIN", "AND THESE"];
    let mut table = Table::new(&heads);
    for scheme in &shape.schemes {
        let Coverage { method, path, query, authority, body, .. } = scheme.coverage;
        let marks = [method, path, query, authority, body].map(|is| if is { "signed" } else { "-" }.to_owned());
        let once = scheme.remembers.map_or("-".to_owned(), |time| format!("{time:?}"));
        let row = std::iter::once(scheme.name.clone()).chain(marks).chain([once, singles(&scheme.coverage)]);
        table.row(row);
    }
    writeln!(f, "What each scheme signs; anyone on the way may change the rest:\n\n{table}\n")
}

/// The single values that are signed.
fn singles(coverage: &Coverage) -> String {
    let lists = [&coverage.headers, &coverage.parameters, &coverage.json, &coverage.form];
    let kinds = ["", "query ", "", "form "];
    let named =
        kinds.into_iter().zip(lists).flat_map(|(kind, list)| list.iter().map(move |name| format!("{kind}{name}")));
    // As above: of headers and fields of JSON the name alone.
    let bare =
        |name: &str| ["header ", "json "].iter().find_map(|kind| name.strip_prefix(kind)).unwrap_or(name).to_owned();
    let partial = coverage.partial.iter().map(|name| format!("{} (in part)", bare(name)));
    let named: Vec<String> = named.chain(partial).collect();
    if named.is_empty() { "-".to_owned() } else { named.join(" ") }
}

fn routes(file: &str, shape: &Shape, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut table = Table::new(&["ROUTE", "AT", "REQUIRES", "WEAKEST", "LEAVES UNSIGNED"]);
    let signed = shape.routes.iter().filter(|route| route.is_signed);
    let rows = signed.filter_map(|route| route.weakest.as_ref().map(|weakest| (route, weakest)));
    let mut any = false;
    for (route, weakest) in rows {
        any = true;
        let unsigned = protection::listed(&weakest.unsigned);
        let line = format!("line {}", route.line);
        table.row([route.name.clone(), line, route.demand.clone(), weakest.by.clone(), unsigned]);
    }
    match any {
        true => writeln!(f, "What each signed route of {file} leaves open, by its weakest way in:\n\n{table}\n"),
        false => Ok(()),
    }
}

fn signed(shape: &Shape, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut table = Table::new(&["ROUTE", "AT", "REQUESTS, BY", "ANSWERS, BY", "HANDSHAKE"]);
    let shown = |signs: &Option<Signs>| signs.as_ref().map_or("-".to_owned(), Signs::to_string);
    let mut any = false;
    for route in &shape.routes {
        if route.signs.is_some() || route.signs_answers.is_some() || route.handshake.is_some() {
            any = true;
            let (line, handshake) = (format!("line {}", route.line), route.handshake.unwrap_or("-").to_owned());
            table.row([route.name.clone(), line, shown(&route.signs), shown(&route.signs_answers), handshake]);
        }
    }
    match any {
        true => writeln!(f, "What the gateway signs and answers itself:\n\n{table}\n"),
        false => Ok(()),
    }
}
