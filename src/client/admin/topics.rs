//! Topics: listed, described, created, grown, deleted.

use bytestring::ByteString;

use super::super::error::ClientError;
use super::super::handle::topic_error;
use super::Admin;
use crate::base::{ErrorCode, TopicId, TopicName};
use crate::wire::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use crate::wire::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use crate::wire::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use crate::wire::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponseTopic};

/// A topic in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicListing {
    /// Its name.
    pub name: TopicName,
    /// Its id; zero where the broker does not tell.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: usize,
    /// How many replicas its first partition has.
    pub replication_factor: usize,
    /// Whether Kafka keeps its own state in it.
    pub internal: bool,
}

/// A topic in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its name.
    pub name: TopicName,
    /// Its id; zero where the broker does not tell.
    pub id: TopicId,
    /// Whether Kafka keeps its own state in it.
    pub internal: bool,
    /// By number.
    pub partitions: Vec<PartitionDescription>,
}

/// One partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionDescription {
    /// Its number.
    pub partition: i32,
    /// Who leads it; None while nobody does.
    pub leader: Option<i32>,
    /// The leader's epoch; None where the broker does not tell.
    pub leader_epoch: Option<i32>,
    /// Who holds it, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Who of them is in sync.
    pub isr: Vec<i32>,
    /// Who of them is down.
    pub offline: Vec<i32>,
}

/// A topic to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: TopicName,
    /// None leaves it to the broker's `num.partitions`.
    pub partitions: Option<i32>,
    /// None leaves it to the broker's `default.replication.factor`.
    pub replication_factor: Option<i16>,
    /// Brokers per partition, in place of the two numbers; empty for none.
    pub assignments: Vec<Vec<i32>>,
    /// Configs that differ from the broker's defaults.
    pub configs: Vec<(String, String)>,
}

impl NewTopic {
    /// A topic with the broker's defaults.
    pub fn new(name: TopicName) -> NewTopic {
        NewTopic {
            name,
            partitions: None,
            replication_factor: None,
            assignments: Vec::new(),
            configs: Vec::new(),
        }
    }
}

/// What a topic got at its creation; numbers are −1 where the broker may not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its id.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many replicas each has.
    pub replication_factor: i16,
}

/// Per topic asked for, what came of it.
type PerTopic<T> = Vec<(TopicName, Result<T, ClientError>)>;

impl Admin {
    /// All topics, sorted by name; internal ones too.
    ///
    /// # Errors
    /// Where no broker answers.
    pub async fn list_topics(&self) -> Result<Vec<TopicListing>, ClientError> {
        let told = self.metadata(None).await?;
        let mut out: Vec<TopicListing> = told
            .iter()
            .filter(|topic| topic.error_code == 0)
            .filter_map(|topic| {
                Some(TopicListing {
                    name: TopicName::new(topic.name.as_deref()?).ok()?,
                    id: topic.topic_id,
                    partitions: topic.partitions.len(),
                    replication_factor: topic
                        .partitions
                        .first()
                        .map_or(0, |p| p.replica_nodes.len()),
                    internal: topic.is_internal,
                })
            })
            .collect();
        out.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(out)
    }

    /// These topics in full, in the order asked. Never creates one.
    ///
    /// # Errors
    /// Where no broker answers; per topic `UnknownTopic` or `Refused`.
    pub async fn describe_topics(
        &self,
        names: &[TopicName],
    ) -> Result<PerTopic<TopicDescription>, ClientError> {
        let told = self.metadata(Some(names)).await?;
        let described = names.iter().map(|name| {
            let found = told.iter().find(|t| t.name.as_deref() == Some(name));
            (name.clone(), describe(name, found))
        });
        Ok(described.collect())
    }

    async fn metadata(
        &self,
        names: Option<&[TopicName]>,
    ) -> Result<Vec<MetadataResponseTopic>, ClientError> {
        let by_name = |name: &TopicName| MetadataRequestTopic {
            name: Some(name.as_str().into()),
            ..MetadataRequestTopic::default()
        };
        let request = MetadataRequest {
            topics: names.map(|names| names.iter().map(by_name).collect()),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        Ok(self.client.ask_any(&request).await?.topics)
    }

    /// Creates topics; with `validate_only` says only what would come of it.
    ///
    /// # Errors
    /// Where no broker answers; per topic what the broker refused, `TOPIC_ALREADY_EXISTS` among others.
    pub async fn create_topics(
        &self,
        topics: &[NewTopic],
        validate_only: bool,
    ) -> Result<PerTopic<CreatedTopic>, ClientError> {
        let request = CreateTopicsRequest {
            topics: topics.iter().map(creatable).collect(),
            timeout_ms: self.broker_timeout_ms(),
            validate_only,
            ..CreateTopicsRequest::default()
        };
        let answer = self.client.ask_any(&request).await?;
        let results = topics.iter().map(|topic| {
            let told = answer.topics.iter().find(|t| *t.name == *topic.name);
            let result = missing(told, &topic.name).and_then(|t| {
                checked(&topic.name, t.error_code, t.error_message.as_ref())?;
                let (partitions, replication_factor) = (t.num_partitions, t.replication_factor);
                Ok(CreatedTopic { id: t.topic_id, partitions, replication_factor })
            });
            (topic.name.clone(), result)
        });
        Ok(results.collect())
    }

    /// Deletes topics and all that is in them.
    ///
    /// # Errors
    /// Where no broker answers; per topic what the broker refused.
    pub async fn delete_topics(&self, names: &[TopicName]) -> Result<PerTopic<()>, ClientError> {
        let state = |name: &TopicName| DeleteTopicState {
            name: Some(name.as_str().into()),
            ..DeleteTopicState::default()
        };
        let request = DeleteTopicsRequest {
            topics: names.iter().map(state).collect(),
            topic_names: names.iter().map(|name| name.as_str().into()).collect(),
            timeout_ms: self.broker_timeout_ms(),
            ..DeleteTopicsRequest::default()
        };
        let answer = self.client.ask_any(&request).await?;
        let results = names.iter().map(|name| {
            let told = answer.responses.iter().find(|t| t.name.as_deref() == Some(name));
            let result = missing(told, name)
                .and_then(|t| checked(name, t.error_code, t.error_message.as_ref()));
            (name.clone(), result)
        });
        Ok(results.collect())
    }

    /// Makes topics have so many partitions in all.
    ///
    /// # Errors
    /// Where no broker answers; per topic what the broker refused.
    pub async fn create_partitions(
        &self,
        totals: &[(TopicName, i32)],
        validate_only: bool,
    ) -> Result<PerTopic<()>, ClientError> {
        let topic = |(name, count): &(TopicName, i32)| CreatePartitionsTopic {
            name: name.as_str().into(),
            count: *count,
            assignments: None,
            ..CreatePartitionsTopic::default()
        };
        let request = CreatePartitionsRequest {
            topics: totals.iter().map(topic).collect(),
            timeout_ms: self.broker_timeout_ms(),
            validate_only,
            ..CreatePartitionsRequest::default()
        };
        let answer = self.client.ask_any(&request).await?;
        let results = totals.iter().map(|(name, _)| {
            let told = answer.results.iter().find(|t| *t.name == **name);
            let result = missing(told, name)
                .and_then(|t| checked(name, t.error_code, t.error_message.as_ref()));
            (name.clone(), result)
        });
        Ok(results.collect())
    }
}

fn describe(
    name: &TopicName,
    told: Option<&MetadataResponseTopic>,
) -> Result<TopicDescription, ClientError> {
    let told = told.ok_or_else(|| ClientError::UnknownTopic { topic: name.clone() })?;
    ErrorCode::from_wire(told.error_code).ok().map_err(|code| topic_error(name, code))?;
    let mut partitions: Vec<PartitionDescription> = told
        .partitions
        .iter()
        .map(|p| PartitionDescription {
            partition: p.partition_index,
            leader: Some(p.leader_id).filter(|id| *id >= 0),
            leader_epoch: Some(p.leader_epoch).filter(|epoch| *epoch >= 0),
            replicas: p.replica_nodes.clone(),
            isr: p.isr_nodes.clone(),
            offline: p.offline_replicas.clone(),
        })
        .collect();
    partitions.sort_by_key(|p| p.partition);
    let (id, internal) = (told.topic_id, told.is_internal);
    Ok(TopicDescription { name: name.clone(), id, internal, partitions })
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let assigned = !topic.assignments.is_empty();
    let config = |(name, value): &(String, String)| CreatableTopicConfig {
        name: name.as_str().into(),
        value: Some(value.as_str().into()),
        ..CreatableTopicConfig::default()
    };
    let assignment = |(index, brokers): (usize, &Vec<i32>)| CreatableReplicaAssignment {
        partition_index: index as i32,
        broker_ids: brokers.clone(),
        ..CreatableReplicaAssignment::default()
    };
    CreatableTopic {
        name: topic.name.as_str().into(),
        num_partitions: if assigned { -1 } else { topic.partitions.unwrap_or(-1) },
        replication_factor: if assigned { -1 } else { topic.replication_factor.unwrap_or(-1) },
        assignments: topic.assignments.iter().enumerate().map(assignment).collect(),
        configs: topic.configs.iter().map(config).collect(),
        ..CreatableTopic::default()
    }
}

fn checked(name: &TopicName, code: i16, message: Option<&ByteString>) -> Result<(), ClientError> {
    ClientError::check(code, message.map(|m| &**m), || format!("topic {name}"))
}

/// A topic that the answer does not speak of is unknown to the broker.
fn missing<'a, T>(told: Option<&'a T>, name: &TopicName) -> Result<&'a T, ClientError> {
    told.ok_or_else(|| ClientError::UnknownTopic { topic: name.clone() })
}
