//! Durations in fixed buckets from 100 µs to 10 s: coarse enough to be cheap, fine enough to see a slow upstream.

use super::worker::Counter;

/// Upper bounds in microseconds, each included in its bucket. What is longer falls into one more.
pub(super) const BOUNDS_MICROS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];
const BUCKETS: usize = BOUNDS_MICROS.len() + 1;

/// Written by one worker.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [Counter; BUCKETS],
    sum_micros: Counter,
}

impl Histogram {
    pub(super) fn observe(&self, micros: u64) {
        let bucket = BOUNDS_MICROS.partition_point(|&bound| bound < micros);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.add(1);
        }
        self.sum_micros.add(micros);
    }
}

/// The sums of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HistogramTotals {
    buckets: [u64; BUCKETS],
    sum_micros: u64,
}

impl HistogramTotals {
    pub(super) fn add(&mut self, histogram: &Histogram) {
        for (total, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *total += bucket.read();
        }
        self.sum_micros = self.sum_micros.saturating_add(histogram.sum_micros.read());
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub(super) fn sum_seconds(&self) -> f64 {
        seconds(self.sum_micros)
    }

    /// Upper bound in seconds and count of each bucket by itself, as the encoder wants them.
    pub(super) fn buckets(&self) -> [(f64, u64); BUCKETS] {
        let bound = |bucket| BOUNDS_MICROS.get(bucket).map_or(f64::INFINITY, |&micros| seconds(micros));
        std::array::from_fn(|bucket| (bound(bucket), self.buckets[bucket]))
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_on_a_bound_is_counted_below_it() {
        let histogram = Histogram::default();
        [0, 100, 101, 10_000_000, 10_000_001, 60_000_000].into_iter().for_each(|micros| histogram.observe(micros));
        let mut totals = HistogramTotals::default();
        totals.add(&histogram);
        assert_eq!((totals.buckets[0], totals.buckets[1], totals.buckets[15], totals.buckets[16]), (2, 1, 1, 2));
        assert_eq!(totals.count(), 6);
        assert!((totals.sum_seconds() - 80.000_202).abs() < 1e-9);
    }

    #[test]
    fn bounds_rise_and_the_last_bucket_has_none() {
        assert!(BOUNDS_MICROS.is_sorted_by(|low, high| low < high));
        let buckets = HistogramTotals::default().buckets();
        assert_eq!((buckets[0].0, buckets[15].0, buckets[16].0), (0.0001, 10.0, f64::INFINITY));
    }

    #[test]
    fn the_longest_duration_overflows_nothing() {
        let histogram = Histogram::default();
        histogram.observe(u64::MAX);
        let mut totals = HistogramTotals::default();
        totals.add(&histogram);
        totals.add(&histogram);
        assert_eq!((totals.count(), totals.sum_micros), (2, u64::MAX));
    }
}
