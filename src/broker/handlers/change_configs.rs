//! What AlterConfigs and IncrementalAlterConfigs share: which resource, and how its changes are committed.

use std::sync::Arc;

use super::config_scope::{self, Change, Scope};
use super::configs::{BROKER, BROKER_LOGGER, TOPIC, check_broker};
use super::outcome::{Failure, repeated};
use crate::base::ErrorCode;
use crate::broker::defaults::topic_defaults;
use crate::broker::loggers::LevelError;
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
        TOPIC => commit(node, Scope::Topic(name.into()), changes, replace, validate_only).await,
        BROKER => {
            if !name.is_empty() {
                check_broker(node.config.node_id, name)?;
            }
            commit(node, Scope::Broker(name.into()), changes, replace, validate_only).await
        }
        BROKER_LOGGER => {
            check_broker(node.config.node_id, name)?;
            loggers(node, &changes, validate_only)
        }
        other => Err(Failure::new(
            ErrorCode::InvalidRequest,
            format!("resource type {other} has no configs here"),
        )),
    }
}

async fn commit(
    node: &Arc<Node>,
    scope: Scope,
    changes: Vec<(String, Change)>,
    replace: bool,
    validate_only: bool,
) -> Result<(), Failure> {
    if validate_only {
        let image = node.image();
        let defaults = topic_defaults(&node.config, &image);
        config_scope::change(&image, &defaults, &scope, &changes, replace)?;
        return Ok(());
    }
    let decider = node.clone();
    let committed = node.store.submit(Box::new(move |image| {
        let defaults = topic_defaults(&decider.config, image);
        config_scope::change(image, &defaults, &scope, &changes, replace)
    }));
    committed.await?;
    node.follow_metadata().await;
    Ok(())
}

/// All levels change, or none.
fn loggers(node: &Node, changes: &[(String, Change)], validate_only: bool) -> Result<(), Failure> {
    let level = |change: &Change| match change {
        Change::Set(level) => Ok(Some(level.clone())),
        Change::Unset => Ok(None),
        Change::Append(_) | Change::Subtract(_) => {
            Err(Failure::new(ErrorCode::InvalidRequest, "a log level is set or unset"))
        }
    };
    let levels: Vec<(&String, Option<String>)> = changes
        .iter()
        .map(|(logger, change)| Ok((logger, level(change)?)))
        .collect::<Result<_, Failure>>()?;
    for (logger, level) in &levels {
        node.loggers.check(logger, level.as_deref())?;
    }
    for (logger, level) in levels.iter().filter(|_| !validate_only) {
        node.loggers.set(logger, level.as_deref())?;
    }
    Ok(())
}

impl From<LevelError> for Failure {
    fn from(error: LevelError) -> Failure {
        let code = match error {
            LevelError::NoLogger(_) | LevelError::NoLevel(_) => ErrorCode::InvalidConfig,
            LevelError::Root => ErrorCode::InvalidRequest,
        };
        Failure::new(code, error.to_string())
    }
}
