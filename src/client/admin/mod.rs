//! What administers a cluster: topics, partitions, configs, groups, transactions, and what brokers tell of themselves.
//!
//! Each call asks once for many things and answers for each; it is bounded by the client's `api_timeout`, retries
//! what passes, and never asks the user anything.

mod cluster;
mod configs;
mod coordinator;
mod groups;
mod named;
mod partitions;
mod topics;
mod transactions;

use std::time::Duration;

pub use cluster::{BrokerInfo, ClusterDescription, Features, LogDir, LogDirPartition};
pub use configs::{ConfigChange, ConfigEntry, ConfigOp, ConfigResource, ConfigSource};
pub use groups::{GroupDescription, GroupListing, GroupMember, GroupState, GroupType, Share};
pub use partitions::{ActiveProducer, ListedOffset, OffsetSpec, Reassignment};
pub use topics::{CreatedTopic, NewTopic, PartitionDescription, TopicDescription, TopicListing};
pub use transactions::{
    FencedProducer, OpenTransaction, TransactionDescription, TransactionFilter, TransactionListing,
    TransactionState,
};

use tokio::time::Instant;

use super::error::ClientError;
use super::handle::Client;
use crate::base::ErrorCode;

/// Administers the cluster of a [`Client`].
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client,
}

impl Admin {
    /// Shares the client's connections.
    pub fn new(client: &Client) -> Admin {
        Admin { client: client.clone() }
    }

    /// Asks every broker, each again while it fails in ways that pass, within `api_timeout`; by node.
    async fn of_every_broker<T, F>(
        &self,
        ask: impl Fn(i32) -> F,
    ) -> Result<Vec<(i32, T)>, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let give_up_at = Instant::now() + self.client.config().api_timeout;
        let (mut out, mut failures) = (Vec::new(), 0);
        let mut left: Vec<i32> = self.client.cluster().brokers.keys().copied().collect();
        while let Some(broker) = left.pop() {
            match ask(broker).await {
                Ok(told) => {
                    failures = 0;
                    out.push((broker, told));
                }
                Err(cause) => {
                    self.client.refresh();
                    if !self.client.pause_before_retry(&cause, &mut failures, give_up_at).await {
                        return Err(cause);
                    }
                    left.push(broker);
                }
            }
        }
        Ok(out)
    }

    /// How long a broker may take over a change before it answers.
    fn broker_timeout_ms(&self) -> i32 {
        millis(self.client.config().request_timeout)
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

/// Refuses a listing of `what` that is to be filtered where a filter needs a newer version of the request than the broker has; each
/// filter by whether it is asked for, and what it needs.
fn refuse_filters(
    version: i16,
    filters: [(bool, i16); 2],
    what: impl Fn() -> String,
) -> Result<(), ClientError> {
    let unknown = filters.into_iter().find(|(asked, needed)| *asked && version < *needed);
    unknown.map_or(Ok(()), |(_, needed)| {
        let message = Some(format!("to filter so needs version {needed}, it has {version}"));
        Err(ClientError::Refused { what: what(), code: ErrorCode::UnsupportedVersion, message })
    })
}
