//! Operations of the console API (`foasconsole`): the workspaces of a region and their namespaces.

mod console_listings;
mod describe_instances;
mod describe_namespaces;
mod list_editable_namespace;
mod resource_spec;
mod shared_listing;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::api::{Operation, Page};

pub use console_listings::ConsoleListings;
pub use describe_instances::DescribeInstances;
pub use describe_namespaces::DescribeNamespaces;
pub use list_editable_namespace::ListEditableNamespace;
pub use shared_listing::{SharedListing, SharedResult};

/// Decodes `body` as a response of each operation; for fuzzers.
pub(crate) fn fuzz_reply(body: &[u8]) {
    fn read<O: Operation>(operation: &O, body: &[u8]) {
        drop(Page::decode(operation, 100, body).map_err(|error| error.to_string()));
    }
    read(&DescribeInstances { region: String::new() }, body);
    read(&DescribeNamespaces { region: String::new(), instance_id: String::new() }, body);
    read(&ListEditableNamespace { region: String::new() }, body);
}

/// Maximum time that a consumer waits for the rate limit of a listing. Timeouts do not include this wait, because
/// hundreds of listings share a few requests per second.
pub const MAX_WAIT: Duration = Duration::from_secs(3600);
