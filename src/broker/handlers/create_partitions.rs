//! CreatePartitions (key 37), v0 to v3. Raises the partition count of each topic by itself: never lowers it (error 37); a topic
//! that stands twice is refused (42). `validate_only` changes nothing.

use super::outcome::{Failure, on_wire, repeated};
use crate::base::{ErrorCode, TopicId};
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::meta::create_partitions;
use crate::wire::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopicResult,
};

pub fn handle(call: Call<CreatePartitionsRequest>) -> Reply<CreatePartitionsResponse> {
    let Call { node, request, .. } = call;
    Reply::later(async move {
        let twice = repeated(request.topics.iter().map(|topic| topic.name.clone()));
        let mut results: Vec<CreatePartitionsTopicResult> = Vec::new();
        for topic in request.topics {
            if results.iter().any(|result| result.name == topic.name) {
                continue;
            }
            let (name, count) = (topic.name.to_string(), topic.count);
            let assignments: Option<Vec<Vec<i32>>> = topic
                .assignments
                .map(|given| given.into_iter().map(|one| one.broker_ids).collect());
            let outcome = if twice.contains(&topic.name) {
                Err(Failure::new(ErrorCode::InvalidRequest, "the request names this topic twice"))
            } else if request.validate_only {
                let image = node.image();
                create_partitions(&image, &name, count, assignments.as_deref(), || TopicId::ZERO)
                    .map(drop)
                    .map_err(Failure::from)
            } else {
                let decider = node.clone();
                let committed = node.store.submit(Box::new(move |image| {
                    let directory = decider.partitions.spread()?;
                    create_partitions(image, &name, count, assignments.as_deref(), directory)
                }));
                committed.await.map_err(Failure::from)
            };
            let (error_code, error_message) = on_wire(&outcome);
            results.push(CreatePartitionsTopicResult {
                name: topic.name,
                error_code,
                error_message,
                ..Default::default()
            });
        }
        node.follow_metadata().await;
        CreatePartitionsResponse { results, ..Default::default() }
    })
}
