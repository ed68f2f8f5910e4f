//! What the client has to know of an API operation.

use lenient_json::{Cursor, Lenient};

use super::{
    Priority,
    decoder::{DecodeError, Decoded, Decoder},
};

/// A product of Alibaba Cloud's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Realtime Compute for Apache Flink: the objects in workspaces.
    /// <https://next.api.alibabacloud.com/product/ververica>
    Ververica,
    /// The console of Realtime Compute for Apache Flink: workspaces and namespaces.
    /// <https://next.api.alibabacloud.com/product/foasconsole>
    FoasConsole,
}

impl Product {
    /// The API version, sent as `x-acs-version`.
    pub fn version(self) -> &'static str {
        match self {
            Self::Ververica => "2022-07-18",
            Self::FoasConsole => "2021-10-28",
        }
    }
}

/// How an operation divides its objects into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pagination {
    /// One reply contains all objects.
    None,
    /// The query has `pageIndex` and `pageSize`, and each reply states `totalSize`, the number of objects.
    TotalSize,
    /// The query has `PageIndex` and `PageSize`, and each reply states `TotalPage`, the number of pages.
    TotalPages,
}

/// An API operation that returns a list of objects.
pub trait Operation: Send + Sync + 'static {
    /// An object of the list.
    type Item: Send + 'static;

    /// The action, as the API, its RAM policies and the exporter's metrics spell it.
    const ACTION: &'static str;

    /// The product that the action belongs to.
    const PRODUCT: Product = Product::Ververica;

    /// How the list is divided into pages.
    const PAGINATION: Pagination;

    /// The key of the list in the reply.
    const DATA: &'static str = "data";

    /// What error messages call the objects, in the plural.
    const ITEMS: &'static str;

    /// The priority of its requests under the workspace's limits.
    const PRIORITY: Priority = Priority::Normal;

    /// Maximum number of pages read of one listing: the first and the last ones. Those between are left out.
    const MAX_PAGES: u64 = u64::MAX;

    /// The percent-encoded path.
    fn path(&self) -> String;

    /// The query parameters, without those of the page and not yet encoded.
    fn parameters(&self) -> Vec<(&'static str, String)>;

    /// The namespace that is listed; empty if the operation is not limited to one.
    fn namespace(&self) -> &str;

    /// What identifies an object within the list.
    fn key(item: &Self::Item) -> &str;

    /// Reads the value of [`Operation::DATA`].
    ///
    /// # Errors
    ///
    /// If the text is not JSON, or if the list has too many elements. A value that is JSON, but not what was expected, is
    /// counted instead.
    fn decode(
        &self,
        decoder: Decoder,
        cursor: &mut Cursor<'_>,
    ) -> Result<Lenient<Decoded<Self::Item>>, DecodeError>;
}
