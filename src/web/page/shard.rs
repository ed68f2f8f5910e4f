//! Which of several exporters this is.

use std::fmt::{self, Write as _};

use super::PageData;

/// Writes which shard this is, unless it is the only one: other targets are on the pages of other exporters.
pub(super) fn write_shard(html: &mut String, data: &PageData<'_>) -> fmt::Result {
    let shard = data.shard;
    if shard.is_single() {
        return Ok(());
    }
    let (index, total) = (shard.index(), shard.total());
    writeln!(
        html,
        "<p>Shard {index} of {total}, counted from 0. The other shards poll the other targets.</p>"
    )
}
