//! The paths that a source file names, in `use` items and anywhere else. Comments, text and test modules do not count.
//!
//! A reader of tokens, not of Rust: it sees more paths than there are rather than fewer.

use std::fmt;

/// What is named.
pub(super) enum Named {
    /// Something of ours, from the crate's root: `store::Claims`.
    Ours(String),
    /// Something else: a crate's item, or a local one.
    Crate(String),
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Named::Ours(path) => write!(f, "crate::{path}"),
            Named::Crate(path) => f.write_str(path),
        }
    }
}

/// Every path that `text` names, being the module at `module`.
pub(super) fn named(text: &str, module: &[String]) -> Vec<Named> {
    let tokens = without_tests(tokens(text));
    let mut named = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let in_use = tokens[at] == "use";
        let starts_path = is_word(&tokens[at]) && tokens.get(at + 1).is_some_and(|token| token == "::");
        if in_use {
            at += 1;
        }
        if in_use || starts_path {
            let mut found = Vec::new();
            at = tree(&tokens, at, &mut Vec::new(), &mut found);
            named.extend(found.iter().filter_map(|path| resolve(path, module)));
        } else {
            at += 1;
        }
    }
    named
}

/// Reads a path, or a use tree, from `at`; gives where it ends.
fn tree(tokens: &[String], mut at: usize, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let depth = prefix.len();
    while let Some(token) = tokens.get(at) {
        if token == "{" && (prefix.is_empty() || tokens.get(at.wrapping_sub(1)).is_some_and(|token| token == "::")) {
            at = branches(tokens, at + 1, prefix, found);
            prefix.truncate(depth);
            return at;
        }
        match token.as_str() {
            "::" => {}
            word if is_word(word) || word == "*" => prefix.push(word.to_owned()),
            _ => break,
        }
        at += 1;
        if tokens.get(at).is_none_or(|next| next != "::") && tokens[at - 1] != "::" {
            break;
        }
    }
    found.push(prefix.clone());
    prefix.truncate(depth);
    at
}

fn branches(tokens: &[String], mut at: usize, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "}" => return at + 1,
            "," => at += 1,
            "as" => at += 2,
            _ => at = tree(tokens, at, prefix, found).max(at + 1),
        }
    }
    at
}

fn resolve(path: &[String], module: &[String]) -> Option<Named> {
    let mut here = module.to_vec();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" | "countersign" => {
            here.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                here.pop();
                rest = &rest[1..];
            }
        }
        _ => return Some(Named::Crate(path.join("::"))),
    }
    here.extend(rest.iter().filter(|part| *part != "self").cloned());
    Some(Named::Ours(here.join("::")))
}

/// Drops the item behind each `#[cfg(test)]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].iter().take(MARK.len()).eq(MARK.iter()) {
            at = after_item(&tokens, at + MARK.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn after_item(tokens: &[String], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            ";" if depth == 0 => break,
            _ => {}
        }
    }
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Words, `::` and single other characters; no comments, no text, no lifetimes.
fn tokens(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        let (length, is_token) = match rest {
            ['/', '/', ..] => (rest.iter().take_while(|c| **c != '\n').count(), false),
            ['/', '*', ..] => (block_comment(rest), false),
            ['r', '"', ..] | ['r', '#', '"' | '#', ..] => (raw_text(rest, 1), false),
            ['b', 'r', '"' | '#', ..] => (raw_text(rest, 2), false),
            ['"', ..] => (quoted(rest, '"'), false),
            ['\'', '\\', ..] | ['\'', _, '\'', ..] => (quoted(rest, '\''), false),
            ['\'', ..] => (1 + word(&rest[1..]), false),
            [':', ':', ..] => (2, true),
            [first, ..] if first.is_whitespace() => (1, false),
            [first, ..] if first.is_alphanumeric() || *first == '_' => (word(rest), true),
            _ => (1, true),
        };
        if is_token {
            tokens.push(rest[..length].iter().collect());
        }
        at += length;
    }
    tokens
}

fn word(rest: &[char]) -> usize {
    rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').count()
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_text(rest: &[char], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    let closes =
        |at: usize| rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    let open = prefix + hashes + 1;
    (open..rest.len()).find(|&at| closes(at)).map_or(rest.len(), |at| at + hashes + 1)
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}
