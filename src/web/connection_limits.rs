//! How many connections the process can afford.

use rustix::process::{Resource, getrlimit};

/// Connections that are kept open at most.
const MAX_CONNECTIONS: usize = 512;

/// Descriptors that everything else needs at least: the API's connections, files, the runtime.
const MIN_RESERVED: usize = 32;

/// The limits of all listeners together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Connections kept open. At the limit, a new connection evicts another one.
    pub(super) connections: usize,
    /// Connections that are open or about to be closed. Further ones wait in the kernel's queue.
    pub(super) sockets: usize,
}

impl Limits {
    /// The limits for this process.
    pub(super) fn of_process() -> Self {
        let descriptors = getrlimit(Resource::Nofile).current;
        Self::for_descriptors(descriptors.and_then(|limit| limit.try_into().ok()).unwrap_or(usize::MAX))
    }

    /// The limits for a process that may open that many file descriptors.
    fn for_descriptors(descriptors: usize) -> Self {
        let reserved = (descriptors / 4).max(MIN_RESERVED);
        let sockets = descriptors.saturating_sub(reserved).clamp(4, MAX_CONNECTIONS * 5 / 4);
        Self { connections: sockets * 4 / 5, sockets }
    }

    /// Whether the process may open fewer connections than it would like.
    pub(super) fn is_reduced(self) -> bool {
        self.connections < MAX_CONNECTIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        for (descriptors, connections, sockets) in [
            (usize::MAX, 512, 640),
            (1_048_576, 512, 640),
            (1024, 512, 640),
            (256, 153, 192),
            (64, 25, 32),
            (20, 3, 4),
        ] {
            let limits = Limits::for_descriptors(descriptors);
            assert_eq!(limits, Limits { connections, sockets }, "{descriptors}");
            assert_eq!(limits.is_reduced(), connections < 512);
        }
    }
}
