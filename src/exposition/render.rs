//! Objects as text, family by family.

use std::{io, sync::Arc};

use super::{
    Format, MetricFamilies, ObjectGroup, RenderedFamilies, SeriesCounts,
    text_block::{Fingerprint, TextBlock},
};

/// Objects per block of text. A block in which nothing changed is shared with the previous result. Only the text of one block
/// is in memory: the others are compressed.
pub(crate) const BLOCK: usize = 1024;

/// Bytes that [`write()`] collects before it writes them out; they fit in the caches too.
const WRITE_BUFFER: usize = 256 * 1024;

/// Objects per append to that buffer.
const WRITE_BLOCK: usize = 64;

/// Renders a group; text that is the same as in `previous` is shared with it.
pub fn render<C: MetricFamilies>(
    group: &ObjectGroup<'_, C>,
    previous: &RenderedFamilies,
) -> RenderedFamilies {
    // No text is that long.
    render_within(group, previous, usize::MAX).unwrap_or_default()
}

/// Renders a group as [`render`] does; none if its text takes more than `limit` bytes. No more than that is written.
pub fn render_within<C: MetricFamilies>(
    group: &ObjectGroup<'_, C>,
    previous: &RenderedFamilies,
    limit: usize,
) -> Option<RenderedFamilies> {
    let (mut text, mut remaining) = (Vec::new(), limit);
    let mut compressor = None;
    let mut families = Vec::new();
    for (index, family) in C::families().iter().enumerate() {
        let known = previous.family(index);
        let mut blocks: Vec<Arc<TextBlock>> = Vec::new();
        for objects in group.blocks(BLOCK) {
            text.clear();
            let samples = objects.write(family, &mut text, remaining);
            remaining = remaining.checked_sub(text.len())?;
            if text.is_empty() {
                continue;
            }
            let fingerprint = Fingerprint::of(&text);
            let same = known.get(blocks.len()).filter(|known| known.fingerprint() == fingerprint);
            blocks.push(same.cloned().unwrap_or_else(|| {
                Arc::new(TextBlock::new(&text, fingerprint, samples, group.hash(), &mut compressor))
            }));
        }
        blocks.shrink_to_fit();
        families.push(blocks);
    }
    Some(RenderedFamilies::new(families))
}

/// Writes all `groups` except the families of `dropped` in the text format without keeping the text. Returns the number of
/// series written.
///
/// # Errors
///
/// Those of `out`.
pub fn write<C: MetricFamilies>(
    groups: &[ObjectGroup<'_, C>],
    dropped: &[&str],
    out: &mut impl io::Write,
) -> io::Result<SeriesCounts> {
    let (mut text, mut counts) = (Vec::new(), Vec::new());
    for family in C::families().iter().filter(|family| !dropped.contains(&family.descriptor.name)) {
        let (mut header, mut series) = (family.descriptor.header(Format::Text), 0);
        for block in groups.iter().flat_map(|group| group.blocks(WRITE_BLOCK)) {
            let start = text.len();
            text.extend_from_slice(header.as_bytes());
            let samples = block.write(family, &mut text, usize::MAX);
            if samples == 0 {
                text.truncate(start);
                continue;
            }
            series += samples;
            header.clear();
            if text.len() >= WRITE_BUFFER {
                out.write_all(&text)?;
                text.clear();
            }
        }
        counts.push((family.descriptor.name, series));
    }
    out.write_all(&text)?;
    Ok(counts.into_iter().collect())
}
