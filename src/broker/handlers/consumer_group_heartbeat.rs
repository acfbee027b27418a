//! ConsumerGroupHeartbeat (key 68), v0 and v1. The one request of members of consumer groups (KIP-848). Answered once what it changed is
//! stored, and durable where `__consumer_offsets` asks for that. v0 gives a newcomer its id, v1 regular expressions, and the client makes its
//! own id (KIP-1082).

use bytestring::ByteString;

use super::join_group::fresh_id;
use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::group::{Beat, Beaten, Partitions, Refused, is_blank};
use crate::wire::consumer_group_heartbeat::{
    Assignment, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};

pub fn handle(call: Call<ConsumerGroupHeartbeatRequest>) -> Reply<ConsumerGroupHeartbeatResponse> {
    let node = call.node.clone();
    if !node.has_consumer_groups() {
        let message = "group.version is 0: consumer groups speak the classic protocol only";
        return Reply::ready(refuse(Refused::new(ErrorCode::UnsupportedVersion, message)));
    }
    let group = call.request.group_id.clone();
    if is_blank(&group) {
        let refused = Refused::new(ErrorCode::InvalidRequest, "GroupId can't be empty.");
        return Reply::ready(refuse(refused));
    }
    if let Err(code) = node.check_coordinates(&group) {
        return Reply::ready(refuse(Refused::new(code, String::new())));
    }
    let interval = node.consumer_heartbeat_ms();
    match node.consumer_heartbeat(&group, read(call)) {
        Ok((beaten, None)) => Reply::ready(respond(beaten, interval)),
        Ok((beaten, durable)) => Reply::later(async move {
            match Node::until_durable(durable).await {
                Ok(()) => respond(beaten, interval),
                Err(code) => refuse(Refused::new(code, String::new())),
            }
        }),
        Err(refused) => Reply::ready(refuse(refused)),
    }
}

fn read(call: Call<ConsumerGroupHeartbeatRequest>) -> Beat {
    let Call { node, version, origin, client_id, request } = call;
    let client_id = client_id.unwrap_or_default();
    let is_nameless = version == 0 && request.member_id.is_empty() && request.member_epoch == 0;
    Beat {
        member_id: match is_nameless {
            true => fresh_id(&node, &client_id),
            false => request.member_id,
        },
        epoch: request.member_epoch,
        instance_id: request.instance_id,
        rack_id: request.rack_id,
        rebalance_timeout_ms: (request.rebalance_timeout_ms >= 0)
            .then_some(request.rebalance_timeout_ms),
        topics: request.subscribed_topic_names.map(|names| names.into_iter().collect()),
        pattern: request.subscribed_topic_regex,
        assignor: request.server_assignor,
        owned: request.topic_partitions.map(owned),
        client_id,
        host: format!("/{}", origin.peer.ip()).into(),
    }
}

fn owned(topics: Vec<TopicPartitions>) -> Partitions {
    let mut owned = Partitions::new();
    for topic in topics {
        owned.entry(topic.topic_id).or_default().extend(topic.partitions);
    }
    owned
}

fn respond(beaten: Beaten, heartbeat_interval_ms: i32) -> ConsumerGroupHeartbeatResponse {
    let assignment = beaten.assignment.map(|partitions| Assignment {
        topic_partitions: partitions
            .into_iter()
            .map(|(topic_id, partitions)| TopicPartitions {
                topic_id,
                partitions: partitions.into_iter().collect(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    });
    ConsumerGroupHeartbeatResponse {
        member_id: Some(beaten.member_id),
        member_epoch: beaten.epoch,
        heartbeat_interval_ms: if beaten.epoch < 0 { 0 } else { heartbeat_interval_ms },
        assignment,
        ..Default::default()
    }
}

fn refuse(refused: Refused) -> ConsumerGroupHeartbeatResponse {
    let message = Some(ByteString::from(refused.message)).filter(|text| !text.is_empty());
    ConsumerGroupHeartbeatResponse {
        error_code: refused.code.to_wire(),
        error_message: message,
        ..Default::default()
    }
}
