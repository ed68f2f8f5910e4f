//! Walks the pages of a listing, and makes sure that they belong together.
//!
//! The service pages by offset over a fleet that lives: a deployment created or deleted between two pages shifts
//! the rest. So a walk whose pages disagree is walked again.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use foldhash::fast::RandomState;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    ApiError, Client, Retry,
    call::{Call, Shared},
    envelope::Page,
    get_deployments_by_label,
    invalid::InvalidValues,
    list_deployments,
};
use crate::model::{Deployment, Operation, Selection, Wanted};

/// How often a listing is walked before its disagreement is accepted.
const MAX_WALKS: usize = 3;

/// No namespace has more: a larger `totalSize` is a mistake, not a reason to ask for millions of pages.
const MAX_TOTAL: u64 = 1_000_000;

/// So many pages may be added to a listing while it is read.
const GROWTH: u64 = 4;

/// So many empty pages in a row are the end of the listing, whatever `totalSize` says.
const EMPTY_PAGES_AT_THE_END: usize = 3;

/// What to list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListRequest {
    /// The namespace.
    pub namespace: String,
    /// The filters.
    pub selection: Selection,
    /// The operation that lists.
    pub operation: Operation,
    /// What is read of each deployment.
    pub wanted: Arc<Wanted>,
}

/// A whole listing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// The deployments, each id once.
    pub deployments: Vec<Deployment>,
    /// What could not be read of them.
    pub invalid: InvalidValues,
    /// The pages of the last walk.
    pub pages: u64,
    /// The cloud's id of the last request.
    pub request_id: Option<String>,
    /// Whether the pages of the last walk agreed with each other: else a deployment may be missing.
    pub consistent: bool,
}

/// How far the listings of a process are, for who waits for them.
#[derive(Debug, Default)]
pub struct Progress {
    pages: AtomicU64,
    read: AtomicU64,
}

impl Progress {
    /// Pages read, and pages known of so far.
    pub fn pages(&self) -> (u64, u64) {
        (self.read.load(Ordering::Relaxed), self.pages.load(Ordering::Relaxed))
    }

    fn expect(&self, pages: u64) {
        self.pages.fetch_add(pages, Ordering::Relaxed);
    }

    fn done(&self) {
        self.read.fetch_add(1, Ordering::Relaxed);
    }
}

/// What all requests of one walk need.
struct Reading<'r> {
    request: &'r ListRequest,
    shared: Arc<Shared>,
    deadline: Instant,
}

/// What the first page tells of the others.
#[derive(Debug, Clone, Copy)]
struct Pages {
    size: u64,
    total: u64,
    count: u64,
}

/// One walk over all pages.
#[derive(Debug, Default)]
struct Walk {
    deployments: Vec<Deployment>,
    invalid: InvalidValues,
    pages: u64,
    request_id: Option<String>,
    /// Elements that are no deployment, or one without an id.
    unidentified: u64,
    /// What the first page announced.
    total: u64,
    /// Whether the pages agree with each other and with what the first announced.
    consistent: bool,
}

impl Client {
    /// Lists what `request` selects, until `deadline`.
    pub async fn list(&self, request: &ListRequest, deadline: Instant) -> Result<Listing, ApiError> {
        match request.operation {
            Operation::ListDeployments => self.list_pages(request, deadline).await,
            Operation::GetDeploymentsByLabel => self.list_by_label(request, deadline).await,
        }
    }

    async fn list_by_label(&self, request: &ListRequest, deadline: Instant) -> Result<Listing, ApiError> {
        let shared = Arc::new(Shared::new(1));
        let call =
            get_deployments_by_label::call(&request.namespace, &request.selection, &request.wanted, shared);
        self.progress.expect(1);
        let page = self.read(request, &call, deadline).await?;
        let mut walk = Walk { consistent: true, ..Walk::default() };
        walk.add(page);
        walk.drop_repeated();
        Ok(walk.into())
    }

    async fn list_pages(&self, request: &ListRequest, deadline: Instant) -> Result<Listing, ApiError> {
        let mut last_two = (Walk::default(), Walk::default());
        for _ in 0..MAX_WALKS {
            let walk = self.walk(request, deadline).await?;
            if walk.consistent {
                return Ok(walk.into());
            }
            self.metrics.inconsistent_listing(&request.namespace);
            last_two = (last_two.1, walk);
        }
        let walk = last_two.0.followed_by(last_two.1);
        let (elements, total) = (walk.elements(), walk.total);
        if elements.saturating_mul(2) < total {
            let detail = format!("`totalSize` announces {total} deployments, and the pages have {elements}");
            return Err(ApiError::invalid(Retry::Never, detail));
        }
        Ok(walk.into())
    }

    async fn walk(&self, request: &ListRequest, deadline: Instant) -> Result<Walk, ApiError> {
        let asked = u64::from(self.settings.page_size);
        self.progress.expect(1);
        let reading = Reading { request, shared: Arc::new(Shared::new(self.side_by_side())), deadline };
        let first = self.page(&reading, 1, asked, &CancellationToken::new()).await?;
        let Some(total) = first.total_size else {
            return Err(ApiError::invalid(Retry::Never, "the reply does not say `totalSize`"));
        };
        if total > MAX_TOTAL {
            let detail = format!("`totalSize` is {total}: no namespace has so many deployments");
            return Err(ApiError::invalid(Retry::Never, detail));
        }
        let size = first.size_in_force(asked, total);
        let pages = total.div_ceil(size);
        self.progress.expect(pages.saturating_sub(1));
        let mut walk = Walk { consistent: true, total, ..Walk::default() };
        walk.add(first);
        let last = self.read_rest(&reading, Pages { size, total, count: pages }, &mut walk).await?;
        // A listing that grew meanwhile has its end further on.
        for index in pages + 1..=last.min(pages + GROWTH) {
            self.progress.expect(1);
            walk.add(self.page(&reading, index, size, &CancellationToken::new()).await?);
        }
        let repeated = walk.drop_repeated();
        walk.consistent &= repeated == 0 && walk.elements() == total;
        Ok(walk)
    }

    /// Reads the pages after the first, side by side; gives the last page that any of them announced.
    async fn read_rest(&self, reading: &Reading<'_>, pages: Pages, walk: &mut Walk) -> Result<u64, ApiError> {
        let abandoned = CancellationToken::new();
        let rest = stream::iter(2..=pages.count)
            .map(|index| self.page(reading, index, pages.size, &abandoned))
            // While as many pages as may be are under way, as many others are decoded.
            .buffered(2 * self.side_by_side());
        tokio::pin!(rest);
        let (mut empty_pages, mut last) = (0, pages.count);
        let outcome = loop {
            let page = match rest.try_next().await {
                Ok(Some(page)) => page,
                Ok(None) => break Ok(last),
                Err(error) => break Err(error),
            };
            walk.consistent &= page.total_size == Some(pages.total);
            last = last.max(page.total_size.unwrap_or_default().div_ceil(pages.size));
            empty_pages = if page.decoded.elements == 0 { empty_pages + 1 } else { 0 };
            walk.add(page);
            if empty_pages == EMPTY_PAGES_AT_THE_END {
                walk.consistent = false;
                break Ok(pages.count);
            }
        };
        // What is under way is let come to its end, so that it is counted as what it becomes.
        abandoned.cancel();
        while rest.next().await.is_some() {}
        outcome
    }

    async fn page(
        &self,
        reading: &Reading<'_>,
        index: u64,
        size: u64,
        abandoned: &CancellationToken,
    ) -> Result<Page, ApiError> {
        let Reading { request, shared, deadline } = reading;
        let call =
            list_deployments::call(&request.namespace, &request.selection, index, size, shared.clone());
        let call = Call { abandoned: abandoned.clone(), ..call };
        self.read(request, &call, *deadline).await
    }

    async fn read(&self, request: &ListRequest, call: &Call, deadline: Instant) -> Result<Page, ApiError> {
        let wanted = request.wanted.clone();
        let page = self.send(call, move |body| Page::decode(body, &wanted), deadline).await?;
        self.progress.done();
        Ok(page)
    }
}

impl Page {
    /// The size of the pages: the one asked for, unless the service says that it gave a smaller one, and did.
    fn size_in_force(&self, asked: u64, total: u64) -> u64 {
        let elements = self.decoded.elements as u64;
        let smaller = (1..asked).contains(&elements) && total > elements;
        if smaller { elements } else { asked }
    }
}

impl Walk {
    fn add(&mut self, page: Page) {
        self.pages += 1;
        self.unidentified += page.decoded.unidentified as u64;
        self.deployments.extend(page.decoded.deployments);
        self.invalid.merge(page.decoded.invalid);
        self.request_id = page.request_id.or(self.request_id.take());
    }

    fn elements(&self) -> u64 {
        self.deployments.len() as u64 + self.unidentified
    }

    /// Keeps the last of each id, in the place of the first; tells how many were dropped.
    fn drop_repeated(&mut self) -> usize {
        let before = self.deployments.len();
        let mut ids = HashSet::with_capacity_and_hasher(before, RandomState::default());
        if self.deployments.iter().all(|deployment| ids.insert(&*deployment.id)) {
            return 0;
        }
        let mut places: HashMap<Box<str>, usize> = HashMap::with_capacity(before);
        let mut kept: Vec<Deployment> = Vec::with_capacity(before);
        for deployment in self.deployments.drain(..) {
            if let Some(&place) = places.get(&deployment.id) {
                kept[place] = deployment;
            } else {
                places.insert(deployment.id.clone(), kept.len());
                kept.push(deployment);
            }
        }
        self.deployments = kept;
        before - self.deployments.len()
    }

    /// The union of two walks, the later one's word holding.
    fn followed_by(mut self, later: Self) -> Self {
        self.deployments.extend(later.deployments);
        self.drop_repeated();
        Self { deployments: self.deployments, ..later }
    }
}

impl From<Walk> for Listing {
    fn from(walk: Walk) -> Self {
        let Walk { deployments, invalid, pages, request_id, consistent, .. } = walk;
        Self { deployments, invalid, pages, request_id, consistent }
    }
}
