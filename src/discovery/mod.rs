//! Discovery: finds the workspaces of a region and their namespaces.

mod denied_collectors;
mod discovery_loop;
mod early_listing;
mod entries;
mod entry_state;
mod filter;
mod inventory;
mod listing_source;
mod listing_source_choice;
mod presence;
mod saved_inventories;
mod state_counts;
mod workspace_ownership;

#[cfg(test)]
mod tests;

pub use discovery_loop::DiscoveryLoop;
pub use entries::{Discovery, EntryStatus, FoundWorkspaces};
pub use entry_state::{EntrySettings, RegionAccess};
pub use filter::{Glob, NameFilter, Needs, WorkspaceFilter};
pub use inventory::{HasDeployments, Inventory};
pub use listing_source::{ListingSource, Listings};
pub use saved_inventories::SavedInventories;
pub use state_counts::StateCounts;
pub use workspace_ownership::{
    DiscoverySelection, SelectedWorkspace, SelectionResult, WorkspaceSelection, select_workspaces,
};
