//! The rendered groups of one kind of object, as a section of a body.

use std::io;

use super::{
    Catalogue, Encoding, Format, PublishedSeries, RenderedFamilies, SectionHeaders, SeriesCounts,
    rendered::{FamilyText, MIN_OWN_SEGMENT},
};

/// All groups of one kind of object, as rendered.
#[derive(Debug)]
pub struct SectionText<'r> {
    headers: &'static SectionHeaders,
    groups: Vec<&'r RenderedFamilies>,
    dropped: &'r [&'static str],
}

impl<'r> SectionText<'r> {
    /// `groups` must have been rendered from objects of `C`.
    pub fn of<C: Catalogue>(groups: impl IntoIterator<Item = &'r RenderedFamilies>) -> Self {
        Self { headers: C::headers(), groups: groups.into_iter().collect(), dropped: &[] }
    }

    /// The same section without the families of `dropped`, by the names of their metrics.
    #[must_use]
    pub fn without(self, dropped: &'r [&'static str]) -> Self {
        Self { dropped, ..self }
    }

    /// Compresses the families that are not compressed yet, except those that share a segment with other groups.
    ///
    /// # Errors
    ///
    /// Those of the compressor, which are out of memory or a bug in it.
    pub fn compress(&self, encoding: Encoding) -> io::Result<()> {
        let Some(codec) = encoding.codec() else { return Ok(()) };
        let large = self.served().flat_map(|index| self.texts(index));
        let mut large = large.filter(|text| text.len() >= MIN_OWN_SEGMENT);
        large.try_for_each(|text| text.compressed(codec).map(drop))
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
    pub(super) fn families(&self, format: Format) -> impl Iterator<Item = (&FamilyText, Vec<&FamilyText>)> {
        self.served().filter_map(move |index| {
            let samples: Vec<_> = self.texts(index).collect();
            let header = self.headers.get(index, format)?;
            (!samples.is_empty()).then_some((header, samples))
        })
    }

    /// The series of every family, dropped or not.
    fn counts(&self) -> SeriesCounts {
        let names = self.headers.names().enumerate();
        names.map(|(index, name)| (name, self.texts(index).map(FamilyText::samples).sum())).collect()
    }

    /// The indices of the families that are served.
    fn served(&self) -> impl Iterator<Item = usize> {
        let names = self.headers.names().enumerate();
        names.filter(|(_, name)| !self.dropped.contains(name)).map(|(index, _)| index)
    }

    /// The texts of the family at `index`, of each group that has any.
    fn texts(&self, index: usize) -> impl Iterator<Item = &'r FamilyText> {
        self.groups.iter().filter_map(move |group| group.family_text(index))
    }
}
