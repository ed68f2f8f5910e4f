//! Where an entry's workspaces and namespaces are listed.

use std::{fmt, sync::Arc};

use crate::console::{ConsoleListings, ListEditableNamespace, SharedListing};

/// The operations by which an entry finds workspaces and namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `DescribeInstances` and `DescribeNamespaces`.
    Console,
    /// `ListEditableNamespace`: ids and names only.
    Editable,
}

/// The operations.
impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Console => "DescribeInstances and DescribeNamespaces",
            Self::Editable => "ListEditableNamespace",
        })
    }
}

/// The listings of an entry's region, which it may share with other entries and with collectors.
#[derive(Debug, Clone)]
pub struct Listings {
    /// The workspaces and their namespaces.
    pub console: Arc<ConsoleListings>,
    /// The namespaces in which the credentials have a role of the console.
    pub editable: Arc<SharedListing<ListEditableNamespace>>,
}

impl Listings {
    /// Whether these are the same listings.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.console, &other.console) && Arc::ptr_eq(&self.editable, &other.editable)
    }
}
