//! All partitions of this node: opened, changed and deleted as the metadata image says.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::partition::Partition;
use crate::base::{LeaderEpoch, Offset, PartitionIndex, TopicId, TopicName, TopicPartition};
use crate::config::TopicConfig;
use crate::log::{FoundPartition, LogDir, Offsets, StorageError};
use crate::meta::{ConfigResource, Image, Topic};
use crate::quorum::METADATA_TOPIC;

/// A partition, or why it cannot be served.
#[derive(Clone, Debug)]
pub enum Slot {
    /// It is served.
    Online(Arc<Partition>),
    /// It is not; what is wrong was logged.
    Offline,
}

/// A topic's partitions on this node.
#[derive(Debug)]
pub struct TopicLogs {
    /// The topic's id.
    pub id: TopicId,
    /// Its name.
    pub name: TopicName,
    /// Its partitions, by number.
    pub slots: Vec<Slot>,
    overrides: BTreeMap<String, String>,
}

/// All partitions of this node.
#[derive(Debug)]
pub struct Partitions {
    dirs: Vec<Arc<LogDir>>,
    /// The directories' ids, in the same order.
    dir_ids: Vec<TopicId>,
    /// What a topic has that sets nothing itself.
    defaults: RwLock<TopicConfig>,
    by_name: RwLock<HashMap<TopicName, Arc<TopicLogs>>>,
    by_id: RwLock<HashMap<TopicId, Arc<TopicLogs>>>,
    /// Where folders were found at start, until their topics claim them.
    found: Mutex<HashMap<TopicPartition, (usize, Option<TopicId>)>>,
    /// Folders of deleted partitions, and when they may go.
    doomed: Mutex<Vec<(usize, PathBuf, i64)>>,
    /// One change at a time.
    changing: Mutex<()>,
    /// One checkpoint at a time: an older one never replaces a newer one.
    checkpointing: Mutex<()>,
}

impl Partitions {
    /// Knows the directories, and nothing in them yet.
    ///
    /// # Errors
    /// As the system says.
    pub fn new(
        dirs: Vec<Arc<LogDir>>,
        dir_ids: Vec<TopicId>,
        defaults: TopicConfig,
    ) -> Result<Partitions, StorageError> {
        let mut found = HashMap::new();
        for (at, dir) in dirs.iter().enumerate() {
            for FoundPartition { partition, topic_id } in dir.partitions()? {
                found.insert(partition, (at, topic_id));
            }
        }
        Ok(Partitions {
            dirs,
            dir_ids,
            defaults: RwLock::new(defaults),
            by_name: RwLock::default(),
            by_id: RwLock::default(),
            found: Mutex::new(found),
            doomed: Mutex::default(),
            changing: Mutex::default(),
            checkpointing: Mutex::default(),
        })
    }

    /// The log directories.
    pub fn dirs(&self) -> &[Arc<LogDir>] {
        &self.dirs
    }

    /// A topic by name.
    pub fn topic(&self, name: &str) -> Option<Arc<TopicLogs>> {
        self.by_name.read().get(&TopicName::new(name).ok()?).cloned()
    }

    /// A topic by id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<Arc<TopicLogs>> {
        self.by_id.read().get(&id).cloned()
    }

    /// All that are served.
    pub fn online(&self) -> Vec<Arc<Partition>> {
        let topics = self.by_name.read();
        topics
            .values()
            .flat_map(|topic| &topic.slots)
            .filter_map(|slot| match slot {
                Slot::Online(partition) => Some(partition.clone()),
                Slot::Offline => None,
            })
            .collect()
    }

    /// The id of the directory with the fewest partitions, for the next one.
    pub fn emptiest_dir(&self) -> TopicId {
        self.dir_ids[self.fewest()]
    }

    fn fewest(&self) -> usize {
        let mut counts = vec![0usize; self.dirs.len()];
        for partition in self.online() {
            if let Some(at) = self.dirs.iter().position(|dir| Arc::ptr_eq(dir, &partition.dir)) {
                counts[at] += 1;
            }
        }
        let usable = (0..counts.len()).filter(|at| !self.dirs[*at].is_offline());
        usable.min_by_key(|at| counts[*at]).unwrap_or(0)
    }

    /// Makes the partitions what the image says: opens new ones, changes configs, deletes the rest. Blocking.
    pub fn follow(&self, image: &Image, defaults: TopicConfig, now: i64) {
        let _one = self.changing.lock();
        let all_differ = *self.defaults.read() != defaults;
        *self.defaults.write() = defaults;
        let gone: Vec<Arc<TopicLogs>> = self
            .by_id
            .read()
            .values()
            .filter(|topic| image.topic_by_id(topic.id).is_none())
            .cloned()
            .collect();
        gone.iter().for_each(|topic| self.delete(topic, now));
        let wanted: Vec<&Arc<Topic>> =
            image.topics().filter(|topic| all_differ || self.differs(topic, image)).collect();
        // Opening checks what a crash left; several disks and cores can do so at once.
        let workers =
            std::thread::available_parallelism().map_or(1, usize::from).max(self.dirs.len());
        let chunk = wanted.len().div_ceil(workers).max(1);
        std::thread::scope(|scope| {
            for topics in wanted.chunks(chunk) {
                scope.spawn(move || topics.iter().for_each(|topic| self.open(topic, image)));
            }
        });
    }

    fn differs(&self, topic: &Topic, image: &Image) -> bool {
        let known = self.topic_by_id(topic.id);
        known.is_none_or(|known| {
            known.slots.len() != topic.partitions.len()
                || known.overrides != overrides(topic, image)
        })
    }

    fn open(&self, topic: &Topic, image: &Image) {
        let overrides = overrides(topic, image);
        let config = Arc::new(self.config_of(&overrides));
        let known = self.topic_by_id(topic.id);
        let mut slots = known.map_or_else(Vec::new, |known| known.slots.clone());
        for slot in &slots {
            if let Slot::Online(partition) = slot {
                partition.log().set_config(config.clone());
            }
        }
        for at in slots.len()..topic.partitions.len() {
            slots.push(self.open_one(topic, at, config.clone()));
        }
        let logs = Arc::new(TopicLogs { id: topic.id, name: topic.name.clone(), slots, overrides });
        self.by_name.write().insert(topic.name.clone(), logs.clone());
        self.by_id.write().insert(topic.id, logs);
    }

    fn open_one(&self, topic: &Topic, at: usize, config: Arc<TopicConfig>) -> Slot {
        let partition =
            TopicPartition { topic: topic.name.clone(), partition: PartitionIndex::new(at as i32) };
        let record = &topic.partitions[at];
        let found = self.found.lock().remove(&partition);
        let assigned = || self.dir_ids.iter().position(|id| record.directories.first() == Some(id));
        let dir = match found {
            Some((dir, id)) if id.is_none() || id == Some(topic.id) => dir,
            Some((dir, _)) => {
                self.set_aside(dir, &partition);
                assigned().unwrap_or_else(|| self.fewest())
            }
            None => assigned().unwrap_or_else(|| self.fewest()),
        };
        let dir = &self.dirs[dir];
        match dir.open_log(&partition, topic.id, config) {
            Ok((log, recovered)) => {
                if recovered.cut_bytes > 0 || recovered.rebuilt > 0 {
                    tracing::warn!(%partition, cut_bytes = recovered.cut_bytes, rebuilt_files = recovered.rebuilt,
                        end = %log.end(), "recovered a log");
                }
                let epoch = LeaderEpoch::from_wire(record.leader_epoch).unwrap_or_default();
                Slot::Online(Arc::new(Partition::new(log, dir.clone(), epoch)))
            }
            Err(error) => {
                tracing::error!(%partition, %error, "partition is offline; the rest of the node serves on");
                Slot::Offline
            }
        }
    }

    /// What a topic's own configs make of the defaults. They were checked when they were set.
    pub fn config_of(&self, overrides: &BTreeMap<String, String>) -> TopicConfig {
        let mut config = self.defaults.read().clone();
        for (key, value) in overrides {
            match config.set(key, value) {
                Some(Ok(())) => {}
                Some(Err(message)) => {
                    tracing::warn!(key, value, message, "a topic's config is not used")
                }
                None => tracing::warn!(key, "a topic's config is not known, and not used"),
            }
        }
        config
    }

    fn delete(&self, topic: &TopicLogs, now: i64) {
        self.by_name.write().remove(&topic.name);
        self.by_id.write().remove(&topic.id);
        for slot in &topic.slots {
            let Slot::Online(partition) = slot else { continue };
            let mut log = partition.log();
            log.take_offline();
            let delay = log.config().file_delete_delay_ms;
            let at = self.dirs.iter().position(|dir| Arc::ptr_eq(dir, &partition.dir)).unwrap_or(0);
            match partition.dir.doom(&log) {
                Ok(path) => self.doomed.lock().push((at, path, now.saturating_add(delay))),
                Err(error) => tracing::error!(%error, "a deleted partition's folder stays"),
            }
            drop(log);
            partition.wake();
        }
        tracing::info!(topic = %topic.name, id = %topic.id, "deleted topic");
    }

    /// Sets aside the folders that no topic claimed at start.
    pub fn set_strays_aside(&self) {
        let strays: Vec<(TopicPartition, usize)> =
            self.found.lock().drain().map(|(partition, (dir, _))| (partition, dir)).collect();
        for (partition, dir) in strays {
            if partition.topic.as_str() != METADATA_TOPIC {
                self.set_aside(dir, &partition);
            }
        }
    }

    fn set_aside(&self, dir: usize, partition: &TopicPartition) {
        match self.dirs[dir].set_aside(partition) {
            Ok(path) => {
                tracing::warn!(%partition, path = %path.display(), "a folder belongs to no topic and was set aside")
            }
            Err(error) => {
                tracing::error!(%partition, %error, "a folder belongs to no topic and could not be set aside")
            }
        }
    }

    /// Removes the folders of partitions that were deleted long enough ago. Blocking.
    pub fn remove_doomed(&self, now: i64) {
        let due: Vec<(usize, PathBuf)> = {
            let mut doomed = self.doomed.lock();
            let due = doomed
                .iter()
                .filter(|(_, _, due)| *due <= now)
                .map(|(dir, path, _)| (*dir, path.clone()))
                .collect();
            doomed.retain(|(_, _, due)| *due > now);
            due
        };
        for (dir, path) in due {
            if let Err(error) = self.dirs[dir].remove(&path) {
                tracing::error!(%error, "a deleted partition's folder stays");
            }
        }
    }

    /// Writes the checkpoints of all directories. Blocking.
    ///
    /// # Errors
    /// As the system says.
    pub fn checkpoint(&self) -> Result<(), StorageError> {
        let _one = self.checkpointing.lock();
        let online = self.online();
        for dir in self.dirs.iter().filter(|dir| !dir.is_offline()) {
            let here = online.iter().filter(|partition| Arc::ptr_eq(&partition.dir, dir));
            let (mut points, mut starts) = (Offsets::new(), Offsets::new());
            for partition in here {
                let log = partition.log();
                points.insert(partition.id.clone(), log.recovery_point());
                if log.start() > Offset::ZERO {
                    starts.insert(partition.id.clone(), log.start());
                }
            }
            dir.write_checkpoints(&points, &starts)?;
        }
        Ok(())
    }
}

fn overrides(topic: &Topic, image: &Image) -> BTreeMap<String, String> {
    image.configs(&ConfigResource::topic(topic.name.as_str())).cloned().unwrap_or_default()
}
