//! Discovery: finds the workspaces of a region and their namespaces.

mod denied_collectors;
mod early_listing;
mod entry;
mod entry_loop;
mod filter;
mod inventory;
mod presence;
mod registry;
mod selection;
mod snapshot;
mod source;

#[cfg(test)]
mod tests;

pub use entry::{EntrySettings, RegionAccess};
pub use entry_loop::EntryLoop;
pub use filter::{Glob, NameFilter, Needs, WorkspaceFilter};
pub use inventory::{HasDeployments, Inventory};
pub use registry::{Discovery, EntryStatus, FoundWorkspaces};
pub use selection::{
    Counts, DiscoverySelection, SelectedWorkspace, SelectionResult, WorkspaceSelection, select_workspaces,
};
pub use snapshot::DiscoverySnapshot;
pub use source::{Listings, Source};
