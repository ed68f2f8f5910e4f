//! Text that repeats.

use std::sync::Arc;

/// A text that many deployments share.
pub type Text = Arc<str>;
