//! Listings that are consistent although the objects change while their pages are read.
//!
//! The service pages by offset. If an object is created or deleted between two pages, the others shift. A scan whose
//! pages disagree is therefore repeated; if the last two scans disagree too, their union is returned.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use foldhash::fast::RandomState;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    ApiError, Client, InvalidValues, Operation, Pagination, RateTurn, Retry,
    listing_context::{Deadline, ListingContext},
    request::ApiRequest,
    response_envelope::Page,
};

/// How often a listing is scanned before an inconsistent one is accepted.
const MAX_SCANS: usize = 3;

/// The largest plausible number of objects. A reply that states more is invalid, not a reason to request millions of
/// pages.
const MAX_ITEMS: u64 = 1_000_000;

/// The largest plausible number of objects in a listing without pages.
const MAX_SINGLE_REPLY_ITEMS: usize = 100_000;

/// Maximum number of extra pages read if the listing grows during the scan.
const MAX_GROWTH_PAGES: u64 = 4;

/// The number of consecutive empty pages that end a listing, whatever total it states.
const MAX_EMPTY_PAGES: usize = 3;

/// A complete listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing<T> {
    /// The objects, each key once.
    pub items: Vec<T>,
    /// The values that could not be read.
    pub invalid: InvalidValues,
    /// The number of pages in the last scan.
    pub pages: u64,
    /// The cloud's id of the last request.
    pub request_id: Option<String>,
    /// Whether the pages of the last scan agree with each other. Otherwise an object may be missing.
    pub consistent: bool,
}

/// What the requests of one scan share.
struct PageContext<O> {
    operation: Arc<O>,
    path: String,
    parameters: Vec<(&'static str, String)>,
    listing: Arc<ListingContext>,
}

/// The size of a listing, as its first page states it.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// The effective page size.
    page_size: u64,
    pages: u64,
    /// The number of objects, if it is stated.
    items: Option<u64>,
}

impl Extent {
    /// The number of pages that are read.
    fn read_pages<O: Operation>(self) -> u64 {
        self.pages.min(O::MAX_PAGES)
    }

    /// The pages that are read after the first: if there are too many, those at the beginning and at the end.
    fn page_indexes<O: Operation>(self) -> impl Iterator<Item = u64> {
        let read = self.read_pages::<O>();
        let first = read.div_ceil(2);
        (2..=first).chain((first.max(1) + 1..=read).map(move |index| index + self.pages - read))
    }

    /// The number of objects on the pages that are read, if it is stated.
    fn read_items<O: Operation>(self) -> Option<u64> {
        let left_out = (self.pages - self.read_pages::<O>()).saturating_mul(self.page_size);
        self.items.map(|items| items.saturating_sub(left_out))
    }
}

/// One scan over all pages.
#[derive(Debug)]
struct PageScan<T> {
    items: Vec<T>,
    invalid: InvalidValues,
    pages: u64,
    request_id: Option<String>,
    /// The number of elements that are not an object, or one without a key.
    unidentified: u64,
    /// The number of objects on the pages that are read, as the first page stated it.
    total: Option<u64>,
    /// Whether the pages agree with each other and with what the first page stated.
    consistent: bool,
}

impl Client {
    /// Lists the objects that `operation` selects.
    ///
    /// # Errors
    ///
    /// The error of the first page that failed finally; `timeout` at `deadline`; `invalid_response` if the pages have less
    /// than half of the objects that they state, if a page has more objects than requested, or if all pages together are
    /// larger than [`Settings::max_listing_size`](super::Settings::max_listing_size).
    pub async fn list<O: Operation>(
        &self,
        operation: O,
        deadline: Instant,
    ) -> Result<Listing<O::Item>, ApiError> {
        self.list_with_turn(operation, None, deadline).await
    }

    /// As [`Client::list`]; the first request uses `turn`.
    ///
    /// # Errors
    ///
    /// As [`Client::list`].
    pub async fn list_with_turn<O: Operation>(
        &self,
        operation: O,
        turn: Option<RateTurn>,
        deadline: Instant,
    ) -> Result<Listing<O::Item>, ApiError> {
        let operation = Arc::new(operation);
        let deadline = Arc::new(Deadline::new(deadline));
        match O::PAGINATION {
            Pagination::None => self.list_single_reply(operation, turn, deadline).await,
            Pagination::TotalSize | Pagination::TotalPages => {
                self.list_pages(operation, turn, deadline).await
            }
        }
    }

    async fn list_single_reply<O: Operation>(
        &self,
        operation: Arc<O>,
        turn: Option<RateTurn>,
        deadline: Arc<Deadline>,
    ) -> Result<Listing<O::Item>, ApiError> {
        let context = PageContext::new(operation, 1, turn, deadline);
        self.progress.expect(1);
        let mut scan = PageScan::default();
        scan.add(self.page(&context, None, &CancellationToken::new()).await?);
        scan.dedup_by_key(O::key);
        Ok(scan.into())
    }

    async fn list_pages<O: Operation>(
        &self,
        operation: Arc<O>,
        mut turn: Option<RateTurn>,
        deadline: Arc<Deadline>,
    ) -> Result<Listing<O::Item>, ApiError> {
        let mut last_two = (PageScan::default(), PageScan::default());
        for _ in 0..MAX_SCANS {
            let scan = self.scan(operation.clone(), turn.take(), deadline.clone()).await?;
            if scan.consistent {
                return Ok(scan.into());
            }
            self.metrics.inconsistent_listing(operation.namespace());
            last_two = (last_two.1, scan);
        }
        let scan = last_two.0.union(last_two.1, O::key);
        let elements = scan.elements();
        if let Some(total) = scan.total.filter(|total| elements.saturating_mul(2) < *total) {
            let detail = format!("`totalSize` announces {total} {}, and the pages have {elements}", O::ITEMS);
            return Err(ApiError::invalid(Retry::Never, detail));
        }
        Ok(scan.into())
    }

    async fn scan<O: Operation>(
        &self,
        operation: Arc<O>,
        turn: Option<RateTurn>,
        deadline: Arc<Deadline>,
    ) -> Result<PageScan<O::Item>, ApiError> {
        let page_size = u64::from(self.settings.page_size);
        self.progress.expect(1);
        let context = PageContext::new(operation, self.max_in_flight(), turn, deadline);
        let first = self.page(&context, Some((1, page_size)), &CancellationToken::new()).await?;
        let extent = first.extent::<O>(page_size)?;
        self.progress.expect(extent.read_pages::<O>().saturating_sub(1));
        let mut scan = PageScan { total: extent.read_items::<O>(), ..PageScan::default() };
        scan.add(first);
        let last = self.read_rest(&context, extent, &mut scan).await?;
        for index in extent.pages + 1..=last.min(extent.pages + MAX_GROWTH_PAGES) {
            self.progress.expect(1);
            let page = Some((index, extent.page_size));
            scan.add(self.page(&context, page, &CancellationToken::new()).await?);
        }
        let repeated = scan.dedup_by_key(O::key);
        scan.consistent &= repeated == 0 && scan.total.is_none_or(|items| scan.elements() == items);
        Ok(scan)
    }

    /// Reads the pages after the first concurrently; returns the number of the last page that any of them stated.
    async fn read_rest<O: Operation>(
        &self,
        context: &PageContext<O>,
        extent: Extent,
        scan: &mut PageScan<O::Item>,
    ) -> Result<u64, ApiError> {
        let cancelled = CancellationToken::new();
        let rest = stream::iter(extent.page_indexes::<O>())
            .map(|index| self.page(context, Some((index, extent.page_size)), &cancelled))
            .buffered(self.read_ahead());
        tokio::pin!(rest);
        let (mut empty_pages, mut last) = (0, extent.pages);
        let outcome = loop {
            let page = match rest.try_next().await {
                Ok(Some(page)) => page,
                Ok(None) => break Ok(last),
                Err(error) => break Err(error),
            };
            let stated = page.stated_pages::<O>(extent.page_size);
            scan.consistent &= page.stated_items::<O>() == extent.items && stated == Some(extent.pages);
            last = last.max(stated.unwrap_or_default());
            empty_pages = if page.decoded.elements == 0 { empty_pages + 1 } else { 0 };
            scan.add(page);
            if empty_pages == MAX_EMPTY_PAGES {
                scan.consistent = false;
                break Ok(extent.pages);
            }
        };
        // Requests in flight are completed, so that they are counted with their real outcome.
        cancelled.cancel();
        while rest.next().await.is_some() {}
        outcome
    }

    /// Reads the page with this index and size, or the only one.
    async fn page<O: Operation>(
        &self,
        context: &PageContext<O>,
        page: Option<(u64, u64)>,
        cancelled: &CancellationToken,
    ) -> Result<Page<O::Item>, ApiError> {
        let request = ApiRequest {
            action: O::ACTION,
            product: O::PRODUCT,
            priority: O::PRIORITY,
            path: context.path.clone(),
            query: context.query(page),
            cancelled: cancelled.clone(),
            context: context.listing.clone(),
        };
        let operation = context.operation.clone();
        let requested = page.and_then(|(_, size)| usize::try_from(size).ok());
        let max_elements = requested.unwrap_or(MAX_SINGLE_REPLY_ITEMS);
        let decode = move |body: &[u8]| Page::decode(&*operation, max_elements, body);
        let page = self.send(&request, decode).await?;
        self.progress.done();
        Ok(page)
    }
}

impl<O: Operation> PageContext<O> {
    fn new(operation: Arc<O>, max_in_flight: usize, turn: Option<RateTurn>, deadline: Arc<Deadline>) -> Self {
        let listing = ListingContext::new(max_in_flight, deadline);
        if let Some(turn) = turn {
            listing.set_turn(turn);
        }
        Self {
            path: operation.path(),
            parameters: operation.parameters(),
            listing: Arc::new(listing),
            operation,
        }
    }

    fn query(&self, page: Option<(u64, u64)>) -> String {
        let numbers = page.map(|(index, size)| [index.to_string(), size.to_string()]);
        let names = match O::PAGINATION {
            Pagination::TotalPages => ["PageIndex", "PageSize"],
            Pagination::TotalSize | Pagination::None => ["pageIndex", "pageSize"],
        };
        let mut parameters: Vec<_> =
            self.parameters.iter().map(|(key, value)| (*key, value.as_str())).collect();
        parameters.extend(names.into_iter().zip(numbers.iter().flatten().map(String::as_str)));
        acs3::canonical_query(&parameters)
    }
}

impl<T> Page<T> {
    /// The size of the listing.
    ///
    /// # Errors
    ///
    /// `invalid_response` if the page does not state it, or if it is too large.
    fn extent<O: Operation<Item = T>>(&self, page_size: u64) -> Result<Extent, ApiError> {
        let key = match O::PAGINATION {
            Pagination::TotalPages => "TotalPage",
            Pagination::TotalSize | Pagination::None => "totalSize",
        };
        let items = self.stated_items::<O>();
        let page_size = items.map_or(page_size, |items| self.effective_size(page_size, items));
        let Some(pages) = self.stated_pages::<O>(page_size) else {
            return Err(ApiError::invalid(Retry::Never, format!("the reply does not say `{key}`")));
        };
        if let Some(total) = items.or(Some(pages)).filter(|total| *total > MAX_ITEMS) {
            let detail = format!("`{key}` is {total}: more than any listing has");
            return Err(ApiError::invalid(Retry::Never, detail));
        }
        Ok(Extent { page_size, pages, items })
    }

    /// The number of objects that the page states.
    fn stated_items<O: Operation<Item = T>>(&self) -> Option<u64> {
        (O::PAGINATION == Pagination::TotalSize).then_some(self.total_size)?
    }

    /// The number of pages that the page states.
    fn stated_pages<O: Operation<Item = T>>(&self, page_size: u64) -> Option<u64> {
        match O::PAGINATION {
            Pagination::None => Some(1),
            Pagination::TotalSize => self.total_size.map(|items| items.div_ceil(page_size)),
            Pagination::TotalPages => self.total_pages,
        }
    }

    /// The requested page size, unless the service uses a smaller one.
    fn effective_size(&self, requested: u64, total: u64) -> u64 {
        let elements = self.decoded.elements as u64;
        let is_smaller = (1..requested).contains(&elements) && total > elements;
        if is_smaller { elements } else { requested }
    }
}

impl<T> Default for PageScan<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            invalid: InvalidValues::default(),
            pages: 0,
            request_id: None,
            unidentified: 0,
            total: None,
            consistent: true,
        }
    }
}

impl<T> PageScan<T> {
    fn add(&mut self, page: Page<T>) {
        self.pages += 1;
        self.unidentified += page.decoded.unidentified as u64;
        self.items.extend(page.decoded.items);
        self.invalid.merge(page.decoded.invalid);
        self.request_id = page.request_id.or(self.request_id.take());
    }

    fn elements(&self) -> u64 {
        self.items.len() as u64 + self.unidentified
    }

    /// Keeps the last object of each key, at the position of the first; returns how many were dropped.
    fn dedup_by_key(&mut self, key: impl Fn(&T) -> &str) -> usize {
        let before = self.items.len();
        let mut keys = HashSet::with_capacity_and_hasher(before, RandomState::default());
        if self.items.iter().all(|item| keys.insert(key(item))) {
            return 0;
        }
        let mut positions: HashMap<Box<str>, usize> = HashMap::with_capacity(before);
        let mut kept: Vec<T> = Vec::with_capacity(before);
        for item in self.items.drain(..) {
            if let Some(&position) = positions.get(key(&item)) {
                kept[position] = item;
            } else {
                positions.insert(key(&item).into(), kept.len());
                kept.push(item);
            }
        }
        self.items = kept;
        before - self.items.len()
    }

    /// The union of two scans. Objects in both are taken from the later one.
    fn union(mut self, later: Self, key: impl Fn(&T) -> &str) -> Self {
        self.items.extend(later.items);
        self.dedup_by_key(key);
        Self { items: self.items, ..later }
    }
}

impl<T> From<PageScan<T>> for Listing<T> {
    fn from(scan: PageScan<T>) -> Self {
        let PageScan { items, invalid, pages, request_id, consistent, .. } = scan;
        Self { items, invalid, pages, request_id, consistent }
    }
}
