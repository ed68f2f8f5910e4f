//! Finds the workspaces of a region and their namespaces.

mod filter;

pub use filter::{Glob, NameFilter, Needs, WorkspaceFilter};
