//! The simulated disk as the code under test sees it, and the handles by which a test breaks it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::clock::SimClock;
use super::content::Content;
use super::faults::{Cut, Faults, Latency, draw_fate, eio, enospc};
use super::rng::Rng;
use super::tree::{Folder, Id, Node, Tree};
use crate::os::{Disk, DiskFile, Entry, FileSystem, FolderLock, LockError, Map, OpenMode, Space};

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    tree: Tree,
    rng: Rng,
    clock: SimClock,
    faults: Faults,
    latency: Latency,
    capacity_bytes: u64,
    /// Handles of an earlier one are dead: their process is.
    generation: u64,
    locks: BTreeSet<PathBuf>,
    /// How many changes are still made before the power goes.
    changes_left: Option<u64>,
    power: bool,
    changes: u64,
}

/// What an operation does to the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Look,
    Change,
    Sync,
}

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64, clock: SimClock) -> SimDisk {
        SimDisk(Arc::new(Mutex::new(State {
            tree: Tree::new(),
            rng: Rng::new(seed),
            clock,
            faults: Faults::default(),
            latency: Latency::default(),
            capacity_bytes: u64::MAX,
            generation: 0,
            locks: BTreeSet::new(),
            changes_left: None,
            power: true,
            changes: 0,
        })))
    }

    /// From now on, this fails.
    pub fn set_faults(&self, faults: Faults) {
        self.0.lock().faults = faults;
    }

    /// From now on, it takes this long.
    pub fn set_latency(&self, latency: Latency) {
        self.0.lock().latency = latency;
    }

    /// From now on, all files together may have this many bytes.
    pub fn set_capacity(&self, bytes: u64) {
        self.0.lock().capacity_bytes = bytes;
    }

    /// How many bytes all files have.
    pub fn used_bytes(&self) -> u64 {
        self.0.lock().tree.bytes()
    }

    /// The power goes after this many more changes: the next one is begun, and it and all after it fail.
    pub fn cut_power_after(&self, changes: u64) {
        self.0.lock().changes_left = Some(changes);
    }

    /// Whether the power is on.
    pub fn has_power(&self) -> bool {
        self.0.lock().power
    }

    /// How many changes were made so far: writes, changes of length and of names, fsyncs.
    pub fn changes(&self) -> u64 {
        self.0.lock().changes
    }

    /// The power fails, and comes back: what was not synced is lost as `seed` has it. Handles and locks are gone, and no
    /// fault is left.
    pub fn crash(&self, seed: u64) {
        let mut state = self.0.lock();
        let mut rng = Rng::new(seed);
        let Cut { survive_permille, order } = Cut::draw(&mut rng);
        state.tree.crash(&mut rng, order, survive_permille);
        state.restart();
    }

    /// The process is killed: handles and locks are gone, the page cache stays, and no fault is left.
    pub fn kill(&self) {
        self.0.lock().restart();
    }

    /// Every file that has a name, with its bytes as a reader sees them.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.lock().tree.files()
    }

    fn enter(&self, kind: Kind) -> io::Result<MutexGuard<'_, State>> {
        let state = self.0.lock();
        state.pass_time(kind);
        if !state.power {
            return Err(eio());
        }
        Ok(state)
    }

    /// Makes a change of names, unless it fails.
    fn rename_like<T>(&self, change: impl FnOnce(&mut Tree) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.enter(Kind::Change)?;
        let chance = state.faults.names;
        if state.rng.chance(chance) {
            return Err(eio());
        }
        let done = change(&mut state.tree)?;
        state.count_change()?;
        Ok(done)
    }
}

impl State {
    fn restart(&mut self) {
        self.generation += 1;
        self.locks.clear();
        self.faults = Faults::default();
        self.latency = Latency::default();
        self.capacity_bytes = u64::MAX;
        self.changes_left = None;
        self.power = true;
    }

    fn pass_time(&self, kind: Kind) {
        self.clock.advance_us(match kind {
            Kind::Look | Kind::Change => self.latency.operation_us,
            Kind::Sync => self.latency.sync_us,
        });
    }

    /// Counts a change that was begun; an error if the power went during it.
    fn count_change(&mut self) -> io::Result<()> {
        self.changes += 1;
        match &mut self.changes_left {
            Some(0) => {
                self.power = false;
                Err(eio())
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// How many of `wanted` further bytes there is room for.
    fn room_for(&self, wanted: usize) -> usize {
        let left = self.capacity_bytes.saturating_sub(self.tree.bytes());
        usize::try_from(left).unwrap_or(usize::MAX).min(wanted)
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.enter(Kind::Look)?;
        let chance = state.faults.names;
        if state.rng.chance(chance) {
            return Err(eio());
        }
        let id = match state.tree.find(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && mode == OpenMode::Create => {
                let id = state.tree.create(path, Node::File(Content::default()))?;
                state.count_change()?;
                id
            }
            found => found?,
        };
        if state.tree.is_folder(id) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let generation = state.generation;
        drop(state);
        Ok(Arc::new(SimFile { disk: self.clone(), id, generation, writes: mode != OpenMode::Read }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rename_like(|tree| tree.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.rename_like(|tree| {
            let id = tree.find(path)?;
            if tree.is_folder(id) {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            tree.remove(path)
        })
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.rename_like(|tree| tree.remove(path))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = {
            let state = self.enter(Kind::Look)?;
            path.ancestors().take_while(|folder| state.tree.find(folder).is_err()).collect()
        };
        for folder in missing.into_iter().rev() {
            self.rename_like(|tree| {
                tree.create(folder, Node::Folder(Folder::default())).map(|_| ())
            })?;
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let state = self.enter(Kind::Look)?;
        let id = state.tree.find(path)?;
        let names = &state.tree.folder(id)?.names;
        let entry = |(name, id): (&String, &Id)| Entry {
            name: name.clone(),
            is_dir: state.tree.is_folder(*id),
        };
        Ok(names.iter().map(entry).collect())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.enter(Kind::Sync)?;
        let id = state.tree.find(path)?;
        let chance = state.faults.names;
        if state.rng.chance(chance) {
            return Err(eio());
        }
        state.count_change()?;
        state.tree.sync_folder(id);
        Ok(())
    }

    fn file_system(&self, path: &Path) -> io::Result<Arc<dyn FileSystem>> {
        let state = self.enter(Kind::Look)?;
        state.tree.find(path)?;
        let generation = state.generation;
        drop(state);
        Ok(Arc::new(SimFileSystem { disk: self.clone(), generation }))
    }

    fn space(&self, _path: &Path) -> io::Result<Space> {
        let state = self.enter(Kind::Look)?;
        let usable_bytes = state.capacity_bytes.saturating_sub(state.tree.bytes());
        Ok(Space { total_bytes: state.capacity_bytes, usable_bytes })
    }

    fn lock(&self, path: &Path) -> Result<FolderLock, LockError> {
        drop(self.open(path, OpenMode::Create).map_err(LockError::Failed)?);
        let mut state = self.0.lock();
        if !state.locks.insert(path.to_path_buf()) {
            return Err(LockError::Held(None));
        }
        let generation = state.generation;
        drop(state);
        Ok(FolderLock::new(SimLock { disk: self.clone(), path: path.to_path_buf(), generation }))
    }

    fn lock_holder(&self, path: &Path) -> io::Result<Option<i32>> {
        Ok(self.enter(Kind::Look)?.locks.contains(path).then_some(0))
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.rename_like(|tree| tree.exchange(one, other))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rename_like(|tree| tree.link(from, to))
    }
}

#[derive(Debug)]
struct SimFileSystem {
    disk: SimDisk,
    generation: u64,
}

impl FileSystem for SimFileSystem {
    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.enter(Kind::Sync)?;
        if state.generation != self.generation {
            return Err(io::Error::other("the handle's process is dead"));
        }
        let State { tree, rng, faults, .. } = &mut *state;
        if rng.chance(faults.sync) {
            let fate = draw_fate(rng);
            let survive_permille = rng.pick(&[0, 500, 1000]);
            tree.fail_sync(rng, survive_permille, fate);
            return Err(eio());
        }
        state.count_change()?;
        state.tree.sync();
        Ok(())
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    generation: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.0.lock();
        if state.generation == self.generation {
            state.locks.remove(&self.path);
        }
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    id: Id,
    generation: u64,
    writes: bool,
}

impl SimFile {
    fn enter(&self, kind: Kind) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.enter(kind)?;
        if state.generation != self.generation {
            return Err(io::Error::other("the handle's process is dead"));
        }
        if kind == Kind::Change && !self.writes {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(state)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.enter(Kind::Sync)?;
        let State { tree, rng, faults, .. } = &mut *state;
        if rng.chance(faults.sync) {
            let fate = draw_fate(rng);
            let survive_permille = rng.pick(&[0, 500, 1000]);
            tree.file(self.id)?.fail_sync(rng, survive_permille, fate);
            return Err(eio());
        }
        state.count_change()?;
        state.tree.file(self.id)?.sync();
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.enter(Kind::Look)?.tree.file(self.id)?.bytes().len() as u64)
    }

    fn read_at(&self, out: &mut [u8], position: u64) -> io::Result<usize> {
        let mut state = self.enter(Kind::Look)?;
        let State { tree, rng, faults, .. } = &mut *state;
        if rng.chance(faults.read) {
            return Err(eio());
        }
        let bytes = tree.file(self.id)?.bytes();
        let from = usize::try_from(position).unwrap_or(usize::MAX).min(bytes.len());
        let mut count = out.len().min(bytes.len() - from);
        if count > 1 && rng.chance(faults.short_read) {
            count = 1 + rng.below(count - 1);
        }
        out[..count].copy_from_slice(&bytes[from..from + count]);
        Ok(count)
    }

    fn write_all_at(&self, parts: &mut [IoSlice<'_>], position: u64) -> io::Result<()> {
        let mut state = self.enter(Kind::Change)?;
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let at = usize::try_from(position).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let length = state.tree.file(self.id)?.bytes().len();
        let growth = (at + bytes.len()).saturating_sub(length);
        let missing = growth - state.room_for(growth);
        let State { tree, rng, faults, .. } = &mut *state;
        let fails = rng.chance(faults.write);
        let mut count = bytes.len() - missing.min(bytes.len());
        if fails {
            count = rng.below(count + 1);
        }
        if count > 0 {
            tree.file(self.id)?.write(at, &bytes[..count]);
        }
        state.count_change()?;
        match count {
            _ if fails => Err(eio()),
            count if count < bytes.len() => Err(enospc()),
            _ => Ok(()),
        }
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.enter(Kind::Change)?;
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
        state.tree.file(self.id)?.set_len(length);
        state.count_change()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn map(&self) -> io::Result<Option<Map>> {
        Ok(None)
    }
}
