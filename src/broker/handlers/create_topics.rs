//! CreateTopics (key 19), v2 to v7. Each topic is made or refused by itself, but all are refused where they want more than 10,000
//! partitions together; a name that stands twice is refused. −1 partitions or replicas mean the broker's defaults, and stand
//! beside explicit assignments. v5 tells the configs, v7 the topic's id.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytestring::ByteString;

use super::config_scope::{self, Scope};
use super::configs::topic_entries;
use super::outcome::{Failure, on_wire, repeated};
use crate::base::{ErrorCode, TopicId};
use crate::broker::defaults::topic_defaults;
use crate::broker::dispatch::Call;
use crate::broker::node::{Node, tell_created};
use crate::broker::reply::Reply;
use crate::meta::{NewTopic, PARTITIONS_AT_ONCE, create_topic};
use crate::quorum::METADATA_TOPIC;
use crate::wire::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest,
    CreateTopicsResponse,
};

pub fn handle(call: Call<CreateTopicsRequest>) -> Reply<CreateTopicsResponse> {
    let Call { node, request, .. } = call;
    Reply::later(async move {
        let twice = repeated(request.topics.iter().map(|topic| topic.name.clone()));
        let few = few_partitions(&request.topics, node.config.num_partitions);
        let mut started = Vec::new();
        let mut told = HashSet::new();
        for topic in &request.topics {
            if told.insert(topic.name.clone()) {
                let begun =
                    few.clone().and_then(|()| start(&node, topic, &twice, request.validate_only));
                started.push((topic, begun));
            }
        }
        let mut done = Vec::new();
        for (topic, outcome) in started {
            let outcome = match outcome {
                Ok((wish, id, committed)) => match committed.await {
                    Ok(()) => Ok((wish, id)),
                    Err(error) => Err(Failure::from(error)),
                },
                Err(failure) => Err(failure),
            };
            done.push((topic, outcome));
        }
        if !request.validate_only {
            node.follow_metadata().await;
            let made = done.iter().filter_map(|(_, outcome)| outcome.as_ref().ok());
            made.for_each(|(wish, id)| tell_created(&wish.name, *id));
        }
        let topics = done.iter().map(|(topic, outcome)| result(&node, topic, outcome)).collect();
        CreateTopicsResponse { topics, ..Default::default() }
    })
}

/// Refuses a request for more partitions than may be made at once (Kafka's `validateTotalNumberOfPartitions`).
fn few_partitions(topics: &[CreatableTopic], by_default: i32) -> Result<(), Failure> {
    let wanted = |topic: &CreatableTopic| match (topic.assignments.len(), topic.num_partitions) {
        (0, -1) => i64::from(by_default),
        (0, given) => i64::from(given.max(0)),
        (assigned, _) => assigned as i64,
    };
    let all: i64 = topics.iter().map(wanted).sum();
    if all <= i64::from(PARTITIONS_AT_ONCE) {
        return Ok(());
    }
    let message = format!("{all} partitions asked for; {PARTITIONS_AT_ONCE} can be made at once");
    Err(Failure::new(ErrorCode::PolicyViolation, message))
}

type Committed =
    std::pin::Pin<Box<dyn Future<Output = Result<(), crate::quorum::SubmitError>> + Send>>;

/// Hands a topic to the metadata store; all of a request's topics share its next write.
fn start(
    node: &Arc<Node>,
    topic: &CreatableTopic,
    twice: &HashSet<ByteString>,
    validate_only: bool,
) -> Result<(NewTopic, TopicId, Committed), Failure> {
    if twice.contains(&topic.name) {
        return Err(Failure::new(ErrorCode::InvalidRequest, "the request names this topic twice"));
    }
    let wish = wish(node, topic)?;
    if validate_only {
        create_topic(&node.image(), &wish, TopicId::ZERO, || TopicId::ZERO)?;
        return Ok((wish, TopicId::ZERO, Box::pin(std::future::ready(Ok(())))));
    }
    let id = TopicId(node.os.random_id());
    let (decider, asked) = (node.clone(), wish.clone());
    let committed = node.store.submit(Box::new(move |image| {
        create_topic(image, &asked, id, decider.partitions.spread()?)
    }));
    Ok((wish, id, committed))
}

fn wish(node: &Node, topic: &CreatableTopic) -> Result<NewTopic, Failure> {
    if &*topic.name == METADATA_TOPIC {
        return Err(Failure::new(
            ErrorCode::InvalidRequest,
            "the cluster's own metadata is no topic to make",
        ));
    }
    let assigned = !topic.assignments.is_empty();
    if assigned && (topic.num_partitions != -1 || topic.replication_factor != -1) {
        let message =
            "where replicas are assigned, partition count and replication factor must both be -1";
        return Err(Failure::new(ErrorCode::InvalidRequest, message));
    }
    let mut configs = BTreeMap::new();
    for config in &topic.configs {
        let Some(value) = &config.value else {
            let message = format!("{} has no value", config.name);
            return Err(Failure::new(ErrorCode::InvalidConfig, message));
        };
        configs.insert(config.name.to_string(), value.to_string());
    }
    let defaults = topic_defaults(&node.config, &node.image());
    config_scope::check(&Scope::Topic(topic.name.to_string()), &defaults, &configs)?;
    Ok(NewTopic {
        name: topic.name.to_string(),
        partitions: match topic.num_partitions {
            -1 => node.config.num_partitions,
            given => given,
        },
        replication_factor: match topic.replication_factor {
            -1 => node.config.default_replication_factor,
            given => given,
        },
        assignments: topic
            .assignments
            .iter()
            .map(|given| (given.partition_index, given.broker_ids.clone()))
            .collect(),
        configs: configs.into_iter().collect(),
    })
}

fn result(
    node: &Node,
    topic: &CreatableTopic,
    outcome: &Result<(NewTopic, TopicId), Failure>,
) -> CreatableTopicResult {
    let (error_code, error_message) = on_wire(outcome);
    let name = topic.name.clone();
    let Ok((wish, topic_id)) = outcome else {
        return CreatableTopicResult { name, error_code, error_message, ..Default::default() };
    };
    let (num_partitions, replication_factor) = match wish.assignments.first() {
        Some((_, replicas)) => (wish.assignments.len() as i32, replicas.len() as i16),
        None => (wish.partitions, wish.replication_factor),
    };
    let overrides = wish.configs.iter().cloned().collect();
    let configs = topic_entries(&node.config, &node.image(), &overrides);
    let configs = configs.into_iter().map(|entry| CreatableTopicConfigs {
        name: entry.name.into(),
        value: Some(entry.value.into()),
        config_source: entry.source as i8,
        ..Default::default()
    });
    CreatableTopicResult {
        name,
        topic_id: *topic_id,
        error_code,
        error_message,
        num_partitions,
        replication_factor,
        configs: Some(configs.collect()),
        ..Default::default()
    }
}
