//! The lock on a log directory, as Kafka takes it: an `fcntl` write lock on `.lock`, so that the two exclude each other.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::process::{Flock, FlockType};

/// Held as long as the value lives.
#[derive(Debug)]
pub struct FolderLock {
    _held: Box<dyn Held>,
}

/// What ends a lock when it is dropped.
trait Held: Debug + Send + Sync {}
impl<T: Debug + Send + Sync> Held for T {}

impl FolderLock {
    /// A lock that ends when `held` is dropped.
    pub fn new(held: impl Debug + Send + Sync + 'static) -> FolderLock {
        FolderLock { _held: Box::new(held) }
    }
}

/// Why a directory is not ours.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it; its pid, if the kernel tells.
    Held(Option<i32>),
    /// The disk failed.
    Failed(io::Error),
}

/// Takes the lock without waiting.
///
/// # Errors
/// Who holds it, or what failed.
pub(super) fn take(path: &Path) -> Result<FolderLock, LockError> {
    let open = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = open.map_err(LockError::Failed)?;
    match rustix::fs::fcntl_lock(file.as_fd(), rustix::fs::FlockOperation::NonBlockingLockExclusive)
    {
        Ok(()) => Ok(FolderLock::new(file)),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
            let holder = rustix::process::fcntl_getlk(&file, &Flock::from(FlockType::WriteLock));
            let pid = holder.ok().flatten().and_then(|lock| lock.pid);
            Err(LockError::Held(pid.map(rustix::process::Pid::as_raw_pid)))
        }
        Err(error) => Err(LockError::Failed(error.into())),
    }
}

/// Who holds the lock; 0 if the kernel does not tell.
///
/// # Errors
/// As the system says.
pub(super) fn holder(path: &Path) -> io::Result<Option<i32>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let found = rustix::process::fcntl_getlk(&file, &Flock::from(FlockType::WriteLock))?;
    Ok(found.map(|lock| lock.pid.map_or(0, rustix::process::Pid::as_raw_pid)))
}
