//! The tests of the HTTP working group for structured fields, where `COUNTERSIGN_VECTORS` says where they are.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use sfv::{BareItem, Date, Decimal, Integer, Key, StringRef, TokenRef};

use super::structured::{
    Dictionary, InnerList, Item, Member, Parameters, dictionary, item, list, write_dictionary, write_item, write_list,
};

/// Where the RFC lets the last of two equal keys win; here such a field is refused.
const STRICTER: [&str; 4] = [
    "duplicate key dictionary",
    "0x2c in dictionary key",
    "0x3b in parameterised list key",
    "duplicate parameter with different positions",
];

#[derive(Debug)]
enum Field {
    Dictionary(Dictionary),
    List(Vec<Member>),
    Item(Item),
}

#[test]
fn the_working_groups_fields_are_read_and_written_as_it_wants() {
    let Some(directory) = directory() else { return };
    let (mut checked, mut stricter) = (0, Vec::new());
    for test in files(&directory).iter().flat_map(|file| tests(file)) {
        let name = test["name"].as_str().unwrap().to_owned();
        match (read(&test), test["must_fail"] == true, test["can_fail"] == true) {
            (None, true, _) | (None, _, true) => {}
            (Some(field), true, _) => panic!("{name}: read as {field:?}"),
            (None, false, false) => stricter.push(name),
            (Some(field), false, _) => {
                assert_eq!(shown(&field), numbers(&test["expected"]), "{name}");
                let lines = test.get("canonical").unwrap_or(&test["raw"]);
                assert_eq!(written(&field), joined(lines), "{name}");
            }
        }
        checked += 1;
    }
    assert!(checked > 1500, "{checked}");
    assert_eq!(stricter, STRICTER);
}

#[test]
fn the_working_groups_values_are_written_as_it_wants() {
    let Some(directory) = directory() else { return };
    let mut checked = 0;
    for test in files(&directory.join("serialisation-tests")).iter().flat_map(|file| tests(file)) {
        let written = built(&test).map(|field| written(&field));
        match test["must_fail"] == true {
            true => assert_eq!(written, None, "{}", test["name"]),
            false => assert_eq!(written.as_deref(), test["canonical"][0].as_str(), "{}", test["name"]),
        }
        checked += 1;
    }
    assert!(checked > 500, "{checked}");
}

fn directory() -> Option<PathBuf> {
    env::var("COUNTERSIGN_VECTORS").ok().map(|vectors| Path::new(&vectors).join("structured-field-tests"))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    files.sort();
    files
}

fn tests(file: &Path) -> Vec<Value> {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn joined(lines: &Value) -> String {
    let lines: Vec<&str> = lines.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    lines.join(", ")
}

fn read(test: &Value) -> Option<Field> {
    let raw = joined(&test["raw"]);
    match test["header_type"].as_str().unwrap() {
        "dictionary" => dictionary(raw.as_bytes()).map(Field::Dictionary),
        "list" => list(raw.as_bytes()).map(Field::List),
        _ => item(raw.as_bytes()).map(Field::Item),
    }
}

fn written(field: &Field) -> String {
    match field {
        Field::Dictionary(dictionary) => write_dictionary(dictionary),
        Field::List(list) => write_list(list),
        Field::Item(item) => write_item(item),
    }
}

/// A field as the tests write it in JSON.
fn shown(field: &Field) -> Value {
    match field {
        Field::Dictionary(dictionary) => {
            dictionary.iter().map(|(key, member)| json!([key.as_str(), shown_member(member)])).collect()
        }
        Field::List(list) => list.iter().map(shown_member).collect(),
        Field::Item(item) => shown_item(item),
    }
}

fn shown_member(member: &Member) -> Value {
    match member {
        Member::Item(item) => shown_item(item),
        Member::InnerList(InnerList { items, parameters }) => {
            json!([items.iter().map(shown_item).collect::<Value>(), shown_parameters(parameters)])
        }
    }
}

fn shown_item(item: &Item) -> Value {
    json!([shown_bare(&item.value), shown_parameters(&item.parameters)])
}

fn shown_parameters(parameters: &Parameters) -> Value {
    parameters.iter().map(|(key, value)| json!([key.as_str(), shown_bare(value)])).collect()
}

fn shown_bare(value: &BareItem) -> Value {
    let typed = |kind: &str, value: Value| json!({ "__type": kind, "value": value });
    let number = |text: String| json!(text.parse::<f64>().unwrap());
    match value {
        BareItem::Integer(integer) => number(integer.to_string()),
        BareItem::Decimal(decimal) => number(decimal.to_string()),
        BareItem::String(text) => json!(text.as_str()),
        BareItem::Token(text) => typed("token", json!(text.as_str())),
        BareItem::ByteSequence(bytes) => typed("binary", json!(base32(bytes))),
        BareItem::Boolean(value) => json!(value),
        BareItem::Date(date) => typed("date", number(date.unix_seconds().to_string())),
        BareItem::DisplayString(text) => typed("displaystring", json!(text)),
    }
}

/// JSON's numbers, all in one type, so that 1 is 1.0.
fn numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().unwrap()),
        Value::Array(values) => values.iter().map(numbers).collect(),
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), numbers(value))).collect(),
        other => other.clone(),
    }
}

/// RFC 4648 section 6, in which the tests write bytes.
fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0_u8; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(block);
        for digit in 0..8 {
            let value = (bits >> (35 - 5 * digit)) & 31;
            let symbol = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::try_from(value).unwrap()];
            out.push(if digit * 5 < chunk.len() * 8 { char::from(symbol) } else { '=' });
        }
    }
    out
}

/// The field that a test writes in JSON; `None` where it holds what no field can.
fn built(test: &Value) -> Option<Field> {
    let expected = &test["expected"];
    Some(match test["header_type"].as_str().unwrap() {
        "dictionary" => {
            let member = |pair: &Value| Some((key(&pair[0])?, Member::Item(built_item(&pair[1])?)));
            Field::Dictionary(expected.as_array().unwrap().iter().map(member).collect::<Option<_>>()?)
        }
        "list" => {
            let member = |item: &Value| built_item(item).map(Member::Item);
            Field::List(expected.as_array().unwrap().iter().map(member).collect::<Option<_>>()?)
        }
        _ => Field::Item(built_item(expected)?),
    })
}

fn built_item(value: &Value) -> Option<Item> {
    let parameters = value[1].as_array().unwrap().iter();
    let parameters = parameters.map(|pair| Some((key(&pair[0])?, built_bare(&pair[1])?)));
    Some(Item { value: built_bare(&value[0])?, parameters: parameters.collect::<Option<_>>()? })
}

fn key(value: &Value) -> Option<Key> {
    Key::from_string(value.as_str().unwrap().to_owned()).ok()
}

fn built_bare(value: &Value) -> Option<BareItem> {
    Some(match value {
        Value::Bool(value) => BareItem::Boolean(*value),
        Value::Number(number) if number.is_f64() => {
            BareItem::Decimal(Decimal::try_from(number.as_f64().unwrap()).ok()?)
        }
        Value::Number(number) => BareItem::Integer(Integer::try_from(number.as_i64()?).ok()?),
        Value::String(text) => BareItem::String(StringRef::from_str(text).ok()?.to_owned()),
        Value::Object(object) => match (object["__type"].as_str().unwrap(), &object["value"]) {
            ("token", Value::String(text)) => BareItem::Token(TokenRef::from_str(text).ok()?.to_owned()),
            ("date", Value::Number(seconds)) => {
                BareItem::Date(Date::from_unix_seconds(Integer::try_from(seconds.as_i64()?).ok()?))
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other}"),
    })
}
