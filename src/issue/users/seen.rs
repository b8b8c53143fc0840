//! Whose hash is checked where there is none: so that the time of a name that does not exist is one that a user's could be.
//!
//! A database may hold hashes of several kinds and costs. Those that were found lately are remembered, and the same name
//! gets the same one as long as it is there.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

use crate::password::{Method, PasswordFault, PasswordHash};

/// Hashes that are remembered. Each name has its place, so that one user who comes often is one among many.
const PLACES: usize = 64;

/// The hashes.
pub(super) struct SeenHashes {
    places: Mutex<Vec<Option<PasswordHash>>>,
    /// Until any is found.
    own: PasswordHash,
    /// Chosen by the process, so that nobody can know which place a name has.
    chooses: RandomState,
}

impl SeenHashes {
    pub(super) fn new() -> Result<SeenHashes, PasswordFault> {
        let own = PasswordHash::make(b"of nobody at all", Method::Argon2id)?;
        Ok(SeenHashes { places: Mutex::new(vec![None; PLACES]), own, chooses: RandomState::new() })
    }

    /// Notes the hash of a user.
    pub(super) fn note(&self, name: &str, hash: &PasswordHash) {
        let place = self.place(name);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get_mut(place).filter(|known| known.as_ref() != Some(hash)) {
            *place = Some(hash.clone());
        }
    }

    /// The hash that a name without one is checked against. Whatever comes of it, it lets nobody in.
    pub(super) fn of(&self, name: &str) -> PasswordHash {
        let first = self.place(name);
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let mut from_there_on = places.iter().cycle().skip(first).take(PLACES);
        from_there_on.find_map(Option::clone).unwrap_or_else(|| self.own.clone())
    }

    fn place(&self, name: &str) -> usize {
        let places = u64::try_from(PLACES).unwrap_or(1);
        usize::try_from(self.chooses.hash_one(name) % places).unwrap_or_default()
    }
}

impl fmt::Debug for SeenHashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeenHashes(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT: &str = "$2b$04$elenKc2cw8RjdgO1yuz.NOccPTEyrr8RoQ9PRKsGbHFjKv305PXKW";

    #[test]
    fn a_name_without_a_hash_costs_what_users_cost_as_soon_as_one_was_seen() {
        let stand_ins = SeenHashes::new().unwrap();
        assert!(stand_ins.of("mallory").to_text().starts_with("$argon2id$"));
        stand_ins.note("alice", &PasswordHash::parse(BCRYPT).unwrap());
        for name in ["mallory", "eve", "trent", ""] {
            assert_eq!(stand_ins.of(name).to_text(), BCRYPT, "{name}");
        }
    }

    #[test]
    fn the_same_name_gets_the_same_hash_and_a_user_who_comes_often_has_one_place() {
        let stand_ins = SeenHashes::new().unwrap();
        let other = |cost: u32| PasswordHash::parse(&BCRYPT.replace("$04$", &format!("${cost:02}$"))).unwrap();
        for name in 0..40 {
            stand_ins.note(&name.to_string(), &other(5));
        }
        for _ in 0..1000 {
            stand_ins.note("alice", &other(6));
        }
        let names: Vec<String> = (0..200).map(|name| format!("nobody-{name}")).collect();
        let of_alice = names.iter().filter(|name| stand_ins.of(name) == other(6)).count();
        assert!(of_alice < 60, "{of_alice} of 200");
        assert!(names.iter().all(|name| stand_ins.of(name) == stand_ins.of(name)));
    }
}
