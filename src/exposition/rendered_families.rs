//! Rendered samples, kept by family.

use std::sync::Arc;

use super::text_block::TextBlock;

/// The rendered samples of a group of objects.
///
/// The text format requires the samples of a family together, whichever group they belong to. So the families are kept
/// apart, and [`MetricsBody`](super::MetricsBody) joins those of all groups, family by family.
#[derive(Debug, Clone, Default)]
pub struct RenderedFamilies {
    families: Vec<Vec<Arc<TextBlock>>>,
}

impl RenderedFamilies {
    /// The blocks of each family, in the order of [`MetricFamilies::families`](super::MetricFamilies::families).
    pub(super) fn new(families: Vec<Vec<Arc<TextBlock>>>) -> Self {
        Self { families }
    }

    /// The blocks of the family at `index`.
    pub(crate) fn family(&self, index: usize) -> &[Arc<TextBlock>] {
        self.families.get(index).map_or(&[], Vec::as_slice)
    }

    /// The number of samples of the family at `index`.
    pub(super) fn samples(&self, index: usize) -> usize {
        self.family(index).iter().map(|block| block.samples()).sum()
    }

    /// Whether `other` is made of the same blocks in memory.
    #[cfg(test)]
    pub(crate) fn shares_all(&self, other: &Self) -> bool {
        let blocks = |rendered: &Self| -> Vec<_> {
            rendered
                .families
                .iter()
                .map(|blocks| blocks.iter().map(Arc::as_ptr).collect::<Vec<_>>())
                .collect()
        };
        blocks(self) == blocks(other)
    }
}
