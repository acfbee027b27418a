//! What administers a cluster: topics, partitions, configs, groups, and what brokers tell of themselves.
//!
//! Each call asks once for many things and answers for each; it is bounded by the client's `api_timeout`, retries
//! what passes, and never asks the user anything.

mod cluster;
mod configs;
mod groups;
mod partitions;
mod topics;

use std::time::Duration;

pub use cluster::{BrokerInfo, ClusterDescription, Features, LogDir, LogDirPartition};
pub use configs::{ConfigChange, ConfigEntry, ConfigOp, ConfigResource, ConfigSource};
pub use groups::{GroupDescription, GroupListing, GroupMember, GroupState, GroupType, Share};
pub use partitions::{ActiveProducer, ListedOffset, OffsetSpec, Reassignment};
pub use topics::{CreatedTopic, NewTopic, PartitionDescription, TopicDescription, TopicListing};

use super::handle::Client;

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

    /// How long a broker may take over a change before it answers.
    fn broker_timeout_ms(&self) -> i32 {
        millis(self.client.config().request_timeout)
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
