//! Objects as text, family by family.

use std::io;

use bytes::Bytes;

use super::{Catalogue, Format, ObjectGroup, RenderedFamilies, SeriesCounts};

/// Objects per block of text. A block in which nothing changed is shared with the previous result, and one scratch buffer
/// is reused, so that it stays in the processor's caches.
pub(crate) const BLOCK: usize = 1024;

/// Bytes that [`write()`] collects before it writes them out; they fit in the caches too.
const WRITE_BUFFER: usize = 256 * 1024;

/// Objects per append to that buffer.
const WRITE_BLOCK: usize = 64;

/// Renders a group; text that is the same as in `previous` is shared with it.
pub fn render<C: Catalogue>(group: &ObjectGroup<'_, C>, previous: &RenderedFamilies) -> RenderedFamilies {
    // No text is that long.
    render_within(group, previous, usize::MAX).unwrap_or_default()
}

/// Renders a group as [`render`] does; none if its text takes more than `limit` bytes. No more than that is written.
pub fn render_within<C: Catalogue>(
    group: &ObjectGroup<'_, C>,
    previous: &RenderedFamilies,
    limit: usize,
) -> Option<RenderedFamilies> {
    let (mut text, mut remaining) = (Vec::new(), limit);
    let mut families = Vec::new();
    for (index, family) in C::families().iter().enumerate() {
        let known = previous.family(index);
        let (mut pieces, mut samples): (Vec<Bytes>, _) = (Vec::new(), 0);
        for block in group.blocks(BLOCK) {
            text.clear();
            samples += block.write(family, &mut text, remaining);
            remaining = remaining.checked_sub(text.len())?;
            if !text.is_empty() {
                let same = known.get(pieces.len()).filter(|known| *known == &text);
                pieces.push(same.cloned().unwrap_or_else(|| Bytes::copy_from_slice(&text)));
            }
        }
        families.push((pieces, samples));
    }
    Some(RenderedFamilies::new(families, group.hash()).reuse_unchanged(previous))
}

/// Writes all `groups` except the families of `dropped` in the text format without keeping the text. Returns the number of
/// series written.
///
/// # Errors
///
/// Those of `out`.
pub fn write<C: Catalogue>(
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
