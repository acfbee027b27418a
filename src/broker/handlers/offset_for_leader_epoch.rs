//! OffsetForLeaderEpoch (key 23), v2 to v4. Where the largest epoch that is not above the one asked for ended (KIP-101,
//! KIP-279); -1 where nothing is known of it.

use super::target;
use crate::base::{ErrorCode, LeaderEpoch};
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::wire::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};

pub fn handle(call: Call<OffsetForLeaderEpochRequest>) -> Reply<OffsetForLeaderEpochResponse> {
    let Call { node, request, .. } = call;
    let topics = request.topics.into_iter().map(|topic| {
        let logs = node.partitions.topic(&topic.topic);
        let one = |wanted: &OffsetForLeaderPartition| {
            let found = target::partition(
                logs.as_ref(),
                wanted.partition,
                ErrorCode::UnknownTopicOrPartition,
            )
            .and_then(|partition| {
                target::check_epoch(&partition, wanted.current_leader_epoch)?;
                let epoch = LeaderEpoch::from_wire(wanted.leader_epoch);
                Ok(epoch.and_then(|epoch| partition.log().epoch_end(epoch)))
            });
            respond(wanted.partition, found)
        };
        let partitions = topic.partitions.iter().map(one).collect();
        OffsetForLeaderTopicResult { topic: topic.topic, partitions, ..Default::default() }
    });
    Reply::ready(OffsetForLeaderEpochResponse { topics: topics.collect(), ..Default::default() })
}

fn respond(
    partition: i32,
    found: Result<Option<(LeaderEpoch, crate::base::Offset)>, ErrorCode>,
) -> EpochEndOffset {
    match found {
        Ok(Some((epoch, end))) => EpochEndOffset {
            partition,
            leader_epoch: epoch.get(),
            end_offset: end.get(),
            ..Default::default()
        },
        Ok(None) => EpochEndOffset { partition, ..Default::default() },
        Err(code) => EpochEndOffset { partition, error_code: code.to_wire(), ..Default::default() },
    }
}
