//! The objects that a poll returned.

use std::{
    any::Any,
    collections::{HashMap, HashSet},
    fmt,
};

/// Maximum number of consecutive inconsistent listings without an object before it counts as deleted.
const MAX_CONSECUTIVE_MISSES: u32 = 3;

/// An object of the API.
pub trait Object: Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The key of the object, unique within its namespace or workspace.
    fn key(&self) -> &str;
}

/// Objects of one type: those that a poll listed, then those retained from earlier polls because the listing was
/// inconsistent and may have missed them.
#[derive(Debug, Clone, PartialEq)]
pub struct Objects<T> {
    items: Vec<T>,
    listed: usize,
}

impl<T: Object> Objects<T> {
    /// The objects of a listing.
    pub fn listed(items: Vec<T>) -> Self {
        let listed = items.len();
        Self { items, listed }
    }

    /// All objects, the listed ones first.
    pub fn all(&self) -> &[T] {
        &self.items
    }

    /// The listed objects, and the retained ones.
    pub fn split(&self) -> (&[T], &[T]) {
        self.items.split_at(self.listed)
    }
}

/// Merges the objects of several targets, the most recent first. If several targets return an object, the most recent
/// poll wins. A listed object takes precedence over a retained one.
pub fn merge<'o, T: Object>(sets: &[&'o Objects<T>]) -> Vec<&'o T> {
    if let [single] = sets {
        return single.items.iter().collect();
    }
    let listed = sets.iter().flat_map(|set| set.split().0);
    let all = listed.chain(sets.iter().flat_map(|set| set.split().1));
    let mut seen = HashSet::new();
    all.filter(|object| seen.insert(object.key())).collect()
}

/// [`Objects`] of any type.
pub trait ObjectSet: Any + fmt::Debug + Send + Sync {
    /// The number of objects, retained ones included.
    fn len(&self) -> usize;

    /// Whether there is no object.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both contain equal objects in the same order.
    fn equals(&self, other: &dyn ObjectSet) -> bool;

    /// Retains the objects of `before` that this inconsistent listing may have missed.
    fn retain_missing(&mut self, before: &dyn ObjectSet, misses: &mut Misses);
}

impl dyn ObjectSet {
    /// The objects, if they are of type `T`.
    pub fn downcast<T: Object>(&self) -> Option<&Objects<T>> {
        (self as &dyn Any).downcast_ref()
    }
}

impl<T: Object> ObjectSet for Objects<T> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn equals(&self, other: &dyn ObjectSet) -> bool {
        other.downcast::<T>().is_some_and(|other| self == other)
    }

    fn retain_missing(&mut self, before: &dyn ObjectSet, misses: &mut Misses) {
        let Some(before) = before.downcast::<T>() else { return };
        let listed: HashSet<&str> = self.items.iter().map(Object::key).collect();
        let missing = before.items.iter().filter(|object| !listed.contains(object.key()));
        let retained: Vec<T> = misses.count(missing).cloned().collect();
        self.items.extend(retained);
    }
}

/// How many consecutive inconsistent listings lacked each object.
///
/// If a list changes faster than its pages can be read, a listing may miss an existing object that moved from an
/// unread page to a page that was already read. Such an object is served until a consistent listing or several
/// consecutive listings lack it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misses(HashMap<Box<str>, u32>);

impl Misses {
    /// Clears all misses after a consistent listing.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts a miss for each object, and returns those that still count as existing.
    fn count<'o, T: Object>(&mut self, missing: impl Iterator<Item = &'o T>) -> impl Iterator<Item = &'o T> {
        let before = std::mem::take(&mut self.0);
        missing.filter(move |object| {
            let times = before.get(object.key()).copied().unwrap_or_default() + 1;
            if times <= MAX_CONSECUTIVE_MISSES {
                self.0.insert(object.key().into(), times);
            }
            times <= MAX_CONSECUTIVE_MISSES
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Named(&'static str, u32);

    impl Object for Named {
        fn key(&self) -> &'static str {
            self.0
        }
    }

    fn objects(names: &[&'static str]) -> Objects<Named> {
        Objects::listed(names.iter().map(|&name| Named(name, 0)).collect())
    }

    fn names(objects: &Objects<Named>) -> Vec<&str> {
        objects.all().iter().map(Object::key).collect()
    }

    #[test]
    fn an_object_missed_by_an_inconsistent_listing_is_retained_until_it_is_listed() {
        let mut misses = Misses::default();
        let mut served = objects(&["a", "b"]);
        for _ in 0..10 {
            let mut listed = objects(&["a"]);
            listed.retain_missing(&served, &mut misses);
            assert_eq!(names(&listed), ["a", "b"]);
            assert_eq!(listed.split().1, [Named("b", 0)]);
            served = objects(&["b", "a"]);
            served.retain_missing(&listed, &mut misses);
            assert_eq!((names(&served), served.split().1.len()), (vec!["b", "a"], 0));
        }
    }

    #[test]
    fn an_object_that_stays_missing_is_dropped() {
        let mut misses = Misses::default();
        let mut served = objects(&["a", "gone"]);
        let mut sizes = Vec::new();
        for _ in 0..4 {
            let mut listed = objects(&["a"]);
            listed.retain_missing(&served, &mut misses);
            sizes.push(listed.len());
            served = listed;
        }
        assert_eq!(sizes, [2, 2, 2, 1]);
        assert_eq!(misses, Misses::default());
    }

    #[test]
    fn merging_prefers_the_most_recent_and_the_listed() {
        let mut recent = Objects::listed(vec![Named("a", 2)]);
        recent.retain_missing(&Objects::listed(vec![Named("b", 9)]), &mut Misses::default());
        let earlier = Objects::listed(vec![Named("a", 1), Named("b", 1), Named("c", 1)]);
        assert_eq!(merge(&[&recent, &earlier]), [&Named("a", 2), &Named("b", 1), &Named("c", 1)]);
        assert_eq!(merge(&[&recent]), [&Named("a", 2), &Named("b", 9)]);
    }

    #[derive(Debug, Clone, PartialEq)]
    struct Other;

    impl Object for Other {
        fn key(&self) -> &'static str {
            "other"
        }
    }

    #[test]
    fn sets_of_different_types_are_never_equal() {
        let (named, other) = (objects(&[]), Objects::<Other>::listed(Vec::new()));
        assert!(named.equals(&objects(&[])) && !named.equals(&other));
        assert!((&named as &dyn ObjectSet).downcast::<Other>().is_none());
    }
}
