//! The metrics as text: OpenMetrics, or the older format of Prometheus for who asks for that alone. What reads the older one
//! fails on a whole answer where a line of it has a type that it does not know.

use http::{HeaderMap, header};

/// Whether who asks takes plain text, and says nothing of OpenMetrics.
pub(super) fn wants_older_format(headers: &HeaderMap) -> bool {
    let accepted = || headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let names = |what: &str| accepted().any(|value| value.to_ascii_lowercase().contains(what));
    names("text/plain") && !names("application/openmetrics-text")
}

/// The same metrics in the older format. There a family is called as its lines are, has no unit, and information is a gauge.
pub(super) fn older_format(open_metrics: &str) -> String {
    let mut out = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), Some(text)) => help = Some((name, text)),
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                let (end, kind) = match kind {
                    "counter" => ("_total", kind),
                    "info" => ("_info", "gauge"),
                    _ => ("", kind),
                };
                if let Some((_, text)) = help.take().filter(|(helped, _)| *helped == name) {
                    out.extend(["# HELP ", name, end, " ", text, "\n"]);
                }
                out.extend(["# TYPE ", name, end, " ", kind, "\n"]);
            }
            (Some("#"), ..) => (),
            _ => out.extend([line, "\n"]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_older_format_is_for_who_asks_for_it_alone() {
        let wants = |accept: &'static str| {
            let headers = [(header::ACCEPT, HeaderValue::from_static(accept))];
            wants_older_format(&headers.into_iter().collect())
        };
        assert!(wants("text/plain") && wants("text/plain;version=0.0.4;q=0.3, */*;q=0.1"));
        for accept in
            ["*/*", "application/openmetrics-text; version=1.0.0", "Application/OpenMetrics-Text,text/plain;q=0.5"]
        {
            assert!(!wants(accept), "{accept}");
        }
        assert!(!wants_older_format(&HeaderMap::new()));
    }

    #[test]
    fn a_family_is_called_as_its_lines_and_of_a_type_that_the_older_format_knows() {
        let open = "\
# HELP a Tries.
# TYPE a counter
a_total{x=\"# b\"} 3
# HELP b_seconds Time.
# TYPE b_seconds histogram
# UNIT b_seconds seconds
b_seconds_sum 1
# HELP c What runs.
# TYPE c info
c_info{version=\"1\"} 1
# EOF
";
        let older = "\
# HELP a_total Tries.
# TYPE a_total counter
a_total{x=\"# b\"} 3
# HELP b_seconds Time.
# TYPE b_seconds histogram
b_seconds_sum 1
# HELP c_info What runs.
# TYPE c_info gauge
c_info{version=\"1\"} 1
";
        assert_eq!(older_format(open), older);
    }
}
