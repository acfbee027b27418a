//! The lock on a log directory, as Kafka takes it: an `fcntl` write lock on `.lock`, so that the two exclude each other.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::process::{Flock, FlockType};

/// Held as long as the value lives.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

/// Why a directory is not ours.
#[derive(Debug)]
pub enum NotLocked {
    /// Another process has it; its pid, if the kernel tells.
    Held(Option<i32>),
    /// The disk failed.
    Failed(io::Error),
}

impl DirLock {
    /// Takes the lock without waiting.
    ///
    /// # Errors
    /// Who holds it, or what failed.
    pub fn take(path: &Path) -> Result<DirLock, NotLocked> {
        let open = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let file = open.map_err(NotLocked::Failed)?;
        match rustix::fs::fcntl_lock(
            file.as_fd(),
            rustix::fs::FlockOperation::NonBlockingLockExclusive,
        ) {
            Ok(()) => Ok(DirLock { _file: file }),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
                let holder =
                    rustix::process::fcntl_getlk(&file, &Flock::from(FlockType::WriteLock));
                let pid = holder.ok().flatten().and_then(|lock| lock.pid);
                Err(NotLocked::Held(pid.map(rustix::process::Pid::as_raw_pid)))
            }
            Err(error) => Err(NotLocked::Failed(error.into())),
        }
    }
}
