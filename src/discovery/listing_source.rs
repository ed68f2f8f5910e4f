//! The operations that list an entry's workspaces and namespaces.

use std::{fmt, sync::Arc};

use crate::console::{ConsoleListings, ListEditableNamespace, SharedListing};

/// The operations that an entry uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingSource {
    /// `DescribeInstances` and `DescribeNamespaces`.
    Console,
    /// `ListEditableNamespace`: ids and names only.
    Editable,
}

/// Writes the names of the operations.
impl fmt::Display for ListingSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Console => "DescribeInstances and DescribeNamespaces",
            Self::Editable => "ListEditableNamespace",
        })
    }
}

/// The listings of an entry's region. Other entries and collectors may share them.
#[derive(Debug, Clone)]
pub struct Listings {
    /// The workspaces and their namespaces.
    pub console: Arc<ConsoleListings>,
    /// The namespaces in which the user has a role in the development console.
    pub editable: Arc<SharedListing<ListEditableNamespace>>,
}

impl Listings {
    /// Whether these are the same listings.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.console, &other.console) && Arc::ptr_eq(&self.editable, &other.editable)
    }
}
