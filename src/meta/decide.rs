//! Turns a wish into records, or refuses it. Whoever commits the records makes them true.

use std::collections::BTreeSet;

use bytestring::ByteString;

use super::image::{ConfigResource, Image, config_record};
use super::records::cluster::{FeatureLevelRecord, ProducerIdsRecord};
use super::records::nodes::{BrokerRegistrationChangeRecord, RegisterBrokerRecord};
use super::records::topics::{
    PartitionChangeRecord, PartitionRecord, RemoveTopicRecord, TopicRecord,
};
use super::{FEATURES, METADATA_VERSION_FEATURE, MetadataRecord};
use crate::base::{ErrorCode, TopicId, TopicName};

/// The most partitions that one request may make, as in Kafka: more is a mistake, or an attack.
pub const PARTITIONS_AT_ONCE: i32 = 10_000;

/// The levels that brought new records, or new fields of records: below them, what was written since could not be read (Kafka's
/// `MetadataVersion`).
const RECORDS_CHANGED_AT: [i16; 9] = [7, 8, 11, 13, 14, 15, 17, 23, 30];

/// A wish that cannot be fulfilled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// What to answer.
    pub code: ErrorCode,
    /// In words.
    pub message: String,
}

fn refuse<T>(code: ErrorCode, message: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { code, message: message.into() })
}

/// A topic to make.
#[derive(Clone, Debug, Default)]
pub struct NewTopic {
    /// Its name, not yet checked.
    pub name: String,
    /// How many partitions; ignored where `assignments` are given.
    pub partitions: i32,
    /// How many replicas of each; ignored where `assignments` are given.
    pub replication_factor: i16,
    /// The replicas of each partition, by its number.
    pub assignments: Vec<(i32, Vec<i32>)>,
    /// Its configs, already checked.
    pub configs: Vec<(String, String)>,
}

/// Makes a topic. `id` is a fresh random one, `directory` tells where the next partition goes.
///
/// # Errors
/// A name that is taken, collides or cannot be; counts and replicas that cannot be.
pub fn create_topic(
    image: &Image,
    wish: &NewTopic,
    id: TopicId,
    mut directory: impl FnMut() -> TopicId,
) -> Result<Vec<MetadataRecord>, Refused> {
    let name = match TopicName::new(&wish.name) {
        Ok(name) => name,
        Err(error) => return refuse(ErrorCode::InvalidTopicException, error.to_string()),
    };
    if image.topic(name.as_str()).is_some() {
        return refuse(ErrorCode::TopicAlreadyExists, format!("topic '{name}' already exists"));
    }
    let key = name.collision_key();
    if let Some(other) = image.topics().find(|topic| topic.name.collision_key() == key) {
        let message =
            format!("topic '{name}' collides with '{}': '.' and '_' count as the same", other.name);
        return refuse(ErrorCode::InvalidTopicException, message);
    }
    let assignments = if wish.assignments.is_empty() {
        assign(image, 0, wish.partitions, wish.replication_factor)?
    } else {
        check_assignments(image, &wish.assignments)?
    };
    let mut records = vec![
        TopicRecord { name: wish.name.as_str().into(), topic_id: id, ..Default::default() }.into(),
    ];
    for (at, replicas) in assignments.into_iter().enumerate() {
        records.push(new_partition(id, at as i32, replicas, &mut directory).into());
    }
    let resource = ConfigResource::topic(&wish.name);
    records.extend(
        wish.configs.iter().map(|(name, value)| config_record(&resource, name, Some(value)).into()),
    );
    Ok(records)
}

fn new_partition(
    topic_id: TopicId,
    partition_id: i32,
    replicas: Vec<i32>,
    directory: &mut impl FnMut() -> TopicId,
) -> PartitionRecord {
    PartitionRecord {
        partition_id,
        topic_id,
        isr: replicas.clone(),
        leader: replicas[0],
        directories: replicas.iter().map(|_| directory()).collect(),
        replicas,
        leader_epoch: 0,
        partition_epoch: 0,
        ..Default::default()
    }
}

/// Spreads partitions over the brokers, each on the next one.
fn assign(image: &Image, first: i32, count: i32, factor: i16) -> Result<Vec<Vec<i32>>, Refused> {
    if !(1..=PARTITIONS_AT_ONCE).contains(&count) {
        let code =
            if count < 1 { ErrorCode::InvalidPartitions } else { ErrorCode::PolicyViolation };
        let message = format!(
            "{count} partitions asked for; between 1 and {PARTITIONS_AT_ONCE} can be made at once"
        );
        return refuse(code, message);
    }
    let brokers: Vec<i32> =
        image.brokers().filter(|broker| !broker.fenced).map(|broker| broker.broker_id).collect();
    let factor = usize::try_from(factor).unwrap_or(0);
    if factor == 0 || factor > brokers.len() {
        let message = format!(
            "replication factor {factor}, but the number of live brokers is {}",
            brokers.len()
        );
        return refuse(ErrorCode::InvalidReplicationFactor, message);
    }
    let replicas = |at: i32| {
        (0..factor).map(|replica| brokers[(at as usize + replica) % brokers.len()]).collect()
    };
    Ok((first..first + count).map(replicas).collect())
}

fn check_assignments(
    image: &Image,
    assignments: &[(i32, Vec<i32>)],
) -> Result<Vec<Vec<i32>>, Refused> {
    let mut sorted = assignments.to_vec();
    sorted.sort();
    let width = sorted[0].1.len();
    for (at, (partition, replicas)) in sorted.iter().enumerate() {
        if usize::try_from(*partition) != Ok(at) {
            return refuse(
                ErrorCode::InvalidReplicaAssignment,
                "partitions must be numbered from 0 without gaps or repetitions",
            );
        }
        check_replicas(image, replicas, width)?;
    }
    Ok(sorted.into_iter().map(|(_, replicas)| replicas).collect())
}

fn check_replicas(image: &Image, replicas: &[i32], width: usize) -> Result<(), Refused> {
    let distinct: BTreeSet<&i32> = replicas.iter().collect();
    if replicas.is_empty() || distinct.len() != replicas.len() || replicas.len() != width {
        let message = format!(
            "replicas {replicas:?}: each partition needs the same number of distinct brokers"
        );
        return refuse(ErrorCode::InvalidReplicaAssignment, message);
    }
    let unknown =
        replicas.iter().find(|id| !image.brokers().any(|broker| broker.broker_id == **id));
    match unknown {
        Some(id) => {
            refuse(ErrorCode::InvalidReplicaAssignment, format!("broker {id} is not registered"))
        }
        None => Ok(()),
    }
}

/// Removes a topic.
///
/// # Errors
/// There is none with this id.
pub fn delete_topic(image: &Image, id: TopicId) -> Result<Vec<MetadataRecord>, Refused> {
    match image.topic_by_id(id) {
        Some(_) => Ok(vec![RemoveTopicRecord { topic_id: id, ..Default::default() }.into()]),
        None => refuse(ErrorCode::UnknownTopicId, "this topic does not exist"),
    }
}

/// Adds partitions to a topic, up to `count`.
///
/// # Errors
/// No such topic; a count that is not above today's; assignments that cannot be.
pub fn create_partitions(
    image: &Image,
    name: &str,
    count: i32,
    assignments: Option<&[Vec<i32>]>,
    mut directory: impl FnMut() -> TopicId,
) -> Result<Vec<MetadataRecord>, Refused> {
    let Some(topic) = image.topic(name) else {
        return refuse(
            ErrorCode::UnknownTopicOrPartition,
            format!("topic '{name}' does not exist"),
        );
    };
    let today = topic.partitions.len() as i32;
    if count <= today {
        let message = format!("topic '{name}' has {today} partitions, and {count} is not more");
        return refuse(ErrorCode::InvalidPartitions, message);
    }
    let factor = topic.partitions.first().map_or(1, |partition| partition.replicas.len());
    let replicas = match assignments {
        None => assign(image, today, count - today, factor as i16)?,
        Some(given) => {
            if given.len() as i32 != count - today {
                let message =
                    format!("{} assignments for {} new partitions", given.len(), count - today);
                return refuse(ErrorCode::InvalidReplicaAssignment, message);
            }
            given.iter().try_for_each(|replicas| check_replicas(image, replicas, factor))?;
            given.to_vec()
        }
    };
    let numbered = (today..).zip(replicas);
    Ok(numbered
        .map(|(at, replicas)| new_partition(topic.id, at, replicas, &mut directory).into())
        .collect())
}

/// One config to set, or to unset where there is no value.
pub type ConfigChange = (String, Option<String>);

/// Sets and unsets configs of a resource; what is so already needs no record.
pub fn change_configs(
    image: &Image,
    resource: &ConfigResource,
    changes: &[ConfigChange],
) -> Vec<MetadataRecord> {
    let today = image.configs(resource);
    let differs =
        |change: &&ConfigChange| today.and_then(|today| today.get(&change.0)) != change.1.as_ref();
    let record =
        |(name, value): &ConfigChange| config_record(resource, name, value.as_deref()).into();
    changes.iter().filter(differs).map(record).collect()
}

/// Hands out the next `count` producer ids to a broker; returns the first.
///
/// # Errors
/// All were handed out.
pub fn allocate_producer_ids(
    image: &Image,
    broker_id: i32,
    broker_epoch: i64,
    count: i64,
) -> Result<(i64, Vec<MetadataRecord>), Refused> {
    let first = image.next_producer_id();
    let Some(next_producer_id) = first.checked_add(count) else {
        return refuse(ErrorCode::UnknownServerError, "all producer ids were handed out");
    };
    let record =
        ProducerIdsRecord { broker_id, broker_epoch, next_producer_id, ..Default::default() };
    Ok((first, vec![record.into()]))
}

/// Registers a broker. A registration that says nothing new but its incarnation is written all the same.
pub fn register_broker(broker: RegisterBrokerRecord) -> Vec<MetadataRecord> {
    vec![broker.into()]
}

/// Elects a broker for every partition whose only replica it has: there is nobody else to lead it, and a Kafka that was
/// stopped left it without a leader.
pub fn take_leadership(image: &Image, broker: i32) -> Vec<MetadataRecord> {
    let led_by_none = |partition: &&PartitionRecord| {
        partition.replicas == [broker] && (partition.leader != broker || partition.isr != [broker])
    };
    let elect = |partition: &PartitionRecord| {
        let forget = |elr: &Option<Vec<i32>>| elr.as_ref().map(|_| Vec::new());
        PartitionChangeRecord {
            partition_id: partition.partition_id,
            topic_id: partition.topic_id,
            leader: broker,
            isr: (partition.isr != [broker]).then(|| vec![broker]),
            eligible_leader_replicas: forget(&partition.eligible_leader_replicas),
            last_known_elr: forget(&partition.last_known_elr),
            ..Default::default()
        }
        .into()
    };
    let partitions = image.topics().flat_map(|topic| &topic.partitions);
    partitions.filter(led_by_none).map(elect).collect()
}

/// Notes that a broker has stopped, in its own time.
pub fn fence_broker(image: &Image, broker: i32) -> Vec<MetadataRecord> {
    let known = image.brokers().find(|known| known.broker_id == broker && !known.fenced);
    let fenced = known.map(|known| BrokerRegistrationChangeRecord {
        broker_id: broker,
        broker_epoch: known.broker_epoch,
        fenced: 1,
        in_controlled_shutdown: 1,
        ..Default::default()
    });
    fenced.map(MetadataRecord::from).into_iter().collect()
}

/// A feature to move to a level.
#[derive(Clone, Debug)]
pub struct FeatureChange {
    /// Its name.
    pub name: String,
    /// Its new level.
    pub level: i16,
    /// Whether it may go down.
    pub may_downgrade: bool,
}

/// Moves the levels of features, in order.
///
/// # Errors
/// A feature or level that klog does not have; a downgrade that was not allowed. Nothing is moved then.
pub fn update_features(
    image: &Image,
    changes: &[FeatureChange],
) -> Result<Vec<MetadataRecord>, Refused> {
    let records: Vec<Option<MetadataRecord>> =
        changes.iter().map(|change| update_feature(image, change)).collect::<Result<_, _>>()?;
    Ok(records.into_iter().flatten().collect())
}

fn update_feature(
    image: &Image,
    change: &FeatureChange,
) -> Result<Option<MetadataRecord>, Refused> {
    let FeatureChange { name, level, may_downgrade } = change;
    let Some((_, lowest, highest)) = FEATURES.iter().find(|(known, ..)| known == name) else {
        let message = format!("feature '{name}' is not supported");
        return refuse(ErrorCode::InvalidUpdateVersion, message);
    };
    let known = *lowest..=*highest;
    if !known.contains(level) {
        let message =
            format!("{name} {level} is not between {} and {}", known.start(), known.end());
        return refuse(ErrorCode::InvalidUpdateVersion, message);
    }
    let today = image.features().get(name).copied().unwrap_or(0);
    if *level < today && !may_downgrade {
        let message = format!("{name} is {today}; lowering it to {level} has to be allowed");
        return refuse(ErrorCode::InvalidUpdateVersion, message);
    }
    let of_metadata = name == METADATA_VERSION_FEATURE;
    let mut changes = RECORDS_CHANGED_AT.iter().filter(|_| of_metadata);
    if let Some(changed) = changes.rfind(|at| *level < **at && **at <= today) {
        let message = format!(
            "{name} is {today}; at {level} records that came with {changed} could not be read"
        );
        return refuse(ErrorCode::InvalidUpdateVersion, message);
    }
    let name = ByteString::from(name.as_str());
    let record = FeatureLevelRecord { name, feature_level: *level, ..Default::default() };
    Ok((*level != today).then(|| record.into()))
}
