//! DeleteTopics (key 20), v1 to v6. Each topic goes or stays by itself. v6 names topics by id too; an unknown name is error 3,
//! an unknown id error 100. Where `delete.topic.enable` is false: error 73, before v3 error 42.

use std::sync::Arc;

use super::outcome::{Failure, on_wire, repeated};
use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::meta::{Topic, delete_topic};
use crate::wire::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};

pub fn handle(call: Call<DeleteTopicsRequest>) -> Reply<DeleteTopicsResponse> {
    let Call { node, version, request, .. } = call;
    Reply::later(async move {
        let wanted: Vec<DeleteTopicState> = if version >= 6 {
            request.topics
        } else {
            let by_name = |name| DeleteTopicState { name: Some(name), ..Default::default() };
            request.topic_names.into_iter().map(by_name).collect()
        };
        let found: Vec<_> = wanted.iter().map(|state| find(&node, version, state)).collect();
        let twice = repeated(found.iter().flatten().map(|topic| topic.id));
        let mut responses = Vec::new();
        for (state, topic) in wanted.into_iter().zip(found) {
            let outcome = match &topic {
                Ok(topic) if twice.contains(&topic.id) => Err(Failure::new(
                    ErrorCode::InvalidRequest,
                    "the request names this topic twice",
                )),
                Ok(topic) => delete(&node, topic).await,
                Err(failure) => Err(failure.clone()),
            };
            responses.push(result(state, topic.ok().as_deref(), &outcome));
        }
        node.follow_metadata().await;
        DeleteTopicsResponse { responses, ..Default::default() }
    })
}

fn find(node: &Node, version: i16, state: &DeleteTopicState) -> Result<Arc<Topic>, Failure> {
    if !node.config.delete_topics {
        let code =
            if version < 3 { ErrorCode::InvalidRequest } else { ErrorCode::TopicDeletionDisabled };
        return Err(Failure::new(code, "delete.topic.enable is false"));
    }
    let image = node.image();
    let (topic, unknown) = match &state.name {
        Some(_) if !state.topic_id.is_zero() => {
            return Err(Failure::new(
                ErrorCode::InvalidRequest,
                "a topic is named by name or by id, not by both",
            ));
        }
        Some(name) => (image.topic(name), ErrorCode::UnknownTopicOrPartition),
        None => (image.topic_by_id(state.topic_id), ErrorCode::UnknownTopicId),
    };
    topic.cloned().ok_or_else(|| Failure::new(unknown, "this topic does not exist"))
}

async fn delete(node: &Node, topic: &Topic) -> Result<(), Failure> {
    let id = topic.id;
    let done = node.store.submit(Box::new(move |image| delete_topic(image, id))).await;
    done.map_err(Failure::from)
}

fn result(
    state: DeleteTopicState,
    topic: Option<&Topic>,
    outcome: &Result<(), Failure>,
) -> DeletableTopicResult {
    let (error_code, error_message) = on_wire(outcome);
    DeletableTopicResult {
        name: state.name.or_else(|| topic.map(|topic| topic.name.as_str().into())),
        topic_id: topic.map_or(state.topic_id, |topic| topic.id),
        error_code,
        error_message,
        ..Default::default()
    }
}
