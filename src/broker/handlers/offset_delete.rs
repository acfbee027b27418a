//! OffsetDelete (key 47), v0. Forgets offsets of a group (KIP-496); those of topics that its members read stay (error 86).

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::groups::Place;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::wire::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};

pub fn handle(call: Call<OffsetDeleteRequest>) -> Reply<OffsetDeleteResponse> {
    let Call { node, request, .. } = call;
    let places: Vec<Place> = request
        .topics
        .iter()
        .flat_map(|topic| {
            topic.partitions.iter().map(|partition| (topic.name.clone(), partition.partition_index))
        })
        .collect();
    let group = &request.group_id;
    let done = node.check_coordinates(group).and_then(|()| node.delete_offsets(group, &places));
    match done {
        Ok((outcomes, durable)) => Reply::later(async move {
            match Node::until_durable(durable).await {
                Ok(()) => respond(places, outcomes),
                Err(code) => failed(code),
            }
        }),
        Err(code) => Reply::ready(failed(code)),
    }
}

fn failed(code: ErrorCode) -> OffsetDeleteResponse {
    OffsetDeleteResponse { error_code: code.to_wire(), ..Default::default() }
}

fn respond(places: Vec<Place>, outcomes: Vec<ErrorCode>) -> OffsetDeleteResponse {
    let mut topics: Vec<OffsetDeleteResponseTopic> = Vec::new();
    for ((name, partition_index), code) in places.into_iter().zip(outcomes) {
        let partition = OffsetDeleteResponsePartition {
            partition_index,
            error_code: code.to_wire(),
            ..Default::default()
        };
        match topics.last_mut().filter(|topic| topic.name == name) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(OffsetDeleteResponseTopic {
                name,
                partitions: vec![partition],
                ..Default::default()
            }),
        }
    }
    OffsetDeleteResponse { topics, ..Default::default() }
}
