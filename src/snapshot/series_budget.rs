//! The series budget: which families are dropped so that a scrape has no more than `metrics.max_series` series.

use crate::{catalogue, exposition::SeriesCounts};

/// Which groups of families are dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SeriesBudget {
    /// The maximum number of series in a scrape; 0 if there is none.
    limit: usize,
    /// How many groups are dropped: the first ones of [`catalogue::drop_order`].
    dropped_groups: usize,
}

impl SeriesBudget {
    /// Nothing is dropped yet. A `limit` of 0 is none.
    pub fn new(limit: usize) -> Self {
        Self { limit, dropped_groups: 0 }
    }

    /// The maximum number of series in a scrape; 0 if there is none.
    pub fn limit(self) -> usize {
        self.limit
    }

    /// Whether families are dropped.
    pub fn drops(self) -> bool {
        self.dropped_groups > 0
    }

    /// The same groups are dropped until the next decision, which is made by this limit.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// The budget for these families, dropped or not, beside `own` series of the exporter.
    #[must_use]
    pub fn decide(self, published: &SeriesCounts, own: usize) -> Self {
        let group = |names: &Vec<&str>| names.iter().map(|name| published.get(name)).sum();
        let groups: Vec<usize> = catalogue::drop_order().iter().map(group).collect();
        // Another metric has a series for each of the families.
        let total = published.total() + published.families() + own;
        let dropped_groups = decide(&groups, total, self.limit, self.dropped_groups);
        Self { dropped_groups, ..self }
    }

    /// The families that are dropped, whether they have series or not.
    pub fn dropped(self) -> Vec<&'static str> {
        catalogue::drop_order().iter().take(self.dropped_groups).flatten().copied().collect()
    }
}

/// How many of the first `groups` are dropped. `groups` has their series, `total` the series with all of them, and `before`
/// of them were dropped before.
///
/// A group returns only when that leaves the total below 95 % of the limit, so that a fleet at the limit does not make
/// families come and go.
fn decide(groups: &[usize], total: usize, limit: usize, before: usize) -> usize {
    if limit == 0 {
        return 0;
    }
    let remaining = |dropped: usize| {
        let series: usize = groups.iter().take(dropped).sum();
        // The metric that shows what is dropped is counted by another metric.
        total - series + usize::from(series > 0)
    };
    let needed = (0..groups.len()).find(|&dropped| remaining(dropped) <= limit).unwrap_or(groups.len());
    let low = |dropped: usize| remaining(dropped) as u128 * 100 < limit as u128 * 95;
    let mut dropped = needed.max(before.min(groups.len()));
    while dropped > needed && low(dropped - 1) {
        dropped -= 1;
    }
    // A group without series is not dropped until one after it has to be.
    let visible = groups.iter().take(dropped).rposition(|series| *series > 0);
    visible.map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn groups_are_dropped_in_order_and_return_below_95_percent() {
        let groups = [100, 0, 200, 300];
        // Nothing is dropped at the limit, and the first group above it.
        assert_eq!(decide(&groups, 1000, 1000, 0), 0);
        assert_eq!(decide(&groups, 1001, 1000, 0), 1);
        assert_eq!(
            decide(&groups, 1100, 1000, 0),
            3,
            "without the first, 1000 and one about what is dropped"
        );
        assert_eq!(decide(&groups, 1000, 10, 0), 4, "the rest is served anyway");
        // The first group returns when the total with it is below 950.
        assert_eq!(decide(&groups, 950, 1000, 1), 1);
        assert_eq!(decide(&groups, 949, 1000, 1), 0);
        // The last dropped group returns first.
        assert_eq!(decide(&groups, 1000, 1000, 3), 1);
        assert_eq!(decide(&groups, 1060, 1000, 3), 3);
        assert_eq!(decide(&groups, 1_000_000, 0, 4), 0, "no limit");
        assert_eq!(decide(&[], 10, 1, 3), 0);
    }

    proptest! {
        #[test]
        fn served_series_fit_whenever_dropping_makes_them(
            steps in vec((vec(0..50_usize, 0..9), 0..200_usize, 0..400_usize), 1..20),
        ) {
            let mut before = 0;
            for (groups, never_dropped, limit) in steps {
                let total = never_dropped + groups.iter().sum::<usize>();
                let after = decide(&groups, total, limit, before);
                let served = |dropped: usize| {
                    let series: usize = groups[..dropped].iter().sum();
                    total - series + usize::from(series > 0)
                };
                let visible = |dropped: usize| groups[..dropped].iter().sum::<usize>() > 0;
                if limit == 0 {
                    prop_assert_eq!(after, 0);
                } else {
                    let fits = |dropped: &usize| served(*dropped) <= limit;
                    let needed = (0..=groups.len()).find(fits);
                    prop_assert!(needed.is_none_or(|_| served(after) <= limit), "more than the limit");
                    prop_assert!(needed.is_some() || served(after) == served(groups.len()), "all that can be");
                    let before = before.min(groups.len());
                    if visible(after) && Some(after) != needed && needed.is_some() {
                        prop_assert!(after <= before, "more is dropped than needed");
                        let with_next = served(after - 1);
                        prop_assert!(with_next * 100 >= limit * 95, "{} fit into {}", with_next, limit);
                    }
                    if after < before && visible(before) && served(before) != served(after) {
                        prop_assert!(served(after) * 100 < limit * 95, "a group returned too early");
                    }
                }
                prop_assert_eq!(decide(&groups, total, limit, after), after, "a second decision is the same");
                before = after;
            }
        }
    }
}
