//! The indexes of a segment, in Kafka's own format: two sparse ones, offset index (relative offset of a batch's last record,
//! position: 4 + 4 bytes) and time index (timestamp, relative offset: 8 + 4 bytes), and that of aborted transactions, which most
//! segments have none of (`aborted.rs`).
//!
//! The active segment's entries are kept in memory and appended to the file when the segment is closed or sealed; a
//! sealed index is mapped while it is looked into. Entries of zeros past the first are no entries: a killed Kafka leaves
//! its files preallocated.

use std::io::IoSlice;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use super::error::StorageError;
use crate::os::{Disk, OpenMode};

/// An entry of fixed width.
pub trait Entry: Copy + PartialEq + std::fmt::Debug {
    /// How many bytes it takes.
    const LEN: usize;
    /// Appends it.
    fn write(self, out: &mut Vec<u8>);
    /// Reads it from exactly [`Self::LEN`] bytes.
    fn read(bytes: &[u8]) -> Self;
    /// Whether it may follow `before`.
    fn follows(self, before: Self) -> bool;
}

/// Where a batch stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetEntry {
    /// The batch's last offset, less the segment's base offset.
    pub relative_offset: u32,
    /// Its first byte in the segment file.
    pub position: u32,
}

/// Up to which offset no record is younger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeEntry {
    /// The youngest timestamp so far, in ms.
    pub timestamp: i64,
    /// The last offset of the first batch that has it, less the segment's base offset. Older files have another offset of
    /// that batch: the record's own.
    pub relative_offset: u32,
}

impl Entry for OffsetEntry {
    const LEN: usize = 8;
    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.relative_offset.to_be_bytes());
        out.extend_from_slice(&self.position.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> OffsetEntry {
        let (offset, position) = bytes.split_at(4);
        OffsetEntry { relative_offset: be32(offset), position: be32(position) }
    }
    fn follows(self, before: OffsetEntry) -> bool {
        self.relative_offset > before.relative_offset && self.position > before.position
    }
}

impl Entry for TimeEntry {
    const LEN: usize = 12;
    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.relative_offset.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> TimeEntry {
        let (time, offset) = bytes.split_at(8);
        let timestamp = i64::from(be32(&time[..4]) as i32) << 32 | i64::from(be32(&time[4..]));
        TimeEntry { timestamp, relative_offset: be32(offset) }
    }
    fn follows(self, before: TimeEntry) -> bool {
        self.timestamp > before.timestamp && self.relative_offset >= before.relative_offset
    }
}

fn be32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

/// One index file and, while its segment is active, its entries.
#[derive(Debug)]
pub struct Index<E> {
    path: PathBuf,
    /// The entries of an active segment; `None` once sealed.
    live: Option<Vec<E>>,
    /// How many of the live entries are in the file.
    written: usize,
    /// Whether the file holds nothing else.
    exact: bool,
    entry: PhantomData<E>,
}

impl<E: Entry> Index<E> {
    /// An index that starts empty; what its file holds is overwritten.
    pub fn fresh(path: PathBuf) -> Index<E> {
        Index { path, live: Some(Vec::new()), written: 0, exact: false, entry: PhantomData }
    }

    /// The index of a sealed segment.
    pub fn sealed(path: PathBuf) -> Index<E> {
        Index { path, live: None, written: 0, exact: false, entry: PhantomData }
    }

    /// An index of an active segment that was made from its batches; its file is written anew.
    pub fn rebuilt(path: PathBuf, entries: Vec<E>) -> Index<E> {
        Index { path, live: Some(entries), written: 0, exact: false, entry: PhantomData }
    }

    /// Reads the file to append to it again. `None` if it is missing or cannot be one: it has to be rebuilt.
    ///
    /// # Errors
    /// As the system says.
    pub fn load(path: PathBuf, disk: &dyn Disk) -> Result<Option<Index<E>>, StorageError> {
        let Some(bytes) = disk.read(&path).map_err(StorageError::at("read", &path))? else {
            return Ok(None);
        };
        let Some(entries) = parse::<E>(&bytes) else { return Ok(None) };
        let written = entries.len();
        Ok(Some(Index { path, live: Some(entries), written, exact: false, entry: PhantomData }))
    }

    /// Drops the entries of an active index from the first on for which `keep` does not hold.
    pub fn keep_while(&mut self, keep: impl Fn(E) -> bool) {
        let live = self.live.as_mut().expect("only the active segment's index is cut");
        let kept = live.partition_point(|entry| keep(*entry));
        live.truncate(kept);
        self.written = self.written.min(kept);
        self.exact = false;
    }

    /// Whether the file of a sealed index can be one by its length. Its entries are checked where they lead.
    ///
    /// # Errors
    /// As the system says.
    pub fn is_plausible(&self, disk: &dyn Disk) -> Result<bool, StorageError> {
        match disk.open(&self.path, OpenMode::Read) {
            Ok(file) => {
                let length = file.len().map_err(StorageError::at("stat", &self.path))?;
                Ok(length.is_multiple_of(E::LEN as u64))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StorageError::at("open", &self.path)(error)),
        }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds an entry to an active index, unless it would not follow the last.
    pub fn push(&mut self, entry: E) {
        let live = self.live.as_mut().expect("only the active segment's index grows");
        if live.last().is_none_or(|last| entry.follows(*last)) {
            live.push(entry);
        }
    }

    /// How many bytes an active index takes.
    pub fn live_bytes(&self) -> usize {
        self.live.as_ref().map_or(0, |live| live.len() * E::LEN)
    }

    /// Looks into the entries: live ones, or the sealed file's through a map that ends with the call.
    ///
    /// # Errors
    /// As the system says.
    pub fn with<R>(
        &self,
        disk: &dyn Disk,
        look: impl FnOnce(Entries<'_, E>) -> R,
    ) -> Result<R, StorageError> {
        if let Some(live) = &self.live {
            return Ok(look(Entries::Live(live)));
        }
        let fail = |action| StorageError::at(action, &self.path);
        let file = match disk.open(&self.path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(look(Entries::Live(&[])));
            }
            Err(error) => return Err(fail("open")(error)),
        };
        if file.len().map_err(fail("stat"))? == 0 {
            return Ok(look(Entries::Live(&[])));
        }
        match file.map().map_err(fail("map"))? {
            Some(map) => Ok(look(Entries::File(trimmed::<E>(&map)))),
            None => {
                let bytes = disk.read(&self.path).map_err(fail("read"))?.unwrap_or_default();
                Ok(look(Entries::File(trimmed::<E>(&bytes))))
            }
        }
    }

    /// Appends to the file what it lacks, in one write; the first time it also cuts what stood there before.
    ///
    /// # Errors
    /// As the system says.
    pub fn write(&mut self, disk: &dyn Disk) -> Result<(), StorageError> {
        let Some(live) = &self.live else { return Ok(()) };
        if self.exact && self.written == live.len() {
            return Ok(());
        }
        self.exact = false;
        let mut bytes = Vec::with_capacity((live.len() - self.written) * E::LEN);
        live[self.written..].iter().for_each(|entry| entry.write(&mut bytes));
        let file = disk
            .open(&self.path, OpenMode::Create)
            .map_err(StorageError::at("open", &self.path))?;
        let position = (self.written * E::LEN) as u64;
        if file.len().map_err(StorageError::at("stat", &self.path))? != position {
            file.set_len(position).map_err(StorageError::at("truncate", &self.path))?;
        }
        file.write_all_at(&mut [IoSlice::new(&bytes)], position)
            .map_err(StorageError::at("write", &self.path))?;
        self.written = live.len();
        self.exact = true;
        Ok(())
    }

    /// The same for an index that most segments have no entry of: without entries no file is made.
    ///
    /// # Errors
    /// As the system says.
    pub fn write_any(&mut self, disk: &dyn Disk) -> Result<(), StorageError> {
        match &self.live {
            Some(live) if live.is_empty() && !self.exact => {
                self.cut_file(disk)?;
                self.exact = true;
                Ok(())
            }
            Some(live) if live.is_empty() => Ok(()),
            _ => self.write(disk),
        }
    }

    /// Makes the file durable, if there is one.
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    pub fn sync_any(&self, disk: &dyn Disk) -> Result<(), StorageError> {
        if self.live.as_ref().is_some_and(Vec::is_empty) { Ok(()) } else { self.sync(disk) }
    }

    /// Makes the file durable.
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    pub fn sync(&self, disk: &dyn Disk) -> Result<(), StorageError> {
        let file = disk.open(&self.path, OpenMode::Read);
        let file = file.map_err(StorageError::at("open", &self.path))?;
        file.sync_data().map_err(StorageError::at("fdatasync", &self.path))
    }

    /// Writes the file as a whole, durably: a crash leaves the old one or the new one. For an index that was rebuilt.
    ///
    /// # Errors
    /// As the system says; it may be tried again.
    pub fn replace(&mut self, disk: &dyn Disk) -> Result<(), StorageError> {
        if self.written > 0 {
            self.write(disk)?;
            return self.sync(disk);
        }
        let Some(live) = &self.live else { return Ok(()) };
        let mut bytes = Vec::with_capacity(live.len() * E::LEN);
        live.iter().for_each(|entry| entry.write(&mut bytes));
        disk.replace(&self.path, &bytes).map_err(StorageError::at("write", &self.path))?;
        (self.written, self.exact) = (live.len(), true);
        Ok(())
    }

    /// Cuts the file of an active index, durably, to the entries that were taken over from it.
    ///
    /// # Errors
    /// As the system says.
    pub fn cut_file(&self, disk: &dyn Disk) -> Result<(), StorageError> {
        let file = match disk.open(&self.path, OpenMode::Write) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StorageError::at("open", &self.path)(error)),
        };
        let kept = (self.written * E::LEN) as u64;
        if file.len().map_err(StorageError::at("stat", &self.path))? > kept {
            file.set_len(kept).map_err(StorageError::at("truncate", &self.path))?;
            file.sync_data().map_err(StorageError::at("fdatasync", &self.path))?;
        }
        Ok(())
    }

    /// Lets go of the entries in memory, which the file has.
    pub fn let_go(&mut self) {
        self.live = None;
    }
}

/// The entries of an index, wherever they are.
pub enum Entries<'a, E> {
    /// In memory.
    Live(&'a [E]),
    /// Bytes of a file.
    File(&'a [u8]),
}

impl<E: Entry> Entries<'_, E> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Entries::Live(entries) => entries.len(),
            Entries::File(bytes) => bytes.len() / E::LEN,
        }
    }

    /// Entry number `at`, which there is.
    pub fn get(&self, at: usize) -> E {
        match self {
            Entries::Live(entries) => entries[at],
            Entries::File(bytes) => E::read(&bytes[at * E::LEN..(at + 1) * E::LEN]),
        }
    }

    /// The last entry for which `before` holds; it holds for a prefix of them.
    pub fn last_where(&self, before: impl Fn(E) -> bool) -> Option<E> {
        self.count_where(before).checked_sub(1).map(|at| self.get(at))
    }

    /// For how many entries `before` holds; it holds for a prefix of them.
    pub fn count_where(&self, before: impl Fn(E) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if before(self.get(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The last entry.
    pub fn last(&self) -> Option<E> {
        self.len().checked_sub(1).map(|at| self.get(at))
    }
}

/// The bytes up to the last entry that is not zeros.
fn trimmed<E: Entry>(bytes: &[u8]) -> &[u8] {
    let mut end = bytes.len() / E::LEN * E::LEN;
    while end >= E::LEN && bytes[end - E::LEN..end].iter().all(|byte| *byte == 0) {
        end -= E::LEN;
    }
    &bytes[..end]
}

/// The entries, if the bytes are an index: whole entries that ascend, then at most zeros.
fn parse<E: Entry>(bytes: &[u8]) -> Option<Vec<E>> {
    let entries: Vec<E> = trimmed::<E>(bytes).chunks_exact(E::LEN).map(E::read).collect();
    let ascending = entries.windows(2).all(|pair| pair[1].follows(pair[0]));
    (bytes.len().is_multiple_of(E::LEN) && ascending).then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_behind_the_entries_of_a_killed_kafka_are_no_damage() {
        let mut bytes = Vec::new();
        OffsetEntry { relative_offset: 9, position: 4200 }.write(&mut bytes);
        bytes.resize(800, 0);
        assert_eq!(parse::<OffsetEntry>(&bytes).map(|entries| entries.len()), Some(1));
    }

    #[test]
    fn entries_that_do_not_ascend_are_no_index() {
        let mut bytes = Vec::new();
        TimeEntry { timestamp: 9, relative_offset: 4 }.write(&mut bytes);
        TimeEntry { timestamp: 8, relative_offset: 5 }.write(&mut bytes);
        assert_eq!(parse::<TimeEntry>(&bytes), None);
    }

    #[test]
    fn the_last_entry_before_a_bound_is_found_in_memory_and_in_bytes_alike() {
        let entries: Vec<OffsetEntry> = (1..50)
            .map(|at| OffsetEntry { relative_offset: at * 10, position: at * 4096 })
            .collect();
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| entry.write(&mut bytes));
        for bound in 0..520 {
            let wanted = entries.iter().copied().rfind(|entry| entry.relative_offset < bound);
            let below = |entry: OffsetEntry| entry.relative_offset < bound;
            assert_eq!(Entries::Live(&entries).last_where(below), wanted);
            assert_eq!(Entries::<OffsetEntry>::File(&bytes).last_where(below), wanted);
        }
    }
}
