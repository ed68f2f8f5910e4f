//! Finds the workspaces of a region and their namespaces.

mod entry;
mod entry_loop;
mod filter;
mod knowledge;
mod presence;
mod registry;
mod snapshot;
mod source;
mod view;

#[cfg(test)]
mod tests;

pub use entry::{EntrySettings, Location};
pub use entry_loop::EntryLoop;
pub use filter::{Glob, NameFilter, Needs, WorkspaceFilter};
pub use knowledge::{Answers, Knowledge};
pub use registry::{Discovery, EntryStatus, Found};
pub use snapshot::DiscoverySnapshot;
pub use source::{Listings, Source};
pub use view::{Counts, SelectedWorkspace, Selection, View, WorkspaceSelection, views};
