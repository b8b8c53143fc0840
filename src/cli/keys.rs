//! `countersign keys`: random keys, derived keys, and keys that are kept in a file, Redis or a database.

mod change;
mod derive;
mod file_store;
mod place;
mod remote_store;
mod store;

use base64::{Engine, prelude::BASE64_STANDARD};
use clap::{Args, Subcommand, ValueEnum};
use zeroize::Zeroizing;

use super::{Exit, data, trouble::Trouble, words};

/// Make keys, and keep those in a file, Redis or a database
#[derive(Subcommand)]
pub(super) enum Keys {
    New(New),
    Derive(derive::Derive),
    List(change::List),
    Add(change::Add),
    Rotate(change::Rotate),
    Retire(change::Retire),
    Disable(change::Disable),
    Enable(change::Enable),
}

/// Make a random key
///
///   countersign keys new
///   countersign keys new --bits 512 --encoding base64
///   umask 077; countersign keys new > device.key
///
/// The key is written to standard output and kept nowhere.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct New {
    /// Its length: 128 to 4096, a multiple of 8
    #[arg(long, value_name = "N", default_value = "256", value_parser = bits)]
    bits: usize,
    /// How it is written
    #[arg(long, value_enum, default_value = "hex")]
    encoding: Encoding,
}

#[derive(Clone, Copy, ValueEnum)]
enum Encoding {
    Hex,
    Base64,
}

/// Why a number of bits is not taken.
#[derive(Debug, thiserror::Error)]
#[error("wanted is a multiple of 8 from 128 to 4096; a shorter key can be guessed")]
struct BitsError;

impl Keys {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        match self {
            Keys::New(new) => new.execute(),
            Keys::Derive(derive) => derive.execute(),
            Keys::List(list) => list.execute(),
            Keys::Add(add) => add.execute(),
            Keys::Rotate(rotate) => rotate.execute(),
            Keys::Retire(retire) => retire.execute(),
            Keys::Disable(disable) => disable.execute(),
            Keys::Enable(enable) => enable.execute(),
        }
    }
}

impl New {
    fn execute(&self) -> Result<Exit, Trouble> {
        let key = random(self.bits / 8)?;
        let (text, name) = match self.encoding {
            Encoding::Hex => (hex::encode(&*key), "hex"),
            Encoding::Base64 => (BASE64_STANDARD.encode(&*key), "base64"),
        };
        data(format_args!("{}", *Zeroizing::new(text)));
        words(format_args!(
            "A key of {} bits. Keep it in a variable or a file, and name that in the config: `{{ env: NAME }}`.\n\
             So the text itself is the key, as for `openssl dgst -hmac`; where clients decode it first, add\n\
             `encoding: {name}`. Both sides must do the same.",
            self.bits
        ));
        Ok(Exit::Ok)
    }
}

/// Random bytes from the system.
pub(super) fn random(length: usize) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    getrandom::fill(&mut bytes).map_err(Trouble::Random)?;
    Ok(bytes)
}

fn bits(text: &str) -> Result<usize, BitsError> {
    text.parse().ok().filter(|bits| (128..=4096).contains(bits) && bits % 8 == 0).ok_or(BitsError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_length_asked_for_and_differ() {
        let (one, other) = (random(32).unwrap(), random(32).unwrap());
        assert_eq!((one.len(), other.len()), (32, 32));
        assert_ne!(one, other);
    }

    #[test]
    fn a_key_that_can_be_guessed_is_not_made() {
        assert_eq!(bits("256").unwrap(), 256);
        for text in ["0", "64", "120", "129", "4104", "-256", "", "many"] {
            assert!(bits(text).is_err(), "{text}");
        }
    }
}
