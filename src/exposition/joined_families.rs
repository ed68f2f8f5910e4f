//! The rendered groups of one kind of object, joined family by family.

use std::io;

use super::{
    Encoding, FamilyHeaders, Format, MetricFamilies, PublishedSeries, RenderedFamilies, SeriesCounts,
    compress::{Codec, Compressor},
    metric_families::Header,
    text_block::TextBlock,
};

/// The rendered groups of one kind of object. All groups have the same families.
#[derive(Debug)]
pub struct JoinedFamilies<'r> {
    headers: &'static FamilyHeaders,
    groups: Vec<&'r RenderedFamilies>,
    dropped: &'r [&'static str],
}

impl<'r> JoinedFamilies<'r> {
    /// `groups` must have been rendered from objects of `C`.
    pub fn of<C: MetricFamilies>(groups: impl IntoIterator<Item = &'r RenderedFamilies>) -> Self {
        Self { headers: C::headers(), groups: groups.into_iter().collect(), dropped: &[] }
    }

    /// The same without the families of `dropped`, by the names of their metrics.
    #[must_use]
    pub fn without(self, dropped: &'r [&'static str]) -> Self {
        Self { dropped, ..self }
    }

    /// Compresses the blocks that are not compressed yet, except those that share a segment with other groups.
    ///
    /// # Errors
    ///
    /// Those of the compressor, which are out of memory or a bug in it.
    pub fn compress(&self, encoding: Encoding) -> io::Result<()> {
        if encoding.codec() == Codec::Gzip {
            // As the blocks are kept.
            return Ok(());
        }
        let mut compressor = Compressor::new(encoding.codec())?;
        let mut blocks = self.served().flat_map(|index| self.blocks(index));
        blocks.try_for_each(|block| block.own_segment(&mut compressor).map(drop))
    }

    /// The series of `sections`.
    pub fn series(sections: &[Self]) -> PublishedSeries {
        let mut series = PublishedSeries::default();
        for section in sections {
            let (dropped, served) = section.counts().partition(|name| section.dropped.contains(&name));
            series.served.extend(served.iter());
            series.dropped.extend(dropped.iter());
        }
        series
    }

    /// The families that are served and have samples: header and samples of each.
    pub(super) fn families(&self, format: Format) -> impl Iterator<Item = (&Header, Vec<&TextBlock>)> {
        self.served().filter_map(move |index| {
            let blocks: Vec<_> = self.blocks(index).collect();
            let header = self.headers.get(index, format)?;
            (!blocks.is_empty()).then_some((header, blocks))
        })
    }

    /// The series of every family, dropped or not.
    fn counts(&self) -> SeriesCounts {
        let names = self.headers.names().enumerate();
        let samples = |index| self.groups.iter().map(|group| group.samples(index)).sum();
        names.map(|(index, name)| (name, samples(index))).collect()
    }

    /// The indices of the families that are served.
    fn served(&self) -> impl Iterator<Item = usize> {
        let names = self.headers.names().enumerate();
        names.filter(|(_, name)| !self.dropped.contains(name)).map(|(index, _)| index)
    }

    /// The blocks of the family at `index`, of all groups.
    fn blocks(&self, index: usize) -> impl Iterator<Item = &'r TextBlock> {
        self.groups.iter().flat_map(move |group| group.family(index)).map(AsRef::as_ref)
    }
}
