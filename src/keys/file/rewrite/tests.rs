//! What is changed, and what is not.

use super::*;
use crate::{
    keys::{Chosen, NewSecret, Position},
    secret::Secret,
};

const TEXT: &str = "id,secret,label,disabled,tenant\na,one,,,acme\n\"b\",\"two, with\nnewline\",x,,\na,three,,,\n";

fn new(secret: &str) -> NewSecret {
    NewSecret { secret: Secret::new(secret.as_bytes().to_vec()), label: None }
}

/// Takes away what stands at that place.
fn retire(format: Format, text: &str, id: &str, place: usize) -> Change {
    let record = KeyFileContent::parse(text.as_bytes(), format).unwrap().record(id.as_bytes()).unwrap();
    Change::Retire(Chosen::of(&record, place).unwrap())
}

fn after(text: &str, id: &str, change: &Change) -> Result<String, String> {
    in_format(Format::Csv, text, id, change)
}

fn in_format(format: Format, text: &str, id: &str, change: &Change) -> Result<String, String> {
    let new = changed(text.as_bytes(), format, id, change).map_err(|why| why.to_string())?;
    Ok(String::from_utf8(new.to_vec()).unwrap())
}

#[test]
fn what_a_change_does_not_concern_stays_as_it_was() {
    let added = after(TEXT, "c", &Change::Add(new("four"))).unwrap();
    assert_eq!(added, format!("{TEXT}c,four,,,\n"));
    let first = after(TEXT, "a", &Change::Rotate(new("new"), Position::First)).unwrap();
    assert_eq!(first, TEXT.replace("a,one", "a,new,,,\na,one"));
    let last = after(TEXT, "a", &Change::Rotate(new("new"), Position::Last)).unwrap();
    assert_eq!(last, format!("{TEXT}a,new,,,\n"));
    assert_eq!(after(TEXT, "a", &retire(Format::Csv, TEXT, "a", 1)).unwrap(), TEXT.replace("a,three,,,\n", ""));
    assert_eq!(after(TEXT, "a", &Change::Disable).unwrap(), TEXT.replace("a,one,,,acme", "a,one,,true,acme"));
    let quoted = after(TEXT, "b", &Change::Rotate(new("new"), Position::First)).unwrap();
    assert_eq!(quoted, TEXT.replace("\"b\",\"two", "b,new,,,\n\"b\",\"two"));
}

#[test]
fn an_id_that_was_disabled_is_let_in_again() {
    let csv = "id,secret,disabled,tenant\na,one,true,acme\na,two,t,\nb,x,true,\n";
    let enabled = after(csv, "a", &Change::Enable).unwrap();
    assert_eq!(enabled, "id,secret,disabled,tenant\na,one,,acme\na,two,,\nb,x,true,\n");
    assert_eq!(after(&enabled, "a", &Change::Enable).unwrap(), enabled, "once more is nothing");
    let plain = "id,secret\na,one\n";
    assert_eq!(after(plain, "a", &Change::Enable).unwrap(), plain);
    let lines = "{\"id\":\"a\",\"secret\":\"one\",\"disabled\":true,\"tenant\":\"acme\"}\n";
    let enabled = changed(lines.as_bytes(), Format::JsonLines, "a", &Change::Enable).unwrap();
    let enabled = String::from_utf8(enabled.to_vec()).unwrap();
    assert_eq!(enabled, "{\"id\": \"a\", \"secret\": \"one\", \"tenant\": \"acme\"}\n");
    assert!(after("id,secret,disabled\na,,true\n", "a", &Change::Enable).is_err(), "it has no secret to be let in by");
}

#[test]
fn a_disabled_id_stays_so_whichever_secret_is_taken_away() {
    let disabled = after(TEXT, "a", &Change::Disable).unwrap();
    for place in [0, 1] {
        let left = after(&disabled, "a", &retire(Format::Csv, &disabled, "a", place)).unwrap();
        assert!(KeyFileContent::parse(left.as_bytes(), Format::Csv).unwrap().record(b"a").unwrap().disabled);
    }
    let dumped = "id,secret,disabled\na,one,t\na,two,f\n";
    assert_eq!(after(dumped, "a", &retire(Format::Csv, dumped, "a", 0)).unwrap(), "id,secret,disabled\na,two,t\n");
    let lines =
        "{\"id\":\"a\",\"secret\":\"one\",\"disabled\":\"t\"}\n{\"id\":\"a\",\"secret\":\"two\",\"disabled\":\"f\"}\n";
    let left = in_format(Format::JsonLines, lines, "a", &retire(Format::JsonLines, lines, "a", 0)).unwrap();
    assert!(KeyFileContent::parse(left.as_bytes(), Format::JsonLines).unwrap().record(b"a").unwrap().disabled);
}

#[test]
fn a_file_without_a_newline_at_its_end_gets_one() {
    assert_eq!(after("id,secret\na,one", "b", &Change::Add(new("two"))).unwrap(), "id,secret\na,one\nb,two\n");
}

#[test]
fn what_cannot_be_done_is_said() {
    for (text, id, change, said) in [
        (TEXT, "a", Change::Add(new("x")), "the id is there already"),
        (TEXT, "z", Change::Disable, "there is no such id"),
        (TEXT, "b", retire(Format::Csv, TEXT, "b", 0), "this is the id's only secret"),
        (TEXT, "a", retire(Format::Csv, &format!("{TEXT}a,four,,,\n"), "a", 2), "the secret is not where it was"),
        (TEXT, "a", retire(Format::Csv, &TEXT.replace("one", "zero"), "a", 0), "the secret is not where it was"),
        ("id,secret\na,one\n", "a", Change::Disable, "the file has no column `disabled`"),
        ("id,secret\na,1\na,2\na,3\na,4\n", "a", Change::Rotate(new("x"), Position::Last), "the id has 4 secrets"),
        (TEXT, "a", Change::Rotate(new("three"), Position::Last), "line 6, `secret`: the id has this secret already"),
        (
            "id\na\n",
            "a",
            Change::Disable,
            "line 1: the file has no column `secret`: its first line names them, with commas between, such as `id,secret`",
        ),
        (TEXT, "b d", Change::Add(new("x")), "line 6, `id`: a key id is"),
    ] {
        let refused = after(text, id, &change).unwrap_err();
        assert!(refused.starts_with(said), "{id} {change:?}: {refused}");
    }
}

#[test]
fn what_an_old_secret_alone_says_of_its_id_stays_when_it_is_retired() {
    let retired = after(TEXT, "a", &retire(Format::Csv, TEXT, "a", 0)).unwrap();
    assert_eq!(retired, TEXT.replace("a,one,,,acme\n", "").replace("a,three,,,", "a,three,,,acme"));
    for (text, place, wanted) in [
        ("id,secret,routes\na,one,told\na,two,\n", 0, "id,secret,routes\na,two,told\n"),
        ("id,secret,routes\na,one,\na,two,told\n", 1, "id,secret,routes\na,one,told\n"),
        ("id,secret,disabled\na,one,true\na,two,false\n", 0, "id,secret,disabled\na,two,true\n"),
        ("id,secret,routes\na,1,told\nb,x,\na,2,\na,3,", 0, "id,secret,routes\nb,x,\na,2,told\na,3,"),
        ("id,secret,not_after\na,one,4102444800\na,two,\n", 0, "id,secret,not_after\na,two,\n"),
    ] {
        assert_eq!(after(text, "a", &retire(Format::Csv, text, "a", place)).unwrap(), wanted, "{text}");
    }
    let shut = "id,secret,disabled,routes\na,one,true,told\na,two,false,\n";
    assert_eq!(
        after(shut, "a", &retire(Format::Csv, shut, "a", 0)).unwrap(),
        "id,secret,disabled,routes\na,two,true,told\n"
    );
    let lines = "{\"id\":\"a\",\"secret\":\"one\",\"disabled\":true,\"routes\":[\"told\",\"open\"]}\n{\"id\":\"a\",\"secret\":\"two\"}\n";
    assert_eq!(
        in_format(Format::JsonLines, lines, "a", &retire(Format::JsonLines, lines, "a", 0)).unwrap(),
        "{\"id\": \"a\", \"secret\": \"two\", \"disabled\": true, \"routes\": \"told open\"}\n"
    );
}

/// A row or a record without a secret shuts its id out, and is no secret of it.
#[test]
fn what_only_shuts_an_id_out_is_not_counted_among_its_secrets() {
    let rows = "id,secret,disabled,tenant\na,,true,\na,one,,acme\na,two,,\n";
    let left = |place| after(rows, "a", &retire(Format::Csv, rows, "a", place)).unwrap();
    assert_eq!(left(0), "id,secret,disabled,tenant\na,,true,acme\na,two,,\n");
    assert_eq!(left(1), rows.replace("a,two,,\n", ""));
    let lines = "{\"id\":\"a\",\"disabled\":true}\n{\"id\":\"a\",\"secrets\":[\"one\",\"two\"]}\n{\"id\":\"a\",\"secret\":\"three\"}\n";
    let left = |place| in_format(Format::JsonLines, lines, "a", &retire(Format::JsonLines, lines, "a", place)).unwrap();
    assert!(left(0).ends_with("{\"id\": \"a\", \"secrets\": [\"two\"]}\n{\"id\":\"a\",\"secret\":\"three\"}\n"));
    assert_eq!(left(2), lines.replace("{\"id\":\"a\",\"secret\":\"three\"}\n", ""));
    for shut in
        ["a: { disabled: true, tenant: acme }\n", "a: { disabled: true, secret: '', label: old, tenant: acme }\n"]
    {
        let rotated = in_format(Format::Yaml, shut, "a", &Change::Rotate(new("n"), Position::Last)).unwrap();
        assert_eq!(rotated, "\"a\": {\"disabled\": true, \"tenant\": \"acme\", \"secrets\": [\"n\"]}\n");
    }
}

const LINES: &str = r#"{"id":"a","secret":"one","port":8080,"routes":["x","y"]}

{"id":"b","encoding":"hex","secrets":["74776f",{"secret":"dGhyZWU=","encoding":"base64"}]}
"#;

#[test]
fn json_lines_are_changed_line_by_line() {
    let after = |id: &str, change: &Change| in_format(Format::JsonLines, LINES, id, change).unwrap();
    let own = |line: &str| LINES.replace("\n\n", &format!("\n\n{line}\n"));
    assert_eq!(after("c", &Change::Add(new("n"))), format!("{LINES}{{\"id\": \"c\", \"secret\": \"n\"}}\n"));
    let first = after("b", &Change::Rotate(new("n"), Position::First));
    assert_eq!(first, own("{\"id\": \"b\", \"secret\": \"n\"}"));
    let last = after("b", &Change::Rotate(new("n"), Position::Last));
    assert_eq!(last, format!("{LINES}{{\"id\": \"b\", \"secret\": \"n\"}}\n"));
    let retired = after("b", &retire(Format::JsonLines, LINES, "b", 0));
    assert!(retired.ends_with("{\"id\": \"b\", \"encoding\": \"hex\", \"secrets\": [{\"secret\": \"dGhyZWU=\", \"encoding\": \"base64\"}]}\n"), "{retired}");
    assert!(retired.starts_with(LINES.lines().next().unwrap()));
    let disabled = after("a", &Change::Disable);
    let line = "{\"id\": \"a\", \"secret\": \"one\", \"port\": \"8080\", \"routes\": \"x y\", \"disabled\": true}";
    assert_eq!(disabled.lines().next().unwrap(), line);
    let open = LINES.trim_end();
    let added = in_format(Format::JsonLines, open, "c", &Change::Add(new("n"))).unwrap();
    assert_eq!(added, format!("{LINES}{{\"id\": \"c\", \"secret\": \"n\"}}\n"));
}

const LIST: &str = "# who may come\n- id: a      # the first\n  secret: |-\n    one\n  tenant: acme\n\n  # of the north\n- id: b\n  \
                    secrets:\n    - two\n    - { secret: three, label: old }\n# the end\n";
const MAP: &str = "a: { secret: one, tenant: acme }\n# of the north\nb:\n    encoding: hex\n    \
                   secrets: [74776f, { secret: dGhyZWU=, encoding: base64 }]\n";

#[test]
fn a_list_in_yaml_is_changed_record_by_record() {
    let after = |id: &str, change: &Change| in_format(Format::Yaml, LIST, id, change).unwrap();
    let of_b = "- {\"id\": \"b\", \"secret\": \"n\"}\n";
    assert_eq!(
        after("b", &Change::Rotate(new("n"), Position::First)),
        LIST.replace("- id: b", &format!("{of_b}- id: b"))
    );
    assert_eq!(
        after("b", &Change::Rotate(new("n"), Position::Last)),
        LIST.replace("# the end", &format!("{of_b}# the end"))
    );
    let of_c = "- {\"id\": \"c\", \"secret\": \"n\"}\n";
    assert_eq!(after("c", &Change::Add(new("n"))), LIST.replace("# the end", &format!("{of_c}# the end")));
    let disabled = after("a", &Change::Disable);
    let record = "- {\"id\": \"a\", \"secret\": \"one\", \"tenant\": \"acme\", \"disabled\": true}";
    let as_it_was = "- id: a      # the first\n  secret: |-\n    one\n  tenant: acme";
    assert_eq!(disabled, LIST.replace(as_it_was, record));
    let retired = after("b", &retire(Format::Yaml, LIST, "b", 1));
    assert!(retired.ends_with("- {\"id\": \"b\", \"secrets\": [\"two\"]}\n# the end\n"), "{retired}");
}

#[test]
fn a_map_in_yaml_is_changed_record_by_record() {
    let after = |id: &str, change: &Change| in_format(Format::Yaml, MAP, id, change).unwrap();
    let rotated = after("a", &Change::Rotate(new("n"), Position::First));
    let record = "\"a\": {\"tenant\": \"acme\", \"secrets\": [\"n\", \"one\"]}";
    assert_eq!(rotated, MAP.replace("a: { secret: one, tenant: acme }", record));
    let rotated = after("b", &Change::Rotate(new("n"), Position::Last));
    assert!(rotated.ends_with("{\"secret\": \"n\", \"encoding\": \"text\"}]}\n"), "{rotated}");
    assert!(after("c", &Change::Add(new("n"))).ends_with("]\n\"c\": {\"secret\": \"n\"}\n"));
    let key = KeyFileContent::parse(rotated.as_bytes(), Format::Yaml).unwrap().record(b"b").unwrap();
    assert_eq!(key.secrets[2].secret.expose(), b"n");
}

#[test]
fn records_in_brackets_are_left_to_people() {
    for text in
        ["[{ id: a, secret: one }]", "{ a: { secret: one } }", "- { id: a,\n    secret: one } # x", "[]", "- - a"]
    {
        let refused = in_format(Format::Yaml, text, "b", &Change::Add(new("n")));
        assert!(refused.is_err() || text.starts_with("- { id"), "{text}: {refused:?}");
    }
}

proptest::proptest! {
    /// Whatever the records are: a change is made whole, or not at all.
    #[test]
    fn a_change_is_made_whole_or_not_at_all(
        ids in proptest::collection::vec(("[a-c]", "[!-~ä]{1,8}", "[a-z ]{0,4}"), 1..6),
        in_a_map: bool, place in 0_usize..4, kind in 0_u8..4,
    ) {
        let record = |(id, secret, tenant): &(String, String, String)| {
            let record = serde_json::json!({ "id": id, "secret": secret, "tenant": tenant });
            match in_a_map {
                true => format!("{id}: {}\n", serde_json::json!({ "secret": secret, "tenant": tenant })),
                false => format!("- {record}\n"),
            }
        };
        let text: String = ids.iter().map(record).collect();
        let change = match kind {
            0 => Change::Add(new("a-new-secret")),
            1 => Change::Rotate(new("a-new-secret"), if place == 0 { Position::First } else { Position::Last }),
            2 => {
                let record = KeyFileContent::parse(text.as_bytes(), Format::Yaml).ok().and_then(|content| content.record(b"a"));
                let Some(chosen) = record.and_then(|record| Chosen::of(&record, place)) else { return Ok(()) };
                Change::Retire(chosen)
            }
            _ => Change::Disable,
        };
        if let Ok(new) = in_format(Format::Yaml, &text, "a", &change) {
            let lines = |text: &str| text.lines().filter(|line| !line.contains("\"a\"") && !line.starts_with("a:")).count();
            proptest::prop_assert!(lines(&new) >= lines(&text), "{}", new);
        }
    }
}

#[test]
fn a_secret_that_yaml_takes_escaped_alone_is_written_so() {
    let odd = "\u{7f}\u{85}\u{feff}\u{2028}\"\\ä";
    let text = "- { id: a, secret: one }\n";
    let new = in_format(Format::Yaml, text, "a", &Change::Rotate(new(odd), Position::Last)).unwrap();
    let record = KeyFileContent::parse(new.as_bytes(), Format::Yaml).unwrap().record(b"a").unwrap();
    assert_eq!(record.secrets[1].secret.expose(), odd.as_bytes());
}
