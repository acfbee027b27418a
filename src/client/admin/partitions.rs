//! What partitions' leaders answer for: offsets, deletion of records, producers, elections.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::config::Isolation;
use super::super::error::ClientError;
use super::super::handle::Lane;
use super::super::offsets::{self, EARLIEST, LATEST};
use super::super::trouble::Trouble;
use super::Admin;
use crate::base::{ErrorCode, Millis, TopicName};
use crate::wire::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use crate::wire::describe_producers::{DescribeProducersRequest, TopicRequest};
use crate::wire::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use crate::wire::list_partition_reassignments::ListPartitionReassignmentsRequest;

/// A point in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first record there is.
    Earliest,
    /// The end.
    Latest,
    /// The record with the largest timestamp (KIP-734).
    MaxTimestamp,
    /// The first record with this timestamp or a later one.
    At(Millis),
}

/// Where a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedOffset {
    /// None where there is no such record.
    pub offset: Option<i64>,
    /// The record's timestamp, where the point is a record.
    pub timestamp: Option<i64>,
    /// The epoch of the leader that wrote it.
    pub leader_epoch: Option<i32>,
}

/// A producer that a partition remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveProducer {
    /// Its id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i32,
    /// The sequence of its last record; −1 for none.
    pub last_sequence: i32,
    /// When it last wrote; −1 for never.
    pub last_timestamp: i64,
    /// The epoch of the coordinator that wrote its last marker; None if there is none.
    pub coordinator_epoch: Option<i32>,
    /// Where its open transaction began; None without one.
    pub transaction_start: Option<i64>,
}

/// A partition that is being moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassignment {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// All replicas now.
    pub replicas: Vec<i32>,
    /// Those that are being added.
    pub adding: Vec<i32>,
    /// Those that are being removed.
    pub removing: Vec<i32>,
}

/// A partition, by name.
pub(super) type Key = (TopicName, i32);

/// Per partition asked for, what came of it.
pub(super) type PerPartition<T> = Vec<(Key, Result<T, ClientError>)>;

impl Admin {
    /// The partitions by leader; those without one are told apart.
    pub(super) async fn by_leader(
        &self,
        keys: &[Key],
    ) -> Result<(BTreeMap<i32, Vec<Key>>, PerPartition<()>), ClientError> {
        let within = self.client.config().api_timeout;
        let (mut led, mut failed) = (BTreeMap::<i32, Vec<Key>>::new(), Vec::new());
        for key in keys {
            let topic = match self.client.topic(&key.0, within).await {
                Ok(topic) => topic,
                Err(cause) => {
                    failed.push((key.clone(), Err(cause)));
                    continue;
                }
            };
            let count = topic.partitions.len();
            match self.client.cluster().leader(&key.0, key.1) {
                Some((leader, _)) => led.entry(leader).or_default().push(key.clone()),
                None if !(0..count as i32).contains(&key.1) => {
                    let (topic, partition) = key.clone();
                    let cause = ClientError::UnknownPartition { topic, partition, count };
                    failed.push((key.clone(), Err(cause)));
                }
                None => {
                    let refused = refused(key, ErrorCode::LeaderNotAvailable, None);
                    failed.push((key.clone(), Err(refused)));
                }
            }
        }
        Ok((led, failed))
    }

    /// Where these points are, in the order asked.
    ///
    /// # Errors
    /// Where nobody answers; per partition what its leader refused after retries.
    pub async fn list_offsets(
        &self,
        wanted: &[(TopicName, i32, OffsetSpec)],
        isolation: Isolation,
    ) -> Result<PerPartition<ListedOffset>, ClientError> {
        let give_up_at = Instant::now() + self.client.config().api_timeout;
        let timestamp = |spec: &OffsetSpec| match spec {
            OffsetSpec::Earliest => EARLIEST,
            OffsetSpec::Latest => LATEST,
            OffsetSpec::MaxTimestamp => -3,
            OffsetSpec::At(at) => at.0.max(0),
        };
        let mut done: PerPartition<ListedOffset> = Vec::new();
        // A partition may be asked for twice, at different points: one round for each.
        let mut rounds: Vec<BTreeMap<Key, i64>> = Vec::new();
        for (topic, partition, spec) in wanted {
            let key = (topic.clone(), *partition);
            match rounds.iter_mut().find(|round| !round.contains_key(&key)) {
                Some(round) => drop(round.insert(key, timestamp(spec))),
                None => rounds.push(BTreeMap::from([(key, timestamp(spec))])),
            }
        }
        let mut answers: Vec<BTreeMap<Key, Result<ListedOffset, ClientError>>> = Vec::new();
        for round in rounds {
            answers.push(self.list_round(round, isolation, give_up_at).await?);
        }
        for (topic, partition, _) in wanted {
            let key = (topic.clone(), *partition);
            // Rounds were filled first to last, so they are emptied so.
            if let Some(answer) = answers.iter_mut().find_map(|round| round.remove(&key)) {
                done.push((key, answer));
            }
        }
        Ok(done)
    }

    async fn list_round(
        &self,
        mut left: BTreeMap<Key, i64>,
        isolation: Isolation,
        give_up_at: Instant,
    ) -> Result<BTreeMap<Key, Result<ListedOffset, ClientError>>, ClientError> {
        let (mut done, mut failures, mut trouble) = (BTreeMap::new(), 0, Trouble::default());
        loop {
            let keys: Vec<Key> = left.keys().cloned().collect();
            let (led, failed) = self.by_leader(&keys).await?;
            let mut last = None;
            for (key, result) in failed {
                last = result.err();
                if let Some(cause) = last
                    .clone()
                    .filter(|c| !c.retriable() || matches!(c, ClientError::UnknownTopic { .. }))
                {
                    left.remove(&key);
                    done.insert(key, Err(cause));
                }
            }
            for (leader, keys) in led {
                let part = keys.iter().map(|key| (key.clone(), left[key])).collect();
                let found = match self.client.broker(leader, Lane::General).await {
                    Ok(connection) => {
                        offsets::ask(&self.client, &connection, &part, isolation).await
                    }
                    Err(cause) => Err(cause.into()),
                };
                match found {
                    Err(cause) => last = Some(cause),
                    Ok(found) => {
                        for (key, one) in found {
                            if one.error.is_retriable() {
                                last = Some(refused(&key, one.error, None));
                                continue;
                            }
                            left.remove(&key);
                            let listed = one.error.ok().map_err(|code| refused(&key, code, None));
                            done.insert(key, listed.map(|()| listed_offset(&one)));
                        }
                    }
                }
            }
            if left.is_empty() {
                return Ok(done);
            }
            let cause = last.unwrap_or(ClientError::Closed);
            if trouble.is_news(Instant::now(), Duration::MAX) {
                tracing::warn!("{cause}, trying on");
            }
            self.client.refresh();
            if !self.client.pause_before_retry(&cause, &mut failures, give_up_at).await {
                done.extend(left.into_keys().map(|key| (key, Err(cause.clone()))));
                return Ok(done);
            }
        }
    }

    /// Deletes all records before an offset of each partition (−1: before the high watermark). Answers with the
    /// first offset that is left.
    ///
    /// # Errors
    /// Where nobody answers; per partition what its leader refused.
    pub async fn delete_records(
        &self,
        before: &[(TopicName, i32, i64)],
    ) -> Result<PerPartition<i64>, ClientError> {
        let offsets: BTreeMap<Key, i64> =
            before.iter().map(|(t, p, offset)| ((t.clone(), *p), *offset)).collect();
        let keys: Vec<Key> = offsets.keys().cloned().collect();
        let (led, failed) = self.by_leader(&keys).await?;
        let mut out: PerPartition<i64> =
            failed.into_iter().map(|(key, result)| (key, result.map(|()| -1))).collect();
        for (leader, keys) in led {
            let topic = |key: &Key| DeleteRecordsTopic {
                name: key.0.as_str().into(),
                partitions: vec![DeleteRecordsPartition {
                    partition_index: key.1,
                    offset: offsets[key],
                    ..DeleteRecordsPartition::default()
                }],
                ..DeleteRecordsTopic::default()
            };
            let request = DeleteRecordsRequest {
                topics: merge(keys.iter().map(topic)),
                timeout_ms: self.broker_timeout_ms(),
                ..DeleteRecordsRequest::default()
            };
            let connection = self.client.broker(leader, Lane::General).await?;
            let answer = connection.call(&request, self.client.config().request_timeout).await?;
            for key in keys {
                let told = answer.topics.iter().filter(|t| *t.name == *key.0);
                let told = told.flat_map(|t| &t.partitions).find(|p| p.partition_index == key.1);
                let code = told
                    .map_or(ErrorCode::UnknownServerError, |p| ErrorCode::from_wire(p.error_code));
                let result = code.ok().map_err(|code| refused(&key, code, None));
                let low = told.map_or(-1, |p| p.low_watermark);
                out.push((key, result.map(|()| low)));
            }
        }
        out.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(out)
    }

    /// The producers that these partitions remember.
    ///
    /// # Errors
    /// Where nobody answers; per partition what its leader refused.
    pub async fn describe_producers(
        &self,
        partitions: &[(TopicName, i32)],
    ) -> Result<PerPartition<Vec<ActiveProducer>>, ClientError> {
        self.describe_producers_at(None, partitions).await
    }

    /// [`Self::describe_producers`], as this broker's replicas remember them; without one, as the leaders do.
    ///
    /// # Errors
    /// As there.
    pub async fn describe_producers_at(
        &self,
        broker: Option<i32>,
        partitions: &[(TopicName, i32)],
    ) -> Result<PerPartition<Vec<ActiveProducer>>, ClientError> {
        let (led, failed) = match broker {
            Some(broker) => (BTreeMap::from([(broker, partitions.to_vec())]), Vec::new()),
            None => self.by_leader(partitions).await?,
        };
        let mut out: PerPartition<Vec<ActiveProducer>> =
            failed.into_iter().map(|(key, result)| (key, result.map(|()| Vec::new()))).collect();
        for (leader, keys) in led {
            let topic = |key: &Key| TopicRequest {
                name: key.0.as_str().into(),
                partition_indexes: vec![key.1],
                ..TopicRequest::default()
            };
            let request = DescribeProducersRequest {
                topics: keys.iter().map(topic).collect(),
                ..DescribeProducersRequest::default()
            };
            let connection = self.client.broker(leader, Lane::General).await?;
            let answer = connection.call(&request, self.client.config().request_timeout).await?;
            for topic in &answer.topics {
                let Ok(name) = TopicName::new(&topic.name) else { continue };
                for told in &topic.partitions {
                    let key = (name.clone(), told.partition_index);
                    let message = told.error_message.as_ref().map(ToString::to_string);
                    let code = ErrorCode::from_wire(told.error_code);
                    let result = code.ok().map_err(|code| refused(&key, code, message));
                    let producer =
                        |p: &crate::wire::describe_producers::ProducerState| ActiveProducer {
                            producer_id: p.producer_id,
                            producer_epoch: p.producer_epoch,
                            last_sequence: p.last_sequence,
                            last_timestamp: p.last_timestamp,
                            coordinator_epoch: Some(p.coordinator_epoch).filter(|e| *e >= 0),
                            transaction_start: Some(p.current_txn_start_offset).filter(|o| *o >= 0),
                        };
                    let producers = || told.active_producers.iter().map(producer).collect();
                    out.push((key, result.map(|()| producers())));
                }
            }
        }
        Ok(out)
    }

    /// Makes the preferred replica lead these partitions (all: None), or with `unclean` any that lives.
    ///
    /// # Errors
    /// Where nobody answers, or the request as a whole is refused; per partition ELECTION_NOT_NEEDED among others.
    pub async fn elect_leaders(
        &self,
        partitions: Option<&[(TopicName, i32)]>,
        unclean: bool,
    ) -> Result<PerPartition<()>, ClientError> {
        let topic = |key: &Key| TopicPartitions {
            topic: key.0.as_str().into(),
            partitions: vec![key.1],
            ..TopicPartitions::default()
        };
        let request = ElectLeadersRequest {
            election_type: i8::from(unclean),
            topic_partitions: partitions.map(|keys| keys.iter().map(topic).collect()),
            timeout_ms: self.broker_timeout_ms(),
            ..ElectLeadersRequest::default()
        };
        let answer = self.client.ask_any(&request).await?;
        ClientError::check(answer.error_code, None, || "ElectLeaders".into())?;
        let mut out = Vec::new();
        for topic in &answer.replica_election_results {
            let Ok(name) = TopicName::new(&topic.topic) else { continue };
            for told in &topic.partition_result {
                let key = (name.clone(), told.partition_id);
                let message = told.error_message.as_ref().map(ToString::to_string);
                let code = ErrorCode::from_wire(told.error_code);
                let result = code.ok().map_err(|code| refused(&key, code, message));
                out.push((key, result));
            }
        }
        Ok(out)
    }

    /// The partitions that are being moved.
    ///
    /// # Errors
    /// Where nobody answers or the broker refuses.
    pub async fn list_reassignments(&self) -> Result<Vec<Reassignment>, ClientError> {
        let request = ListPartitionReassignmentsRequest {
            timeout_ms: self.broker_timeout_ms(),
            topics: None,
            ..ListPartitionReassignmentsRequest::default()
        };
        let answer = self.client.ask_any(&request).await?;
        let message = answer.error_message.as_deref();
        ClientError::check(answer.error_code, message, || "ListPartitionReassignments".into())?;
        let moving = answer.topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|p| Reassignment {
                topic: topic.name.to_string(),
                partition: p.partition_index,
                replicas: p.replicas.clone(),
                adding: p.adding_replicas.clone(),
                removing: p.removing_replicas.clone(),
            })
        });
        Ok(moving.collect())
    }
}

fn listed_offset(found: &offsets::Found) -> ListedOffset {
    ListedOffset {
        offset: Some(found.offset).filter(|o| *o >= 0),
        timestamp: Some(found.timestamp).filter(|t| *t >= 0),
        leader_epoch: Some(found.leader_epoch).filter(|e| *e >= 0),
    }
}

fn refused(key: &Key, code: ErrorCode, message: Option<String>) -> ClientError {
    ClientError::Refused { what: format!("{}[{}]", key.0, key.1), code, message }
}

/// One entry per topic.
fn merge(topics: impl Iterator<Item = DeleteRecordsTopic>) -> Vec<DeleteRecordsTopic> {
    let mut out: Vec<DeleteRecordsTopic> = Vec::new();
    for topic in topics {
        match out.last_mut().filter(|last| last.name == topic.name) {
            Some(last) => last.partitions.extend(topic.partitions),
            None => out.push(topic),
        }
    }
    out
}
