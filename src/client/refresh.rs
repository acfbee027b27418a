//! Keeps the picture of the cluster fresh: by age, and when somebody met an error that a new one may explain.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::entropy::backoff;
use super::error::ClientError;
use super::handle::Shared;
use crate::base::TopicName;
use crate::wire::metadata::{MetadataRequest, MetadataRequestTopic};

/// Refreshes until the client closes. Requests that come close together are served by one refresh.
pub(super) async fn run(shared: Arc<Shared>, closed: CancellationToken) {
    let mut failures = 0;
    loop {
        let started = Instant::now();
        tokio::select! {
            () = closed.cancelled() => return,
            () = shared.refresh_wanted.notified() => {}
            () = tokio::time::sleep(shared.config.metadata_max_age) => {}
        }
        // The first asker in a while is served at once, those that ask again and again after a backoff.
        let (base, max) = (shared.config.retry_backoff, shared.config.retry_backoff_max);
        let calm = Duration::from_secs(2);
        failures = if started.elapsed() > calm { 0 } else { failures };
        if failures > 0 {
            tokio::time::sleep(backoff(base, max, failures - 1)).await;
        }
        failures += 1;
        let refreshed = tokio::select! {
            () = closed.cancelled() => return,
            refreshed = once(&shared) => refreshed,
        };
        if let Err(cause) = &refreshed {
            tracing::debug!(%cause, "cannot refresh metadata");
            shared.refresh_wanted.notify_one();
        }
        *shared.refresh_failed.lock() = refreshed.err();
    }
}

/// Asks any broker once, for the topics wanted.
pub(super) async fn once(shared: &Shared) -> Result<(), ClientError> {
    let connection = shared.any_broker().await?;
    let topics: Vec<TopicName> = shared.wanted.lock().iter().cloned().collect();
    let request = MetadataRequest {
        topics: Some(topics.iter().map(by_name).collect()),
        allow_auto_topic_creation: shared.config.allow_auto_create,
        ..MetadataRequest::default()
    };
    let answer = connection.call(&request, shared.config.request_timeout).await?;
    if answer.brokers.is_empty() {
        // A broker that has just started may not know even itself; keep what we have.
        return Ok(());
    }
    shared.cluster.send_modify(|picture| *picture = Arc::new(picture.updated(&answer, false)));
    Ok(())
}

fn by_name(topic: &TopicName) -> MetadataRequestTopic {
    MetadataRequestTopic { name: Some(topic.as_str().into()), ..MetadataRequestTopic::default() }
}
