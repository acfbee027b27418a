//! What the metadata log amounts to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::records::cluster::{ConfigRecord, FeatureLevelRecord, ProducerIdsRecord};
use super::records::nodes::{BrokerRegistrationChangeRecord, RegisterBrokerRecord};
use super::records::topics::{PartitionChangeRecord, PartitionRecord, TopicRecord};
use super::{METADATA_VERSION, METADATA_VERSION_FEATURE, MetadataRecord, OLDEST_METADATA_VERSION};
use crate::base::{InvalidTopicName, TopicId, TopicName};

/// What a config belongs to (the protocol's numbers).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ResourceKind {
    /// A topic.
    Topic = 2,
    /// A broker; all of them where the name is empty.
    Broker = 4,
    /// Of a kind that klog only keeps: client metrics, groups.
    Other = 0,
}

/// What a config belongs to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ConfigResource {
    /// The protocol's number of the kind.
    pub kind: i8,
    /// Its name.
    pub name: String,
}

impl ConfigResource {
    /// A topic's configs.
    pub fn topic(name: &str) -> ConfigResource {
        ConfigResource { kind: ResourceKind::Topic as i8, name: name.into() }
    }

    /// A broker's configs; of all brokers where `name` is empty.
    pub fn broker(name: &str) -> ConfigResource {
        ConfigResource { kind: ResourceKind::Broker as i8, name: name.into() }
    }
}

/// A topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// Its name.
    pub name: TopicName,
    /// Its id; a topic of the same name that is made later has another.
    pub id: TopicId,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionRecord>,
}

/// The cluster's metadata at one offset of its log. Clones share what they can.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image {
    topics: Arc<BTreeMap<TopicName, Arc<Topic>>>,
    names: Arc<HashMap<TopicId, TopicName>>,
    brokers: Arc<BTreeMap<i32, RegisterBrokerRecord>>,
    configs: Arc<BTreeMap<ConfigResource, BTreeMap<String, String>>>,
    features: BTreeMap<String, i16>,
    next_producer_id: i64,
    producer_id_owner: (i32, i64),
    kept: Arc<Vec<MetadataRecord>>,
    /// Between a begin and its end or abort: records that do not count yet.
    pending: Option<Vec<MetadataRecord>>,
}

/// Why records do not make sense.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A record names a topic that there is not.
    #[error("{record} names topic {topic}, which does not exist")]
    NoTopic {
        /// The record's name.
        record: &'static str,
        /// The topic's id.
        topic: TopicId,
    },
    /// A record names a partition out of order.
    #[error("partition {partition} of topic {topic} does not exist")]
    NoPartition {
        /// The topic's id.
        topic: TopicId,
        /// The partition.
        partition: i32,
    },
    /// A name that no topic can have.
    #[error(transparent)]
    Name(#[from] InvalidTopicName),
    /// A metadata.version that this version of klog does not know.
    #[error(
        "metadata.version {0} is finalized, but klog knows only {OLDEST_METADATA_VERSION} to {METADATA_VERSION}"
    )]
    MetadataVersion(i16),
    /// An end or abort without a beginning, or a second beginning.
    #[error("{0} out of place")]
    Transaction(&'static str),
}

impl Image {
    /// All topics, by name.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Arc<Topic>> {
        self.topics.values()
    }

    /// A topic by name.
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(&TopicName::new(name).ok()?)
    }

    /// A topic by id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.topics.get(self.names.get(&id)?)
    }

    /// How many partitions there are in all.
    pub fn partition_count(&self) -> usize {
        self.topics.values().map(|topic| topic.partitions.len()).sum()
    }

    /// All brokers that registered, by id.
    pub fn brokers(&self) -> impl ExactSizeIterator<Item = &RegisterBrokerRecord> {
        self.brokers.values()
    }

    /// What was set on a resource.
    pub fn configs(&self, resource: &ConfigResource) -> Option<&BTreeMap<String, String>> {
        self.configs.get(resource)
    }

    /// All resources that have something set.
    pub fn configured(&self) -> impl Iterator<Item = &ConfigResource> {
        self.configs.keys()
    }

    /// The finalized features and their levels.
    pub fn features(&self) -> &BTreeMap<String, i16> {
        &self.features
    }

    /// The first producer id that was not handed out.
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// Applies one record. The only way in which an image changes.
    ///
    /// # Errors
    /// See [`ReplayError`]; the image is not to be used then.
    pub fn replay(&mut self, record: &MetadataRecord) -> Result<(), ReplayError> {
        match (record, &mut self.pending) {
            (MetadataRecord::BeginTransaction(_), None) => self.pending = Some(Vec::new()),
            (MetadataRecord::AbortTransaction(_), Some(_)) => self.pending = None,
            (MetadataRecord::EndTransaction(_), Some(_)) => {
                let records = self.pending.take().unwrap_or_default();
                records.iter().try_for_each(|record| self.apply(record))?;
            }
            (
                MetadataRecord::BeginTransaction(_)
                | MetadataRecord::AbortTransaction(_)
                | MetadataRecord::EndTransaction(_),
                _,
            ) => return Err(ReplayError::Transaction(record.name())),
            (record, Some(pending)) => pending.push(record.clone()),
            (record, None) => self.apply(record)?,
        }
        Ok(())
    }

    fn apply(&mut self, record: &MetadataRecord) -> Result<(), ReplayError> {
        match record {
            MetadataRecord::Topic(topic) => self.add_topic(topic)?,
            MetadataRecord::RemoveTopic(removed) => self.remove_topic(removed.topic_id)?,
            MetadataRecord::Partition(partition) => {
                self.change_topic(partition.topic_id, record.name(), |topic| {
                    put_partition(topic, partition)
                })?;
            }
            MetadataRecord::PartitionChange(change) => {
                self.change_topic(change.topic_id, record.name(), |topic| {
                    change_partition(topic, change)
                })?;
            }
            MetadataRecord::Config(config) => self.set_config(config),
            MetadataRecord::FeatureLevel(feature) => self.set_feature(feature)?,
            MetadataRecord::ProducerIds(block) => {
                self.next_producer_id = block.next_producer_id;
                self.producer_id_owner = (block.broker_id, block.broker_epoch);
            }
            MetadataRecord::RegisterBroker(broker) => {
                Arc::make_mut(&mut self.brokers).insert(broker.broker_id, broker.clone());
            }
            MetadataRecord::UnregisterBroker(broker) => {
                Arc::make_mut(&mut self.brokers).remove(&broker.broker_id);
            }
            MetadataRecord::FenceBroker(fenced) => self.set_fenced(fenced.id, true),
            MetadataRecord::UnfenceBroker(unfenced) => self.set_fenced(unfenced.id, false),
            MetadataRecord::BrokerRegistrationChange(change) => self.change_broker(change),
            MetadataRecord::ClearElr(cleared) => self.clear_elr(&cleared.topic_name),
            MetadataRecord::NoOp(_) => {}
            MetadataRecord::RegisterController(controller) => {
                let kept = Arc::make_mut(&mut self.kept);
                kept.retain(|other| {
                    !matches!(other, MetadataRecord::RegisterController(other)
                        if other.controller_id == controller.controller_id)
                });
                kept.push(record.clone());
            }
            kept => Arc::make_mut(&mut self.kept).push(kept.clone()),
        }
        Ok(())
    }

    fn add_topic(&mut self, record: &TopicRecord) -> Result<(), ReplayError> {
        let name = TopicName::new(&record.name)?;
        let topic = Topic { name: name.clone(), id: record.topic_id, partitions: Vec::new() };
        Arc::make_mut(&mut self.names).insert(record.topic_id, name.clone());
        Arc::make_mut(&mut self.topics).insert(name, Arc::new(topic));
        Ok(())
    }

    fn remove_topic(&mut self, id: TopicId) -> Result<(), ReplayError> {
        let name = Arc::make_mut(&mut self.names)
            .remove(&id)
            .ok_or(ReplayError::NoTopic { record: "RemoveTopicRecord", topic: id })?;
        Arc::make_mut(&mut self.topics).remove(&name);
        Arc::make_mut(&mut self.configs).remove(&ConfigResource::topic(name.as_str()));
        Ok(())
    }

    fn change_topic(
        &mut self,
        id: TopicId,
        record: &'static str,
        change: impl FnOnce(&mut Topic) -> Result<(), ReplayError>,
    ) -> Result<(), ReplayError> {
        let none = || ReplayError::NoTopic { record, topic: id };
        let name = self.names.get(&id).ok_or_else(none)?;
        let topic = Arc::make_mut(&mut self.topics).get_mut(name).ok_or_else(none)?;
        change(Arc::make_mut(topic))
    }

    fn set_config(&mut self, record: &ConfigRecord) {
        let resource =
            ConfigResource { kind: record.resource_type, name: record.resource_name.to_string() };
        let configs = Arc::make_mut(&mut self.configs);
        let entries = configs.entry(resource.clone()).or_default();
        match &record.value {
            Some(value) => {
                entries.insert(record.name.to_string(), value.to_string());
            }
            None => {
                entries.remove(&*record.name);
            }
        }
        if entries.is_empty() {
            configs.remove(&resource);
        }
    }

    fn set_feature(&mut self, record: &FeatureLevelRecord) -> Result<(), ReplayError> {
        let (name, level) = (record.name.to_string(), record.feature_level);
        if name == METADATA_VERSION_FEATURE
            && !(OLDEST_METADATA_VERSION..=METADATA_VERSION).contains(&level)
        {
            return Err(ReplayError::MetadataVersion(level));
        }
        match level {
            0 => self.features.remove(&name),
            level => self.features.insert(name, level),
        };
        Ok(())
    }

    fn set_fenced(&mut self, id: i32, fenced: bool) {
        if let Some(broker) = Arc::make_mut(&mut self.brokers).get_mut(&id) {
            broker.fenced = fenced;
        }
    }

    fn change_broker(&mut self, change: &BrokerRegistrationChangeRecord) {
        let Some(broker) = Arc::make_mut(&mut self.brokers).get_mut(&change.broker_id) else {
            return;
        };
        match change.fenced {
            1 => broker.fenced = true,
            -1 => broker.fenced = false,
            _ => {}
        }
        broker.in_controlled_shutdown |= change.in_controlled_shutdown == 1;
        if !change.log_dirs.is_empty() {
            broker.log_dirs.clone_from(&change.log_dirs);
        }
        if change.cordoned_log_dirs.is_some() {
            broker.cordoned_log_dirs.clone_from(&change.cordoned_log_dirs);
        }
    }

    /// Of one topic, or of all where the name is empty.
    fn clear_elr(&mut self, name: &str) {
        for topic in Arc::make_mut(&mut self.topics).values_mut() {
            let all = || topic.partitions.iter();
            let has =
                all().any(|p| p.eligible_leader_replicas.is_some() || p.last_known_elr.is_some());
            if has && (name.is_empty() || topic.name.as_str() == name) {
                for partition in &mut Arc::make_mut(topic).partitions {
                    (partition.eligible_leader_replicas, partition.last_known_elr) = (None, None);
                }
            }
        }
    }

    /// Records that make an equal image out of an empty one: what a snapshot holds.
    pub fn to_records(&self) -> Vec<MetadataRecord> {
        let mut out: Vec<MetadataRecord> = Vec::new();
        out.extend(self.features.iter().map(|(name, level)| {
            let name = name.as_str().into();
            FeatureLevelRecord { name, feature_level: *level, ..Default::default() }.into()
        }));
        out.extend(self.brokers.values().cloned().map(MetadataRecord::from));
        for topic in self.topics.values() {
            let name = topic.name.as_str().into();
            out.push(TopicRecord { name, topic_id: topic.id, ..Default::default() }.into());
            out.extend(topic.partitions.iter().cloned().map(MetadataRecord::from));
        }
        for (resource, entries) in &*self.configs {
            out.extend(
                entries
                    .iter()
                    .map(|(name, value)| config_record(resource, name, Some(value)).into()),
            );
        }
        if self.next_producer_id > 0 {
            let (broker_id, broker_epoch) = self.producer_id_owner;
            let next_producer_id = self.next_producer_id;
            out.push(
                ProducerIdsRecord {
                    broker_id,
                    broker_epoch,
                    next_producer_id,
                    ..Default::default()
                }
                .into(),
            );
        }
        out.extend(self.kept.iter().cloned());
        out
    }
}

/// A config record; no value unsets it.
pub(super) fn config_record(
    resource: &ConfigResource,
    name: &str,
    value: Option<&str>,
) -> ConfigRecord {
    ConfigRecord {
        resource_type: resource.kind,
        resource_name: resource.name.as_str().into(),
        name: name.into(),
        value: value.map(Into::into),
        ..Default::default()
    }
}

fn put_partition(topic: &mut Topic, record: &PartitionRecord) -> Result<(), ReplayError> {
    let none = || ReplayError::NoPartition { topic: topic.id, partition: record.partition_id };
    let at = usize::try_from(record.partition_id).map_err(|_| none())?;
    match at.cmp(&topic.partitions.len()) {
        std::cmp::Ordering::Less => topic.partitions[at] = record.clone(),
        std::cmp::Ordering::Equal => topic.partitions.push(record.clone()),
        std::cmp::Ordering::Greater => return Err(none()),
    }
    Ok(())
}

fn change_partition(topic: &mut Topic, change: &PartitionChangeRecord) -> Result<(), ReplayError> {
    let none = ReplayError::NoPartition { topic: topic.id, partition: change.partition_id };
    let at = usize::try_from(change.partition_id).ok();
    let partition = at.and_then(|at| topic.partitions.get_mut(at)).ok_or(none)?;
    let set = |to: &mut Vec<i32>, from: &Option<Vec<i32>>| {
        if let Some(from) = from {
            to.clone_from(from);
        }
    };
    set(&mut partition.isr, &change.isr);
    set(&mut partition.replicas, &change.replicas);
    set(&mut partition.removing_replicas, &change.removing_replicas);
    set(&mut partition.adding_replicas, &change.adding_replicas);
    let set_elr = |to: &mut Option<Vec<i32>>, from: &Option<Vec<i32>>| {
        if let Some(from) = from {
            *to = (!from.is_empty()).then(|| from.clone());
        }
    };
    set_elr(&mut partition.eligible_leader_replicas, &change.eligible_leader_replicas);
    set_elr(&mut partition.last_known_elr, &change.last_known_elr);
    if let Some(directories) = &change.directories {
        partition.directories.clone_from(directories);
    }
    // -2 says that the leader did not change; -1 that there is none.
    if change.leader != -2 {
        partition.leader = change.leader;
        partition.leader_epoch += 1;
    }
    if change.leader_recovery_state >= 0 {
        partition.leader_recovery_state = change.leader_recovery_state;
    }
    partition.partition_epoch += 1;
    Ok(())
}
