//! What goes out to a socket: bytes, or a stretch of a file.

use std::io::{self, IoSliceMut};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rustix::fs::{Advice, fadvise};
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use super::disk::DiskFile;

/// The system reads so far ahead by itself: stretches up to this are mostly in the page cache, and where they are is not asked.
pub const READ_AHEAD: usize = 128 << 10;
/// The page cache has read so much once it has read one byte of it: several pages belong together.
const LOADED_AT_ONCE: usize = 16 << 10;

/// A stretch of an open file; holding it keeps the file readable after it was deleted.
#[derive(Clone, Debug)]
pub struct FileSlice {
    /// The file.
    pub file: Arc<dyn DiskFile>,
    /// Where the stretch begins, in bytes.
    pub position: u64,
    /// How long it is, in bytes.
    pub len: usize,
}

impl FileSlice {
    /// Reads all of it.
    ///
    /// # Errors
    /// As the system says; `UnexpectedEof` where the file is shorter.
    pub fn read(&self) -> io::Result<Bytes> {
        let mut bytes = BytesMut::zeroed(self.len);
        self.file.read_exact_at(&mut bytes, self.position)?;
        Ok(bytes.freeze())
    }

    /// Whether the page cache has it, as far as its last byte tells: to send it then waits for no disk.
    pub fn is_cached(&self) -> bool {
        let (Some(file), Some(last)) = (self.file.as_fd(), self.len.checked_sub(1)) else {
            return true;
        };
        let at = self.position + last as u64;
        let found = preadv2(file, &mut [IoSliceMut::new(&mut [0])], at, ReadWriteFlags::NOWAIT);
        found != Err(Errno::AGAIN)
    }

    /// Has the page cache read it, and asks for the `ahead` bytes behind it, which are not waited for. Blocking. What cannot be read is
    /// found by who sends it.
    pub fn load(&self, ahead: usize) {
        if let Some(file) = self.file.as_fd() {
            let wanted = std::num::NonZeroU64::new((self.len + ahead) as u64);
            let _ = fadvise(file, self.position, wanted, Advice::WillNeed);
        }
        let end = self.position + self.len as u64;
        for at in (self.position..end).step_by(LOADED_AT_ONCE) {
            if self.file.read_exact_at(&mut [0], at).is_err() {
                return;
            }
        }
    }
}

/// A part of a response, in order.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// Encoded fields.
    Bytes(Bytes),
    /// Whole batches, for sendfile.
    File(FileSlice),
}

impl Chunk {
    /// How many bytes it sends.
    pub fn len(&self) -> usize {
        match self {
            Chunk::Bytes(bytes) => bytes.len(),
            Chunk::File(slice) => slice.len,
        }
    }

    /// Whether it sends none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use rustix::fs::fstatfs;

    use super::*;
    use crate::os::{OpenMode, Os};

    #[test]
    fn what_the_page_cache_lost_is_told_from_what_it_has_and_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("segment");
        std::fs::write(&path, vec![7; 1 << 20]).unwrap();
        let plain = std::fs::File::open(&path).unwrap();
        let file = Os::real().disk.open(&path, OpenMode::Read).unwrap();
        let slice = FileSlice { file, position: 5000, len: 1_000_000 };
        assert!(slice.is_cached());
        plain.sync_all().unwrap();
        fadvise(plain.as_fd(), 0, None, Advice::DontNeed).unwrap();
        // Some file systems, such as those in memory, have nothing but their cache.
        let is_ext4 = fstatfs(&plain).unwrap().f_type == 0xef53;
        assert!(!slice.is_cached() || !is_ext4);
        slice.load(1 << 20);
        assert!(slice.is_cached());
    }
}
