//! Files as people write them, and what is said of those that are broken.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::*;

fn parse(text: &str, format: Format) -> Result<KeyFileContent, String> {
    KeyFileContent::parse(text.as_bytes(), format).map_err(|fault| fault.to_string())
}

fn secrets(content: &KeyFileContent, id: &str) -> Vec<String> {
    let record = content.record(id.as_bytes()).expect("an id");
    record.secrets.iter().map(|known| String::from_utf8_lossy(known.secret.expose()).into_owned()).collect()
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
fn what_is_wrong_is_said_with_its_place_and_without_its_secret() {
    for (text, said) in [
        ("", "line 1: the file has no column `id`"),
        ("id,key\n", "line 1: the file has no column `secret`"),
        ("id,secret,id\n", "line 1, `id`: this column stands there twice"),
        ("id,secret\na,hunter2\na,hunter3,x\n", "line 3: the line has 3 fields where the header has 2"),
        ("id,secret\n,hunter2\n", "line 2, `id`: it is missing"),
        ("id,secret\na b,hunter2\n", "line 2, `id`: a key id is 1 to 256 visible ASCII characters"),
        ("id,secret\na,\n", "line 2, `secret`: the secret is empty"),
        ("id,secret,encoding\na,hunter2,hex\n", "line 2, `secret`: it is not hexadecimal"),
        ("id,secret,encoding\na,hunter2,rot13\n", "line 2, `encoding`: it must be text, hex or base64"),
        ("id,secret,not_after\na,hunter2,soon\n", "line 2, `not_after`: wanted is RFC 3339, or seconds since 1970"),
        ("id,secret,not_before,not_after\na,hunter2,9,9\n", "line 2, `not_after`: the secret is over before it begins"),
        ("id,secret,disabled\na,hunter2,yes\n", "line 2, `disabled`: it must be true or false"),
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
    let file = KeyFile::open(&path, Format::Csv).unwrap();
    assert!(has(&file, "a") && !has(&file, "b"));
    let other = directory.path().join("new.csv");
    std::fs::write(&other, "id,secret\na,one\nb,two\n").unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert!(within_two_seconds(|| has(&file, "b")), "a file that was put in its place");
    std::fs::write(&path, "id,secret\nc\n").unwrap();
    assert!(within_two_seconds(|| file.refused() == 1), "what is broken is counted");
    assert!(has(&file, "a") && has(&file, "b"), "and the keys that were there stay");
    std::fs::write(&path, "id,secret\nc,three\n").unwrap();
    assert!(within_two_seconds(|| has(&file, "c") && !has(&file, "a")));
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

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = KeyFileContent::parse(&bytes[..], Format::Csv);
        let _ = KeyFileContent::parse(&bytes[..], Format::JsonLines);
    }

    #[test]
    fn what_was_written_is_read(
        ids in proptest::collection::btree_map("[!-~]{1,20}", ("[^\\x00-\\x1f]{1,40}", "[a-z]{0,8}"), 1..20)
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
        for content in [csv, json] {
            for (id, (secret, tenant)) in &ids {
                let record = content.record(id.as_bytes()).unwrap();
                proptest::prop_assert_eq!(record.secrets[0].secret.expose(), secret.as_bytes());
                let own = record.attributes.as_ref().and_then(|attributes| attributes.text("tenant"));
                proptest::prop_assert_eq!(own.unwrap_or_default(), tenant);
            }
        }
    }
}
