//! A data directory: whose it is, which partitions it has, and what its checkpoints say of them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::report::Report;
use super::shape::Shape;
use super::{metadata, small};
use crate::base::{TopicPartition, quoted};
use crate::forensics::finding::{Finding, Findings, Kind, copy_command};
use crate::forensics::metadata::{METADATA_FOLDER, Metadata};
use crate::forensics::paths::{parent, partition_in};
use crate::log::{LeaderEpochs, MetaProperties, Offsets, StorageError};
use crate::os::{Disk, Entry, OpenMode};

const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
const LOG_STARTS: &str = "log-start-offset-checkpoint";
const CLEANED: &str = "cleaner-offset-checkpoint";
const REPLICATED: &str = "replication-offset-checkpoint";
const CLEAN_STOP: &str = ".kafka_cleanshutdown";
/// The records that a new cluster begins with.
const BOOTSTRAP: &str = "bootstrap.checkpoint";

/// Folders that stand beside partitions and stop no broker from starting.
const OTHERS: [&str; 2] = ["lost+found", "remote-log-index-cache"];

/// What is wrong where a partition is not.
pub const ABSENT: &str = "a partition was expected, as the metadata log assigns it to this directory; there is no folder, and a broker would begin it anew";

/// What a data directory says of its partitions.
#[derive(Debug, Default)]
pub struct DataDir {
    pub folder: PathBuf,
    /// Whether it is one: a partition's folder may have been copied elsewhere.
    pub is_data_dir: bool,
    /// Whether it is known where its logs start.
    pub knows_starts: bool,
    /// Whose it is. Then each partition in it says which topic it is of.
    pub properties: Option<MetaProperties>,
    /// Whether the last broker stopped of its own accord.
    pub clean: bool,
    pub starts: Offsets,
    pub cleaned: Offsets,
    points: Offsets,
    entries: Vec<Entry>,
}

impl DataDir {
    /// Reads what `folder` says.
    ///
    /// # Errors
    /// As the system says.
    pub fn load(disk: &dyn Disk, folder: &Path) -> Result<DataDir, StorageError> {
        let entries = disk.list(folder).map_err(StorageError::at("list", folder))?;
        let has = |name: &str| entries.iter().any(|entry| !entry.is_dir && entry.name == name);
        let mut unread = Findings::new(String::new());
        let mut offsets = |name: &str| small::offsets(disk, &folder.join(name), &mut unread);
        let (points, starts, cleaned) =
            (offsets(RECOVERY_POINTS)?, offsets(LOG_STARTS)?, offsets(CLEANED)?);
        let properties = small::properties(disk, folder, &mut unread)?;
        let known = [RECOVERY_POINTS, LOG_STARTS, CLEANED, "meta.properties"];
        Ok(DataDir {
            folder: folder.into(),
            is_data_dir: known.iter().any(|name| has(name)),
            knows_starts: known.iter().any(|name| has(name)),
            properties,
            clean: has(CLEAN_STOP),
            starts,
            cleaned,
            points,
            entries,
        })
    }

    /// A folder that says nothing of the partitions in it.
    pub fn unknown(folder: PathBuf) -> DataDir {
        DataDir { folder, ..DataDir::default() }
    }

    /// What the folder above a partition's says, if it can be read.
    ///
    /// # Errors
    /// As the system says.
    pub fn above(disk: &dyn Disk, folder: &Path) -> Result<DataDir, StorageError> {
        let above = parent(folder);
        match DataDir::load(disk, &above) {
            Ok(dir) if dir.is_data_dir => Ok(dir),
            Ok(_) => Ok(DataDir::unknown(above)),
            Err(error) if error.source.kind() == std::io::ErrorKind::PermissionDenied => {
                Ok(DataDir::unknown(above))
            }
            Err(error) => Err(error),
        }
    }

    /// The same, but for what was said of a log that was written anew since.
    pub fn of_copies(&self) -> DataDir {
        let (folder, starts) = (self.folder.clone(), self.starts.clone());
        DataDir { folder, starts, knows_starts: self.knows_starts, ..DataDir::default() }
    }

    /// The folders of its partitions.
    pub fn partitions(&self) -> Vec<PathBuf> {
        let folders = self.entries.iter().filter(|entry| entry.is_dir);
        let partitions = folders.filter(|entry| partition_in(&entry.name).is_some());
        partitions.map(|entry| self.folder.join(&entry.name)).collect()
    }

    /// Up to where a partition is on disk, as its checkpoint has it.
    pub fn point(&self, partition: &TopicPartition) -> Option<i64> {
        self.points.get(partition).map(|point| point.get())
    }

    /// Looks at the directory's own files.
    ///
    /// # Errors
    /// As the system says.
    pub fn verify(&self, disk: &dyn Disk, findings: &mut Findings) -> Result<(), StorageError> {
        for name in [RECOVERY_POINTS, LOG_STARTS, CLEANED, REPLICATED] {
            small::offsets(disk, &self.folder.join(name), findings)?;
        }
        let mut own = Findings::new(self.write_anew());
        small::properties(disk, &self.folder, &mut own)?;
        own.into_sorted().into_iter().for_each(|finding| findings.push(finding));
        let has = |name: &str| self.entries.iter().any(|entry| entry.name == name);
        if has(METADATA_FOLDER) && !has("meta.properties") {
            let path = self.folder.join("meta.properties");
            let detail =
                "whose directory it is was expected to be noted; Kafka does not start without it";
            let (kind, fix) = (Kind::MissingFile, self.write_anew());
            let (position, offset, detail) = (None, None, detail.to_owned());
            findings.push(Finding { file: path, kind, position, offset, detail, fix });
        }
        self.bootstrap(disk, findings)?;
        let mark = self.folder.join(CLEAN_STOP);
        let mut own = Findings::new(format!("rm {}", quoted(&mark)));
        small::json(disk, &mark, &mut own)?;
        own.into_sorted().into_iter().for_each(|finding| findings.push(finding));
        for entry in self.entries.iter().filter(|entry| entry.is_dir) {
            self.folder(entry, findings);
        }
        if let Some(metadata) = self.metadata(disk)? {
            for partition in self.absent(&metadata) {
                let path = self.folder.join(partition.to_string());
                let fix = format!("cp -r COPY/{partition} {}", quoted(&self.folder));
                let detail = ABSENT.to_owned();
                let (kind, position, offset) = (Kind::MissingFile, None, None);
                findings.push(Finding { file: path, kind, position, offset, detail, fix });
            }
        }
        Ok(())
    }

    /// The records that a new cluster begins with. A broker reads them at each start, and makes use of them only where the metadata log
    /// is empty.
    fn bootstrap(&self, disk: &dyn Disk, findings: &mut Findings) -> Result<(), StorageError> {
        let path = self.folder.join(BOOTSTRAP);
        if !self.entries.iter().any(|entry| entry.name == BOOTSTRAP) {
            return Ok(());
        }
        let mut own = match self.has_begun(disk)? {
            true => findings.alike(),
            false => Findings::new(copy_command(BOOTSTRAP, &path)),
        };
        metadata::check(disk, &path, (None, 0), &mut own)?;
        own.into_sorted().into_iter().for_each(|finding| findings.push(finding));
        Ok(())
    }

    /// The damaged file of records that a new cluster begins with, where the cluster has begun.
    ///
    /// # Errors
    /// As the system says.
    pub fn can_do_without_bootstrap(
        &self,
        disk: &dyn Disk,
    ) -> Result<Option<PathBuf>, StorageError> {
        let mut found = Findings::new(String::new());
        self.bootstrap(disk, &mut found)?;
        let first = found.into_sorted().into_iter().next();
        Ok(first.filter(|finding| !finding.needs_a_copy()).map(|finding| finding.file))
    }

    /// Whether the metadata log holds anything.
    fn has_begun(&self, disk: &dyn Disk) -> Result<bool, StorageError> {
        if !self.entries.iter().any(|entry| entry.is_dir && entry.name == METADATA_FOLDER) {
            return Ok(false);
        }
        let folder = self.folder.join(METADATA_FOLDER);
        let shape = Shape::of(disk, &folder)?;
        for path in shape.segments(&folder) {
            let file = disk.open(&path, OpenMode::Read).map_err(StorageError::at("open", &path))?;
            if file.len().map_err(StorageError::at("stat", &path))? > 0 {
                return Ok(true);
            }
        }
        Ok(shape.metadata.iter().any(|(_, end, _)| *end > 0))
    }

    /// What the metadata log says that stands here, if one does.
    ///
    /// # Errors
    /// As the system says.
    pub fn metadata(&self, disk: &dyn Disk) -> Result<Option<Metadata>, StorageError> {
        let is_it = |entry: &&Entry| entry.is_dir && entry.name == METADATA_FOLDER;
        let log = self.entries.iter().find(is_it).map(|entry| self.folder.join(&entry.name));
        log.map(|log| Metadata::read(disk, &log)).transpose()
    }

    /// Partitions that the metadata log assigns to this directory and that are not here, though they were once: a broker makes them
    /// anew, empty. One that nothing tells of may not have been made yet.
    pub fn absent(&self, metadata: &Metadata) -> Vec<TopicPartition> {
        let Some(own) = self.properties.as_ref().filter(|_| metadata.is_whole) else {
            return Vec::new();
        };
        let folders = self.entries.iter().filter(|entry| entry.is_dir);
        let here: HashSet<_> = folders.filter_map(|entry| partition_in(&entry.name)).collect();
        let noted = |offsets: &Offsets, it: &TopicPartition| {
            offsets.get(it).is_some_and(|offset| offset.get() > 0)
        };
        let was_here =
            |it: &TopicPartition| self.clean || noted(&self.points, it) || noted(&self.starts, it);
        let assigned = metadata.assigned(own.node_id.get(), own.directory_id);
        assigned.filter(|it| !here.contains(it) && was_here(it)).collect()
    }

    fn write_anew(&self) -> String {
        copy_command("meta.properties", &self.folder.join("meta.properties"))
    }

    /// A folder that is no partition's keeps Kafka from starting.
    fn folder(&self, entry: &Entry, findings: &mut Findings) {
        let name = entry.name.as_str();
        let renamed = [".delete", "-delete", "-stray"].iter().any(|end| name.ends_with(end));
        let path = self.folder.join(name);
        if name.ends_with("-stray") && name.contains(".repair-") {
            let detail = "a repair was interrupted; run again, it ends".to_owned();
            findings.add(&path, Kind::StrayFile, None, None, detail);
        } else if partition_in(name).is_none() && !renamed && !OTHERS.contains(&name) {
            let detail =
                "only folders of partitions were expected; Kafka does not start beside another"
                    .to_owned();
            let fix = format!("mv {} {}", quoted(&path), quoted(parent(&self.folder)));
            let (kind, position, offset) = (Kind::StrayFile, None, None);
            findings.push(Finding { file: path, kind, position, offset, detail, fix });
        }
    }

    /// What the checkpoints say of a partition, against its log.
    pub fn against(
        &self,
        partition: &TopicPartition,
        reports: &[Report],
        epochs: &Option<LeaderEpochs>,
        findings: &mut Findings,
    ) {
        let Some(last) = reports.last().filter(|last| !last.tail_is_damaged) else { return };
        let end = last.end;
        let mut add = |name: &str, offset: i64, detail: String| {
            let detail = format!("{partition}: {detail}");
            findings.add(&self.folder.join(name), Kind::Checkpoint, None, offset, detail);
        };
        if let Some(point) = self.point(partition) {
            if point > end {
                add(
                    RECOVERY_POINTS,
                    point,
                    format!("offsets up to {point} were on disk; the log ends at {end}"),
                );
            } else if self.clean && point < end {
                let detail =
                    format!("a clean stop left the log with its end at {point}; it ends at {end}");
                add(RECOVERY_POINTS, point, detail);
            }
        }
        if let Some(start) = self.starts.get(partition).filter(|start| start.get() > end) {
            // A power cut may take what was deleted already.
            let newest = epochs.as_ref().and_then(|epochs| epochs.entries().last().copied());
            if newest.is_none_or(|(_, first)| first < *start) {
                let start = start.get();
                add(
                    LOG_STARTS,
                    start,
                    format!(
                        "a start up to offset {end} was expected, where the log ends; {start} is noted"
                    ),
                );
            }
        }
        if let Some(cleaned) = self.cleaned.get(partition).filter(|cleaned| cleaned.get() > end) {
            let cleaned = cleaned.get();
            add(
                CLEANED,
                cleaned,
                format!(
                    "an offset up to {end} was expected, where the log ends; {cleaned} is noted"
                ),
            );
        }
    }
}
