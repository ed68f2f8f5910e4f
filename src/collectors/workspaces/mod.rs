//! The collector of workspaces, and its metric families.

mod collector;
pub mod families;

#[cfg(test)]
mod tests;

pub use collector::{NAME, WorkspaceTargetQuery, WorkspacesCollector};
