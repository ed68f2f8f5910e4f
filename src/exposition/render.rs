//! Objects as text, family by family.

use std::io;

use bytes::Bytes;

use super::{Catalogue, Format, ObjectGroup, RenderedFamilies};

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
        let mut pieces: Vec<Bytes> = Vec::new();
        for block in group.blocks(BLOCK) {
            text.clear();
            block.write(family, &mut text, remaining);
            remaining = remaining.checked_sub(text.len())?;
            if !text.is_empty() {
                let same = known.get(pieces.len()).filter(|known| *known == &text);
                pieces.push(same.cloned().unwrap_or_else(|| Bytes::copy_from_slice(&text)));
            }
        }
        families.push(pieces);
    }
    Some(RenderedFamilies::new(families, group.hash()).reuse_unchanged(previous))
}

/// Writes all `groups` in the text format without keeping the text.
///
/// # Errors
///
/// Those of `out`.
pub fn write<C: Catalogue>(groups: &[ObjectGroup<'_, C>], out: &mut impl io::Write) -> io::Result<()> {
    let mut text = Vec::new();
    for family in C::families() {
        let mut header = family.descriptor.header(Format::Text);
        for block in groups.iter().flat_map(|group| group.blocks(WRITE_BLOCK)) {
            let start = text.len();
            text.extend_from_slice(header.as_bytes());
            let samples = text.len();
            block.write(family, &mut text, usize::MAX);
            if text.len() == samples {
                text.truncate(start);
                continue;
            }
            header.clear();
            if text.len() >= WRITE_BUFFER {
                out.write_all(&text)?;
                text.clear();
            }
        }
    }
    out.write_all(&text)
}
