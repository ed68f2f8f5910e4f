//! What workspaces and discovery entries take from the sections around them.

use std::sync::Arc;

use super::collectors::CollectorSettings;
use crate::{credentials, poll};

/// The settings at the top that a workspace or an entry may override.
pub(super) struct Defaults {
    pub(super) poll: poll::Settings,
    pub(super) credentials: Arc<credentials::Source>,
    pub(super) collectors: CollectorSettings,
}
