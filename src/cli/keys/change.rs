//! `countersign keys list|add|rotate|retire|disable`: keys in a file, Redis or a database, changed while gateways run.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use zeroize::Zeroizing;

use super::{
    super::{Exit, counted, data, trouble::Trouble, words},
    file_store::directory,
    place::Place,
    random,
    store::KeyStore,
};
use crate::{
    keys::{Change, Chosen, KeyRecord, KeySecret, NewSecret, NotChanged, Position},
    secret::Secret,
};

/// Show what is known of an id, and no secret
///
///   countersign keys list --file customers.csv
///   countersign keys list --file customers.csv --id cust-1
///   countersign keys list -c gateway.yaml --keys devices --id dev-1
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    place: Place,
    /// Only this id [default: how many there are]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// Add an id with a new random secret
///
///   countersign keys add --file customers.csv --id cust-4 --label 2027 --out cust-4.key
///   countersign keys add -c gateway.yaml --keys devices --id dev-4 --out dev-4.key
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Add {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    new: New,
}

/// Give an id one more random secret
///
///   countersign keys rotate --file customers.csv --id cust-1 --label 2028 --out cust-1.key
///
/// The new secret stands behind those that the id has: they verify as before, and the
/// first still signs. When its clients have the new one, `retire` the old. In a database
/// the config's query says in which order they stand.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Rotate {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    new: New,
    /// Put the new secret in front, so that it signs from now on
    #[arg(long)]
    first: bool,
}

/// Take a secret of an id away
///
///   countersign keys retire --file customers.csv --id cust-1 --secret 1
///   countersign keys retire --file customers.csv --id cust-1 --secret 2026
///   countersign keys retire -c gateway.yaml --keys devices --id dev-1 --secret 2
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Retire {
    #[command(flatten)]
    place: Place,
    /// The id
    #[arg(long, value_name = "ID")]
    id: String,
    /// Which: its label, or its place from 1 on, as log and metrics say it
    #[arg(long, value_name = "NAME", default_value = "1")]
    secret: String,
}

/// Shut an id out
///
///   countersign keys disable --file customers.csv --id cust-3
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Disable {
    #[command(flatten)]
    place: Place,
    /// The id
    #[arg(long, value_name = "ID")]
    id: String,
}

/// Let an id in again that was shut out
///
///   countersign keys enable --file customers.csv --id cust-3
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Enable {
    #[command(flatten)]
    place: Place,
    /// The id
    #[arg(long, value_name = "ID")]
    id: String,
}

/// A secret that is made, and where it goes.
#[derive(Args)]
struct New {
    /// The id
    #[arg(long, value_name = "ID")]
    id: String,
    /// What the log calls the new secret
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Write the secret to this new file [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl List {
    pub(super) fn execute(&self) -> Result<Exit, Trouble> {
        let store = self.place.store()?;
        let Some(id) = &self.id else {
            data(format_args!("{}", counted(store.count()?, "id")));
            return Ok(Exit::Ok);
        };
        let record = known(&*store, id)?;
        data(format_args!("{id}{}", if record.disabled { "  disabled" } else { "" }));
        for (secret, name) in record.secrets.iter().zip(names(&record, store.since_millis())) {
            data(format_args!("  secret {name}  {} bytes{}", secret.secret.len(), times(secret)));
        }
        for (name, text) in record.attributes.iter().flat_map(|attributes| attributes.texts()) {
            data(format_args!("  {name}: {text}"));
        }
        Ok(Exit::Ok)
    }
}

impl Add {
    pub(super) fn execute(&self) -> Result<Exit, Trouble> {
        self.new.put(&self.place, "add", Change::Add)
    }
}

impl Rotate {
    pub(super) fn execute(&self) -> Result<Exit, Trouble> {
        let position = if self.first { Position::First } else { Position::Last };
        self.new.put(&self.place, "rotate", |secret| Change::Rotate(secret, position))
    }
}

impl Retire {
    pub(super) fn execute(&self) -> Result<Exit, Trouble> {
        let store = self.place.store()?;
        let record = known(&*store, &self.id)?;
        let chosen = chosen(&record, &self.secret, store.since_millis());
        let chosen = chosen.map_err(|why| Trouble::Keys(store.name(), why))?;
        store.change(&self.id, &Change::Retire(chosen))?;
        self.place.note(&*store, &format!("retire {}", self.secret), &self.id)?;
        Ok(Exit::Ok)
    }
}

impl Disable {
    pub(super) fn execute(&self) -> Result<Exit, Trouble> {
        let store = self.place.store()?;
        store.change(&self.id, &Change::Disable)?;
        self.place.note(&*store, "disable", &self.id)?;
        Ok(Exit::Ok)
    }
}

impl Enable {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let store = self.place.store()?;
        store.change(&self.id, &Change::Enable)?;
        self.place.note(&*store, "enable", &self.id)?;
        Ok(Exit::Ok)
    }
}

impl New {
    fn put(&self, place: &Place, what: &str, change: impl FnOnce(NewSecret) -> Change) -> Result<Exit, Trouble> {
        let text = Zeroizing::new(hex::encode(&*random(32)?));
        let store = place.store()?;
        self.change(&*store, &text, change)?;
        let shown = if self.out.is_none() { show(&text) } else { Ok(()) };
        // Whoever has the secret or has not: it is in use, and that is noted.
        let noted = place.note(&*store, what, &self.id);
        shown.map_err(Trouble::Lost)?;
        noted?;
        words(format_args!("The text itself is the secret, as for `openssl dgst -hmac`."));
        Ok(Exit::Ok)
    }

    /// The secret is in its file first, and on the disk: nothing is changed where it could not be kept.
    fn change(
        &self,
        store: &dyn KeyStore,
        text: &str,
        change: impl FnOnce(NewSecret) -> Change,
    ) -> Result<(), Trouble> {
        self.out.as_deref().map_or(Ok(()), |path| keep(path, text)).map_err(Trouble::Out)?;
        let secret = NewSecret { secret: Secret::new(text.as_bytes().to_vec()), label: self.label.clone() };
        let changed = store.change(&self.id, &change(secret));
        // Where nobody knows whether it is in use, the only copy is kept.
        if changed.as_ref().is_err_and(|trouble| !matches!(trouble, Trouble::Keys(_, NotChanged::Unsure))) {
            self.out.as_ref().map(fs::remove_file);
        }
        changed
    }
}

/// Writes a secret to a file that was not there, for its owner alone; if that fails there is none.
fn keep(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    let written = writeln!(file, "{text}").and_then(|()| file.sync_all());
    // Its name too: without it nobody would find the only copy.
    let written = written.and_then(|()| File::open(directory(path))?.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// Writes the only copy of a secret to standard output: also a reader that went away has lost it.
fn show(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

fn known(store: &dyn KeyStore, id: &str) -> Result<KeyRecord, Trouble> {
    store.record(id)?.ok_or_else(|| Trouble::Keys(store.name(), NotChanged::Unknown))
}

/// The one secret of that name.
fn chosen(record: &KeyRecord, name: &str, since_millis: i64) -> Result<Chosen, NotChanged> {
    let names = names(record, since_millis);
    let mut places = names.iter().enumerate().filter(|(_, known)| *known == name).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(place), None) => Chosen::of(record, place).ok_or(NotChanged::NoSuchSecret),
        (None, _) => Err(NotChanged::NoSuchSecret),
        (Some(_), Some(_)) => Err(NotChanged::SeveralSecrets),
    }
}

/// As log and metrics name the secrets: by label, or by number. One that was over before has no number there.
fn names(record: &KeyRecord, since_millis: i64) -> Vec<String> {
    let (mut live, mut over) = (0, 0);
    let name = |secret: &KeySecret| {
        let is_over = secret.lifetime.until_millis <= since_millis;
        *(if is_over { &mut over } else { &mut live }) += 1;
        let number = || if is_over { format!("over-{over}") } else { live.to_string() };
        secret.label.as_deref().map_or_else(number, str::to_owned)
    };
    record.secrets.iter().map(name).collect()
}

fn times(secret: &KeySecret) -> String {
    let time = |millis| jiff::Timestamp::from_millisecond(millis).map(|time| time.to_string()).unwrap_or_default();
    let from =
        (secret.lifetime.from_millis != i64::MIN).then(|| format!("  from {}", time(secret.lifetime.from_millis)));
    let until =
        (secret.lifetime.until_millis != i64::MAX).then(|| format!("  until {}", time(secret.lifetime.until_millis)));
    from.unwrap_or_default() + &until.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::keys::Lifetime;

    type Refusal = fn() -> Option<NotChanged>;

    /// Remembers what stood in a file as a change was asked for, and then says why not, where it is to.
    struct Watching {
        file: PathBuf,
        seen: RefCell<Option<String>>,
        refusal: Refusal,
    }

    impl KeyStore for Watching {
        fn record(&self, _: &str) -> Result<Option<KeyRecord>, Trouble> {
            Ok(None)
        }

        fn change(&self, _: &str, _: &Change) -> Result<(), Trouble> {
            *self.seen.borrow_mut() = fs::read_to_string(&self.file).ok();
            (self.refusal)().map_or(Ok(()), |why| Err(Trouble::Keys(self.name(), why)))
        }

        fn count(&self) -> Result<u64, Trouble> {
            Ok(0)
        }

        fn since_millis(&self) -> i64 {
            i64::MIN
        }

        fn name(&self) -> String {
            "watching".into()
        }
    }

    #[test]
    fn a_secret_is_in_its_file_before_it_is_in_use_and_leaves_it_where_it_surely_is_not() {
        let cases: [(Refusal, bool); 3] =
            [(|| None, true), (|| Some(NotChanged::Unsure), true), (|| Some(NotChanged::Raced), false)];
        for (refusal, is_kept) in cases {
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("a.key");
            let store = Watching { file: file.clone(), seen: RefCell::default(), refusal };
            let new = New { id: "a".into(), label: None, out: Some(file.clone()) };
            assert_eq!(new.change(&store, "secret", Change::Add).is_err(), refusal().is_some());
            assert_eq!(store.seen.borrow().as_deref(), Some("secret\n"));
            assert_eq!(file.exists(), is_kept);
        }
    }

    #[test]
    fn a_file_that_is_there_is_neither_written_nor_removed_and_nothing_is_changed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.key");
        fs::write(&file, "another").unwrap();
        let store = Watching { file: file.clone(), seen: RefCell::default(), refusal: || None };
        let new = New { id: "a".into(), label: None, out: Some(file.clone()) };
        assert!(matches!(new.change(&store, "secret", Change::Add), Err(Trouble::Out(_))));
        assert_eq!((store.seen.take(), fs::read_to_string(&file).unwrap().as_str()), (None, "another"));
    }

    #[test]
    fn secrets_are_named_as_the_log_names_them() {
        let mut record = KeyRecord::of(["a", "b", "c", "d"].map(|text| Secret::new(text.as_bytes().to_vec())));
        record.secrets[0].lifetime = Lifetime { from_millis: 0, until_millis: 10 };
        record.secrets[2].label = Some("2027".into());
        assert_eq!(names(&record, i64::MIN), ["1", "2", "2027", "4"]);
        assert_eq!(names(&record, 10), ["over-1", "1", "2027", "3"]);
    }

    #[test]
    fn a_name_that_several_secrets_have_chooses_none() {
        let mut record = KeyRecord::of(["a", "b", "c"].map(|text| Secret::new(text.as_bytes().to_vec())));
        record.secrets[0].label = Some("2".into());
        let refused = |record: &KeyRecord, name: &str| chosen(record, name, i64::MIN).err();
        assert!(matches!(refused(&record, "2"), Some(NotChanged::SeveralSecrets)));
        assert!(matches!(refused(&record, "1"), Some(NotChanged::NoSuchSecret)));
        assert!(refused(&record, "3").is_none());
        record.secrets[2].label = record.secrets[0].label.clone();
        record.secrets[1].label = Some("old".into());
        assert!(matches!(refused(&record, "2"), Some(NotChanged::SeveralSecrets)));
        assert!(refused(&record, "old").is_none());
    }
}
