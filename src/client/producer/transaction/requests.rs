//! What a transactional producer says to coordinators, and what it makes of the answers.

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use super::super::super::committed::{CommittedOffset, GroupOffsets};
use super::super::super::connection::Connection;
use super::super::super::consumer::Key;
use super::super::super::error::{ClientError, ConnectionError};
use super::super::window::Identity;
use super::GroupMetadata;
use super::machine::{Abilities, Protocol, Step, Told};
use crate::base::ErrorCode;
use crate::wire::add_offsets_to_txn::AddOffsetsToTxnRequest;
use crate::wire::add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use crate::wire::end_txn::EndTxnRequest;
use crate::wire::init_producer_id::InitProducerIdRequest;
use crate::wire::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};

/// The cluster's level of `transaction.version` from which on brokers take note of what a transaction reaches (KIP-890).
const NOTED: i16 = 2;
/// From these versions on so do these requests.
const COMMIT_NOTED: i16 = 5;
const END_NOTED: i16 = 5;
/// From this version of InitProducerId on a producer may raise its own epoch (KIP-360).
const RAISES: i16 = 3;
/// Up to this version AddPartitionsToTxn is the clients'; later ones are among brokers.
const ADD_BY_CLIENTS: i16 = 3;
/// From this version of TxnOffsetCommit on the member is told (KIP-447).
const WITH_MEMBER: i16 = 3;

/// Who asks, how, and for how long.
pub(super) struct Asking<'a> {
    pub(super) transactional_id: &'a str,
    pub(super) transaction_timeout: Duration,
    pub(super) within: Duration,
}

/// What the coordinator behind a connection can do.
pub(super) fn abilities(connection: &Connection) -> Abilities {
    let ends = connection.version::<EndTxnRequest>().is_ok_and(|version| version >= END_NOTED);
    let noted = ends && connection.transaction_version() >= NOTED;
    Abilities {
        protocol: if noted { Protocol::Noted } else { Protocol::Announced },
        raises_epochs: connection
            .version::<InitProducerIdRequest>()
            .is_ok_and(|version| version >= RAISES),
    }
}

/// Sends a step to its coordinator.
pub(super) async fn send(
    asking: &Asking<'_>,
    connection: &Arc<Connection>,
    protocol: Protocol,
    step: &Step,
) -> Told {
    let told = match step {
        Step::Init { current } => init(asking, connection, *current).await,
        Step::AddPartitions { who, partitions } => {
            add_partitions(asking, connection, *who, partitions).await
        }
        Step::AddOffsets { who, group } => add_offsets(asking, connection, *who, group).await,
        Step::CommitOffsets { who, group, offsets } => {
            commit_offsets(asking, connection, protocol, (*who, group), offsets).await
        }
        Step::End { who, commit } => end(asking, connection, protocol, *who, *commit).await,
    };
    told.unwrap_or_else(|cause| match cause.retriable() {
        true => {
            tracing::debug!(%cause, ?step, "a transaction's coordinator");
            Told::Lost
        }
        false => Told::Impossible(cause),
    })
}

async fn init(
    asking: &Asking<'_>,
    connection: &Arc<Connection>,
    current: Option<Identity>,
) -> Result<Told, ClientError> {
    let timeout_ms = i32::try_from(asking.transaction_timeout.as_millis()).unwrap_or(i32::MAX);
    let request = InitProducerIdRequest {
        transactional_id: Some(asking.transactional_id.into()),
        transaction_timeout_ms: timeout_ms,
        producer_id: current.map_or(-1, |current| current.id),
        producer_epoch: current.map_or(-1, |current| current.epoch),
        ..InitProducerIdRequest::default()
    };
    let answer = connection.call(&request, asking.within).await?;
    Ok(answered([answer.error_code], identity(answer.producer_id, answer.producer_epoch)))
}

async fn add_partitions(
    asking: &Asking<'_>,
    connection: &Arc<Connection>,
    who: Identity,
    partitions: &[Key],
) -> Result<Told, ClientError> {
    let mut topics: Vec<AddPartitionsToTxnTopic> = Vec::new();
    for (topic, partition) in partitions {
        match topics.last_mut().filter(|last| *last.name == **topic) {
            Some(last) => last.partitions.push(*partition),
            None => topics.push(AddPartitionsToTxnTopic {
                name: topic.as_str().into(),
                partitions: vec![*partition],
                ..AddPartitionsToTxnTopic::default()
            }),
        }
    }
    let request = AddPartitionsToTxnRequest {
        v3_and_below_transactional_id: asking.transactional_id.into(),
        v3_and_below_producer_id: who.id,
        v3_and_below_producer_epoch: who.epoch,
        v3_and_below_topics: topics,
        ..AddPartitionsToTxnRequest::default()
    };
    let version = connection.version_up_to::<AddPartitionsToTxnRequest>(ADD_BY_CLIENTS)?;
    let answer = connection.call_at(&request, version, asking.within).await?;
    let told = answer.results_by_topic_v3_and_below.iter().flat_map(|t| &t.results_by_partition);
    let codes: Vec<i16> = told.map(|told| told.partition_error_code).collect();
    complete(codes, partitions.len())
}

async fn add_offsets(
    asking: &Asking<'_>,
    connection: &Arc<Connection>,
    who: Identity,
    group: &GroupMetadata,
) -> Result<Told, ClientError> {
    let request = AddOffsetsToTxnRequest {
        transactional_id: asking.transactional_id.into(),
        producer_id: who.id,
        producer_epoch: who.epoch,
        group_id: group.group_id.as_str().into(),
        ..AddOffsetsToTxnRequest::default()
    };
    let answer = connection.call(&request, asking.within).await?;
    Ok(answered([answer.error_code], None))
}

async fn commit_offsets(
    asking: &Asking<'_>,
    connection: &Arc<Connection>,
    protocol: Protocol,
    (who, group): (Identity, &GroupMetadata),
    offsets: &GroupOffsets,
) -> Result<Told, ClientError> {
    let (least, cap) = match protocol {
        Protocol::Noted => (COMMIT_NOTED, i16::MAX),
        Protocol::Announced if group.generation < 0 => (0, COMMIT_NOTED - 1),
        Protocol::Announced => (WITH_MEMBER, COMMIT_NOTED - 1),
    };
    let version = connection.version_up_to::<TxnOffsetCommitRequest>(cap)?;
    if version < least {
        return Err(ClientError::Refused {
            what: format!("offsets of group {}", group.group_id),
            code: ErrorCode::UnsupportedVersion,
            message: Some(format!("TxnOffsetCommit {least} is needed, the broker has {version}")),
        });
    }
    let mut request = TxnOffsetCommitRequest {
        transactional_id: asking.transactional_id.into(),
        producer_id: who.id,
        producer_epoch: who.epoch,
        group_id: group.group_id.as_str().into(),
        topics: topics(offsets),
        ..TxnOffsetCommitRequest::default()
    };
    if version >= WITH_MEMBER {
        request.generation_id = group.generation;
        request.member_id = group.member_id.as_str().into();
        request.group_instance_id = group.instance_id.as_deref().map(ByteString::from);
    }
    let answer = connection.call_at(&request, version, asking.within).await?;
    let told = answer.topics.iter().flat_map(|topic| &topic.partitions);
    let codes: Vec<i16> = told.map(|told| told.error_code).collect();
    complete(codes, offsets.len())
}

fn topics(offsets: &GroupOffsets) -> Vec<TxnOffsetCommitRequestTopic> {
    let one = |partition: i32, committed: &CommittedOffset| TxnOffsetCommitRequestPartition {
        partition_index: partition,
        committed_offset: committed.offset,
        committed_leader_epoch: committed.leader_epoch.unwrap_or(-1),
        committed_metadata: Some(committed.metadata.as_str().into()),
        ..TxnOffsetCommitRequestPartition::default()
    };
    let mut topics: Vec<TxnOffsetCommitRequestTopic> = Vec::new();
    for ((topic, partition), committed) in offsets {
        match topics.last_mut().filter(|last| *last.name == **topic) {
            Some(last) => last.partitions.push(one(*partition, committed)),
            None => topics.push(TxnOffsetCommitRequestTopic {
                name: topic.as_str().into(),
                partitions: vec![one(*partition, committed)],
                ..TxnOffsetCommitRequestTopic::default()
            }),
        }
    }
    topics
}

async fn end(
    asking: &Asking<'_>,
    connection: &Arc<Connection>,
    protocol: Protocol,
    who: Identity,
    commit: bool,
) -> Result<Told, ClientError> {
    let request = EndTxnRequest {
        transactional_id: asking.transactional_id.into(),
        producer_id: who.id,
        producer_epoch: who.epoch,
        committed: commit,
        ..EndTxnRequest::default()
    };
    let cap = match protocol {
        Protocol::Announced => END_NOTED - 1,
        Protocol::Noted => i16::MAX,
    };
    let version = connection.version_up_to::<EndTxnRequest>(cap)?;
    if protocol == Protocol::Noted && version < END_NOTED {
        let address = connection.address().to_owned();
        return Err(ConnectionError::Unsupported { address, api: "EndTxn" }.into());
    }
    let answer = connection.call_at(&request, version, asking.within).await?;
    Ok(answered([answer.error_code], identity(answer.producer_id, answer.producer_epoch)))
}

/// `None` where the coordinator does not tell.
fn identity(id: i64, epoch: i16) -> Option<Identity> {
    (id >= 0).then_some(Identity { id, epoch })
}

fn answered(codes: impl IntoIterator<Item = i16>, identity: Option<Identity>) -> Told {
    let codes = codes.into_iter().map(ErrorCode::from_wire).collect();
    Told::Answer { codes, identity }
}

/// An answer that has to speak of each of `wanted` things.
fn complete(codes: Vec<i16>, wanted: usize) -> Result<Told, ClientError> {
    if codes.len() < wanted {
        return Ok(answered([ErrorCode::UnknownServerError.to_wire()], None));
    }
    Ok(answered(codes, None))
}
