//! Families in the memory of this process: after a restart everybody logs in again.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    Grant, RefreshFault, RefreshRules,
    token::{self, FamilyId, SecretHash},
};
use crate::{secret::are_equal, store::families::OF_HOLDER};

/// How many families somebody may have who is to keep them all when there is no room.
const FEW: usize = 10;

/// The living families of all issuers, so many at most.
pub struct MemoryFamilies {
    capacity: usize,
    families: Mutex<HashMap<FamilyId, Family>>,
}

struct Family {
    rules: RefreshRules,
    grant: Grant,
    /// The one good token's, and that of the one that was spent for it.
    hash: SecretHash,
    spent: Option<SecretHash>,
    /// When the first was made, in milliseconds since 1970, and when that one, if it is another.
    begun: i64,
    renewed: Option<i64>,
}

impl MemoryFamilies {
    /// No families yet.
    pub fn new(capacity: usize) -> MemoryFamilies {
        MemoryFamilies { capacity, families: Mutex::default() }
    }

    /// Begins a family: the first refresh token after a login.
    ///
    /// # Errors
    /// [`RefreshFault::Full`], where each has few; or there is no randomness.
    pub fn begin(&self, rules: RefreshRules, grant: Grant, now_millis: i64) -> Result<String, RefreshFault> {
        let id = token::family_id(&token::holder(&grant))?;
        let fresh = token::fresh(&id)?;
        let mut families = self.lock();
        if families.len() >= self.capacity {
            families.retain(|_, family| !family.has_expired(now_millis));
        }
        if families.len() >= self.capacity {
            make_room(&mut families, &id)?;
        }
        families.insert(id, Family { rules, grant, hash: fresh.hash, spent: None, begun: now_millis, renewed: None });
        Ok(fresh.token)
    }

    /// What the family of a good token was granted.
    pub(super) fn look(
        &self,
        id: &FamilyId,
        hash: &SecretHash,
        issuer: &str,
        now_millis: i64,
    ) -> Result<Grant, RefreshFault> {
        self.with_good(id, hash, issuer, now_millis, |family| family.grant.clone())
    }

    /// Takes a token for its successor.
    pub(super) fn renew(
        &self,
        id: &FamilyId,
        hash: &SecretHash,
        successor: SecretHash,
        issuer: &str,
        now_millis: i64,
    ) -> Result<(), RefreshFault> {
        self.with_good(id, hash, issuer, now_millis, |family| {
            family.spent = Some(std::mem::replace(&mut family.hash, successor));
            family.renewed = Some(now_millis);
        })
    }

    /// Ends a family, if it is of that issuer.
    pub(super) fn end(&self, id: &FamilyId, issuer: &str) {
        let mut families = self.lock();
        if families.get(id).is_some_and(|family| *family.grant.issuer == *issuer) {
            families.remove(id);
        }
    }

    fn with_good<T>(
        &self,
        id: &FamilyId,
        hash: &SecretHash,
        issuer: &str,
        now_millis: i64,
        work: impl FnOnce(&mut Family) -> T,
    ) -> Result<T, RefreshFault> {
        let mut families = self.lock();
        let family = families.get_mut(id).ok_or(RefreshFault::Unknown)?;
        match family.judge(hash, issuer, now_millis) {
            Ok(()) => Ok(work(family)),
            Err(fault) => {
                if matches!(fault, RefreshFault::Reused | RefreshFault::Expired) {
                    families.remove(id);
                }
                Err(fault)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FamilyId, Family>> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Family {
    /// Whoever knows a family's id has seen one of its tokens; if it is not the good one, it is a spent one.
    fn judge(&self, hash: &SecretHash, issuer: &str, now: i64) -> Result<(), RefreshFault> {
        if *self.grant.issuer != *issuer {
            return Err(RefreshFault::OtherIssuer);
        }
        if self.has_expired(now) {
            return Err(RefreshFault::Expired);
        }
        let was_spent_last = self.spent.is_some_and(|spent| are_equal(&spent, hash));
        match are_equal(&self.hash, hash) {
            true => Ok(()),
            false if was_spent_last && now < after(self.used(), self.rules.grace) => Err(RefreshFault::Crossed),
            false => Err(RefreshFault::Reused),
        }
    }

    /// When it was used last.
    fn used(&self) -> i64 {
        self.renewed.unwrap_or(self.begun)
    }

    fn has_expired(&self, now: i64) -> bool {
        now >= after(self.used(), self.rules.lifetime) || now >= after(self.begun, self.rules.absolute)
    }
}

/// Ends the oldest families of whoever has most of them, so that nobody who logs in again and again shuts out anybody else.
/// Several at once, for looking through them all takes a while. One name at two issuers is two people.
fn make_room(families: &mut HashMap<FamilyId, Family>, newcomer: &FamilyId) -> Result<(), RefreshFault> {
    let newcomer = whose(newcomer);
    let mut held: HashMap<[u8; OF_HOLDER], usize> = HashMap::new();
    for id in families.keys() {
        *held.entry(whose(id)).or_default() += 1;
    }
    let of_newcomer = held.get(&newcomer).copied().unwrap_or_default();
    let (holder, most) = held.into_iter().max_by_key(|(_, count)| *count).ok_or(RefreshFault::Full)?;
    // Whoever has as many as anybody gives way to himself alone.
    let holder = if of_newcomer == most { newcomer } else { holder };
    if most < FEW {
        return Err(RefreshFault::Full);
    }
    let mut oldest: Vec<(i64, FamilyId)> =
        families.iter().filter(|(id, _)| whose(id) == holder).map(|(id, family)| (family.used(), *id)).collect();
    oldest.sort_unstable_by_key(|(used, _)| *used);
    for (_, id) in oldest.into_iter().take(most / FEW) {
        families.remove(&id);
    }
    Ok(())
}

/// The half of a family's id that all families of one subject of one issuer have in common.
fn whose(id: &FamilyId) -> [u8; OF_HOLDER] {
    id.first_chunk().copied().unwrap_or_default()
}

fn after(millis: i64, duration: Duration) -> i64 {
    millis.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

impl fmt::Debug for MemoryFamilies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryFamilies({} of {})", self.lock().len(), self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use serde_json::json;

    use super::*;

    const DAY: i64 = 86_400_000;

    fn rules() -> RefreshRules {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        RefreshRules { lifetime: days(14), absolute: days(90), grace: Duration::from_secs(2), per_subject: 10 }
    }

    fn begin(families: &MemoryFamilies, now: i64) -> Result<String, RefreshFault> {
        begin_of(families, "alice", now)
    }

    fn begin_of(families: &MemoryFamilies, subject: &str, now: i64) -> Result<String, RefreshFault> {
        begin_at("api", families, subject, now)
    }

    fn begin_at(issuer: &str, families: &MemoryFamilies, subject: &str, now: i64) -> Result<String, RefreshFault> {
        let grant = Grant {
            subject: subject.into(),
            claims: Arc::new(json!({})),
            issuer: issuer.into(),
            client: None,
            scope: None,
            begun_unix: 0,
        };
        families.begin(rules(), grant, now)
    }

    fn renew(families: &MemoryFamilies, token: &str, now: i64) -> Result<String, RefreshFault> {
        renew_of(families, token, "api", now)
    }

    fn renew_of(families: &MemoryFamilies, token: &str, issuer: &str, now: i64) -> Result<String, RefreshFault> {
        let (id, hash) = token::read(token.as_bytes()).ok_or(RefreshFault::Unknown)?;
        let fresh = token::fresh(&id)?;
        families.renew(&id, &hash, fresh.hash, issuer, now).map(|()| fresh.token)
    }

    fn end(families: &MemoryFamilies, token: &str, issuer: &str) {
        families.end(&token::read(token.as_bytes()).unwrap().0, issuer);
    }

    #[test]
    fn of_those_that_were_spent_the_last_has_a_grace_and_the_others_have_none() {
        let families = MemoryFamilies::new(10);
        let first = begin(&families, 0).unwrap();
        let second = renew(&families, &first, 1_000).unwrap();
        let third = renew(&families, &second, 1_500).unwrap();
        assert_eq!(renew(&families, &second, 1_600), Err(RefreshFault::Crossed));
        assert_eq!(renew(&families, &first, 1_700), Err(RefreshFault::Reused));
        assert_eq!(renew(&families, &third, 1_800), Err(RefreshFault::Unknown));
    }

    #[test]
    fn each_token_is_good_once_and_its_successor_after_it() {
        let families = MemoryFamilies::new(10);
        let mut token = begin(&families, 0).unwrap();
        for now in 1..5 {
            let next = renew(&families, &token, now * DAY).unwrap();
            assert_ne!(next, token);
            token = next;
        }
    }

    #[test]
    fn a_spent_token_kills_its_family_however_long_ago_it_was_spent() {
        for spent in [0, 1] {
            let families = MemoryFamilies::new(10);
            let first = begin(&families, 0).unwrap();
            let second = renew(&families, &first, DAY).unwrap();
            let third = renew(&families, &second, 2 * DAY).unwrap();
            let again = [&first, &second][spent];
            assert_eq!(renew(&families, again, 2 * DAY + 2_000), Err(RefreshFault::Reused));
            assert_eq!(
                renew(&families, &third, 2 * DAY + 2_001),
                Err(RefreshFault::Unknown),
                "the good one is dead too"
            );
        }
    }

    #[test]
    fn of_fifty_at_once_one_gets_a_new_pair_and_the_family_lives_until_one_comes_again_later() {
        let families = Arc::new(MemoryFamilies::new(10));
        let token = begin(&families, 0).unwrap();
        let all: Vec<_> = (0..50)
            .map(|_| {
                let (families, token) = (families.clone(), token.clone());
                thread::spawn(move || renew(&families, &token, DAY))
            })
            .collect();
        let all: Vec<_> = all.into_iter().map(|one| one.join().unwrap()).collect();
        let got: Vec<&String> = all.iter().filter_map(|one| one.as_ref().ok()).collect();
        assert_eq!(got.len(), 1, "{all:?}");
        assert!(all.iter().all(|one| matches!(one, Ok(_) | Err(RefreshFault::Crossed))), "{all:?}");
        let next = renew(&families, got[0], DAY + 1_000).unwrap();
        assert_eq!(renew(&families, &token, DAY + 3_000), Err(RefreshFault::Reused));
        assert_eq!(renew(&families, &next, DAY + 3_000), Err(RefreshFault::Unknown));
    }

    #[test]
    fn a_family_ends_when_it_is_not_used_and_after_its_time_however_often_it_is() {
        let families = MemoryFamilies::new(10);
        let idle = begin(&families, 0).unwrap();
        assert_eq!(renew(&families, &idle, 14 * DAY), Err(RefreshFault::Expired));
        let mut token = begin(&families, 0).unwrap();
        for day in (10..90).step_by(10) {
            token = renew(&families, &token, day * DAY).unwrap();
        }
        assert_eq!(renew(&families, &token, 90 * DAY), Err(RefreshFault::Expired));
    }

    #[test]
    fn another_issuer_neither_renews_nor_ends_a_family_and_its_own_ends_it_by_any_token_of_it() {
        let families = MemoryFamilies::new(10);
        let first = begin(&families, 0).unwrap();
        assert_eq!(renew_of(&families, &first, "other", DAY), Err(RefreshFault::OtherIssuer));
        end(&families, &first, "other");
        let next = renew(&families, &first, DAY).unwrap();
        end(&families, &first, "api");
        assert_eq!(renew(&families, &next, DAY), Err(RefreshFault::Unknown));
    }

    #[test]
    fn a_living_family_is_never_forgotten_early_and_an_expired_one_makes_room() {
        let families = MemoryFamilies::new(2);
        let first = begin(&families, 0).unwrap();
        begin(&families, 10 * DAY).unwrap();
        assert_eq!(begin(&families, 10 * DAY), Err(RefreshFault::Full));
        begin(&families, 14 * DAY).unwrap();
        assert_eq!(renew(&families, &first, 14 * DAY), Err(RefreshFault::Unknown));
    }

    #[test]
    fn whoever_has_most_gives_way_and_nobody_else_is_shut_out() {
        let families = MemoryFamilies::new(30);
        let bob = begin_of(&families, "bob", 0).unwrap();
        let alice: Vec<String> = (1..30).map(|now| begin_of(&families, "alice", now).unwrap()).collect();
        let carol = begin_of(&families, "carol", 40).unwrap();
        assert_eq!(renew(&families, &alice[0], 50), Err(RefreshFault::Unknown), "her oldest");
        for token in [&bob, &carol, &alice[28]] {
            assert!(renew(&families, token, 50).is_ok());
        }
        let again: Vec<String> = (60..160).map(|now| begin_of(&families, "alice", now).unwrap()).collect();
        assert!(renew(&families, &again[99], 200).is_ok());
    }

    #[test]
    fn whoever_logs_in_again_and_again_logs_out_nobody_of_that_name_at_another_issuer() {
        let families = MemoryFamilies::new(30);
        let alice = begin_of(&families, "alice", 0).unwrap();
        for now in 1..100 {
            begin_at("guests", &families, "alice", now).unwrap();
        }
        assert!(renew(&families, &alice, 200).is_ok());
    }

    #[test]
    fn nothing_but_a_token_is_read_as_one() {
        let families = MemoryFamilies::new(2);
        let token = begin(&families, 0).unwrap();
        let long = format!("{token}A");
        for wrong in ["", "x", token.get(1..).unwrap_or_default(), &long, "=", "🙂"] {
            assert_eq!(renew(&families, wrong, 0), Err(RefreshFault::Unknown), "{wrong}");
        }
        assert!(!format!("{families:?}").contains(&token));
    }
}
