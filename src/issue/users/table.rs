//! Users by name, and the check of a password that tells nobody whether a name exists.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use serde_json::Value;
use zeroize::Zeroizing;

use super::{Failure, PasswordChecks};
use crate::password::PasswordHash;

/// Somebody who may log in.
#[derive(Debug, Clone)]
pub struct User {
    /// The name, as it is typed.
    pub name: String,
    /// The password's hash.
    pub password: PasswordHash,
    /// What their tokens say of them: an object.
    pub claims: Value,
    /// Whether they may not.
    pub disabled: bool,
}

/// The users of one source.
pub struct UserTable {
    all: Vec<Arc<User>>,
    by_name: HashMap<String, usize>,
    /// Where each user stands on a ring of hashes, in order: the next one stands in for a name that is not there. So most
    /// names keep theirs when users come and go.
    ring: Vec<(u64, usize)>,
    stand_ins: StandIns,
}

/// By what stand-ins are chosen: of the process, so that nobody can know whose hash stands in for a name, and the same for
/// all tables that follow one another, or names that are not there would give themselves away when they change theirs.
#[derive(Clone, Default)]
pub struct StandIns(RandomState);

impl UserTable {
    /// A table of `users`; of two with one name the later counts.
    pub fn new(users: Vec<User>, stand_ins: StandIns) -> UserTable {
        let all: Vec<Arc<User>> = users.into_iter().map(Arc::new).collect();
        let by_name = all.iter().enumerate().map(|(at, user)| (user.name.clone(), at)).collect();
        let mut ring: Vec<_> =
            all.iter().enumerate().map(|(at, user)| (stand_ins.0.hash_one(&user.name), at)).collect();
        ring.sort_unstable();
        UserTable { all, by_name, ring, stand_ins }
    }

    /// The user of that name, who may log in.
    pub(super) fn current(&self, name: &str) -> Option<Arc<User>> {
        self.find(name).0.filter(|user| !user.disabled)
    }

    /// The user of that name, if that is their password.
    ///
    /// Each way to fail takes one check of a password: that of a name which does not exist is made against another
    /// user's hash, always the same one for a name, so that its time is one that a user's could be.
    pub(super) async fn check(
        &self,
        name: &str,
        password: Zeroizing<Vec<u8>>,
        checks: &PasswordChecks,
    ) -> Result<Arc<User>, Failure> {
        let (found, checked) = self.find(name);
        let Some(checked) = checked else { return Err(Failure::UnknownUser) };
        let matches = checks.matches(checked.password.clone(), password).await?;
        match found {
            None => Err(Failure::UnknownUser),
            Some(_) if !matches => Err(Failure::WrongPassword),
            Some(user) if user.disabled => Err(Failure::DisabledUser),
            Some(user) => Ok(user),
        }
    }

    /// The user of that name, and the one whose hash is to be checked; none only where there are no users at all.
    fn find(&self, name: &str) -> (Option<Arc<User>>, Option<Arc<User>>) {
        let found = self.by_name.get(name).and_then(|at| self.all.get(*at)).cloned();
        let place = self.stand_ins.0.hash_one(name);
        let next = self.ring.partition_point(|(of_user, _)| *of_user < place);
        let next = self.ring.get(next).or(self.ring.first());
        let stand_in = next.and_then(|(_, at)| self.all.get(*at)).cloned();
        (found.clone(), found.or(stand_in))
    }
}

impl fmt::Debug for StandIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StandIns(…)")
    }
}

impl fmt::Debug for UserTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserTable({} users)", self.all.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Method;

    fn user(name: &str, password: &str, disabled: bool) -> User {
        let password = PasswordHash::make(password.as_bytes(), Method::Argon2id).unwrap();
        User { name: name.to_owned(), password, claims: Value::Null, disabled }
    }

    async fn check(table: &UserTable, name: &str, password: &str) -> Result<Arc<User>, Failure> {
        let checks = PasswordChecks::start(1, 8).unwrap();
        table.check(name, Zeroizing::new(password.as_bytes().to_vec()), &checks).await
    }

    #[tokio::test]
    async fn only_a_user_who_may_and_knows_the_password_is_let_in() {
        let table =
            UserTable::new(vec![user("alice", "a-secret", false), user("bob", "b-secret", true)], StandIns::default());
        assert_eq!(check(&table, "alice", "a-secret").await.unwrap().name, "alice");
        assert!(matches!(check(&table, "alice", "b-secret").await, Err(Failure::WrongPassword)));
        assert!(matches!(check(&table, "bob", "b-secret").await, Err(Failure::DisabledUser)));
        assert!(matches!(check(&table, "Alice", "a-secret").await, Err(Failure::UnknownUser)));
        assert!(table.current("alice").is_some() && table.current("bob").is_none());
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_costs_the_check_of_a_user_and_lets_nobody_in() {
        let table =
            UserTable::new(vec![user("alice", "a-secret", false), user("bob", "b-secret", false)], StandIns::default());
        for name in ["carol", "", "ALICE"] {
            let (found, stand_in) = table.find(name);
            let again = table.find(name).1.unwrap();
            assert!(found.is_none() && Arc::ptr_eq(&stand_in.unwrap(), &again), "{name}");
            let password = if again.name == "alice" { "a-secret" } else { "b-secret" };
            assert!(matches!(check(&table, name, password).await, Err(Failure::UnknownUser)), "{name}");
        }
        let nobody = UserTable::new(Vec::new(), StandIns::default());
        assert!(matches!(check(&nobody, "alice", "x").await, Err(Failure::UnknownUser)));
    }

    /// Where hashes differ in cost, a name whose time changes with a reload would be known not to be there.
    #[test]
    fn a_name_keeps_its_stand_in_over_a_reload_while_that_user_is_there() {
        let hash = PasswordHash::make(b"secret", Method::Argon2id).unwrap();
        let users = |names: std::ops::Range<u32>| {
            let user = |name: u32| User {
                name: format!("user-{name}"),
                password: hash.clone(),
                claims: Value::Null,
                disabled: false,
            };
            names.map(user).collect::<Vec<_>>()
        };
        let stand_ins = StandIns::default();
        let table = |names| UserTable::new(users(names), stand_ins.clone());
        let (before, same, more) = (table(0..100), table(0..100), table(0..101));
        let of = |table: &UserTable, name: &str| table.find(name).1.unwrap().name.clone();
        let mut chosen = std::collections::HashSet::new();
        for number in 0..1000 {
            let name = format!("nobody-{number}");
            assert_eq!(of(&before, &name), of(&same, &name));
            assert!([of(&before, &name), "user-100".to_owned()].contains(&of(&more, &name)));
            chosen.insert(of(&before, &name));
        }
        assert!(chosen.len() > 30, "{}", chosen.len());
    }
}
