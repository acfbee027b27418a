//! All partitions of this node: opened, changed and deleted as the metadata image says.

mod checkpoints;
mod folders;
mod recovered;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use self::recovered::Recovery;
use super::partition::Partition;
use crate::base::{
    ErrorCode, LeaderEpoch, PartitionIndex, TopicId, TopicName, TopicPartition, in_parallel,
    with_causes,
};
use crate::config::TopicConfig;
use crate::log::{FoundPartition, LogDir, StorageError};
use crate::meta::{ConfigResource, Image, Refused, Topic};

/// A partition, or why it cannot be served.
#[derive(Clone, Debug)]
pub enum Slot {
    /// It is served.
    Online(Arc<Partition>),
    /// It could not be opened; what is wrong was logged. In which directory its folder is, if it has one.
    Offline(Option<usize>),
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

/// A topic of which some partitions are yet to be opened.
struct Begun<'a> {
    topic: &'a Topic,
    overrides: BTreeMap<String, String>,
    config: Arc<TopicConfig>,
    /// Those that are open.
    slots: Vec<Slot>,
}

/// In which directories a partition has folders, and of which topic they say they are.
type Folders = Vec<(usize, Option<TopicId>)>;

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
    found: Mutex<HashMap<TopicPartition, Folders>>,
    /// Folders of deleted partitions, and when they may go.
    doomed: Mutex<Vec<(usize, PathBuf, i64)>>,
    /// One change at a time.
    changing: Mutex<()>,
    /// One checkpoint at a time: an older one never replaces a newer one. By directory, what the last ones say (a hash): they
    /// are not written again.
    checkpointing: Mutex<HashMap<PathBuf, u64>>,
    recovery: Mutex<Recovery>,
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
        let mut found: HashMap<TopicPartition, Folders> = HashMap::new();
        for (at, dir) in dirs.iter().enumerate() {
            for FoundPartition { partition, topic_id } in dir.partitions()? {
                found.entry(partition).or_default().push((at, topic_id));
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
            recovery: Mutex::default(),
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

    /// All topics.
    pub fn topics(&self) -> Vec<Arc<TopicLogs>> {
        self.by_name.read().values().cloned().collect()
    }

    /// A topic by id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<Arc<TopicLogs>> {
        self.by_id.read().get(&id).cloned()
    }

    /// All that are served.
    pub fn online(&self) -> Vec<Arc<Partition>> {
        let mut opened = self.opened();
        opened.retain(|partition| !partition.is_damaged());
        opened
    }

    /// All that have an open log: also those that damage took offline later.
    pub fn opened(&self) -> Vec<Arc<Partition>> {
        let topics = self.by_name.read();
        topics
            .values()
            .flat_map(|topic| &topic.slots)
            .filter_map(|slot| match slot {
                Slot::Online(partition) => Some(partition.clone()),
                Slot::Offline(_) => None,
            })
            .collect()
    }

    /// What the partitions went through that were opened so far.
    pub fn recovery(&self) -> Recovery {
        *self.recovery.lock()
    }

    /// Tells where new partitions go, one after the other: to the directory with the fewest, among those that take records.
    ///
    /// # Errors
    /// Refuses where none does: a topic that nobody can use had better not be made.
    pub fn spread(&self) -> Result<impl FnMut() -> TopicId, Refused> {
        let mut counts = self.counts();
        if counts.is_empty() {
            let message = "every log directory is offline; the broker's log says why".to_owned();
            return Err(Refused { code: ErrorCode::KafkaStorageError, message });
        }
        let dirs = self.dir_ids.clone();
        Ok(move || {
            let fewest = counts.iter_mut().min_by_key(|(_, count)| *count);
            fewest.map_or(dirs[0], |(at, (_, count))| {
                *count += 1;
                dirs[*at]
            })
        })
    }

    /// The directory with the fewest partitions among those that take records.
    fn fewest(&self) -> Option<usize> {
        self.counts().into_iter().min_by_key(|(_, count)| *count).map(|(at, _)| at)
    }

    /// Every directory that is not offline: whether it is full, and how many partitions it has.
    fn counts(&self) -> Vec<(usize, (bool, usize))> {
        let mut counts = vec![0; self.dirs.len()];
        for partition in self.opened() {
            if let Some(at) = self.dirs.iter().position(|dir| Arc::ptr_eq(dir, &partition.dir)) {
                counts[at] += 1;
            }
        }
        let dirs = self.dirs.iter().zip(counts).enumerate();
        let usable = dirs.filter(|(_, (dir, _))| !dir.is_offline());
        usable.map(|(at, (dir, count))| (at, (dir.is_full(), count))).collect()
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
        if !gone.is_empty() {
            // What they say of a deleted topic must not be taken for another one's that gets its name.
            self.checkpoint();
        }
        tell_unused(image.topics().filter(|topic| self.topic_by_id(topic.id).is_none()), image);
        let wanted: Vec<&Arc<Topic>> =
            image.topics().filter(|topic| all_differ || self.differs(topic, image)).collect();
        let begun: Vec<Begun<'_>> = wanted.iter().map(|topic| self.begin(topic, image)).collect();
        let to_open: Vec<(&Begun<'_>, usize)> = begun
            .iter()
            .flat_map(|begun| {
                (begun.slots.len()..begun.topic.partitions.len()).map(move |at| (begun, at))
            })
            .collect();
        // Opening checks what a crash left; several disks and cores can do so at once.
        let workers =
            std::thread::available_parallelism().map_or(1, usize::from).max(self.dirs.len());
        let opened = in_parallel(workers, &to_open, |(begun, at)| {
            self.open_one(begun.topic, *at, begun.config.clone())
        });
        let mut opened = opened.into_iter();
        for Begun { topic, overrides, mut slots, .. } in begun {
            let missing = topic.partitions.len().saturating_sub(slots.len());
            slots.extend(opened.by_ref().take(missing));
            let (id, name) = (topic.id, topic.name.clone());
            let logs = Arc::new(TopicLogs { id, name: name.clone(), slots, overrides });
            self.by_name.write().insert(name, logs.clone());
            self.by_id.write().insert(id, logs);
        }
    }

    fn differs(&self, topic: &Topic, image: &Image) -> bool {
        let known = self.topic_by_id(topic.id);
        known.is_none_or(|known| {
            known.slots.len() != topic.partitions.len()
                || known.overrides != overrides(topic, image)
        })
    }

    /// Gives what is open of a topic its config.
    fn begin<'a>(&self, topic: &'a Topic, image: &Image) -> Begun<'a> {
        let overrides = overrides(topic, image);
        let config = Arc::new(self.config_of(&overrides));
        let slots = self.topic_by_id(topic.id).map_or_else(Vec::new, |known| known.slots.clone());
        for slot in &slots {
            if let Slot::Online(partition) = slot {
                partition.log().set_config(config.clone());
            }
        }
        Begun { topic, overrides, config, slots }
    }

    fn open_one(&self, topic: &Topic, at: usize, config: Arc<TopicConfig>) -> Slot {
        let partition =
            TopicPartition { topic: topic.name.clone(), partition: PartitionIndex::new(at as i32) };
        let record = &topic.partitions[at];
        let is_old = self.found.lock().contains_key(&partition);
        let assigned = record.directories.first().copied();
        let at = match self.place(&partition, topic.id, assigned) {
            Ok(at) => at,
            Err(error) => {
                tracing::error!(%partition, error, "partition is offline; the rest of the node serves on");
                return Slot::Offline(None);
            }
        };
        let dir = &self.dirs[at];
        match dir.open_log(&partition, topic.id, config) {
            Ok((log, recovered)) => {
                if is_old && !dir.was_clean() {
                    self.recovery.lock().add(&recovered);
                }
                recovered::tell(&log, &recovered);
                let epoch = LeaderEpoch::from_wire(record.leader_epoch).unwrap_or_default();
                Slot::Online(Arc::new(Partition::new(log, dir.clone(), epoch)))
            }
            Err(error) => {
                tracing::error!(%partition, error = %with_causes(&error), "partition is offline; the rest of the node serves on");
                Slot::Offline(Some(at))
            }
        }
    }

    /// What a topic's own configs make of the defaults. They were checked when they were set.
    pub fn config_of(&self, overrides: &BTreeMap<String, String>) -> TopicConfig {
        let mut config = self.defaults.read().clone();
        for (key, value) in overrides {
            // What a Kafka set and klog does not know was told when the topic was first met.
            let _ = config.take(key, value);
        }
        config
    }

    fn delete(&self, topic: &TopicLogs, now: i64) {
        self.by_name.write().remove(&topic.name);
        self.by_id.write().remove(&topic.id);
        for (at, slot) in topic.slots.iter().enumerate() {
            match slot {
                Slot::Online(partition) => {
                    let mut log = partition.log();
                    log.take_offline();
                    partition.mark_deleted();
                    let due = now.saturating_add(log.config().file_delete_delay_ms);
                    let is_here = |dir: &Arc<LogDir>| Arc::ptr_eq(dir, &partition.dir);
                    let dir = self.dirs.iter().position(is_here).unwrap_or(0);
                    self.doom(dir, &partition.id, due);
                    drop(log);
                    partition.wake();
                }
                Slot::Offline(Some(dir)) => {
                    let partition = PartitionIndex::new(at as i32);
                    let due = now.saturating_add(self.defaults.read().file_delete_delay_ms);
                    self.doom(*dir, &TopicPartition { topic: topic.name.clone(), partition }, due);
                }
                Slot::Offline(None) => {}
            }
        }
        tracing::info!(topic = %topic.name, id = %topic.id, "deleted topic");
    }
}

/// Says once of the topics that are new here what of their configs klog does not act on.
fn tell_unused<'a>(topics: impl Iterator<Item = &'a Arc<Topic>>, image: &Image) {
    let mut unused = BTreeSet::new();
    for topic in topics {
        for (key, value) in overrides(topic, image) {
            if !matches!(TopicConfig::default().take(&key, &value), Some(Ok(()))) {
                unused.insert(format!("{key}={value}"));
            }
        }
    }
    if !unused.is_empty() {
        let configs = unused.into_iter().collect::<Vec<_>>().join(", ");
        tracing::warn!(configs, "configs of topics that are kept, but have no effect in klog");
    }
}

fn overrides(topic: &Topic, image: &Image) -> BTreeMap<String, String> {
    image.configs(&ConfigResource::topic(topic.name.as_str())).cloned().unwrap_or_default()
}
