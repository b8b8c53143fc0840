//! `values:` of a scheme: templates, texts taken apart, loops and choices.

use super::{
    definition::{all, all_or_none},
    reader::Reader,
    shape::Fields,
    sites::Sites,
    tree::{Entry, Node, Value},
};
use crate::scheme::{
    HeadersDefinition, Missing, ParametersDefinition, ParametersOf, TestDefinition, ValueDefinition, Writing,
};

/// Of the keys of a value exactly one says what kind it is.
const KINDS: [&str; 5] = ["pairs", "capture", "headers", "parameters", "if"];

const MISSING: [(&str, Missing); 3] = [("reject", Missing::Reject), ("skip", Missing::Skip), ("empty", Missing::Empty)];

const WRITINGS: [(&str, Writing); 3] =
    [("raw", Writing::Raw), ("decoded", Writing::Decoded), ("encoded", Writing::Encoded)];

/// Reads the section; an absent one holds nothing.
pub(super) fn read(
    fields: &Fields<'_>,
    sites: &mut Sites,
    reader: &mut Reader<'_>,
) -> Option<Vec<(String, ValueDefinition)>> {
    let Some(node) = fields.value("values") else { return Some(Vec::new()) };
    let entries = reader.map(node, "`values`")?;
    let read = |(index, entry): (usize, &Entry)| Some((entry.key.clone(), value(entry, index, sites, reader)?));
    all(entries.iter().enumerate().map(read))
}

fn value(entry: &Entry, index: usize, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<ValueDefinition> {
    let node = &entry.value;
    let Value::Map(entries) = &node.value else {
        return sites.named_template(entry, "values", index, reader).map(ValueDefinition::Text);
    };
    sites.entry(entry, "values", index);
    let Some(kind) = entries.iter().find(|entry| KINDS.contains(&entry.key.as_str())) else {
        let problem = reader.error(node.place, "this value does not say what it is");
        problem.expected("text, or a map with `pairs`, `capture`, `headers`, `parameters` or `if`");
        return None;
    };
    let mut value = ReadValue { index, sites, reader };
    match kind.key.as_str() {
        "pairs" => value.pairs(node),
        "capture" => value.capture(node),
        "headers" => value.headers(node).map(ValueDefinition::Headers),
        "parameters" => value.parameters(node).map(ValueDefinition::Parameters),
        _ => value.choice(node),
    }
}

/// A value of which the kind is known.
struct ReadValue<'s, 'r, 'a> {
    index: usize,
    sites: &'s mut Sites,
    reader: &'r mut Reader<'a>,
}

impl ReadValue<'_, '_, '_> {
    fn pairs(&mut self, node: &Node) -> Option<ValueDefinition> {
        let fields = self.reader.fields(node, "a value of pairs", &["from", "pairs"])?;
        let from = self.required(&fields, "from", "values.from");
        let separator = fields.required("pairs", self.reader)?;
        let text = self.reader.text(separator, "`pairs`")?;
        match text.as_bytes() {
            [byte] if byte.is_ascii_punctuation() && !b"=\"\\".contains(byte) || *byte == b' ' => {
                Some(ValueDefinition::Pairs { from: from?, separator: *byte })
            }
            _ => {
                let shown = self.reader.quote(separator.place, text);
                let problem = self.reader.error(separator.place, format!("{shown} cannot stand between pairs"));
                problem.expected("one character, such as `,`, `;` or `&`");
                None
            }
        }
    }

    fn capture(&mut self, node: &Node) -> Option<ValueDefinition> {
        let fields = self.reader.fields(node, "a value of a capture", &["from", "capture"])?;
        let from = self.required(&fields, "from", "values.from");
        let expression = self.required(&fields, "capture", "values.capture");
        Some(ValueDefinition::Capture { from: from?, expression: expression? })
    }

    fn headers(&mut self, node: &Node) -> Option<HeadersDefinition> {
        let allowed =
            ["headers", "split", "each", "join", "repeated", "missing", "special", "covers", "covers_if_present"];
        let fields = self.reader.fields(node, "a value of headers", &allowed)?;
        let names = fields.required("headers", self.reader).and_then(|node| self.header_names(node));
        let usual = HeadersDefinition::new("", " ");
        let split = self.text_or(&fields, "split", usual.split);
        let each = self.template_or(&fields, "each", "values.each", usual.each);
        let join = self.text_or(&fields, "join", usual.join);
        let repeated = self.text_or(&fields, "repeated", usual.repeated);
        let missing = fields.value("missing").map(|node| self.reader.choice(node, "`missing`", &MISSING));
        let special = self.special(&fields);
        let covers = self.listed(&fields, "covers", "values.covers");
        let covers_if_present = self.listed(&fields, "covers_if_present", "values.covers_if_present");
        Some(HeadersDefinition {
            names: names?,
            split: split?,
            each: each?,
            join: join?,
            repeated: repeated?,
            missing: all_or_none(missing)?.unwrap_or(usual.missing),
            special: special?,
            covers: covers?,
            covers_if_present: covers_if_present?,
        })
    }

    /// A template of the request's own list, or a list of names.
    fn header_names(&mut self, node: &Node) -> Option<String> {
        let Value::List(items) = &node.value else { return self.template(node, "values.headers") };
        let names = all(items.iter().map(|item| self.reader.text(item, "a header's name").map(str::to_owned)))?;
        Some(names.join(" "))
    }

    fn special(&mut self, fields: &Fields<'_>) -> Option<Vec<(String, String)>> {
        let Some(node) = fields.value("special") else { return Some(Vec::new()) };
        let entries = self.reader.map(node, "`special`")?.iter().enumerate();
        all(entries.map(|(inner, entry)| {
            let at = ("values.special", Some(self.index), Some(inner));
            Some((entry.key.clone(), self.sites.inner_template(&entry.value, at, self.reader)?))
        }))
    }

    fn parameters(&mut self, node: &Node) -> Option<ParametersDefinition> {
        let allowed = ["parameters", "as", "plus_is_space", "sort", "unique", "except", "each", "join"];
        let fields = self.reader.fields(node, "a value of parameters", &allowed)?;
        let of = self.listed(&fields, "parameters", "values.parameters");
        let usual = ParametersDefinition::new(Vec::new());
        let writing = fields.value("as").map(|node| self.reader.choice(node, "`as`", &WRITINGS));
        let plus_is_space = self.flag(&fields, "plus_is_space");
        let sort = self.flag(&fields, "sort");
        let unique = self.flag(&fields, "unique");
        let except = self.listed(&fields, "except", "values.except");
        let each = self.template_or(&fields, "each", "values.each", usual.each);
        let join = self.text_or(&fields, "join", usual.join);
        let place = |name: String| match name.as_str() {
            "query" => ParametersOf::Query,
            "form" => ParametersOf::Form,
            "declared_form" => ParametersOf::DeclaredForm,
            _ => ParametersOf::Pairs(name),
        };
        Some(ParametersDefinition {
            of: of?.into_iter().map(place).collect(),
            writing: all_or_none(writing)?.unwrap_or(usual.writing),
            plus_is_space: plus_is_space?,
            sort: sort?,
            unique: unique?,
            except: except?,
            each: each?,
            join: join?,
        })
    }

    fn choice(&mut self, node: &Node) -> Option<ValueDefinition> {
        let allowed = ["if", "is", "matches", "then", "else"];
        let fields = self.reader.fields(node, "a value with a condition", &allowed)?;
        let condition = self.required(&fields, "if", "values.if");
        let test = self.test(&fields);
        let then = self.required(&fields, "then", "values.then");
        let otherwise = self.required(&fields, "else", "values.else");
        Some(ValueDefinition::Choice { condition: condition?, test: test?, then: then?, otherwise: otherwise? })
    }

    fn test(&mut self, fields: &Fields<'_>) -> Option<TestDefinition> {
        match (fields.value("is"), fields.entry("matches")) {
            (None, None) => Some(TestDefinition::Present),
            (Some(node), None) => Some(TestDefinition::Is(self.reader.scalar(node, "`is`")?.text.clone())),
            (None, Some(entry)) => Some(TestDefinition::Matches(self.template(&entry.value, "values.matches")?)),
            (Some(_), Some(entry)) => {
                self.reader.error(entry.key_place, "`is` and `matches` exclude each other");
                None
            }
        }
    }

    fn required(&mut self, fields: &Fields<'_>, key: &str, field: &'static str) -> Option<String> {
        fields.required(key, self.reader).and_then(|node| self.template(node, field))
    }

    fn template(&mut self, node: &Node, field: &'static str) -> Option<String> {
        self.sites.template(node, field, Some(self.index), self.reader)
    }

    fn template_or(&mut self, fields: &Fields<'_>, key: &str, field: &'static str, usual: String) -> Option<String> {
        fields.value(key).map_or(Some(usual), |node| self.template(node, field))
    }

    fn text_or(&mut self, fields: &Fields<'_>, key: &str, usual: String) -> Option<String> {
        let Some(node) = fields.value(key) else { return Some(usual) };
        self.reader.scalar(node, &format!("`{key}`")).map(|scalar| scalar.text.clone())
    }

    fn flag(&mut self, fields: &Fields<'_>, key: &str) -> Option<bool> {
        fields.value(key).map_or(Some(false), |node| self.reader.boolean(node, &format!("`{key}`")))
    }

    /// Names in a list, each with its place.
    fn listed(&mut self, fields: &Fields<'_>, key: &str, field: &'static str) -> Option<Vec<String>> {
        let Some(node) = fields.value(key) else { return Some(Vec::new()) };
        let items = self.reader.one_or_many(node, &format!("`{key}`")).iter().enumerate();
        all(items
            .map(|(inner, item)| self.sites.inner_template(item, (field, Some(self.index), Some(inner)), self.reader)))
    }
}
