//! TxnOffsetCommit (key 28), v0 to v5. Offsets of a group that count once their transaction is committed. v2 leader epochs, v3 who
//! commits is fenced by its group's generation (KIP-447), v5 the transaction is made to reach them (KIP-890).

use crate::base::ErrorCode;
use crate::broker::coordinator_topic::Durable;
use crate::broker::dispatch::Call;
use crate::broker::groups::{Commit, Place, keep_text};
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::broker::txns::InTransaction;
use crate::group::CommittedOffset;
use crate::txn::{Producer, TxnVersion};
use crate::wire::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse, TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};

pub fn handle(call: Call<TxnOffsetCommitRequest>) -> Reply<TxnOffsetCommitResponse> {
    let Call { node, version, request, .. } = call;
    let topics = request.topics.clone();
    match commit(&node, version, request) {
        Ok((codes, durable)) => Reply::later(async move {
            let failed = Node::until_durable(durable).await.err();
            let codes = codes.into_iter().map(|code| match (code, failed) {
                (ErrorCode::None, Some(failed)) => failed,
                (code, _) => code,
            });
            respond(&topics, codes.collect())
        }),
        Err(code) => {
            let count = topics.iter().map(|topic| topic.partitions.len()).sum();
            Reply::ready(respond(&topics, vec![told(code, version); count]))
        }
    }
}

/// What is wrong with each partition's offset, in their order; those are not stored.
type Codes = Vec<ErrorCode>;

fn commit(
    node: &std::sync::Arc<Node>,
    version: i16,
    request: TxnOffsetCommitRequest,
) -> Result<(Codes, Durable), ErrorCode> {
    if request.group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    node.check_coordinates(&request.group_id)?;
    let (mut offsets, mut codes) = (Vec::new(), Codes::new());
    for topic in &request.topics {
        for partition in &topic.partitions {
            let judged = judge(node, topic, partition);
            codes.push(judged.as_ref().err().copied().unwrap_or_default());
            offsets.extend(judged.ok().map(|place| (place, offset(node, partition))));
        }
    }
    if offsets.is_empty() {
        return Ok((codes, None));
    }
    let transaction = InTransaction {
        id: request.transactional_id,
        producer: Producer { id: request.producer_id, epoch: request.producer_epoch },
        version: if version >= 5 { TxnVersion::V2 } else { TxnVersion::V0 },
    };
    let durable = node.commit_offsets(Commit {
        group: keep_text(&request.group_id),
        member_id: request.member_id,
        instance_id: request.group_instance_id,
        generation: request.generation_id,
        // Members of consumer groups commit so from the first version on that names members at all.
        version: 9,
        offsets,
        transaction: Some(transaction),
    })?;
    Ok((codes, durable))
}

fn judge(
    node: &Node,
    topic: &TxnOffsetCommitRequestTopic,
    partition: &TxnOffsetCommitRequestPartition,
) -> Result<Place, ErrorCode> {
    let logs = node.partitions.topic(&topic.name);
    let count = logs.map_or(0, |logs| logs.slots.len());
    if !usize::try_from(partition.partition_index).is_ok_and(|at| at < count) {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    let metadata = partition.committed_metadata.as_ref().map_or(0, |text| text.len());
    if metadata > node.config.offset_metadata_max_bytes {
        return Err(ErrorCode::OffsetMetadataTooLarge);
    }
    Ok((keep_text(&topic.name), partition.partition_index))
}

fn offset(node: &Node, partition: &TxnOffsetCommitRequestPartition) -> CommittedOffset {
    CommittedOffset {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition.committed_metadata.as_ref().map(keep_text).unwrap_or_default(),
        committed_at: node.now().0,
        expires_at: None,
    }
}

/// Older clients know neither the codes of members nor TRANSACTION_ABORTABLE.
fn told(code: ErrorCode, version: i16) -> ErrorCode {
    match code {
        ErrorCode::GroupIdNotFound => ErrorCode::IllegalGeneration,
        ErrorCode::TransactionAbortable if version < 4 => ErrorCode::InvalidTxnState,
        ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
        code => code,
    }
}

fn respond(topics: &[TxnOffsetCommitRequestTopic], codes: Codes) -> TxnOffsetCommitResponse {
    let mut codes = codes.into_iter();
    let topics = topics.iter().map(|topic| {
        let one = |partition: &TxnOffsetCommitRequestPartition| TxnOffsetCommitResponsePartition {
            partition_index: partition.partition_index,
            error_code: codes.next().unwrap_or_default().to_wire(),
            ..Default::default()
        };
        let partitions = topic.partitions.iter().map(one).collect();
        TxnOffsetCommitResponseTopic { name: topic.name.clone(), partitions, ..Default::default() }
    });
    TxnOffsetCommitResponse { topics: topics.collect(), ..Default::default() }
}
