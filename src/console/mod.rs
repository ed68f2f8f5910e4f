//! The workspaces of a region and their namespaces, as the console's API lists them.

mod describe_instances;
mod describe_namespaces;
mod list_editable_namespace;
mod listings;
mod resources;
mod shared_listing;

#[cfg(test)]
mod tests;

pub use describe_instances::DescribeInstances;
pub use describe_namespaces::DescribeNamespaces;
pub use list_editable_namespace::ListEditableNamespace;
pub use listings::ConsoleListings;
pub use shared_listing::{SharedListing, SharedResult};
