//! The metrics as they are served: joined once for each format and encoding that somebody asks for.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::OnceCell, time::Instant};

use super::{TargetId, TargetStatus};
use crate::{
    collectors::deployments::families::Deployments,
    exposition::{
        self, AssembledBody, Encoding, Format, ObjectGroup, RenderedFamilies, SectionText,
        targets::{self, WorkspaceInfo, Workspaces},
    },
};

/// The text of all targets between two changes of it.
#[derive(Debug, Default)]
pub(super) struct Served {
    chunks: Vec<Arc<RenderedFamilies>>,
    targets: Targets,
    workspaces: Arc<[WorkspaceInfo]>,
    rendered: OnceLock<RenderedTargets>,
    /// That of the previous text, whose unchanged families are used again.
    previous: RenderedTargets,
    bodies: [[OnceCell<Arc<AssembledBody>>; Encoding::ALL.len()]; Format::ALL.len()],
}

/// The text of workspaces and targets.
#[derive(Debug, Default, Clone)]
struct RenderedTargets {
    workspaces: RenderedFamilies,
    targets: RenderedFamilies,
}

/// Every target and its state, in the order of their ids.
pub(super) type Targets = Arc<[(TargetId, Arc<TargetStatus>)]>;

impl Served {
    /// What is served after `self`.
    pub(super) fn next(
        &self,
        chunks: Vec<Arc<RenderedFamilies>>,
        targets: Targets,
        workspaces: Arc<[WorkspaceInfo]>,
    ) -> Self {
        let previous = self.rendered.get().unwrap_or(&self.previous).clone();
        Self { chunks, targets, workspaces, previous, ..Self::default() }
    }

    /// The body but for the live metrics. The first to ask waits for it to be joined, off the async threads.
    pub(super) async fn body(
        self: &Arc<Self>,
        format: Format,
        encoding: Encoding,
    ) -> io::Result<Arc<AssembledBody>> {
        let cell = &self.bodies[format as usize][encoding as usize];
        let join = async || {
            let served = self.clone();
            let joining = tokio::task::spawn_blocking(move || served.join(format, encoding));
            joining.await.map_err(io::Error::other)?.map(Arc::new)
        };
        cell.get_or_try_init(join).await.cloned()
    }

    pub(super) fn text(&self) -> Vec<Bytes> {
        // Nothing is compressed, so nothing can fail.
        self.join(Format::Text, Encoding::Identity).map(|joined| joined.pieces().to_vec()).unwrap_or_default()
    }

    fn join(&self, format: Format, encoding: Encoding) -> io::Result<AssembledBody> {
        let RenderedTargets { workspaces, targets } = self.rendered.get_or_init(|| self.render_targets());
        AssembledBody::new(
            format,
            encoding,
            &[
                SectionText::of::<Deployments>(self.chunks.iter().map(Arc::as_ref)),
                SectionText::of::<Workspaces>([workspaces]),
                SectionText::of::<targets::Targets>([targets]),
            ],
        )
    }

    fn render_targets(&self) -> RenderedTargets {
        let regions: HashMap<&str, &str> =
            self.workspaces.iter().map(|info| (&*info.workspace, &*info.region)).collect();
        let region = |id: &TargetId| regions.get(&*id.workspace).copied().unwrap_or_default();
        let targets = self.targets.iter().map(|(id, status)| status.samples(id, region(id)));
        RenderedTargets {
            workspaces: exposition::render::<Workspaces>(
                &ObjectGroup::new(&[], self.workspaces.iter()),
                &self.previous.workspaces,
            ),
            targets: exposition::render::<targets::Targets>(
                &ObjectGroup::new(&[], targets),
                &self.previous.targets,
            ),
        }
    }

    #[cfg(test)]
    pub(super) fn chunks(&self) -> &[Arc<RenderedFamilies>] {
        &self.chunks
    }
}

/// Which encodings are asked for: what nobody wants is not made.
#[derive(Debug)]
pub(super) struct Demand {
    since: Instant,
    /// Milliseconds from `since` to the last request, by encoding; 0 if there was none.
    last: [AtomicU64; Encoding::ALL.len()],
}

impl Demand {
    /// Longer than any interval between two scrapes.
    const MEMORY: Duration = Duration::from_secs(15 * 60);

    pub(super) fn new() -> Self {
        Self { since: Instant::now(), last: Default::default() }
    }

    pub(super) fn note(&self, encoding: Encoding) {
        self.last[encoding as usize].store(self.now().max(1), Ordering::Relaxed);
    }

    /// The encodings that were asked for lately.
    pub(super) fn encodings(&self) -> impl Iterator<Item = Encoding> {
        let (now, memory) = (self.now(), Self::MEMORY.as_millis());
        Encoding::ALL.into_iter().filter(move |&encoding| {
            let last = self.last[encoding as usize].load(Ordering::Relaxed);
            last > 0 && u128::from(now.saturating_sub(last)) <= memory
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
