//! One segment, loaded: what is below the recovery point is trusted as its side files describe it, what lies above is walked through,
//! and the first thing wrong is returned.

use std::path::PathBuf;

use super::Log;
use super::aborted::{AbortedEntry, Decided};
use super::cut::Fault;
use super::error::{OpenError, ReadError, StorageError};
use super::index::{Index, OffsetEntry, TimeEntry};
use super::recovery::{Opening, Recovered};
use super::scan::{Found, Scan};
use super::segment::{Segment, Youngest};
use super::unchecked::Unchecked;
use super::verify::Verifier;
use crate::base::Offset;
use crate::record::BatchHeader;

impl Log {
    /// Loads one segment. What lies at or above the recovery point is checked; the first thing wrong is returned.
    pub(super) fn load_segment(
        &mut self,
        base: i64,
        next: Option<i64>,
        opening: Opening,
        recovered: &mut Recovered,
    ) -> Result<(Segment, Option<Fault>), OpenError> {
        let disk = self.os.disk.clone();
        let mut segment = Segment::empty(&self.folder, base);
        let file = segment.file(&self.files)?;
        let size = file.len().map_err(StorageError::at("stat", &**segment.path()))?;
        let point = opening.recovery_point.unwrap_or_default().get();
        // Where the recovery point is its very end, its indexes may not have been on disk.
        let sound = next.filter(|next| opening.clean || *next < point);
        if let Some(next) = sound
            && let Some(segment) = self.trust(base, size, recovered)?
        {
            // One that compaction emptied has nothing in its indexes either.
            let is_lost = size == 0 && segment.youngest.timestamp >= 0;
            self.end = Offset::new(if is_lost { base } else { next });
            let fault = is_lost.then(|| Fault {
                path: segment.path().clone(),
                position: 0,
                size,
                detail: format!(
                    "it is empty, but its index of times is not: offsets up to {} stood there",
                    next - 1
                ),
            });
            return Ok((segment, fault));
        }
        let trusted = if sound.is_some() { i64::MAX } else { opening.trusted() };
        let from =
            if sound.is_some() { 0 } else { self.resume(&mut segment, size, opening, recovered)? };
        let compacted = self.config.compact || self.was_compacted;
        let look = Look { from, size, next, trusted, opening, compacted };
        let fault = self.check(&mut segment, look, recovered)?;
        self.take_aborted(&mut segment, next.is_some() && fault.is_none())?;
        match next {
            _ if fault.is_some() => {}
            Some(_) => segment.seal_recovered(&*disk)?,
            None if opening.clean => {}
            None => segment.cut_indexes(&*disk)?,
        }
        Ok((segment, fault))
    }

    /// A sealed segment as its files describe it; `None` if an index is missing or cannot be one.
    fn trust(
        &self,
        base: i64,
        size: u64,
        recovered: &mut Recovered,
    ) -> Result<Option<Segment>, StorageError> {
        let disk = &*self.os.disk;
        let mut segment = Segment::empty(&self.folder, base);
        segment.offsets = Index::sealed(segment.offsets.path().into());
        segment.times = Index::sealed(segment.times.path().into());
        segment.aborted = Index::sealed(segment.aborted.path().into());
        segment.decided = Decided::found();
        let doubtful =
            match (segment.offsets.is_plausible(disk)?, segment.times.is_plausible(disk)?) {
                (true, true) => None,
                (false, _) => Some(segment.offsets.path()),
                (_, false) => Some(segment.times.path()),
            };
        if let Some(file) = doubtful {
            recovered.rebuilt.push(file.to_path_buf());
            return Ok(None);
        }
        segment.size = size;
        segment.unchecked = Unchecked::below(size);
        segment.distrust_indexes();
        if let Some(last) = segment.times.with(disk, |entries| entries.last())? {
            let offset = base + i64::from(last.relative_offset);
            segment.youngest = Youngest { timestamp: last.timestamp, offset };
        }
        Ok(Some(segment))
    }

    /// Takes over the index of aborted transactions, as far as it is one; what it says is checked before it is used.
    fn take_aborted(&self, segment: &mut Segment, sealed: bool) -> Result<(), StorageError> {
        segment.decided = Decided::found();
        let path: PathBuf = segment.aborted.path().into();
        if sealed {
            segment.aborted = Index::sealed(path);
        } else if let Some(mut found) = Index::<AbortedEntry>::load(path, self.disk())? {
            // What a torn tail took with it is no transaction any more.
            let end = self.end.get();
            found.keep_while(|entry| entry.aborted.last_offset < end);
            segment.aborted = found;
        }
        Ok(())
    }

    /// Takes over the index of a segment as far as it is trusted; returns the boundary from which to go on.
    fn resume(
        &self,
        segment: &mut Segment,
        size: u64,
        opening: Opening,
        recovered: &mut Recovered,
    ) -> Result<u64, OpenError> {
        if opening.suspect {
            return Ok(0);
        }
        let disk = &*self.os.disk;
        let offsets = Index::<OffsetEntry>::load(segment.offsets.path().into(), disk)?;
        let times = Index::<TimeEntry>::load(segment.times.path().into(), disk)?;
        let is_first = offsets.is_none();
        let (Some(mut offsets), Some(mut times)) = (offsets, times) else {
            if size > 0 && opening.clean {
                let (by_offset, by_time) = (segment.offsets.path(), segment.times.path());
                recovered.rebuilt.push(if is_first { by_offset } else { by_time }.to_path_buf());
            }
            return Ok(0);
        };
        let base = segment.base;
        let bound = opening.trusted().saturating_sub(base);
        let keep =
            |offset: u32, position: u32| i64::from(offset) < bound && u64::from(position) < size;
        offsets.keep_while(|entry| keep(entry.relative_offset, entry.position));
        times.keep_while(|entry| i64::from(entry.relative_offset) < bound);
        let last = offsets.with(disk, |entries| entries.last())?;
        (segment.offsets, segment.times) = (offsets, times);
        let Some(last) = last else { return Ok(0) };
        segment.size = size;
        let from = self.borne_out(segment, last)?;
        segment.size = 0;
        let Some(from) = from else {
            recovered.rebuilt.push(segment.offsets.path().to_path_buf());
            *segment = Segment::empty(&self.folder, base);
            return Ok(0);
        };
        segment.distrust_indexes();
        segment.youngest_is_sure = true;
        Ok(from)
    }

    /// Walks a segment from a boundary to its end or to the first thing that is wrong. What is not trusted is read whole
    /// and its checksum computed.
    fn check(
        &mut self,
        segment: &mut Segment,
        look: Look,
        recovered: &mut Recovered,
    ) -> Result<Option<Fault>, OpenError> {
        let (path, file) = (segment.path().clone(), segment.file(&self.files)?);
        let mut scan = Scan::new(file.clone(), &path, look.from, look.size);
        let mut verifier = Verifier::new(file, path.clone(), look.opening.suspect);
        let mut position = look.from;
        let mut expected = None;
        let mut unchecked = look.size;
        segment.size = look.from;
        let detail = loop {
            let found = match scan.next() {
                Ok(None) => break look.gap(expected.unwrap_or(segment.base)),
                Ok(Some(found)) => found,
                Err(ReadError::Damaged { source, .. }) => break Some(source.to_string()),
                Err(ReadError::Storage(error)) => return Err(error.into()),
                Err(error) => break Some(error.to_string()),
            };
            if let Some(detail) = look.out_of_order(segment.base, &found, expected) {
                break Some(detail);
            }
            if found.last_offset >= look.trusted {
                if let Err(error) = verifier.check(&found)? {
                    break Some(error.to_string());
                }
                recovered.checked_bytes += found.size as u64;
                recovered.markers +=
                    u64::from(found.header.as_ref().is_some_and(BatchHeader::is_control));
                unchecked = unchecked.min(found.position);
            }
            (expected, position) = (Some(found.last_offset + 1), found.end());
            self.note(segment, &found);
        };
        segment.unchecked = Unchecked::below(unchecked.min(segment.size));
        let end = expected.unwrap_or(segment.base).max(0);
        self.end = Offset::new(if detail.is_some() { end } else { look.next.unwrap_or(end) });
        let fault = |detail| Fault { path: path.clone(), position, size: look.size, detail };
        Ok(detail.map(fault))
    }

    fn note(&self, segment: &mut Segment, found: &Found) {
        let interval = self.config.index_interval_bytes;
        segment.note(found.position, found.size, found.appended(), interval);
    }
}

/// What is walked through, and how far it is trusted.
#[derive(Clone, Copy)]
struct Look {
    from: u64,
    size: u64,
    next: Option<i64>,
    trusted: i64,
    opening: Opening,
    /// Whether records may be missing because others took their place.
    compacted: bool,
}

impl Look {
    /// What is wrong with the offsets of a batch that stands where `expected` should.
    fn out_of_order(&self, first: i64, found: &Found, expected: Option<i64>) -> Option<String> {
        let base = found.first_offset();
        // Records below the recovery point were on disk, up to the very last: none is jumped over.
        let below = expected.unwrap_or(base) < self.trusted && self.trusted != i64::MAX;
        let jumps = self.next.is_none() && below && self.trusted <= base;
        let expected = expected.unwrap_or(first);
        let wrong = base < expected
            || jumps
            || found.last_offset < base
            || found.last_offset - first > i64::from(i32::MAX)
            || self.next.is_some_and(|next| found.last_offset >= next);
        wrong.then(|| format!("offsets {base} to {} after {expected}", found.last_offset))
    }

    /// What is wrong if a segment's batches end at `end`: after a power cut its file may be shorter than it was, or the
    /// segment behind it may have lost its name. Offsets below the start of the log may be missing.
    fn gap(&self, end: i64) -> Option<String> {
        let next = self.next.filter(|next| end < *next && *next > self.opening.log_start.get())?;
        let checked =
            !self.compacted && self.trusted != i64::MAX && self.opening.recovery_point.is_some();
        checked.then(|| format!("the next segment begins at offset {next}"))
    }
}
