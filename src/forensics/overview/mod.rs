//! What is in a data directory: topics, partitions, groups, open transactions, and what is damaged.

mod internal;
mod partition;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use internal::{GroupOffset, Groups, Transactional};
pub use partition::PartitionView;

use super::decode::Internal;
use super::metadata::Metadata;
use super::place::Folder;
use super::verify::{ABSENT, DataDir};
use crate::base::{Offset, TopicPartition, in_parallel};
use crate::log::{
    FoundProperties, LEADER_EPOCHS_FILE, META_PROPERTIES_FILE, Offsets, StorageError, read_offsets,
    read_properties,
};
use crate::os::Disk;

const CLEAN: &str = ".kafka_cleanshutdown";

/// A data directory as its files tell of it.
#[derive(Debug)]
pub struct Overview {
    /// Where it is.
    pub path: PathBuf,
    /// Whose it is, by `meta.properties`.
    pub properties: FoundProperties,
    /// Whether the broker stopped of its own accord, and has not been started since.
    pub stopped_cleanly: bool,
    /// What the metadata log says; `None` without one.
    pub metadata: Option<Metadata>,
    /// The partitions in order of topic and number.
    pub partitions: Vec<PartitionView>,
    /// Partitions that should be here and are not.
    pub absent: Vec<TopicPartition>,
    /// The groups and what they have committed.
    pub groups: Groups,
    /// The transactional ids by their producers.
    pub transactions: BTreeMap<i64, Transactional>,
    /// Small files that cannot be read: which, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// How an overview is made.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// How many threads read.
    pub threads: usize,
    /// Which partitions are wanted; those of Kafka's own topics are read all the same.
    pub wanted: &'a (dyn Fn(&Folder) -> bool + Sync),
    /// Told of bytes as they are gone through.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl Overview {
    /// Reads all batches of all partitions in `folders`, which are those of the data directory `path`.
    ///
    /// # Errors
    /// As the system says.
    pub fn of(
        disk: &dyn Disk,
        path: &Path,
        folders: &[Folder],
        look: Look<'_>,
    ) -> Result<Overview, StorageError> {
        let mut unreadable = Vec::new();
        let mut checkpoint = |name: &str| -> Result<Offsets, StorageError> {
            let file = path.join(name);
            let read = read_offsets(disk, &file)?;
            if let crate::log::Checkpoint::Damaged(why) = &read {
                unreadable.push((file, why.clone()));
            }
            Ok(read.or_default())
        };
        let starts = checkpoint("log-start-offset-checkpoint")?;
        for other in ["recovery-point-offset-checkpoint", "replication-offset-checkpoint"] {
            checkpoint(other)?;
        }
        let internal = |folder: &&Folder| Internal::of(&folder.topic()).is_some();
        let read: Vec<&Folder> =
            folders.iter().filter(|folder| (look.wanted)(folder) || internal(folder)).collect();
        let views = in_parallel(look.threads, &read, |folder| {
            let start = folder.partition.as_ref().and_then(|at| starts.get(at));
            PartitionView::read(disk, folder, start.copied(), look.progress)
        });
        let mut views = views.into_iter().collect::<Result<Vec<_>, _>>()?;
        let (mut groups, mut transactions) = (Groups::default(), BTreeMap::new());
        for view in &views {
            match Internal::of(&view.folder.topic()) {
                Some(Internal::Groups) => internal::groups(disk, view, &mut groups)?,
                Some(Internal::Transactions) => {
                    internal::transactions(disk, view, &mut transactions)?;
                }
                Some(Internal::Metadata | Internal::Shares) | None => {}
            }
        }
        views.retain(|view| (look.wanted)(&view.folder));
        let dir = DataDir::load(disk, path)?;
        let metadata = dir.metadata(disk)?;
        let mut absent = metadata.as_ref().map_or(Vec::new(), |metadata| dir.absent(metadata));
        absent.retain(|it| (look.wanted)(&Folder::at(&path.join(it.to_string()))));
        Ok(Overview {
            path: path.into(),
            properties: read_properties(disk, path)?,
            stopped_cleanly: disk.open(&path.join(CLEAN), crate::os::OpenMode::Read).is_ok(),
            metadata,
            absent,
            partitions: views,
            groups,
            transactions,
            unreadable,
        })
    }

    /// Where the logs end that are here, by partition.
    pub fn ends(&self) -> BTreeMap<TopicPartition, Offset> {
        let end = |view: &PartitionView| {
            let at = view.folder.partition.clone().filter(|_| view.folder.fate.is_none())?;
            Some((at, view.end()))
        };
        self.partitions.iter().filter_map(end).collect()
    }

    /// Names of topics that have folders here.
    pub fn topics_here(&self) -> BTreeSet<String> {
        self.partitions.iter().map(|view| view.folder.topic()).collect()
    }

    /// What the files say of a directory that is damaged: the file and what is wrong, in words.
    pub fn damage(&self) -> Vec<(PathBuf, String)> {
        let mut all = self.unreadable.clone();
        if let FoundProperties::Unusable(why) = &self.properties {
            all.push((self.path.join(META_PROPERTIES_FILE), why.clone()));
        }
        all.extend(
            self.absent.iter().map(|it| (self.path.join(it.to_string()), ABSENT.to_owned())),
        );
        for view in &self.partitions {
            all.extend(view.damage.iter().cloned());
            if let Some(why) = self.foreign(view) {
                all.push((view.folder.path.clone(), why));
            }
        }
        all
    }

    /// What is wrong with a folder's id.
    fn foreign(&self, view: &PartitionView) -> Option<String> {
        let topic = view.folder.topic();
        let known = self.metadata.as_ref()?.image.topic(&topic)?.id;
        let here = view.topic_id.filter(|_| view.folder.fate.is_none())?;
        (known != here).then(|| {
            format!("its partition.metadata says topic id {here}, the metadata log {known}")
        })
    }
}

/// The leader epochs of a partition, if they can be read.
fn epochs_problem(disk: &dyn Disk, folder: &Path) -> Result<Option<String>, StorageError> {
    match crate::log::read_epochs(disk, &folder.join(LEADER_EPOCHS_FILE))? {
        crate::log::Checkpoint::Damaged(why) => Ok(Some(why)),
        crate::log::Checkpoint::Read(_) | crate::log::Checkpoint::Missing => Ok(None),
    }
}

#[cfg(test)]
#[path = "../overview_tests.rs"]
mod tests;
