//! Files beside the batches, each by its kind: producer snapshots, checkpoints, and what says whose a folder is.

use std::path::Path;

use anyhow::Context as _;
use klog::base::TopicId;
use klog::forensics::FileKind;
use klog::log::{
    Checkpoint, SnapshotEntry, read_epochs, read_offsets, snapshot_entries, topic_id_in,
};
use klog::os::{Disk, Os};
use serde::Serialize;
use serde_json::Value;

use super::showing::Showing;
use super::{index, sources};
use crate::exit::{Hint as _, usage};
use crate::output::{Row, local_time};

/// Shows a file that has no batches.
///
/// # Errors
/// As the system says; a usage error for a file that is none of Kafka's.
pub fn file(os: &Os, path: &Path, showing: &mut Showing) -> anyhow::Result<()> {
    if index::file(os, path, showing)? {
        return Ok(());
    }
    let disk = &*os.disk;
    match sources::kind_of(path) {
        FileKind::ProducerSnapshot { .. } => producers(disk, path, showing),
        FileKind::LeaderEpochs => epochs(disk, path, showing),
        FileKind::Checkpoint(_) => offsets(disk, path, showing),
        FileKind::PartitionMetadata => topic_id(disk, path, showing),
        FileKind::MetaProperties => properties(disk, path, showing),
        FileKind::QuorumState | FileKind::CleanShutdown => json(disk, path, showing),
        _ => Err(usage(format!("{} is none of a log's files, by its name", path.display())))
            .hint("a file that was renamed is known again under its own name"),
    }
}

/// All of a small file; a table says so where there is nothing in it.
fn read(disk: &dyn Disk, path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = disk.read(path).with_context(|| format!("cannot read {}", path.display()))?;
    bytes.with_context(|| format!("{} is not there", path.display()))
}

/// A file that is not what it should be.
fn damaged(path: &Path, showing: &mut Showing, why: &str) {
    tracing::warn!("{}: {why}", path.display());
    showing.damage(path, 0);
}

#[derive(Serialize)]
struct ProducerRow {
    file: String,
    producer_id: i64,
    producer_epoch: i16,
    first_sequence: Option<i32>,
    last_sequence: Option<i32>,
    first_offset: Option<i64>,
    last_offset: Option<i64>,
    offset_delta: i32,
    timestamp: i64,
    coordinator_epoch: Option<i32>,
    transaction_start: Option<i64>,
}

impl ProducerRow {
    fn of(file: &str, entry: &SnapshotEntry) -> ProducerRow {
        let batch = entry.batch();
        ProducerRow {
            file: file.to_owned(),
            producer_id: entry.producer_id,
            producer_epoch: entry.producer_epoch,
            first_sequence: batch.map(|it| it.first_sequence()).filter(|it| *it >= 0),
            last_sequence: Some(entry.last_sequence).filter(|it| *it >= 0),
            first_offset: batch.map(|it| it.first_offset()).filter(|it| *it >= 0),
            last_offset: Some(entry.last_offset).filter(|it| *it >= 0),
            offset_delta: entry.offset_delta,
            timestamp: entry.timestamp,
            coordinator_epoch: Some(entry.coordinator_epoch).filter(|it| *it >= 0),
            transaction_start: Some(entry.transaction_start).filter(|it| *it >= 0),
        }
    }
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or("-".to_owned(), |value| value.to_string())
}

impl Row for ProducerRow {
    const HEADER: &'static [&'static str] = &[
        "producer_id",
        "epoch",
        "last_sequence",
        "last_offset",
        "delta",
        "timestamp",
        "coordinator_epoch",
        "open_from",
    ];
    const NUMBERS: &'static [&'static str] = &[
        "producer_id",
        "epoch",
        "last_sequence",
        "last_offset",
        "delta",
        "coordinator_epoch",
        "open_from",
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.producer_id.to_string(),
            self.producer_epoch.to_string(),
            text(self.last_sequence),
            text(self.last_offset),
            self.offset_delta.to_string(),
            local_time(Some(self.timestamp).filter(|at| *at >= 0)),
            text(self.coordinator_epoch),
            text(self.transaction_start),
        ]
    }
    fn plain(&self) -> Vec<String> {
        let mut cells = self.cells();
        cells[5] = self.timestamp.to_string();
        [vec![self.file.clone()], cells].concat()
    }
}

fn producers(disk: &dyn Disk, path: &Path, showing: &mut Showing) -> anyhow::Result<()> {
    let entries = snapshot_entries(read(disk, path)?.into());
    let mut rows = showing.rows(path)?;
    let file = path.display().to_string();
    for entry in entries.iter().flatten() {
        rows.push(ProducerRow::of(&file, entry))?;
    }
    rows.finish()?;
    if let Err(why) = entries {
        damaged(path, showing, &why.to_string());
    }
    Ok(())
}

#[derive(Serialize)]
struct EpochRow {
    file: String,
    epoch: i32,
    start_offset: i64,
}

impl Row for EpochRow {
    const HEADER: &'static [&'static str] = &["epoch", "start_offset"];
    const NUMBERS: &'static [&'static str] = Self::HEADER;
    fn cells(&self) -> Vec<String> {
        vec![self.epoch.to_string(), self.start_offset.to_string()]
    }
    fn plain(&self) -> Vec<String> {
        [vec![self.file.clone()], self.cells()].concat()
    }
}

fn epochs(disk: &dyn Disk, path: &Path, showing: &mut Showing) -> anyhow::Result<()> {
    let read = read_epochs(disk, path)?;
    let mut rows = showing.rows(path)?;
    let file = path.display().to_string();
    let entries = checked(read, path, showing);
    for (epoch, start) in entries {
        let (epoch, start_offset) = (epoch.get(), start.get());
        rows.push(EpochRow { file: file.clone(), epoch, start_offset })?;
    }
    rows.finish()
}

/// What a checkpoint says; nothing of a damaged one, which is told.
fn checked<T: Default>(read: Checkpoint<T>, path: &Path, showing: &mut Showing) -> T {
    if let Checkpoint::Damaged(why) = &read {
        damaged(path, showing, &format!("it cannot be read: {why}"));
    }
    read.or_default()
}

#[derive(Serialize)]
struct CheckpointRow {
    file: String,
    topic: String,
    partition: i32,
    offset: i64,
}

impl Row for CheckpointRow {
    const HEADER: &'static [&'static str] = &["topic", "partition", "offset"];
    const NUMBERS: &'static [&'static str] = &["partition", "offset"];
    fn cells(&self) -> Vec<String> {
        vec![self.topic.clone(), self.partition.to_string(), self.offset.to_string()]
    }
    fn plain(&self) -> Vec<String> {
        [vec![self.file.clone()], self.cells()].concat()
    }
}

fn offsets(disk: &dyn Disk, path: &Path, showing: &mut Showing) -> anyhow::Result<()> {
    let read = read_offsets(disk, path)?;
    let mut rows = showing.rows(path)?;
    let file = path.display().to_string();
    for (at, offset) in checked(read, path, showing) {
        rows.push(CheckpointRow {
            file: file.clone(),
            topic: at.topic.to_string(),
            partition: at.partition.get(),
            offset: offset.get(),
        })?;
    }
    rows.finish()
}

/// One thing that a file says.
#[derive(Serialize)]
struct Property {
    file: String,
    key: String,
    value: Value,
}

impl Row for Property {
    const HEADER: &'static [&'static str] = &["key", "value"];
    fn cells(&self) -> Vec<String> {
        let value = match &self.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        vec![self.key.clone(), value]
    }
    fn plain(&self) -> Vec<String> {
        [vec![self.file.clone()], self.cells()].concat()
    }
}

fn pairs(
    path: &Path,
    showing: &mut Showing,
    pairs: impl IntoIterator<Item = (String, Value)>,
) -> anyhow::Result<()> {
    let mut rows = showing.rows(path)?;
    let file = path.display().to_string();
    for (key, value) in pairs {
        rows.push(Property { file: file.clone(), key, value })?;
    }
    rows.finish()
}

fn topic_id(disk: &dyn Disk, path: &Path, showing: &mut Showing) -> anyhow::Result<()> {
    let bytes = read(disk, path)?;
    let id: Option<TopicId> = topic_id_in(&bytes);
    if id.is_none() {
        damaged(path, showing, "no topic id can be made out");
    }
    let found = String::from_utf8_lossy(&bytes).into_owned();
    let found = found.lines().filter_map(|line| line.split_once(": "));
    let found: Vec<_> = found.map(|(key, value)| (key.to_owned(), value.into())).collect();
    pairs(path, showing, found)
}

fn properties(disk: &dyn Disk, path: &Path, showing: &mut Showing) -> anyhow::Result<()> {
    let bytes = read(disk, path)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let mut found = Vec::new();
    for line in lines {
        match line.split_once('=') {
            Some((key, value)) => {
                let value = value.trim().replace("\\=", "=").replace("\\:", ":");
                found.push((key.trim().to_owned(), value.into()));
            }
            None => damaged(path, showing, &format!("{line:?} is no property")),
        }
    }
    pairs(path, showing, found)
}

fn json(disk: &dyn Disk, path: &Path, showing: &mut Showing) -> anyhow::Result<()> {
    let bytes = read(disk, path)?;
    // An older Kafka's mark of a clean stop is empty.
    if bytes.is_empty() {
        return pairs(path, showing, []);
    }
    match serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes) {
        Ok(found) => pairs(path, showing, found),
        Err(why) => {
            damaged(path, showing, &why.to_string());
            Ok(())
        }
    }
}
