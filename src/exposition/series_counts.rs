//! The number of series of each family.

use super::{Labels, MetricFamilies, SampleSink, SampleWriter, Value};

/// The number of series of each family that has any, by the name of the metric, in the order in which families are
/// served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesCounts(Vec<(&'static str, usize)>);

impl SeriesCounts {
    /// Counts the series of `objects`.
    pub fn of<'c, 'o: 'c, C: MetricFamilies>(objects: impl Iterator<Item = &'c C::Object<'o>>) -> Self {
        let mut counters: Vec<_> = C::families().iter().map(|family| (family, Counter(0))).collect();
        for object in objects {
            for (family, counter) in &mut counters {
                (family.write)(object, &mut SampleWriter::new(counter));
            }
        }
        counters.into_iter().map(|(family, counter)| (family.descriptor.name, counter.0)).collect()
    }

    /// The families and their numbers of series.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, usize)> + Clone {
        self.0.iter().copied()
    }

    /// The number of families.
    pub fn families(&self) -> usize {
        self.0.len()
    }

    /// The number of series of all families.
    pub fn total(&self) -> usize {
        self.iter().map(|(_, series)| series).sum()
    }

    /// The number of series of `family`.
    pub fn get(&self, family: &str) -> usize {
        self.iter().filter(|(name, _)| *name == family).map(|(_, series)| series).sum()
    }

    /// The families for which `is_first` holds, and the others.
    pub fn partition(&self, is_first: impl Fn(&str) -> bool) -> (Self, Self) {
        let (first, others) = self.iter().partition(|(name, _)| is_first(name));
        (Self(first), Self(others))
    }

    /// Adds the numbers of `other`, family by family.
    pub fn add(&mut self, other: &Self) {
        for (name, series) in other.iter() {
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += series,
                None => self.0.push((name, series)),
            }
        }
    }
}

impl FromIterator<(&'static str, usize)> for SeriesCounts {
    /// Families without series are left out.
    fn from_iter<I: IntoIterator<Item = (&'static str, usize)>>(counts: I) -> Self {
        Self(counts.into_iter().filter(|(_, series)| *series > 0).collect())
    }
}

impl Extend<(&'static str, usize)> for SeriesCounts {
    /// `counts` must be of other families.
    fn extend<I: IntoIterator<Item = (&'static str, usize)>>(&mut self, counts: I) {
        self.0.extend(counts.into_iter().filter(|(_, series)| *series > 0));
    }
}

/// The series that are published, and those that `metrics.max_series` drops.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishedSeries {
    /// Served.
    pub served: SeriesCounts,
    /// Not served.
    pub dropped: SeriesCounts,
}

struct Counter(usize);

impl SampleSink for Counter {
    fn sample(&mut self, _: Labels<'_>, _: Value) {
        self.0 += 1;
    }
}
