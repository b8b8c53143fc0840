//! For how long after their time requests were let in under the configs before. What was accepted is remembered for that long,
//! so where a reload makes a scheme's window longer, what was signed before keeps the one that it had.

use std::{collections::BTreeMap, time::Duration};

use crate::{authenticate::Narrowed, config::Config};

/// The windows of schemes by their names, also of those that are gone for no longer than theirs was.
#[derive(Clone, Debug, Default)]
pub struct Windows(BTreeMap<String, Window>);

#[derive(Clone, Copy, Debug)]
struct Window {
    millis: i64,
    floor: Option<Floor>,
    /// Up to when it was in force; `None`: it is.
    until_millis: Option<i64>,
}

/// What was let in from then on at the latest may have been accepted under a shorter window.
#[derive(Clone, Copy, Debug)]
struct Floor {
    since_millis: i64,
    shortest_millis: i64,
}

impl Windows {
    /// The windows of `config`, which comes into force at `now_millis`.
    pub fn turned(&self, config: &Config, now_millis: i64) -> Windows {
        let gone = |window: &Window| Window { until_millis: window.until_millis.or(Some(now_millis)), ..*window };
        let still = |window: &Window| window.until_millis.is_none_or(|until| now_millis <= until + window.millis);
        let mut windows: BTreeMap<String, Window> =
            self.0.iter().map(|(name, window)| (name.clone(), gone(window))).filter(|(_, it)| still(it)).collect();
        for entry in &config.schemes {
            let window = entry.scheme.remembers().and_then(|_| entry.scheme.lets_in_for());
            if let Some(window) = window {
                let before = windows.get(&entry.name).copied();
                windows.insert(entry.name.clone(), Window::after(before, millis(window), now_millis));
            }
        }
        Windows(windows)
    }

    /// What of the scheme of that name has a shorter window than the config says.
    pub fn narrowed(&self, name: &str) -> Option<Narrowed> {
        let Window { millis, floor, .. } = self.0.get(name)?;
        let Floor { since_millis, shortest_millis } = (*floor)?;
        Some(Narrowed { since_millis, by_millis: millis - shortest_millis })
    }
}

impl Window {
    fn after(before: Option<Window>, millis: i64, now_millis: i64) -> Window {
        let Some(before) = before else { return Window { millis, floor: None, until_millis: None } };
        let is_open = |floor: &Floor| now_millis <= floor.since_millis.saturating_add(before.millis.max(millis));
        let floor = before.floor.filter(is_open);
        let shortest = floor.map_or(before.millis, |floor| floor.shortest_millis.min(before.millis));
        // Whoever still answers by the old config, and clocks that are behind, are within its window.
        let widened = Floor { since_millis: now_millis.saturating_add(before.millis), shortest_millis: shortest };
        let floor = if millis > before.millis { Some(widened) } else { floor.filter(|_| millis > shortest) };
        Window { millis, floor, until_millis: None }
    }
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
        let scheme = |(name, past): &(&str, &str)| {
            format!(
                "  {name}: {{ preset: device-v2, keys: k, timestamp: {{ from: '{{header:X-HMAC-Timestamp}}', \
                 formats: [unix], past: {past}, future: 10s }} }}\n"
            )
        };
        let text = format!(
            "listen: 127.0.0.1:8000\nkeys: {{ k: {{ shared: {{ value: 0123456789abcdef }} }} }}\nschemes:\n{}\
             upstreams: {{ ok: {{ echo: true }} }}\nroutes: [{{ match: {{ path: / }}, public: true, to: ok }}]\n",
            schemes.iter().map(scheme).collect::<String>()
        );
        config::parse(&text, "t.yaml", &System).unwrap().0
    }

    /// How much shorter the window of `v2` is after reloads at seconds from the start on.
    fn shorter(reloads: &[(i64, &str)]) -> Option<(i64, i64)> {
        let mut windows = Windows::default();
        for (seconds, past) in reloads {
            let own = [("v2", *past), ("other", "1s")];
            let schemes = if past.is_empty() { &own[1..] } else { &own[..] };
            windows = windows.turned(&config(schemes), START + seconds * 1000);
        }
        assert!(windows.narrowed("other").is_none());
        let Narrowed { since_millis, by_millis } = windows.narrowed("v2")?;
        Some(((since_millis - START) / 1000, by_millis / 1000))
    }

    #[test]
    fn what_was_signed_before_its_window_was_made_longer_keeps_the_one_that_it_had() {
        assert_eq!(shorter(&[(0, "60s")]), None);
        assert_eq!(shorter(&[(0, "60s"), (100, "60s"), (200, "30s")]), None);
        assert_eq!(shorter(&[(0, "60s"), (100, "300s")]), Some((160, 240)));
        assert_eq!(shorter(&[(0, "60s"), (100, "300s"), (200, "300s")]), Some((160, 240)), "a reload changes nothing");
        assert_eq!(shorter(&[(0, "60s"), (100, "300s"), (461, "300s")]), None, "what was signed then is over");
        assert_eq!(shorter(&[(0, "60s"), (100, "120s"), (110, "300s")]), Some((230, 240)), "the shortest counts");
        assert_eq!(shorter(&[(0, "300s"), (100, "10s"), (105, "300s")]), Some((115, 290)));
        assert_eq!(shorter(&[(0, "60s"), (100, "300s"), (110, "60s")]), None);
    }

    #[test]
    fn one_that_was_gone_for_a_moment_is_not_new() {
        assert_eq!(shorter(&[(0, "60s"), (100, ""), (150, "300s")]), Some((210, 240)));
        assert_eq!(shorter(&[(0, "60s"), (100, ""), (161, "300s")]), None);
    }
}
