//! The simulated region: its workspaces, and what changes in it on request.

use crate::fleet::Fleet;
use crate::rng::mix;
use crate::settings::Settings;
use crate::workspace::Workspace;

/// The first workspace's id, unless another is given.
const WORKSPACE: &str = "a14bd5d90a0123";

/// The deployments of a namespace that does not stay.
const MAX_VISITING_DEPLOYMENTS: usize = 6;

/// The workspaces: those that run, one that is overdue, and one that is being created.
#[derive(Debug)]
pub(crate) struct Region {
    workspaces: Vec<Workspace>,
    /// Whether every id is taken for that of the first workspace.
    takes_any_id: bool,
}

impl Region {
    pub(crate) fn new(settings: &Settings) -> Self {
        let Settings { seed, workspaces, namespaces, deployments, .. } = *settings;
        let running = (0..workspaces).map(|index| {
            // The first workspace has the fleet of the seed itself.
            let seed = if index == 0 { seed } else { mix(&[seed, index as u64, 11]) };
            let fleet = Fleet::new(seed, namespaces, deployments);
            if index > 0 {
                return Workspace::running(seed, index, None, fleet);
            }
            let id = settings.workspace.clone().unwrap_or_else(|| WORKSPACE.to_owned());
            let fleet = fleet.with_visitor(deployments.min(MAX_VISITING_DEPLOYMENTS));
            Workspace::running(seed, index, Some(id), fleet)
        });
        let others = [
            Workspace::overdue(seed, workspaces, Fleet::new(mix(&[seed, 12]), 1, 0)),
            Workspace::creating(seed, workspaces + 1),
        ];
        Self { workspaces: running.chain(others).collect(), takes_any_id: settings.workspace.is_none() }
    }

    /// The workspaces in the order of a listing.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &Workspace> {
        self.workspaces.iter().filter(|workspace| workspace.listed)
    }

    /// The first workspace.
    pub(crate) fn first(&self) -> Option<&Workspace> {
        self.workspaces.first()
    }

    /// The running workspace with this id.
    pub(crate) fn workspace(&self, id: &str) -> Option<&Workspace> {
        let known = self.workspaces.iter().find(|workspace| workspace.id == id);
        let workspace = if self.takes_any_id { known.or(self.first()) } else { known };
        workspace.filter(|workspace| workspace.is_running())
    }

    /// The workspace with this id, to be changed.
    pub(crate) fn workspace_mut(&mut self, id: &str) -> Option<&mut Workspace> {
        self.workspaces.iter_mut().find(|workspace| workspace.id == id)
    }

    /// The workspace with this id of its order.
    pub(crate) fn instance(&self, instance_id: &str) -> Option<&Workspace> {
        self.workspaces.iter().find(|workspace| workspace.instance_id == instance_id)
    }
}
