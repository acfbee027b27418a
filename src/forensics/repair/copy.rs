//! A partition's folder written anew: its segments one by one, then the side files, by opening what was written as the broker does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cover::cover;
use super::exchanged::by_content;
use super::links::{copy, link_or_copy};
use super::segment::{self, Copied};
use super::{Change, Lost, Options, RepairError, Repaired, topic_id};
use crate::base::{PartitionIndex, TopicName, TopicPartition};
use crate::config::TopicConfig;
use crate::forensics::finding::{Finding, Kind};
use crate::forensics::kind::FileKind;
use crate::forensics::order::Span;
use crate::forensics::verify::{self, DataDir, partition_at, read_text};
use crate::log::{
    FileCache, LEADER_EPOCHS_FILE, LeaderEpochs, Log, Opening, PARTITION_METADATA_FILE,
    StorageError, file_name, path_in, read_producers,
};
use crate::os::{Disk, OpenMode, Os};

/// A partition to copy.
pub struct Source<'a> {
    pub os: &'a Os,
    pub folder: PathBuf,
    pub above: &'a DataDir,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Where it ends, as far as it is sound.
    pub end: i64,
    options: Options<'a>,
    /// First offsets of the segments and their files, ascending.
    segments: Vec<(i64, PathBuf)>,
    snapshots: Vec<i64>,
    compacted: bool,
    log_start: i64,
    /// Files that have the batches of another name.
    exchanged: Vec<Change>,
}

impl<'a> Source<'a> {
    /// Looks at the partition in `folder`.
    ///
    /// # Errors
    /// As the system says.
    pub fn load(
        os: &'a Os,
        folder: &Path,
        above: &'a DataDir,
        options: Options<'a>,
    ) -> Result<Source<'a>, StorageError> {
        let disk = &*os.disk;
        let quiet: &(dyn Fn(u64) + Sync) = &|_| {};
        let look = verify::Options { deep: false, threads: options.threads, progress: quiet };
        let verify::Seen { findings, gaps_are_legal, end } =
            verify::of_one(disk, folder, above, look)?;
        let mut segments = Vec::new();
        let mut snapshots = Vec::new();
        for entry in disk.list(folder).map_err(StorageError::at("list", folder))? {
            match FileKind::of(&entry.name) {
                FileKind::Segment { base } => segments.push((base, folder.join(&entry.name))),
                FileKind::ProducerSnapshot { offset } => snapshots.push(offset),
                FileKind::Leftover { suffix: ".swap", of } => {
                    // The crash came before it took the place of one that is gone.
                    if let FileKind::Segment { base } = *of {
                        segments.push((base, folder.join(&entry.name)));
                    }
                }
                _ => {}
            }
        }
        segments.sort();
        segments.dedup_by_key(|(base, _)| *base);
        let exchanged = by_content(disk, &mut segments)?;
        snapshots.sort_unstable();
        let name = partition_at(folder);
        let start = name.as_ref().and_then(|name| above.starts.get(name));
        let log_start = start.map_or(0, |start| start.get());
        let folder = folder.to_path_buf();
        Ok(Source {
            os,
            folder,
            above,
            findings,
            end,
            options,
            segments,
            snapshots,
            compacted: gaps_are_legal,
            log_start,
            exchanged,
        })
    }

    fn disk(&self) -> &'a dyn Disk {
        &*self.os.disk
    }

    /// What only a copy mends.
    pub fn left(&self) -> Vec<Finding> {
        self.findings.iter().filter(|it| it.needs_a_copy()).cloned().collect()
    }

    /// Damaged snapshots of the metadata log, which the log can do without.
    fn dropped(&self) -> impl Iterator<Item = Change> {
        let files: BTreeMap<&PathBuf, i64> = self
            .findings
            .iter()
            .filter(|it| !it.needs_a_copy())
            .filter_map(|it| match FileKind::of(&it.file.file_name()?.to_string_lossy()) {
                FileKind::MetadataSnapshot { end, .. } => Some((&it.file, end)),
                _ => None,
            })
            .collect();
        let detail = "a damaged snapshot, left out: the log goes on from before it";
        files.into_iter().map(move |(file, offset)| Change {
            file: file.clone(),
            position: 0,
            offset,
            detail: detail.to_owned(),
        })
    }

    /// The epochs' checkpoint, if the batches bear it out.
    fn epochs(&self) -> Result<Option<LeaderEpochs>, StorageError> {
        let path = self.folder.join(LEADER_EPOCHS_FILE);
        let is_wrong = self.findings.iter().any(|it| it.file == path);
        if is_wrong { Ok(None) } else { LeaderEpochs::load(path, self.disk()) }
    }

    /// The log is known to have reached this offset: it was on disk, or a snapshot tells of it.
    fn known_end(&self) -> i64 {
        let point = partition_at(&self.folder).and_then(|name| self.above.point(&name));
        let is_whole = |offset: &&i64| {
            let path = path_in(&self.folder, **offset, ".snapshot");
            read_producers(self.disk(), &path).is_ok_and(|known| known.is_some())
        };
        let snapshot = self.snapshots.iter().rev().find(is_whole).copied();
        point.into_iter().chain(snapshot).max().unwrap_or(0)
    }

    /// Whether a segment is as it was written, and closed.
    fn is_sound(&self, at: usize) -> bool {
        let (_, path) = &self.segments[at];
        let wrong = |it: &Finding| it.file == *path;
        let a_segment_is_missing = self.findings.iter().any(|it| {
            it.kind == Kind::MissingFile && it.file.extension().is_some_and(|end| end == "log")
        });
        let is_sealed = at + 1 < self.segments.len();
        is_sealed && !a_segment_is_missing && !self.findings.iter().any(wrong)
    }
}

/// Writes a partition anew into the folder `target`, which is made; without one, tells what would be kept.
///
/// # Errors
/// See [`RepairError`].
pub fn copy_partition(
    source: &Source<'_>,
    target: Option<&PathBuf>,
) -> Result<Repaired, RepairError> {
    let disk = source.disk();
    let mut repaired = Repaired::untouched(&source.folder, 0);
    if let Some(target) = target {
        disk.create_dir_all(target).map_err(StorageError::at("create", target))?;
    }
    repaired.changes.clone_from(&source.exchanged);
    repaired.changes.extend(source.dropped());
    repaired.left = source.left();
    let epochs = source.epochs()?;
    for at in 0..source.segments.len() {
        let copied = copy_segment(source, at, epochs.as_ref(), target)?;
        repaired.batches += copied.batches;
        repaired.lost.extend(copied.lost);
        repaired.changes.extend(copied.changes);
        repaired.end = copied.end;
    }
    let known_end = source.known_end();
    if source.segments.is_empty() && known_end > source.log_start {
        repaired.lost.push(all_of(source, known_end));
        if let Some(target) = target {
            write_cover(disk, target, (source.log_start, known_end))?;
        }
    }
    if let Some(target) = target {
        copy_side_files(source, epochs.is_some(), target)?;
        disk.sync_dir(target).map_err(StorageError::at("fsync", target))?;
        repaired.end = make_side_files(source, target)?;
    }
    Ok(repaired)
}

/// What is lost where no segment is left.
fn all_of(source: &Source<'_>, end: i64) -> Lost {
    let file = path_in(&source.folder, source.log_start, ".log");
    let detail = "no segment is left".to_owned();
    Lost { file, first: source.log_start, last: Some(end - 1), position: 0, end: 0, detail }
}

/// A segment without records, so that the offsets that were there are given to nothing else.
fn write_cover(
    disk: &dyn Disk,
    target: &Path,
    (first, end): (i64, i64),
) -> Result<(), StorageError> {
    let last = (end - 1).min(first.saturating_add(i64::from(i32::MAX)));
    let path = path_in(target, first, ".log");
    let written = disk.write(&path, &cover(first, last, 0)).and_then(|file| file.sync_all());
    written.map_err(StorageError::at("write", path))
}

fn copy_segment(
    source: &Source<'_>,
    at: usize,
    epochs: Option<&LeaderEpochs>,
    target: Option<&PathBuf>,
) -> Result<Copied, RepairError> {
    let disk = source.disk();
    let (base, path) = &source.segments[at];
    let limit = source.segments.get(at + 1).map_or(i64::MAX, |(next, _)| *next);
    let file = disk.open(path, OpenMode::Read).map_err(StorageError::at("open", path))?;
    let from = segment::Source {
        path,
        file: file.clone(),
        span: Span { base: *base, limit },
        known_end: source.known_end(),
        compacted: source.compacted,
        log_start: source.log_start,
        epochs,
        progress: source.options.progress,
    };
    let Some(target) = target else { return Ok(segment::copy(&from, None)?) };
    let new = path_in(target, *base, ".log");
    if source.is_sound(at) && link_or_copy(disk, path, &new)? {
        return Ok(segment::copy(&from, None)?);
    }
    let out = disk.open(&new, OpenMode::Create).map_err(StorageError::at("create", &new))?;
    let copied = segment::copy(&from, Some(&*out))?;
    out.sync_all().map_err(StorageError::at("fsync", &new))?;
    Ok(copied)
}

/// What is not made from the batches: whose partition it is, the epochs, what is known of producers before its first batch, and
/// the snapshots of the metadata log.
fn copy_side_files(
    source: &Source<'_>,
    with_epochs: bool,
    target: &Path,
) -> Result<(), RepairError> {
    let disk = source.disk();
    let put = |name: &str, bytes: &[u8]| {
        let path = target.join(name);
        let written = disk.write(&path, bytes).and_then(|file| file.sync_all());
        written.map_err(StorageError::at("write", path))
    };
    if let Some(text) = topic_id::text_for(disk, &source.folder, &source.above.folder)? {
        put(PARTITION_METADATA_FILE, &text)?;
    }
    let epochs = with_epochs.then(|| LEADER_EPOCHS_FILE.to_owned());
    let first = source.segments.first().map_or(0, |(base, _)| *base);
    let snapshot = file_name(first, ".snapshot");
    let named = |name: &String| {
        let path = source.folder.join(name);
        source.findings.iter().any(|it| it.file == path)
    };
    let others = [snapshot, "quorum-state".to_owned()].into_iter().filter(|name| !named(name));
    for name in epochs.into_iter().chain(others) {
        if let Some(bytes) = read_text(disk, &source.folder.join(&name))? {
            put(&name, &bytes)?;
        }
    }
    for entry in disk.list(&source.folder).map_err(StorageError::at("list", &source.folder))? {
        if !matches!(FileKind::of(&entry.name), FileKind::MetadataSnapshot { .. }) {
            continue;
        }
        let (from, to) = (source.folder.join(&entry.name), target.join(&entry.name));
        match source.findings.iter().find(|it| it.file == from) {
            None => drop(link_or_copy(disk, &from, &to)?),
            // Whoever mends it writes over it; what was damaged stays as it was.
            Some(finding) if finding.needs_a_copy() => copy(disk, &from, &to)?,
            Some(_) => {}
        }
    }
    Ok(())
}

/// Opens what was copied as the broker would, which makes what is missing, and closes it. Returns where it ends.
fn make_side_files(source: &Source<'_>, target: &Path) -> Result<i64, RepairError> {
    let files = Arc::new(FileCache::new(source.os.disk.clone(), 64));
    // Where its batches leave gaps, so be it.
    let config = Arc::new(TopicConfig { compact: true, ..TopicConfig::default() });
    // From the first batch that is there, also below the log's start.
    let opening = Opening::default();
    let partition = partition_at(&source.folder).unwrap_or_else(nameless);
    let (mut log, _) = Log::open(source.os, &files, target.into(), partition, config, opening)?;
    log.check_all()?;
    log.complete_snapshots()?;
    log.close()?;
    let end = log.end().get();
    source.disk().sync_dir(target).map_err(StorageError::at("fsync", target))?;
    Ok(end)
}

/// For messages only: a folder may have any name.
fn nameless() -> TopicPartition {
    let topic = TopicName::new("log").expect("a topic's name");
    TopicPartition { topic, partition: PartitionIndex::new(0) }
}
