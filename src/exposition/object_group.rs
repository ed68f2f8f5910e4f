//! Objects that are rendered together, with their identity labels.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use super::{
    Family, MetricFamilies, metric_families::IdentityWriter, sample::SampleWriter,
    series_counts::SeriesCounts, text_format::TextSink,
};

/// Objects of one kind that share their first identity labels, such as the deployments of a namespace.
#[derive(Debug)]
pub struct ObjectGroup<'o, C: MetricFamilies> {
    objects: Vec<Object<C::Object<'o>>>,
    /// The identity labels of each object in the text format, one after the other.
    identities: Vec<u8>,
    /// Of the labels that the objects share.
    hash: u64,
}

#[derive(Debug)]
struct Object<T> {
    object: T,
    /// Where its identity labels end in those of the group.
    identity_end: usize,
}

impl<'o, C: MetricFamilies> ObjectGroup<'o, C> {
    /// A group whose objects have the first identity labels, `shared`, in common.
    pub fn new(shared: &[&str], objects: impl IntoIterator<Item = C::Object<'o>>) -> Self {
        let mut prefix = Vec::new();
        IdentityWriter::new(&mut prefix, C::IDENTITY_LABELS, 0).values(shared);
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&prefix);
        let mut identities = Vec::new();
        let objects = objects.into_iter().map(|object| {
            identities.extend_from_slice(&prefix);
            C::identity(&object, &mut IdentityWriter::new(&mut identities, C::IDENTITY_LABELS, shared.len()));
            Object { object, identity_end: identities.len() }
        });
        Self { objects: objects.collect(), identities, hash }
    }

    /// A hash of the labels that the objects share.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    /// Counts the series by family.
    pub fn series(&self) -> SeriesCounts {
        SeriesCounts::of::<C>(self.objects.iter().map(|Object { object, .. }| object))
    }

    /// The objects in their order, `size` at a time.
    pub(super) fn blocks(&self, size: usize) -> impl Iterator<Item = Block<'_, 'o, C>> {
        self.objects.chunks(size).scan(0, |start, objects| {
            let block = Block { objects, identities: &self.identities, start: *start };
            *start = objects.last().map_or(*start, |last| last.identity_end);
            Some(block)
        })
    }
}

/// Consecutive objects of a group.
pub(super) struct Block<'g, 'o, C: MetricFamilies> {
    objects: &'g [Object<C::Object<'o>>],
    identities: &'g [u8],
    /// Where their identity labels start.
    start: usize,
}

impl<C: MetricFamilies> Block<'_, '_, C> {
    /// Appends the objects' samples of a family to `text`, until that is longer than `limit` bytes. Returns their number.
    pub(super) fn write(&self, family: &Family<C>, text: &mut Vec<u8>, limit: usize) -> usize {
        let (mut start, mut samples) = (self.start, 0);
        for Object { object, identity_end } in self.objects {
            let identity = &self.identities[start..*identity_end];
            start = *identity_end;
            let mut sink = TextSink::new(text, family.descriptor.name, identity, limit);
            (family.write)(object, &mut SampleWriter::new(&mut sink));
            samples += sink.samples();
        }
        samples
    }
}
