//! A version of the Flink engine.

use super::{Object, SharedStr};

/// A version of the Flink engine in a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineVersion {
    /// `engineVersion`, such as `vvr-8.0.5-flink-1.17`; never empty.
    pub version: Box<str>,
    /// `status`: `STABLE`, `BETA`, `DEPRECATED`, `EXPIRED` or another value; empty if not returned.
    pub status: SharedStr,
}

impl Object for EngineVersion {
    fn key(&self) -> &str {
        &self.version
    }
}
