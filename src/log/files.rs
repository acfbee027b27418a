//! Open files behind a bounded cache, so that a node can hold more segments than it may have descriptors.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::error::StorageError;
use crate::os::{Disk, DiskFile, OpenMode};

/// Segment files that are open. The least recently used is closed first; who still holds it keeps it open.
#[derive(Debug)]
pub struct FileCache {
    disk: Arc<dyn Disk>,
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<Arc<Path>, (Arc<dyn DiskFile>, u64)>,
    clock: u64,
}

impl FileCache {
    /// Holds at most `capacity` files.
    pub fn new(disk: Arc<dyn Disk>, capacity: usize) -> FileCache {
        FileCache { disk, capacity: capacity.max(16), state: Mutex::default() }
    }

    /// The open file at `path`, which is created if it is not there.
    ///
    /// # Errors
    /// As the system says.
    pub fn get(&self, path: &Arc<Path>) -> Result<Arc<dyn DiskFile>, StorageError> {
        let mut state = self.state.lock();
        state.clock += 1;
        let clock = state.clock;
        if let Some((file, used)) = state.open.get_mut(path) {
            *used = clock;
            return Ok(file.clone());
        }
        let file =
            self.disk.open(path, OpenMode::Create).map_err(StorageError::at("open", &**path))?;
        if state.open.len() >= self.capacity {
            state.evict();
        }
        state.open.insert(path.clone(), (file.clone(), clock));
        Ok(file)
    }

    /// Forgets the file at `path`: it was renamed or removed.
    pub fn forget(&self, path: &Path) {
        self.state.lock().open.remove(path);
    }

    /// Forgets all files in `folder`.
    pub fn forget_folder(&self, folder: &Path) {
        self.state.lock().open.retain(|path, _| path.parent() != Some(folder));
    }
}

impl State {
    /// Closes the least recently used eighth, so that the search is paid once for many.
    fn evict(&mut self) {
        let mut used: Vec<u64> = self.open.values().map(|(_, used)| *used).collect();
        used.sort_unstable();
        let oldest = used[used.len() / 8];
        self.open.retain(|_, (_, used)| *used > oldest);
    }
}

/// `00000000000000000042.log` and its like.
pub fn file_name(base_offset: i64, suffix: &str) -> String {
    format!("{base_offset:020}{suffix}")
}

/// The offset in a name of [`file_name`]'s form.
pub fn offset_of(name: &str, suffix: &str) -> Option<i64> {
    let digits = name.strip_suffix(suffix)?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

/// Joins a folder and a file's name.
pub fn path_in(folder: &Path, base_offset: i64, suffix: &str) -> PathBuf {
    folder.join(file_name(base_offset, suffix))
}
