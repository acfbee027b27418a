//! What a member of a consumer group can be told.

use std::time::Duration;

use super::value::{self, Wanted};
use crate::client::group::assignor::Assignor;

/// How a consumer is a member of its group.
#[derive(Clone, Debug)]
pub struct GroupConfig {
    /// The group; None is none. `group.id`
    pub id: Option<String>,
    /// A name under which the member stays in the group over a restart (KIP-345). `group.instance.id`
    pub instance_id: Option<String>,
    /// A member that was not heard of for so long is out. `session.timeout.ms`
    pub session_timeout: Duration,
    /// How often a member is heard of. `heartbeat.interval.ms`
    pub heartbeat_interval: Duration,
    /// The longest between two polls, and for a rebalance. `max.poll.interval.ms`
    pub max_poll_interval: Duration,
    /// Who shares the partitions out, the one preferred most first; never empty. `partition.assignment.strategy`
    pub assignors: Vec<Assignor>,
    /// How often what is stored is committed; None leaves it to the program. `enable.auto.commit`, `auto.commit.interval.ms`
    pub auto_commit: Option<Duration>,
    /// Whether a poll stores what the ones before it returned. `enable.auto.offset.store`
    pub auto_store: bool,
}

/// Between two automatic commits, as in Kafka.
const COMMIT_INTERVAL: Duration = Duration::from_secs(5);

impl Default for GroupConfig {
    fn default() -> GroupConfig {
        GroupConfig {
            id: None,
            instance_id: None,
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(3),
            max_poll_interval: Duration::from_secs(300),
            assignors: vec![Assignor::CooperativeSticky],
            auto_commit: Some(COMMIT_INTERVAL),
            auto_store: true,
        }
    }
}

impl GroupConfig {
    pub(super) fn set_auto_commit(&mut self, text: &str) -> Result<(), Wanted> {
        let every = self.auto_commit.unwrap_or(COMMIT_INTERVAL);
        self.auto_commit = value::boolean(text)?.then_some(every);
        Ok(())
    }

    /// Of no effect where commits are not automatic.
    pub(super) fn set_commit_interval(&mut self, text: &str) -> Result<(), Wanted> {
        let every = value::millis(text)?;
        self.auto_commit = self.auto_commit.map(|_| every);
        Ok(())
    }

    /// What cannot be seen in one property alone: a member must be heard of well before its session ends.
    pub(super) fn settle(&mut self, chosen: bool) -> Result<(), (&'static str, Wanted)> {
        if !chosen {
            self.heartbeat_interval = self.heartbeat_interval.min(self.session_timeout / 3);
        }
        match self.heartbeat_interval < self.session_timeout {
            true => Ok(()),
            false => Err(("heartbeat.interval.ms", "less than session.timeout.ms")),
        }
    }

    /// Names, or Java's classes.
    pub(super) fn set_assignors(&mut self, text: &str) -> Result<(), Wanted> {
        let wanted = "range, roundrobin, sticky, cooperative-sticky or Java's classes of these, separated by commas";
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let assignors: Option<Vec<Assignor>> = names.map(assignor).collect();
        self.assignors = assignors.filter(|list| !list.is_empty()).ok_or(wanted)?;
        Ok(())
    }
}

fn assignor(name: &str) -> Option<Assignor> {
    const PACKAGE: &str = "org.apache.kafka.clients.consumer.";
    match name.strip_prefix(PACKAGE) {
        Some("RangeAssignor") => Some(Assignor::Range),
        Some("RoundRobinAssignor") => Some(Assignor::RoundRobin),
        Some("StickyAssignor") => Some(Assignor::Sticky),
        Some("CooperativeStickyAssignor") => Some(Assignor::CooperativeSticky),
        Some(_) => None,
        None => Assignor::named(name),
    }
}
