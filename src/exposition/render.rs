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
    let mut text = Vec::new();
    let families = C::families().iter().enumerate().map(|(index, family)| {
        let known = previous.family(index);
        let mut pieces: Vec<Bytes> = Vec::new();
        for block in group.blocks(BLOCK) {
            text.clear();
            block.write(family, &mut text);
            if !text.is_empty() {
                let same = known.get(pieces.len()).filter(|known| *known == &text);
                pieces.push(same.cloned().unwrap_or_else(|| Bytes::copy_from_slice(&text)));
            }
        }
        pieces
    });
    RenderedFamilies::new(families.collect(), group.hash()).reuse_unchanged(previous)
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
            block.write(family, &mut text);
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
