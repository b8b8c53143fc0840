//! What is said where values lend each other bytes, and whether it helps who does as it says.

use super::*;

/// The fields of what is refused.
fn refused(definition: &Definition) -> Vec<&'static str> {
    let faults = Scheme::compile(definition).err().unwrap_or_default();
    faults.iter().map(|fault| fault.field).collect()
}

/// The hints of a scheme's faults and of its warnings, for what `id` and `time` are read from.
fn hints(message: &str, id: &str, from: &str, formats: &[TimestampFormat]) -> Vec<String> {
    let window = Some(Duration::from_secs(300));
    let timestamp =
        TimestampDefinition { formats: formats.to_vec(), past: window, future: window, ..timestamp(from, 0) };
    let definition = Definition { key_id: Some(id.to_owned()), timestamp: Some(timestamp), ..definition(message) };
    let mut faults = match Scheme::compile(&definition) {
        Ok(scheme) => {
            let shared = scheme.fault_with_shared_keys();
            scheme
                .warnings()
                .iter()
                .filter(|fault| fault.message.starts_with("nothing says"))
                .cloned()
                .chain(shared)
                .collect()
        }
        Err(faults) => faults,
    };
    faults.drain(..).filter_map(|fault| fault.hint).collect()
}

/// As devices sign that nobody can change any more.
#[test]
fn where_clients_cannot_change_a_hint_says_how_to_read_what_they_send() {
    let (unix, time) = ([TimestampFormat::Unix], "{header:T}");
    for (message, sign) in [
        ("{key_id}.{header:T}.{body}", '.'),
        ("{key_id}|{header:T}|{header:N}|{body}", '|'),
        ("{key_id}:{header:T}:{header:N}", ':'),
    ] {
        let cure = format!("{{header:I|match:\"[^{sign}]+\"}}");
        let told = hints(message, "{header:I}", time, &unix);
        assert!(told.iter().any(|hint| hint.contains(&format!("`{cure}` in `key_id`"))), "{message}: {told:#?}");
        let cured = hints(message, &cure, time, &unix);
        assert!(!cured.iter().any(|hint| hint.contains("[^")) || message.contains("header:N"), "{message}: {cured:#?}");
    }
}

#[test]
fn the_hint_of_a_time_is_that_of_its_source_and_its_formats() {
    let of = |formats: &[TimestampFormat]| hints("{query}{body}", "{header:I}", "{query:t}", formats).join("\n");
    assert!(of(&[TimestampFormat::Unix]).contains("`{query:t|match:\"[0-9]{10}\"}`"));
    assert!(of(&[TimestampFormat::UnixMillis]).contains("`{query:t|match:\"[0-9]{13}\"}`"));
    let both = of(&[TimestampFormat::Unix, TimestampFormat::Iso8601]);
    assert!(
        both.contains("[0-9]{10}") && both.contains("T[0-9]{2}:") && both.contains("other `formats` are refused"),
        "{both}"
    );
}

#[test]
fn a_match_in_the_message_says_how_long_a_time_is_and_one_that_no_time_fits_is_refused() {
    let with = |message: &str, from: &str, format: TimestampFormat| {
        let window = Some(Duration::from_secs(300));
        let timestamp =
            TimestampDefinition { formats: vec![format], past: window, future: window, ..timestamp(from, 0) };
        refused(&Definition { timestamp: Some(timestamp), ..definition(message) })
    };
    let (unix, millis, none) = (TimestampFormat::Unix, TimestampFormat::UnixMillis, Vec::<&str>::new());
    let matched = "{header:T|match:\"[0-9]{10}\"}";
    assert_eq!(with("{header:T}{body}", "{header:T}", unix.clone()), ["timestamp.from"]);
    assert_eq!(with(&format!("{matched}{{body}}"), "{header:T}", unix.clone()), none);
    assert_eq!(with("{header:U}{body}", "{header:T}", unix.clone()), ["timestamp.from"]);
    assert_eq!(with("{header:T}\n{body}", matched, unix), none);
    assert_eq!(with("{header:T}\n{body}", matched, millis.clone()), ["timestamp.from"]);
    assert_eq!(with("{header:T}\n{body}", "{header:T|match:\"2[0-9]{12}\"}", millis), none);
    for fits in ["20[0-9-]+T[0-9:]+[.][0-9]{3}Z", "[0-9]{4}.*[+-][0-9]{2}:00"] {
        let from = format!("{{header:T|match:\"{fits}\"}}");
        assert_eq!(with("{header:T}\n{body}", &from, TimestampFormat::Rfc3339), none, "{fits}");
    }
}

/// In that form a time is of one length, so it can be told from a body.
#[test]
fn a_time_by_a_pattern_is_told_from_the_body_behind_it() {
    let with = |message: &str, pattern: &str| {
        let window = Some(Duration::from_secs(300));
        let formats = vec![TimestampFormat::Pattern(pattern.to_owned())];
        let timestamp = TimestampDefinition { formats, past: window, future: window, ..timestamp("{header:T}", 0) };
        refused(&Definition { timestamp: Some(timestamp), ..definition(message) })
    };
    for message in ["{header:T}{body}", "{header:T}.{body}"] {
        assert_eq!(with(message, "%Y-%m-%dT%H:%M:%SZ"), Vec::<&str>::new(), "{message}");
    }
    assert_eq!(with("{header:T}{body}", "%Y-%b-%dT%H:%M:%SZ"), ["timestamp.from"]);
}
