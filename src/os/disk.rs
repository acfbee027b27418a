//! Files and folders as klog uses them.

use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

use super::lock::{FolderLock, LockError};

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// For reading; it must exist.
    Read,
    /// For reading and writing; it must exist.
    Write,
    /// For reading and writing; created if absent, never truncated.
    Create,
}

/// Room on a file system, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// How large it is.
    pub total_bytes: u64,
    /// How much of it an ordinary user can still write.
    pub usable_bytes: u64,
}

/// One entry of a folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Entry {
    /// Its name; entries whose names are not UTF-8 are none of ours and left out.
    pub name: String,
    /// Whether it is a folder.
    pub is_dir: bool,
}

/// A file mapped for reading. Only for index files: a truncated file under a map is SIGBUS.
pub type Map = memmap2::Mmap;

/// The disk.
pub trait Disk: Send + Sync + Debug {
    /// Opens a file.
    ///
    /// # Errors
    /// As the system says.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>>;
    /// Renames a file or folder, replacing what stood there.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// As the system says.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder and all in it.
    ///
    /// # Errors
    /// As the system says.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Makes a folder and those above it.
    ///
    /// # Errors
    /// As the system says.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// What is in a folder, sorted by name.
    ///
    /// # Errors
    /// As the system says.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// Makes a folder's entries durable.
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// The file system that holds `path`, to be synced as a whole.
    ///
    /// # Errors
    /// As the system says.
    fn file_system(&self, path: &Path) -> io::Result<Arc<dyn FileSystem>>;
    /// Room on the file system that holds `path`.
    ///
    /// # Errors
    /// As the system says.
    fn space(&self, path: &Path) -> io::Result<Space>;
    /// Takes the lock that the file at `path` stands for, without waiting. The file is created if absent.
    ///
    /// # Errors
    /// `Held` by another; else as the system says.
    fn lock(&self, path: &Path) -> Result<FolderLock, LockError>;
    /// Who holds the lock that the file at `path` stands for, 0 if that is not known; `None` if nobody does. Nothing is created.
    ///
    /// # Errors
    /// As the system says.
    fn lock_holder(&self, path: &Path) -> io::Result<Option<i32>>;
    /// Lets two files or folders change their names in one step: a crash leaves both as they were, or both changed.
    ///
    /// # Errors
    /// As the system says; `InvalidInput` or `Unsupported` where the file system cannot.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()>;
    /// Gives a file a second name.
    ///
    /// # Errors
    /// As the system says.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// All bytes of a file; `None` if there is none. For files that klog keeps small.
    ///
    /// # Errors
    /// As the system says.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let file = match self.open(path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = usize::try_from(file.len()?).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            match file.read_at(&mut bytes[filled..], filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        bytes.truncate(filled);
        Ok(Some(bytes))
    }

    /// Removes a file; that there is none is as good.
    ///
    /// # Errors
    /// As the system says.
    fn remove_if_there(&self, path: &Path) -> io::Result<()> {
        match self.remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Writes a file as a whole, in place, and gives it; it is not waited for the disk.
    ///
    /// # Errors
    /// As the system says; a part may be written then.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.open(path, OpenMode::Create)?;
        file.set_len(0)?;
        file.write_all_at(&mut [IoSlice::new(bytes)], 0)?;
        Ok(file)
    }

    /// Replaces a file as a whole and durably: written aside, synced, renamed, folder synced.
    ///
    /// # Errors
    /// As the system says; the old file is left then.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".tmp");
        let aside = Path::new(&aside);
        self.write(aside, bytes)?.sync_all()?;
        self.rename(aside, path)?;
        path.parent().map_or(Ok(()), |folder| self.sync_dir(folder))
    }
}

/// A file system, held open from when it is first relied on: it tells of every failed write since then.
pub trait FileSystem: Send + Sync + Debug {
    /// Makes all that was written to it durable, bytes and names.
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    fn sync(&self) -> io::Result<()>;
}

/// An open file. Positions are explicit, so that readers and the one writer share it.
pub trait DiskFile: Send + Sync + Debug {
    /// Its length in bytes.
    ///
    /// # Errors
    /// As the system says.
    fn len(&self) -> io::Result<u64>;
    /// Whether it has no bytes.
    ///
    /// # Errors
    /// As the system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Reads at `position`; fewer bytes than asked for at the end, 0 past it.
    ///
    /// # Errors
    /// As the system says.
    fn read_at(&self, out: &mut [u8], position: u64) -> io::Result<usize>;
    /// Writes all of `parts` from `position` on. The slices are used up.
    ///
    /// # Errors
    /// As the system says; some bytes may have been written.
    fn write_all_at(&self, parts: &mut [IoSlice<'_>], position: u64) -> io::Result<()>;
    /// Cuts or extends it with zeros.
    ///
    /// # Errors
    /// As the system says.
    fn set_len(&self, length: u64) -> io::Result<()>;
    /// Makes its bytes durable (fdatasync).
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes its bytes and metadata durable (fsync).
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    fn sync_all(&self) -> io::Result<()>;
    /// The descriptor, for sendfile; `None` where there is none.
    fn as_fd(&self) -> Option<BorrowedFd<'_>>;
    /// Maps the file for reading; `None` where the disk cannot.
    ///
    /// # Errors
    /// As the system says.
    fn map(&self) -> io::Result<Option<Map>>;

    /// Reads exactly `out.len()` bytes.
    ///
    /// # Errors
    /// `UnexpectedEof` where the file ends earlier; else as the system says.
    fn read_exact_at(&self, mut out: &mut [u8], mut position: u64) -> io::Result<()> {
        while !out.is_empty() {
            match self.read_at(out, position)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => {
                    out = &mut out[count..];
                    position += count as u64;
                }
            }
        }
        Ok(())
    }
}
