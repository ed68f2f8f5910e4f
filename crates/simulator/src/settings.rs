//! What is simulated.

use std::time::Duration;

use secrecy::SecretString;

use crate::injected_faults::Faults;
use crate::operation::Operation;

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The access key whose signatures are verified. Without one any key is taken, and only the form of a
    /// request is checked.
    pub access_key: Option<(String, SecretString)>,
    /// The id of the first workspace; without one any id is taken for it.
    pub workspace: Option<String>,
    /// The number of workspaces that run. In addition, one is overdue and one is being created.
    pub workspaces: usize,
    /// The number of namespaces in each of them. The first workspace has one more, which comes and goes; at the start
    /// it is not there.
    pub namespaces: usize,
    /// The deployments that each namespace always has. For every twelve there may be one more, which comes and
    /// goes; at the start there is none of those.
    pub deployments: usize,
    /// Gives the fleet.
    pub seed: u64,
    /// The wait before each reply.
    pub latency: Duration,
    /// What goes wrong, until [`Simulator::set_faults`](crate::Simulator::set_faults) says otherwise.
    pub faults: Faults,
    /// The operations whose RAM action is denied, until [`Simulator::set_denied`](crate::Simulator::set_denied) says otherwise.
    pub denied: Vec<Operation>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_key: None,
            workspace: None,
            workspaces: 1,
            namespaces: 3,
            deployments: 60,
            seed: 1,
            latency: Duration::ZERO,
            faults: Faults::default(),
            denied: Vec::new(),
        }
    }
}
