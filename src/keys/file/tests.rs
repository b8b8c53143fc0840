//! Files as people write them, and what is said of those that are broken.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::*;
use crate::keys::LONGEST_SECRET;

fn parse(text: &str, format: Format) -> Result<KeyFileContent, String> {
    KeyFileContent::parse(text.as_bytes(), format).map_err(|fault| fault.to_string())
}

fn secrets(content: &KeyFileContent, id: &str) -> Vec<String> {
    let record = content.record(id.as_bytes()).expect("an id");
    record.secrets.iter().map(|known| String::from_utf8_lossy(known.secret.expose()).into_owned()).collect()
}

/// What is odd about a file, where there is only the route `x`: line and words.
fn odd(text: &str, format: Format) -> Vec<String> {
    let doubts = parse(text, format).unwrap().doubts(&["x".into()]);
    doubts.iter().map(|Doubt { line, what }| format!("{line}: {what}")).collect()
}

const LONG: [&str; 3] = ["hunter2-hunter2-1", "hunter2-hunter2-2", "hunter2-hunter2-3"];

#[test]
fn white_space_around_a_secret_is_kept_and_told() {
    let [one, two, three] = LONG;
    let told = |line: u64, more: &str| {
        vec![format!("{line}: a secret of `a` has white space around it, which is part of the key{more}")]
    };
    for (text, format, wanted) in [
        (format!("id,secret\na, {one}\nb,{two}\nc,{three} \n"), Format::Csv, told(2, " (and 1 more)")),
        (format!("id, secret\na,{one}\n"), Format::Csv, vec![]),
        (format!("\n{{\"id\":\"a\",\"secrets\":[\"{one}\",\" {two}\"]}}\n"), Format::JsonLines, told(2, "")),
        (format!("# who\n- {{ id: a, secret: '{one} ' }}\n"), Format::Yaml, told(2, "")),
        // A key whose bytes are blanks, written as what they are, is meant.
        (format!("id,secret,encoding\na,{},hex\n", "20".repeat(16)), Format::Csv, vec![]),
    ] {
        assert_eq!(odd(&text, format), wanted, "{text}");
    }
}

#[test]
fn a_secret_that_two_ids_have_is_told_and_never_shown() {
    let [one, two, three] = LONG;
    let told = |told: &str| vec![told.to_owned()];
    for (text, format, wanted) in [
        (
            format!("id,secret\na,{one}\nb,{two}\nc,{one}\n"),
            Format::Csv,
            told("4: `c` has a secret of `a`: whoever has it can sign as either"),
        ),
        (
            format!("id,secret\na,{one}\nb,{one}\nc,{two}\nd,{two}\ne,{two}\nf,{three}\n"),
            Format::Csv,
            told("3: `b` has a secret of `a`: whoever has it can sign as either (and 3 more)"),
        ),
        (
            format!("id,secret,encoding\na,{one},\nb,{},hex\n", hex::encode(one)),
            Format::Csv,
            told("3: `b` has a secret of `a`: whoever has it can sign as either"),
        ),
        (
            format!("{{\"id\":\"b\",\"secrets\":[\"{two}\",\"{one}\"]}}\n{{\"id\":\"a\",\"secret\":\"{one}\"}}\n"),
            Format::JsonLines,
            told("2: `a` has a secret of `b`: whoever has it can sign as either"),
        ),
        (
            format!("a: {{ secret: {one} }}\nb:\n  secret: {one}\n"),
            Format::Yaml,
            told("2: `b` has a secret of `a`: whoever has it can sign as either"),
        ),
        // Shut out before it was seen a second time, and after.
        (format!("id,secret,disabled\na,{one},true\nb,{one},\n"), Format::Csv, vec![]),
        (format!("id,secret,disabled\na,{one},\nb,{one},true\n"), Format::Csv, vec![]),
    ] {
        let found = odd(&text, format);
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn a_file_that_may_have_been_cut_off_in_its_last_value_is_told() {
    let told = "the file does not end with a newline: a copy that broke off would end so, its last value cut";
    for (text, format, wanted) in [
        ("id,secret\na,hunter2-hunter2-1\nb,hunter2-hunter2-", Format::Csv, Some(3)),
        ("id,secret\na,hunter2-hunter2-1\r\n", Format::Csv, None),
        ("id,secret\na,\"hunter2-hunter2-1\"", Format::Csv, None),
        ("a: { secret: hunter2-hunter2-1 }\nb:\n  secret: hunter2-hunter2-", Format::Yaml, Some(2)),
        ("a: { secret: hunter2-hunter2-1 }", Format::Yaml, None),
        ("a:\n  secret: 'hunter2-hunter2-1'", Format::Yaml, None),
        ("{\"id\":\"a\",\"secret\":\"hunter2-hunter2-1\"}", Format::JsonLines, None),
    ] {
        let wanted: Vec<String> = wanted.iter().map(|line| format!("{line}: {told}")).collect();
        assert_eq!(odd(text, format), wanted, "{text}");
    }
}

#[test]
fn a_quote_that_is_never_closed_is_refused_for_all_behind_it_would_be_one_secret() {
    for (text, line) in [
        ("id,secret\na,\"hunter2\nb,hunter3\n", 2),
        ("id,secret\na,hunter2\nb,\"hunter3", 3),
        ("id,secret\na,\"hunter2\"\"\n", 2),
        ("id,secret\na,hunter2\n\"b,hunter3\n", 3),
        ("id,secret,note\na,hunter2,\"\nb,hunter3,\n", 2),
    ] {
        let found = parse(text, Format::Csv).unwrap_err();
        assert_eq!(found, format!("line {line}: a quote is opened here and never closed"), "{text:?}");
    }
    let [one, two, _] = LONG;
    for text in [format!("id,secret\na,\"{one}\n\"\nb,\"{two}\""), format!("id,secret\n\na,{one}\n\nb,{two}")] {
        assert_eq!(parse(&text, Format::Csv).unwrap().ids(), 2, "{text:?}");
    }
    for text in ["id,secret\na,hunter2\n\0\n", "id,secret\n\0\na,hunter2\n", "id,secret\na,hunter2\n\0"] {
        assert!(
            parse(text, Format::Csv).unwrap_err().contains("the line has 1 fields where the header has 2"),
            "{text:?}"
        );
    }
}

#[test]
fn a_route_that_there_is_not_is_told_with_the_line_that_names_it_first() {
    let [one, two, three] = LONG;
    let text = format!("id,secret,routes\na,{one},x\nb,{two},x zz\nc,{three},y zz\n");
    assert_eq!(odd(&text, Format::Csv), ["3: a key is tied to `zz`, and no route has that name (and 1 more)"]);
}

#[test]
fn rows_of_one_id_are_its_secrets_wherever_they_stand() {
    let text = "id,secret,encoding,not_after,label,tenant\n\
                a,one,,,2027,acme\n\
                b,74776f,hex,,,\n\
                a,\"with, comma\",text,1714485600,2026,acme\n";
    let content = parse(text, Format::Csv).unwrap();
    assert_eq!(content.ids(), 2);
    assert_eq!(
        (secrets(&content, "a"), secrets(&content, "b")),
        (vec!["one".into(), "with, comma".into()], vec!["two".into()])
    );
    let record = content.record(b"a").unwrap();
    assert_eq!(record.secrets[1].lifetime.until_millis, 1_714_485_600_000);
    assert_eq!(record.secrets[1].label.as_deref(), Some("2026"));
    assert_eq!(record.attributes.unwrap().text("tenant"), Some("acme"));
    assert!(content.record(b"b").unwrap().attributes.is_none());
}

#[test]
fn secrets_of_few_bytes_are_told() {
    let few = |line: u64, more: &str| vec![format!("{line}: a secret has fewer than 16 bytes{more}")];
    let text = "id,secret\na,0123456789abcdef\nb,0123456789abcde\nb,x\n";
    assert_eq!(odd(text, Format::Csv), few(3, " (and 1 more)"));
    assert_eq!(odd("id,secret,encoding\na,0123456789abcdef,hex\n", Format::Csv), few(2, ""), "bytes, not digits");
    let lines = r#"{"id":"a","secrets":["x",{"secret":"0123456789abcdef"}]}"#;
    assert_eq!(odd(lines, Format::JsonLines), few(1, ""));
}

#[test]
fn an_id_that_is_shut_out_needs_no_secret_and_any_other_does() {
    for (format, text) in [
        (Format::Csv, "id,secret,disabled,tenant\na,,true,acme\n"),
        (Format::JsonLines, "{\"id\":\"a\",\"disabled\":true,\"tenant\":\"acme\"}\n"),
        (Format::Yaml, "a: { disabled: true, tenant: acme }\n"),
    ] {
        let record = parse(text, format).unwrap().record(b"a").unwrap();
        assert!(record.disabled && record.secrets.is_empty(), "{text}");
        assert_eq!(record.attributes.unwrap().text("tenant"), Some("acme"));
        assert!(parse(&text.replace("true", "false"), format).unwrap_err().ends_with("`secret`: the secret is empty"));
    }
    let both = parse("id,secret,disabled\na,,true\na,one,\n", Format::Csv).unwrap().record(b"a").unwrap();
    assert!(both.disabled && both.secrets.len() == 1);
    let listed = parse("a: { disabled: true, secrets: [{ label: x }] }\n", Format::Yaml).unwrap_err();
    assert!(listed.ends_with("the secret is empty"), "{listed}");
}

#[test]
fn a_file_that_cannot_be_read_is_told_of_once_and_then_rarely() {
    let unreadable = |why: &'static str| FileFault::whole(std::io::Error::other(why));
    let mut told = Told::default();
    let (no_room, broken) = (unreadable("too many open files"), unreadable("the disk stumbles"));
    let heard = (0..2 * LOOKS_UNTIL_SAID_AGAIN).filter(|_| told.is_news(&no_room)).count();
    assert_eq!(heard, 2, "at first, and after ten minutes");
    assert!(told.is_news(&broken) && !told.is_news(&broken) && told.is_news(&no_room), "each other reason is told");
    for _ in 0..3 {
        let refused = KeyFileContent::parse("id\na\n".as_bytes(), Format::Csv).unwrap_err();
        assert!(told.is_news(&refused), "another content that is refused");
    }
}

#[test]
fn an_object_a_line_says_the_same() {
    let text = r#"{"id":"a","secret":"one","label":"2027","tenant":"acme","port":8080,"routes":["x","y"]}

{"id":"b","encoding":"hex","secrets":["74776f",{"secret":"dGhyZWU=","encoding":"base64","not_before":1714485600}],"disabled":true}
"#;
    let content = parse(text, Format::JsonLines).unwrap();
    assert_eq!(
        (secrets(&content, "a"), secrets(&content, "b")),
        (vec!["one".into()], vec!["two".into(), "three".into()])
    );
    let (a, b) = (content.record(b"a").unwrap(), content.record(b"b").unwrap());
    let attributes = a.attributes.unwrap();
    assert!(attributes.may_use("y") && !attributes.may_use("z") && attributes.text("port") == Some("8080"));
    assert!(b.disabled && b.secrets[1].lifetime.from_millis == 1_714_485_600_000);
}

#[test]
fn a_list_or_a_map_in_yaml_says_the_same() {
    let list = "# who may come\n- { id: a, secret: one, label: '2027', tenant: acme, port: 8080, routes: [x, y] }\n\
                - id: b\n  encoding: hex\n  secrets:\n    - 74776f\n    - secret: dGhyZWU=\n      encoding: base64\n      \
                not_before: 1714485600\n  disabled: true\n";
    let map = "a: { secret: one, label: '2027', tenant: acme, port: 8080, routes: x y, note: ~ }\nb:\n  encoding: hex\n  \
               secrets: [74776f, { secret: dGhyZWU=, encoding: base64, not_before: 1714485600 }]\n  disabled: true\n";
    for text in [list, map] {
        let content = parse(text, Format::Yaml).unwrap();
        assert_eq!(
            (secrets(&content, "a"), secrets(&content, "b")),
            (vec!["one".into()], vec!["two".into(), "three".into()])
        );
        let (a, b) = (content.record(b"a").unwrap(), content.record(b"b").unwrap());
        let attributes = a.attributes.unwrap();
        assert!(attributes.may_use("y") && !attributes.may_use("z") && attributes.text("port") == Some("8080"));
        assert!(b.disabled && b.secrets[1].lifetime.from_millis == 1_714_485_600_000);
    }
    assert_eq!(parse("[]", Format::Yaml).unwrap().ids(), 0);
    assert_eq!(
        secrets(&parse("- { id: a, secret: 1 }\n- { id: a, secret: 2 }", Format::Yaml).unwrap(), "a"),
        ["1", "2"]
    );
}

#[test]
fn what_is_wrong_in_yaml_is_said_with_line_and_column() {
    let mut others = Vec::new();
    for (text, said) in [
        ("", "it is no YAML: the file holds nothing"),
        ("hunter2", "line 1, column 1: it must be a list or a map of records"),
        ("- hunter2", "line 1, column 3: it must be a map"),
        ("a: hunter2", "line 1, column 4: it must be a map"),
        ("- id: a\n  secret: hunter2\n  encoding: hex\n", "line 2, column 11, `secret`: it is not hexadecimal"),
        ("- { id: a, secret: ~ }", "line 1, column 20, `secret`: the secret is empty"),
        ("- { secret: hunter2 }", "line 1, column 3, `id`: it is missing"),
        ("a b: { secret: hunter2 }", "line 1, column 1, `id`: a key id is"),
        ("- { id: a, secret: hunter2, secret: x }", "line 1, column 29, `secret`: it stands there twice"),
        ("a: { secret: hunter2 }\na: { secret: x }", "line 2, column 1, `id`: it stands there twice"),
        ("a: { id: a, secret: hunter2 }", "line 1, column 6, `id`: it stands there twice"),
        ("- { id: a, secrets: [x, { secret: hunter2, encoding: hex }] }", "line 1, column 35, `secret`: it is not hex"),
        ("- { id: a, secrets: [{ secret: x, tenant: y }] }", "line 1, column 43, `tenant`: it must be `secret`"),
        (
            "- { id: a, secrets: [{ secret: x, label: y, label: z }] }",
            "line 1, column 45, `label`: it stands there twice",
        ),
        ("- { id: a, secrets: [] }", "line 1, column 21, `secrets`: it is missing"),
        ("- { id: a, secret: [hunter2] }", "line 1, column 20, `secret`: it must be a text"),
        ("- { id: a, secret: &x hunter2 }", "line 1, column 23: it is no YAML: anchors"),
        ("- { id: a, secret: !!str hunter2 }", "line 1, column 26: it is no YAML: tags"),
        ("- { id: a, secret: *x }", "line 1, column 20: it is no YAML: "),
        ("- { id: a, secret: @hunter2 }", "line 1, column 20: it is no YAML: this character cannot stand here"),
        (
            "- { id: a, secret: hunter2 }\n---\n- { id: b, secret: x }",
            "line 2, column 1: it is no YAML: a second document",
        ),
        ("- { id: a, secret: hunter2", "line 1, column 3: it is no YAML: "),
        ("- { id: a, secret: x, 2nd: y }", "line 1, column 28, `2nd`: the name of an attribute"),
        ("? [a]\n: { secret: x }", "line 1, column 3: it is no YAML: a key must be text"),
    ] {
        let found = parse(text, Format::Yaml).unwrap_err();
        let is_so = found.contains(said) && !found.contains("hunter");
        others.extend((!is_so).then(|| format!("{text:?}: {found}")));
    }
    assert!(others.is_empty(), "{others:#?}");
    let broken = KeyFileContent::parse(&b"- { id: a, secret: \xff }"[..], Format::Yaml).unwrap_err().to_string();
    assert!(broken.ends_with("the file is not UTF-8"), "{broken}");
}

#[test]
fn a_record_in_yaml_is_bounded_and_nesting_is_too() {
    let long = format!("- {{ id: a, secret: {} }}", "x".repeat(2 << 20));
    assert!(parse(&long, Format::Yaml).unwrap_err().contains("a record has more than 1048576 characters"));
    let many: String =
        (0..40_000).map(|number| format!("- {{ id: a{number}, secret: a-secret-of-some-bytes }}\n")).collect();
    assert_eq!(parse(&many, Format::Yaml).unwrap().ids(), 40_000, "the bound is of one record");
    for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
        assert!(parse(&text, Format::Yaml).is_err());
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_without_its_secret() {
    for (text, said) in [
        (
            "",
            "line 1: the file has no column `id`: its first line names them, with commas between, such as `id,secret`",
        ),
        (
            "id,key\n",
            "line 1: the file has no column `secret`: its first line names them, with commas between, such as `id,secret`",
        ),
        ("id,secret,id\n", "line 1, `id`: it stands there twice"),
        ("id,secret\na,hunter2\na,hunter3,x\n", "line 3: the line has 3 fields where the header has 2"),
        ("id,secret\n,hunter2\n", "line 2, `id`: it is missing"),
        ("id,secret\na b,hunter2\n", "line 2, `id`: a key id is 1 to 256 visible ASCII characters"),
        ("id,secret\na,\n", "line 2, `secret`: the secret is empty"),
        ("id,secret,encoding\na,hunter2,hex\n", "line 2, `secret`: it is not hexadecimal"),
        ("id,secret,encoding\na,hunter2,rot13\n", "line 2, `encoding`: it must be text, hex, base64 or base64url"),
        ("id,secret,not_after\na,hunter2,soon\n", "line 2, `not_after`: wanted is RFC 3339, or seconds since 1970"),
        ("id,secret,not_before,not_after\na,hunter2,9,9\n", "line 2, `not_after`: the secret is over before it begins"),
        ("id,secret,disabled\na,hunter2,maybe\n", "line 2, `disabled`: it must be true or false"),
        ("id,secret\na,hunter2\na,hunter2\n", "line 3, `secret`: the id has this secret already"),
        ("id,secret\na,1\na,2\na,3\na,4\na,5\n", "line 6, `secret`: an id has at most 4 secrets"),
        ("id,secret,tenant\na,1,x\na,2,y\n", "line 3: the id has other attributes on another line"),
        ("id,secret,2nd\na,1,x\n", "line 2, `2nd`: the name of an attribute"),
    ] {
        let found = parse(text, Format::Csv).unwrap_err();
        assert!(found.starts_with(said) && !found.contains("hunter"), "{text:?}: {found}");
    }
    for (text, said) in [
        ("{\"id\":\"a\"", "line 1: it is no JSON object"),
        ("\n[]", "line 2: it must be an object"),
        ("{\"id\":\"a\",\"id\":\"b\",\"secret\":\"hunter2\"}", "line 1: it is no JSON object"),
        ("{\"id\":\"a\",\"secret\":[\"hunter2\"]}", "line 1, `secret`: it must be a text"),
        (
            "{\"id\":\"a\",\"secrets\":[{\"secret\":\"hunter2\",\"tenant\":\"x\"}]}",
            "line 1, `tenant`: it must be `secret`",
        ),
        ("{\"id\":\"a\",\"secrets\":[]}", "line 1, `secrets`: it is missing"),
    ] {
        let found = parse(text, Format::JsonLines).unwrap_err();
        assert!(found.starts_with(said) && !found.contains("hunter"), "{text:?}: {found}");
    }
    let broken = KeyFileContent::parse(&b"id,secret\na,\xff\n"[..], Format::Csv).unwrap_err().to_string();
    assert_eq!(broken, "line 2: the file is not UTF-8");
}

fn has(file: &KeyFile, id: &str) -> bool {
    matches!(file.look_up(id.as_bytes()), Lookout::Now(Ok(Some(_))))
}

fn within_two_seconds(mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !done() && start.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(10));
    }
    done()
}

#[test]
fn a_changed_file_is_in_use_soon_and_a_broken_one_never() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.csv");
    std::fs::write(&path, "id,secret\na,one\n").unwrap();
    let clock = Clock::system();
    let file = KeyFile::open((&path, Format::Csv), &Arc::default(), clock.clone(), None).unwrap();
    assert!(has(&file, "a") && !has(&file, "b"));
    let other = directory.path().join("new.csv");
    std::fs::write(&other, "id,secret\na,one\nb,two\n").unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert!(within_two_seconds(|| has(&file, "b")), "a file that was put in its place");
    std::fs::write(&path, "id,secret\nc\n").unwrap();
    assert!(within_two_seconds(|| file.reading().refused == 1), "what is broken is counted");
    assert!(has(&file, "a") && has(&file, "b"), "and the keys that were there stay");
    std::fs::write(&path, "id,secret\nc,three\n").unwrap();
    assert!(within_two_seconds(|| has(&file, "c") && !has(&file, "a")));
    let reading = file.reading();
    assert!((reading.ids, reading.refused) == (1, 1) && reading.loaded_unix_millis <= clock.unix_millis());
    let again = KeyFile::open((&path, Format::Csv), &Arc::default(), clock, Some(&file)).unwrap();
    assert_eq!(again.reading().refused, 1, "opened again, it counts on");
}

#[test]
fn a_file_that_cannot_be_read_is_tried_again_and_a_broken_one_only_when_it_changes() {
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("keys.csv");
    std::fs::write(&broken, "id,secret\na\n").unwrap();
    let gone = directory.path().join("gone.csv");
    // Whoever reads its first byte is told of an error of the device.
    for (path, seen) in [(Path::new("/proc/self/mem"), Seen::NotRead), (&broken, Seen::Read), (&gone, Seen::Read)] {
        assert_eq!(KeyFileContent::read(path, Format::Csv).unwrap_err().seen(), seen, "{path:?}");
    }
}

#[test]
fn what_a_database_dumps_is_read_as_the_database_is() {
    let long = "s".repeat(LONGEST_SECRET);
    let text = format!("id,secret,disabled,tenant\na,{long},f,acme\nb,two,t,\nc,three,0,\nd,four,1,\n");
    let content = KeyFileContent::parse(text.as_bytes(), Format::Csv).unwrap();
    let disabled = ["a", "b", "c", "d"].map(|id| content.record(id.as_bytes()).unwrap().disabled);
    assert_eq!(disabled, [false, true, false, true]);
    let longer = KeyFileContent::parse(format!("id,secret\na,{long}s\n").as_bytes(), Format::Csv);
    assert_eq!(longer.unwrap_err().to_string(), "line 2, `secret`: the secret is longer than 16384 bytes");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = KeyFileContent::parse(&bytes[..], Format::Csv);
        let _ = KeyFileContent::parse(&bytes[..], Format::JsonLines);
        let _ = KeyFileContent::parse(&bytes[..], Format::Yaml);
    }

    #[test]
    fn what_was_written_is_read(
        ids in proptest::collection::btree_map("[!-~]{1,20}", ("[ -~ä-ÿ一-三]{1,40}", "[a-z]{0,8}"), 1..20)
    ) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["id", "secret", "tenant"]).unwrap();
        let mut lines = String::new();
        for (id, (secret, tenant)) in &ids {
            writer.write_record([id, secret, tenant]).unwrap();
            lines += &format!("{}\n", serde_json::json!({ "id": id, "secret": secret, "tenant": tenant }));
        }
        let csv = KeyFileContent::parse(&writer.into_inner().unwrap()[..], Format::Csv).unwrap();
        let json = KeyFileContent::parse(lines.as_bytes(), Format::JsonLines).unwrap();
        let records: Vec<_> = lines.lines().map(|line| format!("- {line}\n")).collect();
        let yaml = KeyFileContent::parse(records.concat().as_bytes(), Format::Yaml).unwrap();
        for content in [csv, json, yaml] {
            for (id, (secret, tenant)) in &ids {
                let record = content.record(id.as_bytes()).unwrap();
                proptest::prop_assert_eq!(record.secrets[0].secret.expose(), secret.as_bytes());
                let own = record.attributes.as_ref().and_then(|attributes| attributes.text("tenant"));
                proptest::prop_assert_eq!(own.unwrap_or_default(), tenant);
            }
        }
    }
}
