//! Timestamps: forms, windows, edges.

use super::*;

fn stated(formats: &[TimestampFormat], seconds: Option<u64>, text: &str, now: i64) -> Result<i64, Failure> {
    let window = seconds.map(Duration::from_secs);
    let timestamp =
        TimestampDefinition { formats: formats.to_vec(), past: window, future: window, ..timestamp("{header:T}", 0) };
    let scheme = scheme(&Definition { timestamp: Some(timestamp), ..definition("{header:T}") });
    let request = Request::new("GET", "/").header("X-Signature", &"0".repeat(64)).header("T", text);
    let read = scheme.read(&request.view(), now).map(|claimed| claimed.time_millis().unwrap());
    read.map_err(|failure| match failure {
        Failure::TimestampForm(_) => Failure::TimestampUnreadable,
        other => other,
    })
}

fn parsed(format: TimestampFormat, text: &str) -> Result<i64, Failure> {
    stated(&[format], None, text, NOW)
}

#[test]
fn both_edges_of_the_window_belong_to_it() {
    let at = |now: i64| stated(&[TimestampFormat::Unix], Some(300), "1714485600", now);
    assert_eq!(at(NOW), Ok(NOW));
    assert_eq!(at(NOW + 300_000), Ok(NOW));
    assert_eq!(at(NOW - 300_000), Ok(NOW));
    assert_eq!(at(NOW + 300_001), Err(Failure::Stale { behind_millis: 300_001 }));
    assert_eq!(at(NOW - 300_001), Err(Failure::Stale { behind_millis: -300_001 }));
}

#[test]
fn a_timestamp_outside_the_window_is_stale_and_never_overflows() {
    for text in ["0", "9999999999999999999", "1714485600000"] {
        let result = stated(&[TimestampFormat::Unix], Some(300), text, NOW);
        assert!(matches!(result, Err(Failure::Stale { .. })), "{text}: {result:?}");
    }
    for now in [i64::MIN, i64::MAX] {
        assert!(matches!(stated(&[TimestampFormat::Unix], Some(1), "1", now), Err(Failure::Stale { .. })));
    }
}

#[test]
fn a_number_has_digits_only() {
    for text in ["", "-1", "+1", "1.0", "1e9", "0x1", "1 2", "99999999999999999999", "१"] {
        assert_eq!(parsed(TimestampFormat::Unix, text), Err(Failure::TimestampUnreadable), "{text}");
        assert_eq!(parsed(TimestampFormat::UnixMillis, text), Err(Failure::TimestampUnreadable), "{text}");
    }
    assert_eq!(parsed(TimestampFormat::UnixMillis, "1714485600123"), Ok(1_714_485_600_123));
}

#[test]
fn formats_that_take_one_text_for_two_times_would_let_a_request_in_twice() {
    let pattern = |text: &str| TimestampFormat::Pattern(text.to_owned());
    let refused = |one: &TimestampFormat, other: &TimestampFormat| {
        let formats = vec![one.clone(), other.clone()];
        let timestamp = TimestampDefinition { formats, ..timestamp("{header:T}", 60) };
        let definition = Definition { timestamp: Some(timestamp), ..definition("{header:T}") };
        Scheme::compile(&definition).err().map(|faults| (faults[0].field, faults[0].index, faults.len()))
    };
    let (day_first, month_first) = (pattern("%d/%m/%Y %H:%M:%S"), pattern("%m/%d/%Y %H:%M:%S"));
    let hours = pattern("%Y%m%d%H");
    for (one, other) in [(&day_first, &month_first), (&month_first, &day_first)] {
        assert_eq!(refused(one, other), Some(("timestamp.formats", Some(1), 1)), "it would be good on two days");
    }
    assert!(hours.is_sound() && refused(&TimestampFormat::Unix, &hours).is_some(), "2026113006 is in 2034 too");
    let all = [
        TimestampFormat::Unix,
        TimestampFormat::UnixMillis,
        TimestampFormat::Iso8601,
        TimestampFormat::Rfc3339,
        TimestampFormat::HttpDate,
        pattern("%Y%m%d%H%M%S"),
        pattern("%Y-%m-%dT%H:%M:%S%.f"),
        day_first,
    ];
    for one in &all {
        assert!(all.iter().all(|other| refused(one, other).is_none()), "{one:?}");
    }
}

#[test]
fn of_several_formats_the_first_in_the_window_counts() {
    let formats = [TimestampFormat::Unix, TimestampFormat::UnixMillis, TimestampFormat::Iso8601];
    for text in ["1714485600", "1714485600000", "2024-04-30T14:00:00"] {
        assert_eq!(stated(&formats, Some(300), text, NOW), Ok(NOW), "{text}");
    }
    assert!(matches!(stated(&formats, Some(300), "17", NOW), Err(Failure::Stale { .. })));
    assert_eq!(stated(&formats, Some(300), "yesterday", NOW), Err(Failure::TimestampUnreadable));
}

#[test]
fn iso_8601_without_a_zone_is_utc() {
    for text in [
        "2024-04-30T14:00:00",
        "2024-04-30T14:00:00Z",
        "2024-04-30T16:30:00+02:30",
        "2024-04-30T04:00:00-10:00",
        "2024-04-30T14:00:00.000000000Z",
    ] {
        assert_eq!(parsed(TimestampFormat::Iso8601, text), Ok(NOW), "{text}");
    }
    assert_eq!(parsed(TimestampFormat::Iso8601, "2024-04-30T14:00:00.25"), Ok(NOW + 250));
    assert_eq!(parsed(TimestampFormat::Iso8601, "2016-12-31T23:59:60Z"), Ok(1_483_228_799_000));
    assert_eq!(parsed(TimestampFormat::Iso8601, "1969-12-31T23:59:59Z"), Ok(-1000));
}

#[test]
fn dates_that_do_not_exist_or_are_written_loosely_are_unreadable() {
    for text in [
        "2024-02-30T14:00:00Z",
        "2023-02-29T14:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-04-30T24:00:00Z",
        "2024-04-30T14:00:61Z",
        "2024-04-30 14:00:00Z",
        "2024-04-30T14:00Z",
        "2024-04-30",
        "20240430T140000Z",
        "2024-04-30T14:00:00.Z",
        "2024-04-30T14:00:00.1234567890Z",
        "2024-04-30T14:00:00+0200",
        "2024-04-30T14:00:00+24:00",
        "2024-04-30T14:00:00+02:60",
        "2024-04-30T14:00:00Zx",
        "+024-04-30T14:00:00Z",
    ] {
        assert_eq!(parsed(TimestampFormat::Iso8601, text), Err(Failure::TimestampUnreadable), "{text}");
    }
}

#[test]
fn rfc_3339_has_a_zone() {
    assert_eq!(parsed(TimestampFormat::Rfc3339, "2024-04-30t14:00:00z"), Ok(NOW));
    assert_eq!(parsed(TimestampFormat::Rfc3339, "2024-04-30T14:00:00"), Err(Failure::TimestampUnreadable));
}

#[test]
fn an_http_date_has_its_fixed_form_and_the_right_weekday() {
    assert_eq!(parsed(TimestampFormat::HttpDate, "Tue, 30 Apr 2024 14:00:00 GMT"), Ok(NOW));
    for text in [
        "Mon, 30 Apr 2024 14:00:00 GMT",
        "Tuesday, 30-Apr-24 14:00:00 GMT",
        "Tue Apr 30 14:00:00 2024",
        "Tue, 30 Apr 2024 14:00:00 UTC",
        "tue, 30 Apr 2024 14:00:00 GMT",
        "Tue, 30 apr 2024 14:00:00 GMT",
    ] {
        assert_eq!(parsed(TimestampFormat::HttpDate, text), Err(Failure::TimestampUnreadable), "{text}");
    }
}

#[test]
fn a_time_is_written_in_the_first_format() {
    for (format, expected) in [
        (TimestampFormat::Unix, "1714485600"),
        (TimestampFormat::UnixMillis, "1714485600000"),
        (TimestampFormat::Iso8601, "2024-04-30T14:00:00Z"),
        (TimestampFormat::Rfc3339, "2024-04-30T14:00:00Z"),
        (TimestampFormat::HttpDate, "Tue, 30 Apr 2024 14:00:00 GMT"),
    ] {
        let timestamp = TimestampDefinition { formats: vec![format], ..timestamp("{header:T}", 60) };
        let emit = strings(&[("T", "{now}"), ("X-Signature", "{signature}")]);
        let scheme = scheme(&Definition { timestamp: Some(timestamp), emit, ..definition("{header:T}") });
        let request = Request::new("GET", "/");
        let headers = scheme.sign(&request.view(), &key("k"), None, NOW, "").unwrap();
        assert_eq!(headers.headers[0], ("T".to_owned(), expected.to_owned()));
        assert_eq!(verify(&scheme, &request.signed(headers), "k"), Ok(0));
    }
}

#[test]
fn an_end_is_not_the_time_of_signing() {
    let seconds = |seconds: u64| Some(Duration::from_secs(seconds));
    let both = TimestampDefinition { expires: Some("{header:E}".to_owned()), ..timestamp("{header:T}", 60) };
    let said = |timestamp: TimestampDefinition| {
        let scheme = scheme(&Definition { timestamp: Some(timestamp), ..definition("{header:T}:{header:E}") });
        let request = Request::new("GET", "/").header("X-Signature", &"0".repeat(64));
        let request = request.header("T", "1714485600").header("E", "1714485630");
        let claimed = scheme.read(&request.view(), NOW).unwrap();
        (claimed.signed_millis(), claimed.time_millis(), scheme.signing_window())
    };
    let window = |past_millis, future_millis| Some(SigningWindow { past_millis, future_millis });
    assert_eq!(said(both.clone()), (Some(NOW), Some(NOW), window(60_000, 60_000)));
    let open = TimestampDefinition { past: None, future: seconds(5), ..both.clone() };
    assert_eq!(said(open).2, window(i64::MAX, 5_000));
    let end = TimestampDefinition { from: None, past: None, ..both };
    assert_eq!(said(end), (None, Some(NOW + 30_000), None));
}

#[test]
fn a_year_before_the_first_is_no_time() {
    let pattern = || TimestampFormat::Pattern("%Y-%m-%dT%H:%M:%SZ".to_owned());
    assert!(parsed(pattern(), "2024-04-30T14:00:00Z").is_ok());
    assert_eq!(parsed(pattern(), "-001-04-30T14:00:00Z"), Err(Failure::TimestampUnreadable));
    assert_eq!(parsed(pattern(), "-2024-04-30T14:00:00Z"), Err(Failure::TimestampUnreadable));
}
