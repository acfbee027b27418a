//! What AlterConfigs and IncrementalAlterConfigs share: which resource, and how its changes are committed.

use std::sync::Arc;

use super::configs::{BROKER, BROKER_LOGGER, Change, TOPIC, change_topic, check_broker};
use super::outcome::{Failure, repeated};
use crate::base::ErrorCode;
use crate::broker::node::Node;

/// Changes one resource's configs; with `replace`, what is not named is unset. With `validate_only`, only says whether it could.
///
/// # Errors
/// What the resource or its values lack.
pub async fn change(
    node: &Arc<Node>,
    (kind, name): (i8, &str),
    changes: Vec<(String, Change)>,
    replace: bool,
    validate_only: bool,
) -> Result<(), Failure> {
    if let Some(key) = repeated(changes.iter().map(|(key, _)| key.clone())).into_iter().next() {
        return Err(Failure::new(ErrorCode::InvalidRequest, format!("{key} stands twice")));
    }
    match kind {
        TOPIC => topic(node, name, changes, replace, validate_only).await,
        BROKER => broker(node, name, &changes),
        BROKER_LOGGER => Err(Failure::new(
            ErrorCode::InvalidRequest,
            "log levels cannot be changed while the broker runs",
        )),
        other => Err(Failure::new(
            ErrorCode::InvalidRequest,
            format!("resource type {other} has no configs here"),
        )),
    }
}

async fn topic(
    node: &Arc<Node>,
    name: &str,
    changes: Vec<(String, Change)>,
    replace: bool,
    validate_only: bool,
) -> Result<(), Failure> {
    if validate_only {
        change_topic(&node.image(), &node.config.topic, name, &changes, replace)?;
        return Ok(());
    }
    let (decider, topic) = (node.clone(), name.to_owned());
    let committed = node.store.submit(Box::new(move |image| {
        change_topic(image, &decider.config.topic, &topic, &changes, replace)
    }));
    committed.await?;
    node.follow_metadata().await;
    Ok(())
}

/// No key of a broker can be changed while it runs.
fn broker(node: &Node, name: &str, changes: &[(String, Change)]) -> Result<(), Failure> {
    if !name.is_empty() {
        check_broker(node.config.node_id, name)?;
    }
    if changes.is_empty() {
        return Ok(());
    }
    let keys: Vec<&str> = changes.iter().map(|(key, _)| key.as_str()).collect();
    let message = format!(
        "cannot be changed while the broker runs, only in its config file: {}",
        keys.join(", ")
    );
    Err(Failure::new(ErrorCode::InvalidRequest, message))
}
