//! The documents are right: what they show of a config is read as they say, what they type is understood, and the numbers
//! they speak of are counted.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use countersign::config::SECTIONS;

use crate::support::countersign;

/// A block of text that is shown in a document, and where.
struct Shown {
    place: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<PathBuf> {
    let paths = fs::read_dir(root().join("docs")).expect("the documents").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    paths.extend([root().join("README.md"), root().join("docker/README.md")]);
    paths.sort();
    paths
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).expect("a document")
}

/// Everything that is indented by four, block by block.
fn shown() -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    for path in documents() {
        let (text, mut is_open) = (text_of(&path), false);
        for (number, line) in (1..).zip(text.lines()) {
            match line.strip_prefix("    ") {
                Some(line) if is_open => found.last_mut().unwrap().text += &format!("{line}\n"),
                Some(line) => {
                    let place = format!("{}:{number}", path.file_name().unwrap().to_str().unwrap());
                    found.push(Shown { place, text: format!("{line}\n") });
                }
                None if is_open && line.trim().is_empty() => found.last_mut().unwrap().text.push('\n'),
                None => (),
            }
            is_open = line.starts_with("    ") || (is_open && line.trim().is_empty());
        }
    }
    found
}

/// The configs in a block; several where a section stands in it more than once, to be chosen from.
fn configs(text: &str) -> Vec<String> {
    let section = |line: &str| line.split_once(':').map(|(name, _)| name.to_owned());
    let heads: Vec<String> =
        text.lines().filter(|line| !line.starts_with([' ', '#', '-', '}'])).filter_map(section).collect();
    let is_config = !heads.is_empty() && heads.iter().all(|head| SECTIONS.contains(&head.as_str()));
    // The table of contents has no values.
    let mut lines = text.lines().filter(|line| !line.is_empty());
    if !is_config || lines.all(|line| line.split('#').next().unwrap().trim_end().ends_with(':')) {
        return Vec::new();
    }
    let (mut configs, mut seen) = (vec![String::new()], BTreeSet::new());
    for line in text.lines() {
        if let Some(name) = section(line).filter(|name| SECTIONS.contains(&name.as_str()))
            && !seen.insert(name.clone())
        {
            configs.push(String::new());
            seen = BTreeSet::from([name]);
        }
        configs.last_mut().unwrap().push_str(&format!("{line}\n"));
    }
    configs
}

/// What a piece of a config may lack: other pieces, and the world that it speaks of.
const OF_A_PIECE: [&str; 5] = [
    "is missing in the config",
    "there is no ",
    "the environment variable",
    "cannot be read",
    "not an address and port",
];

#[test]
fn every_piece_of_a_config_in_a_document_is_read_without_complaint() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("piece.yaml");
    let (mut tried, mut wrong) = (0, Vec::new());
    for Shown { place, text } in shown() {
        for config in configs(&text) {
            fs::write(&file, &config).unwrap();
            let output = countersign().args(["check", "--json", "-c"]).arg(&file).output().expect("the binary runs");
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let problems = report["problems"].as_array().expect("a list").iter();
            let errors = problems.filter(|problem| problem["severity"] == "error");
            let messages = errors.map(|error| error["message"].as_str().expect("text").to_owned());
            wrong.extend(
                messages
                    .filter(|message| !OF_A_PIECE.iter().any(|piece| message.contains(piece)))
                    .map(|message| format!("{place}: {message}")),
            );
            tried += 1;
        }
    }
    assert!(tried >= 45 && wrong.is_empty(), "{tried}: {wrong:#?}");
}

/// The words of each `countersign …` line, without what a shell makes of the rest of it.
fn commands() -> Vec<(String, Vec<String>)> {
    let lines = shown().into_iter().flat_map(|Shown { place, text }| {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.into_iter().map(move |line| (place.clone(), line))
    });
    let typed = lines.filter_map(|(place, line)| Some((place, line.trim().strip_prefix("countersign ")?.to_owned())));
    typed
        .map(|(place, line)| {
            let end = ["  #", " #", " <", " >", " |", " &", " ;"].iter().filter_map(|mark| line.find(mark)).min();
            let line = line.get(..end.unwrap_or(line.len())).unwrap().replace("\"lost laptop\"", "lost");
            (place, line.split_whitespace().map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn every_command_in_a_document_is_understood() {
    let directory = tempfile::tempdir().unwrap();
    let commands = commands();
    assert!(commands.len() >= 20, "{}", commands.len());
    for (place, words) in commands {
        // Nothing that it names is there, no token either, so it ends at once, and in another way than with wrong usage.
        let mut command = countersign();
        command.args(&words).current_dir(directory.path()).env_remove("COUNTERSIGN_ADMIN_TOKEN");
        let Output { status, stderr, .. } =
            command.stdin(std::process::Stdio::null()).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&stderr);
        assert!(!said.contains("Usage:"), "{place}: countersign {}: {status}\n{said}", words.join(" "));
    }
}

/// Every name of a metric that is written anywhere in `text`, its parts by which it is read left out.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("countersign_") {
        let name: String = text.get(at..).unwrap().chars().take_while(|c| is_name(*c)).collect();
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .fold(name.as_str(), |name, end| name.strip_suffix(end).unwrap_or(name));
        // `countersign_store_` is all that begin so; one name is that of a table in a database.
        if !name.ends_with('_') && !name.starts_with("countersign_refresh_families") {
            found.insert(name.to_owned());
        }
    }
    found
}

#[test]
fn every_metric_that_is_spoken_of_is_in_the_table() {
    let table = text_of(&root().join("docs/observability.md"));
    let rows = table.lines().filter(|line| line.starts_with("| `countersign_")).collect::<Vec<_>>().join("\n");
    let known = metrics(&rows);
    assert!(known.len() > 40, "{}", known.len());
    for path in documents().into_iter().chain([root().join("docs/alerts.yaml")]) {
        let unknown: Vec<String> = metrics(&text_of(&path)).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", path.display());
    }
}

/// Documents name each other's headings, and files of the repository.
#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for path in documents() {
        let text = text_of(&path);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let leads = match heading {
                None => target.exists(),
                Some(heading) => fs::read_to_string(&target).is_ok_and(|text| anchors(&text).contains(heading)),
            };
            if !leads {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// As hosts of repositories make them of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .collect::<String>();
        kept.replace(' ', "-")
    };
    headings.map(anchor).collect()
}
