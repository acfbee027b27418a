//! What the batches tell of producers and transactions, against the snapshots and the indexes of aborted transactions.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::aborted::check_index;
use super::report::Report;
use crate::forensics::finding::{Findings, Kind};
use crate::forensics::order::Span;
use crate::forensics::walk::{each_batch, note};
use crate::log::{Producer, Producers, StorageError, path_in, read_producers};
use crate::os::{Disk, DiskFile, OpenMode};

/// What is known of the log as a whole.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// Whether batches may be missing because others took their place.
    pub compacted: bool,
    /// Whether something came to light that may have told of producers.
    pub damaged: bool,
    /// Whether all that was open where the log begins is known.
    pub sure: bool,
    /// What lies below is deleted, and may be forgotten: a transaction that began there, the part of it that is left.
    pub log_start: i64,
    /// Whether the last process stopped of its own accord: nothing was in memory only.
    pub clean: bool,
}

/// Goes through a log with its snapshots and indexes.
pub struct Replay<'a> {
    pub disk: &'a dyn Disk,
    pub folder: &'a Path,
    pub reports: &'a [Report],
    /// Offsets of snapshots, ascending.
    pub snapshots: &'a [i64],
    pub state: State,
    pub findings: &'a mut Findings,
}

impl Replay<'_> {
    /// Holds snapshots and indexes against the batches.
    ///
    /// # Errors
    /// As the system says.
    pub fn run(mut self) -> Result<(), StorageError> {
        let mut snapshots = Vec::new();
        for offset in self.snapshots {
            let path = path_in(self.folder, *offset, ".snapshot");
            if let Some(known) = self.load(*offset, &path)? {
                snapshots.push((*offset, path, known));
            }
        }
        let first = self.reports.first().map_or(0, |report| report.base);
        let mut producers = Producers::default();
        let begins = snapshots.iter().position(|(offset, ..)| *offset == first);
        self.state.sure &= first == 0 || begins.is_some();
        if let Some(at) = begins {
            producers = snapshots.remove(at).2;
        }
        snapshots.retain(|(offset, ..)| *offset > first);
        snapshots.reverse();
        let reports = self.reports;
        for (at, report) in reports.iter().enumerate() {
            let next = reports.get(at + 1).map(|next| next.base);
            producers = self.segment(report, next, producers, &mut snapshots)?;
            self.state.damaged |= report.is_damaged;
        }
        while let Some((offset, path, known)) = snapshots.pop() {
            self.compare(offset, &path, &known, &producers);
        }
        Ok(())
    }

    /// A snapshot, if it is whole and the log reaches it.
    fn load(&mut self, offset: i64, path: &Path) -> Result<Option<Producers>, StorageError> {
        let end = self.reports.last().map_or(0, |report| report.end);
        let tail_is_damaged = self.reports.last().is_some_and(|report| report.tail_is_damaged);
        if offset > end && !tail_is_damaged {
            let detail =
                format!("a log that reaches offset {offset} was expected; it ends at {end}");
            self.findings.add(path, Kind::Snapshot, None, offset, detail);
        }
        let known = read_producers(self.disk, path)?;
        if known.is_none() {
            let detail = "a snapshot of version 1 with the checksum of its bytes was expected; it is not whole";
            self.findings.add(path, Kind::Snapshot, 0, offset, detail.to_owned());
        }
        let Some(known) = known else { return Ok(None) };
        let beyond = known.iter().find_map(|(id, producer)| {
            let last = producer.batches.back().map(|batch| batch.last_offset);
            let start = producer.transaction_start;
            last.into_iter().chain(start).find(|at| *at >= offset).map(|at| (id, at))
        });
        if let Some((id, at)) = beyond {
            let detail = format!(
                "only what stands below offset {offset} was expected; producer {id} has offset {at}"
            );
            self.findings.add(path, Kind::Snapshot, None, at, detail);
            return Ok(None);
        }
        Ok(Some(known))
    }

    fn segment(
        &mut self,
        report: &Report,
        next: Option<i64>,
        mut producers: Producers,
        snapshots: &mut Vec<(i64, PathBuf, Producers)>,
    ) -> Result<Producers, StorageError> {
        let file = self.disk.open(&report.path, OpenMode::Read);
        let file = file.map_err(StorageError::at("open", &report.path))?;
        let span = Span { base: report.base, limit: next.unwrap_or(i64::MAX) };
        let (mut entries, mut with_data) = (Vec::new(), BTreeSet::new());
        each_batch(&report.path, &file, span, !report.is_damaged, |found, header| {
            while snapshots.last().is_some_and(|(offset, ..)| *offset <= header.base_offset) {
                let Some((offset, path, known)) = snapshots.pop() else { break };
                self.compare(offset, &path, &known, &producers);
            }
            if header.is_transactional() && !header.is_control() && header.record_count > 0 {
                with_data.insert(header.producer_id);
            }
            let aborted = note(&mut producers, &file, found, header)?;
            if header.is_control() {
                let had_data = with_data.remove(&header.producer_id);
                entries.extend(aborted.map(|entry| (entry, had_data)));
            }
            Ok(())
        })?;
        let path = path_in(self.folder, report.base, ".txnindex");
        let index = open_if_there(self.disk, &path)?;
        let state = State { damaged: self.state.damaged || report.is_damaged, ..self.state };
        let first = self.reports.first().map_or(0, |report| report.base);
        let is_active = next.is_none() && !self.state.clean;
        check_index(
            &path,
            index.as_deref(),
            &entries,
            (span, first, is_active),
            state,
            self.findings,
        )
        .map_err(StorageError::at("read", path))?;
        Ok(producers)
    }

    /// Holds a snapshot against the batches below it.
    fn compare(&mut self, offset: i64, path: &Path, known: &Producers, seen: &Producers) {
        let first = self.reports.first().map_or(0, |report| report.base);
        let seen: std::collections::BTreeMap<i64, &Producer> = seen.iter().collect();
        for (id, says) in known.iter() {
            let detail = self.contradicts(id, says, seen.get(&id).copied(), first);
            if let Some(detail) = detail {
                self.findings.add(path, Kind::Snapshot, None, offset, detail);
            }
        }
    }

    /// What the batches say that a snapshot does not, of one producer.
    fn contradicts(
        &self,
        id: i64,
        says: &Producer,
        seen: Option<&Producer>,
        first: i64,
    ) -> Option<String> {
        let State { compacted, damaged, sure, log_start, .. } = self.state;
        let last_of = |it: &Producer| it.batches.back().map_or(-1, |batch| batch.last_offset);
        let last = last_of(says);
        let Some(seen) = seen else {
            let should_be_there = last >= first && !compacted && !damaged && sure;
            return should_be_there.then(|| {
                format!("producer {id} was not expected; it says that a batch of its ends with offset {last}")
            });
        };
        let there = last_of(seen);
        let differs = |what: &str, there: String, says: String| {
            Some(format!(
                "producer {id} was expected to have {what} {there}, as its batches tell; it has {says}"
            ))
        };
        if there >= log_start.max(0)
            && (last < there || (last > there && last >= first && !compacted && !damaged))
        {
            return differs("last offset", there.to_string(), last.to_string());
        }
        if there >= log_start.max(0) && last == there {
            if says.epoch != seen.epoch {
                return differs("epoch", seen.epoch.to_string(), says.epoch.to_string());
            }
            let (there, says) = (seen.last_sequence(), says.last_sequence());
            if there != says {
                return differs("last sequence", there.to_string(), says.to_string());
            }
        }
        let starts = [seen.transaction_start, says.transaction_start];
        let is_left = starts.iter().flatten().all(|start| *start >= log_start);
        let exact = sure && !compacted && !damaged && is_left;
        if exact && says.transaction_start != seen.transaction_start {
            let text = |start: Option<i64>| start.map_or("none".to_owned(), |at| at.to_string());
            let (there, says) = (text(seen.transaction_start), text(says.transaction_start));
            return differs("a transaction open from", there, says);
        }
        None
    }
}

fn open_if_there(disk: &dyn Disk, path: &Path) -> Result<Option<Arc<dyn DiskFile>>, StorageError> {
    match disk.open(path, OpenMode::Read) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::at("open", path)(error)),
    }
}
