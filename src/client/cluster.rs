//! The client's picture of the cluster: pure, replaced as a whole at each refresh.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::{ErrorCode, TopicId, TopicName};
use crate::wire::metadata::{MetadataResponse, MetadataResponseTopic};

/// Who leads what, as the cluster last told it.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster {
    /// Counts refreshes; 0 before the first.
    pub(super) generation: u64,
    /// `host:port` by node id.
    pub(super) brokers: HashMap<i32, Broker>,
    /// What the cluster calls itself.
    pub(super) cluster_id: Option<String>,
    topics: HashMap<TopicName, Arc<Topic>>,
}

/// One broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broker {
    pub(super) host: String,
    pub(super) port: i32,
    pub(super) rack: Option<String>,
}

impl Broker {
    /// `host:port`, with brackets about an IPv6 address.
    pub(super) fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// One topic; with an error it has no partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topic {
    pub(super) error: ErrorCode,
    pub(super) id: TopicId,
    pub(super) internal: bool,
    pub(super) partitions: Vec<Partition>,
}

/// One partition; the vector that holds it is sorted by its number, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    pub(super) error: ErrorCode,
    pub(super) leader: Option<i32>,
    /// −1 where the broker does not tell.
    pub(super) leader_epoch: i32,
    pub(super) replicas: Vec<i32>,
    pub(super) isr: Vec<i32>,
    pub(super) offline: Vec<i32>,
}

impl Cluster {
    /// A topic that the last refreshes told of.
    pub(super) fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(name)
    }

    /// The partition's leader and its epoch, if it has one that is known.
    pub(super) fn leader(&self, topic: &str, partition: i32) -> Option<(i32, i32)> {
        let topic = self.topics.get(topic)?;
        let partition = topic.partitions.get(usize::try_from(partition).ok()?)?;
        let leader = partition.leader.filter(|id| self.brokers.contains_key(id))?;
        Some((leader, partition.leader_epoch))
    }

    /// The picture after an answer. A leader epoch never goes back while the topic is the same one: a broker that
    /// lags behind would send us to yesterday's leader. Where `complete`, topics that the answer lacks are gone.
    pub(super) fn updated(&self, answer: &MetadataResponse, complete: bool) -> Cluster {
        let mut topics = if complete { HashMap::new() } else { self.topics.clone() };
        for told in &answer.topics {
            let Some(name) = told.name.as_deref().and_then(|n| TopicName::new(n).ok()) else {
                continue; // not a name that can be asked for
            };
            let known = self.topics.get(&name).map(Arc::as_ref);
            topics.insert(name, Arc::new(merged(known, told)));
        }
        let broker = |b: &crate::wire::metadata::MetadataResponseBroker| {
            let rack = b.rack.as_ref().map(ToString::to_string);
            (b.node_id, Broker { host: b.host.to_string(), port: b.port, rack })
        };
        Cluster {
            generation: self.generation + 1,
            brokers: answer.brokers.iter().map(broker).collect(),
            cluster_id: answer.cluster_id.as_ref().map(ToString::to_string),
            topics,
        }
    }
}

fn merged(known: Option<&Topic>, told: &MetadataResponseTopic) -> Topic {
    let known = known.filter(|k| k.id == told.topic_id || told.topic_id.is_zero());
    let error = ErrorCode::from_wire(told.error_code);
    let mut partitions: Vec<(i32, Partition)> =
        told.partitions.iter().map(|p| (p.partition_index, partition(p))).collect();
    partitions.sort_by_key(|(index, _)| *index);
    let gapless = partitions.iter().enumerate().all(|(at, (index, _))| *index == at as i32);
    let mut partitions: Vec<Partition> =
        if gapless { partitions.into_iter().map(|(_, p)| p).collect() } else { Vec::new() };
    for (at, told) in partitions.iter_mut().enumerate() {
        let older = known.and_then(|k| k.partitions.get(at));
        if let Some(known) =
            older.filter(|k| told.leader_epoch >= 0 && k.leader_epoch > told.leader_epoch)
        {
            *told = known.clone();
        }
    }
    let error = if gapless { error } else { ErrorCode::LeaderNotAvailable };
    Topic { error, id: told.topic_id, internal: told.is_internal, partitions }
}

fn partition(told: &crate::wire::metadata::MetadataResponsePartition) -> Partition {
    Partition {
        error: ErrorCode::from_wire(told.error_code),
        leader: Some(told.leader_id).filter(|id| *id >= 0),
        leader_epoch: told.leader_epoch,
        replicas: told.replica_nodes.clone(),
        isr: told.isr_nodes.clone(),
        offline: told.offline_replicas.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::metadata::{MetadataResponseBroker, MetadataResponsePartition};

    fn answer(id: u8, leader_id: i32, leader_epoch: i32) -> MetadataResponse {
        let partition = MetadataResponsePartition { leader_id, leader_epoch, ..Default::default() };
        let topic = MetadataResponseTopic {
            name: Some("t".into()),
            topic_id: TopicId([id; 16]),
            partitions: vec![partition],
            ..Default::default()
        };
        let broker = |node_id| MetadataResponseBroker { node_id, ..Default::default() };
        let brokers = vec![broker(1), broker(2)];
        MetadataResponse { topics: vec![topic], brokers, ..Default::default() }
    }

    #[test]
    fn a_leader_epoch_never_goes_back() {
        let cluster = Cluster::default().updated(&answer(1, 1, 5), false);
        let cluster = cluster.updated(&answer(1, 2, 4), false);
        assert_eq!(cluster.leader("t", 0), Some((1, 5)));
        let cluster = cluster.updated(&answer(1, 2, 6), false);
        assert_eq!(cluster.leader("t", 0), Some((2, 6)));
    }

    #[test]
    fn a_recreated_topic_starts_its_epochs_anew() {
        let cluster = Cluster::default().updated(&answer(1, 1, 5), false);
        let cluster = cluster.updated(&answer(2, 2, 0), false);
        assert_eq!(cluster.leader("t", 0), Some((2, 0)));
    }

    #[test]
    fn a_complete_answer_forgets_what_it_lacks() {
        let cluster = Cluster::default().updated(&answer(1, 1, 0), false);
        let nothing = MetadataResponse::default();
        assert!(cluster.updated(&nothing, false).topic("t").is_some());
        assert!(cluster.updated(&nothing, true).topic("t").is_none());
    }
}
