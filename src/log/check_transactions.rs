//! An index of aborted transactions is not believed: it has no checksum, and what it lacks would be served as committed. Before it is
//! first used, the batches behind it bear it out. Where no transaction was aborted, a look for abort markers from the offset on that is
//! wanted is enough; else all of the segment is gone through, from the producers' states at its beginning, and an index that says
//! otherwise is made anew, once the batches' checksums are found right.

use std::path::Path;
use std::sync::Arc;

use super::Log;
use super::aborted::{AbortedEntry, are_sound};
use super::check::{Check, Outcome, Work};
use super::error::{ReadError, StorageError};
use super::files::path_in;
use super::index::Index;
use super::producers::Producers;
use super::scan::Scan;
use super::snapshot;
use super::walk::{Fault, Walk};

/// What is held against a segment's batches.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What the index says.
    entries: Vec<AbortedEntry>,
    /// The producers' states where the segment begins.
    producers: Arc<Producers>,
}

impl Check {
    /// Looks for abort markers from an offset on; the index has none there.
    pub(super) fn markers(&self, from: i64) -> Result<Outcome, ReadError> {
        let mut scan = Scan::new(self.file.clone(), &self.path, self.from, self.size);
        while let Some(found) = scan.next()? {
            let is_marker = found.header.is_some_and(|it| it.is_control() && it.has_producer_id());
            if is_marker
                && found.last_offset >= from
                && scan.marker(&found)?.is_some_and(|it| it.aborts)
            {
                return Ok(Outcome::Aborts);
            }
        }
        Ok(Outcome::NoAborts { from, stable_at_end: self.stable_at_end()? })
    }

    /// Where the first transaction began that is open at the segment's end, as the snapshot there says.
    fn stable_at_end(&self) -> Result<Option<i64>, StorageError> {
        let known = match self.is_sealed {
            true => snapshot::read(&*self.disk, &path_in(&self.folder, self.next, ".snapshot"))?,
            false => None,
        };
        Ok(known.map(|known| known.first_open().unwrap_or(self.next)))
    }

    /// Goes through the segment, and holds what the index claims against it.
    pub(super) fn replay(&self, claim: &Claim) -> Result<Outcome, ReadError> {
        let mut producers = (*claim.producers).clone();
        let mut entries = Vec::new();
        let mut scan = Scan::new(self.file.clone(), &self.path, 0, self.size);
        while let Some(found) = scan.next()? {
            entries.extend(producers.replay(&mut scan, &found)?);
        }
        let stable_at_end = producers.first_open().unwrap_or(self.next);
        if entries == claim.entries && are_sound(&entries) {
            return Ok(Outcome::Replayed { fresh: None, stable_at_end });
        }
        // Of two witnesses one is wrong: that the batches are not is shown by their checksums.
        self.all_sound()?;
        Ok(Outcome::Replayed { fresh: Some(entries), stable_at_end })
    }

    fn all_sound(&self) -> Result<(), ReadError> {
        let mut walk = Walk::new(&*self.file, 0, self.size);
        loop {
            let position = walk.position();
            match walk.next() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(Fault::Io(source)) => return Err(self.storage(source).into()),
                Err(Fault::Batch(error)) => {
                    return Err(self.rotten(position, self.base, error.to_string()));
                }
            }
        }
    }
}

impl Log {
    /// Refuses to go on until the index of aborted transactions of a segment is borne out from an offset on.
    pub(super) fn require_transactions(&self, at: usize, from: i64) -> Result<(), ReadError> {
        if self.segments[at].decided.sure_from <= from {
            return Ok(());
        }
        Err(ReadError::Unchecked(self.check_transactions(at, from)?.into()))
    }

    pub(super) fn check_transactions(&self, at: usize, from: i64) -> Result<Check, ReadError> {
        let segment = &self.segments[at];
        let disk = self.disk();
        if segment.decided.to_replay || !segment.aborted_from(disk, from)?.is_empty() {
            let entries = segment.aborted_from(disk, i64::MIN)?;
            let producers = self.producers_at(segment.base)?.into();
            return Ok(self.look_at(at, Work::Replay(Claim { entries, producers }))?);
        }
        let near = segment.near(disk, from)?.map_or(0, |entry| u64::from(entry.position));
        Ok(Check { from: near, ..self.look_at(at, Work::Markers { from })? })
    }

    /// Takes over what a segment's batches told of its transactions.
    pub(super) fn note_transactions(
        &mut self,
        at: usize,
        fresh: Option<Vec<AbortedEntry>>,
        (up_to, stable_at_end): (i64, Option<i64>),
    ) -> Result<(), StorageError> {
        let disk = self.os.disk.clone();
        let sealed = at + 1 < self.segments.len();
        let segment = &mut self.segments[at];
        if let Some(mut entries) = fresh {
            // Behind what was gone through, this process has written.
            entries.extend(segment.aborted_from(&*disk, up_to)?);
            let path: &Path = segment.aborted.path();
            tracing::info!(partition = %self.partition, file = %path.display(), aborted = entries.len(),
                "the index of aborted transactions was made anew from its segment");
            segment.aborted = Index::rebuilt(path.into(), entries);
            if sealed {
                segment.aborted.replace(&*disk)?;
                segment.aborted.let_go();
            }
        }
        segment.decided.sure_from = segment.base;
        segment.decided.to_replay = false;
        if let Some(stable) = stable_at_end {
            segment.decided.stable_at_end = stable;
        }
        Ok(())
    }
}
