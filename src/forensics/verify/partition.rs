//! One partition's folder: its segments side by side, then what only shows across them.

use std::io;
use std::path::{Path, PathBuf};

use super::data_dir::DataDir;
use super::metadata;
use super::producers::{Replay, State};
use super::report::Report;
use super::segment::{Look, look_at};
use super::shape::Shape;
use super::{Options, epochs, small};
use crate::base::{TopicPartition, in_parallel, threads_each};
use crate::forensics::finding::{Finding, Findings, Kind, copy_command};
use crate::forensics::metadata::METADATA_FOLDER;
use crate::forensics::order::Span;
use crate::log::{LeaderEpochs, StorageError, path_in};
use crate::os::Disk;

/// Topics that brokers compact by default.
const COMPACTED: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// What was seen of a partition.
#[derive(Debug)]
pub struct Seen {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Whether offsets may be missing: because others took their place, or because it is not known that none did.
    pub gaps_are_legal: bool,
    /// The offset behind the last batch.
    pub end: i64,
}

/// A partition to look at.
pub struct Partition<'a> {
    disk: &'a dyn Disk,
    folder: PathBuf,
    above: &'a DataDir,
    name: Option<TopicPartition>,
    shape: Shape,
    epochs: Option<LeaderEpochs>,
    findings: Findings,
}

impl<'a> Partition<'a> {
    /// Reads what is small of the partition `name` in a folder of any name; `findings` are those so far. What the data directory says of it
    /// was read before, so it cannot be ahead of the log.
    ///
    /// # Errors
    /// As the system says.
    pub fn named(
        disk: &'a dyn Disk,
        folder: &Path,
        name: Option<TopicPartition>,
        above: &'a DataDir,
        mut findings: Findings,
    ) -> Result<Partition<'a>, StorageError> {
        let epochs = small::epochs(disk, folder, &mut findings)?;
        small::topic_id(disk, folder, above.properties.is_some(), &mut findings)?;
        let shape = Shape::of(disk, folder)?;
        let folder = folder.to_path_buf();
        Ok(Partition { disk, folder, above, name, shape, epochs, findings })
    }

    /// Looks at all of it.
    ///
    /// # Errors
    /// As the system says.
    pub fn verify(mut self, options: Options<'_>) -> Result<Seen, StorageError> {
        let reports = self.segments(options, |_| true)?;
        let log_start = self.name.as_ref().and_then(|name| self.above.starts.get(name));
        let log_start = log_start.map_or(0, |start| start.get());
        let compacted = self.is_compacted(&reports);
        let knows = self.above.is_data_dir || compacted;
        let gaps_are_legal = !knows || compacted;
        self.across(&reports, log_start, gaps_are_legal);
        let (folder, known) = (&self.folder, self.epochs.as_ref());
        epochs::check(self.disk, folder, &reports, known, &mut self.findings);
        self.strangers();
        self.nothing_is_left(&reports, log_start);
        self.producers(&reports, compacted, log_start)?;
        if let Some(name) = &self.name {
            self.above.against(name, &reports, &self.epochs, &mut self.findings);
        }
        if self.shape.has_quorum_state {
            small::json(self.disk, &self.folder.join("quorum-state"), &mut self.findings)?;
        }
        let end = reports.last().map_or(0, |report| report.end);
        self.metadata_snapshots()?;
        let mut all = self.findings.into_sorted();
        for report in reports {
            all.extend(report.findings.into_sorted());
        }
        all.sort_by(|a, b| (&a.file, a.position).cmp(&(&b.file, b.position)));
        Ok(Seen { findings: all, gaps_are_legal, end })
    }

    /// One that is damaged is left out by a repair where the log goes on from before it; else only a copy mends it. The one at offset 0
    /// says who votes, which is nowhere else.
    fn metadata_snapshots(&mut self) -> Result<(), StorageError> {
        let (mut whole, mut wrong) = (Vec::new(), Vec::new());
        for (name, end, epoch) in &self.shape.metadata {
            let mut found = self.findings.alike();
            let path = self.folder.join(name);
            metadata::check(self.disk, &path, (Some(*end), *epoch), &mut found)?;
            match found.into_sorted() {
                sound if sound.is_empty() => whole.push(*end),
                found => wrong.push((name, *end, found)),
            }
        }
        let first = self.shape.bases.first().copied().unwrap_or(i64::MAX);
        let from_before = first == 0 || whole.iter().any(|end| first <= *end);
        for (name, end, found) in wrong {
            let fix = (end == 0 || !from_before)
                .then(|| copy_command(&format!("{METADATA_FOLDER}/{name}"), &self.folder));
            for finding in found {
                let fix = fix.clone().unwrap_or_else(|| finding.fix.clone());
                self.findings.push(Finding { fix, ..finding });
            }
        }
        Ok(())
    }

    /// Looks at the segment that begins at `base` and at its two sparse indexes, and at nothing else.
    ///
    /// # Errors
    /// As the system says.
    pub fn segment(self, base: i64, options: Options<'_>) -> Result<Vec<Finding>, StorageError> {
        let reports = self.segments(options, |span| span.base == base)?;
        Ok(reports.into_iter().flat_map(|report| report.findings.into_sorted()).collect())
    }

    fn segments(
        &self,
        options: Options<'_>,
        wanted: impl Fn(&Span) -> bool,
    ) -> Result<Vec<Report>, StorageError> {
        let spans = self.shape.spans();
        let chosen: Vec<_> = spans.iter().enumerate().filter(|(_, span)| wanted(span)).collect();
        let each = threads_each(options.threads, chosen.len());
        let looks: Vec<Look<'_>> = chosen
            .into_iter()
            .map(|(at, span)| Look {
                disk: self.disk,
                folder: &self.folder,
                span: *span,
                sealed: at + 1 < spans.len(),
                epochs: self.epochs.as_ref(),
                deep: options.deep,
                threads: each,
                progress: options.progress,
            })
            .collect();
        let reports =
            in_parallel(options.threads, &looks, |look| look_at(*look, self.findings.alike()));
        let is_gone = |report: &Result<Report, StorageError>| {
            // Retention has deleted it meanwhile.
            matches!(report, Err(error) if error.source.kind() == io::ErrorKind::NotFound)
        };
        reports.into_iter().filter(|report| !is_gone(report)).collect()
    }

    /// Whether records may be missing because others took their place.
    fn is_compacted(&self, reports: &[Report]) -> bool {
        let by_name = self.name.as_ref().is_some_and(|name| {
            self.above.cleaned.contains_key(name) || COMPACTED.contains(&name.topic.as_str())
        });
        by_name || self.shape.in_compaction || reports.iter().any(|report| report.is_compacted)
    }

    /// Offsets that are missing within segments and between them.
    fn across(&mut self, reports: &[Report], log_start: i64, gaps_are_legal: bool) {
        for (at, report) in reports.iter().enumerate() {
            let holes = report.holes.iter().filter(|hole| !gaps_are_legal && hole.to >= log_start);
            for hole in holes {
                let detail = format!(
                    "offset {} was expected; {} stands there, and nothing of this log was compacted",
                    hole.from,
                    hole.to + 1
                );
                self.findings.add(
                    &report.path,
                    Kind::OffsetOrder,
                    hole.position,
                    hole.from,
                    detail,
                );
            }
            let Some(next) = reports.get(at + 1).map(|next| next.base) else { continue };
            if report.end >= next || report.tail_is_damaged || next <= log_start {
                continue;
            }
            let missing = report.end.max(report.base + 1)..next;
            let orphan = self.shape.orphans.iter().find(|(_, base)| missing.contains(base));
            let snapshot = self.shape.snapshots.iter().find(|offset| missing.contains(*offset));
            let gone = orphan.map(|(_, base)| base).or(snapshot.filter(|_| !gaps_are_legal));
            if let Some(base) = gone {
                let path = path_in(&self.folder, *base, ".log");
                let detail = format!(
                    "a segment with offsets {base} to {} was expected; there is none",
                    next - 1
                );
                self.findings.add(&path, Kind::MissingFile, None, *base, detail);
            } else if !gaps_are_legal {
                let detail = format!(
                    "offsets up to {} were expected before the next segment; the last one is {}",
                    next - 1,
                    report.end - 1
                );
                self.findings.add(&report.path, Kind::OffsetOrder, report.size, report.end, detail);
            }
        }
    }

    /// A log that was on disk has a segment.
    fn nothing_is_left(&mut self, reports: &[Report], log_start: i64) {
        let point = self.name.as_ref().and_then(|name| self.above.point(name));
        let epochs = self.epochs.as_ref().and_then(|epochs| epochs.entries().last().copied());
        let begun = epochs.map(|(_, start)| start.get());
        let known =
            point.into_iter().chain(self.shape.snapshots.last().copied()).chain(begun).max();
        if let Some(end) = known.filter(|end| reports.is_empty() && *end > log_start) {
            let path = path_in(&self.folder, log_start, ".log");
            let detail = format!("a log up to offset {end} was expected; there is no segment");
            self.findings.add(&path, Kind::MissingFile, None, log_start, detail);
        }
    }

    fn strangers(&mut self) {
        let missing = |base: &i64| {
            let path = path_in(&self.folder, *base, ".log");
            self.findings.has(&path, Kind::MissingFile)
        };
        let orphans: Vec<String> = self
            .shape
            .orphans
            .iter()
            .filter(|(_, base)| !missing(base))
            .map(|(name, _)| name.clone())
            .collect();
        for name in orphans {
            let path = self.folder.join(name);
            let detail = "a segment of the same name was expected; there is none".to_owned();
            self.findings.add(&path, Kind::StrayFile, None, None, detail);
        }
        for name in std::mem::take(&mut self.shape.strangers) {
            let path = self.folder.join(name);
            let detail =
                "only files of the log were expected; no broker gives this name".to_owned();
            self.findings.add(&path, Kind::StrayFile, None, None, detail);
        }
    }

    fn producers(
        &mut self,
        reports: &[Report],
        compacted: bool,
        log_start: i64,
    ) -> Result<(), StorageError> {
        let has_producers = reports.iter().any(|report| report.has_producers);
        if !has_producers && self.shape.snapshots.is_empty() && !self.has_txn_index()? {
            return Ok(());
        }
        let state = State {
            compacted,
            damaged: false,
            sure: self.above.knows_starts,
            log_start,
            clean: self.above.clean,
        };
        Replay {
            disk: self.disk,
            folder: &self.folder,
            reports,
            snapshots: &self.shape.snapshots,
            state,
            findings: &mut self.findings,
        }
        .run()
    }

    fn has_txn_index(&self) -> Result<bool, StorageError> {
        let entries =
            self.disk.list(&self.folder).map_err(StorageError::at("list", &self.folder))?;
        Ok(entries.iter().any(|entry| entry.name.ends_with(".txnindex")))
    }
}
