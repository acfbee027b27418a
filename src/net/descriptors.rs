//! File descriptors: a process has so many, and connections must leave enough of them to the log.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For what is neither a connection nor a segment: directories, locks, indexes being written, the runtime's own.
const OTHERS: usize = 128;

/// How the descriptors are shared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shares {
    /// Connections at most.
    pub connections: usize,
    /// Segment files held open at most.
    pub files: usize,
}

/// Raises the process's limit as far as it may; returns what it then is.
pub fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let now =
        if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    now.and_then(|now| usize::try_from(now).ok()).unwrap_or(usize::MAX)
}

/// Shares `limit` descriptors: what is wanted where it fits, else a quarter for segments, and connections get what is left.
pub fn share(limit: usize, wanted: Shares) -> Shares {
    let files = wanted.files.min(limit / 4).max(16);
    let left = limit.saturating_sub(files).saturating_sub(OTHERS.min(limit / 4)).max(1);
    Shares { connections: wanted.connections.min(left), files }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_never_take_the_descriptors_that_the_log_needs() {
        let wanted = Shares { connections: 10_000, files: 4096 };
        assert_eq!(share(1 << 20, wanted), wanted);
        assert_eq!(share(1024, wanted), Shares { connections: 640, files: 256 });
        for limit in 64..30_000 {
            let shares = share(limit, wanted);
            assert!(shares.connections + shares.files + 16 <= limit, "{limit}: {shares:?}");
        }
    }
}
