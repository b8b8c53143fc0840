//! How long after they were signed requests were let in under the configs before. What was accepted may be remembered for no
//! longer than that, so where a reload makes a scheme's window longer, what was signed before keeps the one that it had.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    authenticate::Narrowed,
    config::Config,
    scheme::{Scheme, SigningWindow},
};

/// For so long after a scheme's name is gone its windows are known, in milliseconds: one that is left out for a moment is not new.
const GONE_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// For at least so long after a reload somebody still answers by the old config, in milliseconds.
const BEHIND_MILLIS: i64 = 60 * 1000;
/// Shorter windows from before that are told apart.
const MOST_BEFORE: usize = 8;

/// The windows of schemes by their names.
#[derive(Clone, Debug, Default)]
pub struct Windows(BTreeMap<String, Entry>);

#[derive(Clone, Debug, Default)]
struct Entry {
    /// The one in force; `None`: the config has no such scheme, or it remembers nothing.
    window: Option<SigningWindow>,
    /// What was let in under those from before: the later it was signed, the longer the window.
    before: Vec<Narrowed>,
}

impl Windows {
    /// The windows of `config`, which comes into force at `now_millis`.
    pub fn turned(&self, config: &Config, now_millis: i64) -> Windows {
        let mut windows = self.0.clone();
        windows.values_mut().for_each(|entry| entry.end(now_millis));
        for entry in &config.schemes {
            if let Some(window) = window(&entry.scheme) {
                windows.entry(entry.name.clone()).or_default().window = Some(window);
            }
        }
        windows.values_mut().for_each(|entry| entry.forget(now_millis));
        windows.retain(|_, entry| entry.window.is_some() || !entry.before.is_empty());
        Windows(windows)
    }

    /// What of the scheme of that name has a shorter window than the config says.
    pub fn narrowed(&self, name: &str) -> Vec<Narrowed> {
        let Some(Entry { window: Some(window), before }) = self.0.get(name) else { return Vec::new() };
        before.iter().filter(|before| before.past_millis < window.past_millis).copied().collect()
    }
}

impl Entry {
    /// What was in force until now becomes one from before. An open window forgets on purpose.
    fn end(&mut self, now_millis: i64) {
        let Some(window) = self.window.take().filter(|window| window.past_millis < i64::MAX) else { return };
        let behind = window.past_millis.max(BEHIND_MILLIS);
        let ended = Narrowed {
            signed_until_millis: now_millis.saturating_add(window.future_millis).saturating_add(behind),
            past_millis: window.past_millis,
        };
        self.before.retain(|known| !covers(&ended, known));
        if !self.before.iter().any(|known| covers(known, &ended)) {
            self.before.push(ended);
        }
        self.before.sort_by_key(|known| known.past_millis);
        if self.before.len() > MOST_BEFORE {
            let shortest = self.before.remove(0);
            self.before.iter_mut().take(1).for_each(|next| next.past_millis = shortest.past_millis);
        }
    }

    /// What the window in force ends for anyway need not be known: when that one is made longer, it is one from before.
    fn forget(&mut self, now_millis: i64) {
        let longest = self.window.map_or(GONE_MILLIS, |window| window.past_millis);
        self.before.retain(|known| now_millis <= known.signed_until_millis.saturating_add(longest));
    }
}

/// Whether `one` refuses all that `other` does.
fn covers(one: &Narrowed, other: &Narrowed) -> bool {
    one.signed_until_millis >= other.signed_until_millis && one.past_millis <= other.past_millis
}

/// The window of a scheme that remembers. What may be dated as far ahead as one likes is let in once more as soon as it is
/// forgotten, so only what is dated no further ahead than that counts.
fn window(scheme: &Scheme) -> Option<SigningWindow> {
    let (remembers, window) = (millis(scheme.remembers()?), scheme.signing_window()?);
    Some(SigningWindow { future_millis: window.future_millis.min(remembers), ..window })
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, System};

    const START: i64 = 1_700_000_000_000;

    fn config(schemes: &[(&str, &str)]) -> Config {
        let scheme = |(name, window): &(&str, &str)| {
            format!(
                "  {name}: {{ preset: device-v2, keys: k, replay: {{ key: '{{header:X-HMAC-Nonce}}', remember: 1000s }}, \
                 timestamp: {{ from: '{{header:X-HMAC-Timestamp}}', formats: [unix], {window} }} }}\n"
            )
        };
        let text = format!(
            "listen: 127.0.0.1:8000\nkeys: {{ k: {{ shared: {{ value: 0123456789abcdef }} }} }}\nschemes:\n{}\
             upstreams: {{ ok: {{ echo: true }} }}\nroutes: [{{ match: {{ path: / }}, public: true, to: ok }}]\n",
            schemes.iter().map(scheme).collect::<String>()
        );
        config::parse(&text, "t.yaml", &System).unwrap().0
    }

    /// Up to when what was signed of `v2` has how short a window, after reloads at seconds from the start on; `gone`: without it.
    fn narrowed(reloads: &[(i64, &str)]) -> Vec<(i64, i64)> {
        let mut windows = Windows::default();
        for (seconds, window) in reloads {
            let own = [("other", "past: 1s, future: 1s"), ("v2", *window)];
            let schemes = if *window == "gone" { &own[..1] } else { &own[..] };
            windows = windows.turned(&config(schemes), START + seconds * 1000);
        }
        assert!(windows.narrowed("other").is_empty());
        let seconds =
            |known: Narrowed| ((known.signed_until_millis - START).div_euclid(1000), known.past_millis / 1000);
        windows.narrowed("v2").into_iter().map(seconds).collect()
    }

    const NONE: [(i64, i64); 0] = [];
    const OPEN: &str = "future: 10s";
    const SHORT: &str = "past: 60s, future: 10s";
    const LONG: &str = "past: 300s, future: 10s";

    #[test]
    fn what_was_signed_before_its_window_was_made_longer_keeps_the_one_that_it_had() {
        assert_eq!(narrowed(&[(0, SHORT)]), NONE);
        assert_eq!(narrowed(&[(0, SHORT), (100, SHORT), (200, "past: 30s, future: 10s")]), NONE);
        assert_eq!(narrowed(&[(0, SHORT), (100, LONG)]), [(170, 60)]);
        assert_eq!(narrowed(&[(0, SHORT), (100, LONG), (200, LONG), (300, LONG)]), [(170, 60)], "they change nothing");
        assert_eq!(narrowed(&[(0, SHORT), (100, LONG), (470, LONG)]), [(170, 60)]);
        assert_eq!(narrowed(&[(0, SHORT), (100, LONG), (471, LONG)]), NONE, "what was signed then is over");
        assert_eq!(narrowed(&[(0, SHORT), (100, LONG), (110, SHORT)]), NONE);
        assert_eq!(narrowed(&[(0, "past: 1s, future: 0s"), (100, SHORT)]), [(160, 1)], "a minute for who is behind");
    }

    #[test]
    fn each_shorter_window_counts_for_what_was_signed_under_it() {
        let between = "past: 120s, future: 10s";
        assert_eq!(narrowed(&[(0, SHORT), (100, between), (150, LONG)]), [(170, 60), (280, 120)]);
        assert_eq!(narrowed(&[(0, LONG), (100, SHORT), (105, LONG)]), [(175, 60)]);
        assert_eq!(narrowed(&[(0, LONG), (100, SHORT), (105, "past: 600s, future: 10s")]), [(175, 60), (410, 300)]);
    }

    #[test]
    fn what_was_dated_as_far_ahead_as_was_allowed_then_counts() {
        assert_eq!(narrowed(&[(0, "past: 60s, future: 500s"), (100, LONG)]), [(660, 60)]);
        let ahead = [(0, "past: 60s, future: 500s"), (100, SHORT), (105, LONG)];
        assert_eq!(narrowed(&ahead), [(660, 60)], "though it was less at last");
        // Dated further ahead than that, it was let in once more under the old config too.
        assert_eq!(narrowed(&[(0, "past: 60s"), (100, LONG)]), [(1160, 60)]);
    }

    #[test]
    fn an_open_window_is_the_longest() {
        assert_eq!(narrowed(&[(0, SHORT), (100, OPEN)]), [(170, 60)]);
        assert_eq!(narrowed(&[(0, SHORT), (100, OPEN), (1_000_000, OPEN)]), [(170, 60)], "it never ends");
        assert_eq!(narrowed(&[(0, OPEN), (100, LONG)]), NONE);
        assert_eq!(narrowed(&[(0, SHORT), (100, OPEN), (110, LONG)]), [(170, 60)]);
    }

    #[test]
    fn one_that_was_gone_for_a_while_is_not_new() {
        assert_eq!(narrowed(&[(0, SHORT), (100, "gone")]), NONE, "nothing is let in by it");
        assert_eq!(narrowed(&[(0, SHORT), (100, "gone"), (300, LONG)]), [(170, 60)]);
        assert_eq!(narrowed(&[(0, SHORT), (100, "gone"), (200, "gone"), (471, LONG)]), NONE);
        assert_eq!(narrowed(&[(0, SHORT), (100, "gone"), (10_000, OPEN)]), [(170, 60)]);
        assert_eq!(narrowed(&[(0, SHORT), (100, "gone"), (86_571, "gone"), (86_572, OPEN)]), NONE, "a day is enough");
    }

    #[test]
    fn of_many_windows_the_oldest_are_taken_for_the_shortest() {
        let windows: Vec<String> = (0..20).map(|more| format!("past: {}s, future: 0s", 1000 + more)).collect();
        let reloads: Vec<(i64, &str)> = (0..).zip(windows.iter().map(String::as_str)).collect();
        let narrowed = narrowed(&reloads);
        assert_eq!((narrowed.len(), narrowed[0].1, narrowed[1].1, narrowed[7].1), (8, 1000, 1012, 1018));
    }
}
