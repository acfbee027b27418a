//! The leader's part: who of the group gets what.

use std::collections::BTreeSet;
use std::time::Duration;

use bytestring::ByteString;
use tokio::time::Instant;

use super::super::cluster::Cluster;
use super::super::handle::Client;
use super::assignor::{Assignor, Member, Members, Shares, TopicInfo, Topics};
use crate::base::TopicName;
use crate::group::protocol::Subscription;
use crate::wire::join_group::JoinGroupResponseMember;

/// How long the leader looks for topics before it shares out those that are known. The others wait for it meanwhile.
const LOOK_FOR: Duration = Duration::from_secs(5);

/// What a leader went by when it shared the topics out: if that changes, it is to be done anew.
#[derive(Debug)]
pub(super) struct Lead {
    topics: BTreeSet<TopicName>,
    seen: Topics,
}

impl Lead {
    /// Whether the cluster's topics are not any more what they were.
    pub(super) fn is_outdated(&self, cluster: &Cluster) -> bool {
        look(cluster, &self.topics) != self.seen
    }

    /// Whether topics are read that are not there: they are looked for again and again.
    pub(super) fn misses_topics(&self) -> bool {
        self.seen.len() < self.topics.len()
    }
}

/// Shares the topics out; a member whose subscription cannot be read gets nothing.
pub(super) async fn share_out(
    client: &Client,
    assignor: Assignor,
    told: Vec<JoinGroupResponseMember>,
) -> (Shares, Lead) {
    let mut members = Members::new();
    for one in told {
        let subscription = Subscription::read(one.metadata).unwrap_or_else(|cause| {
            tracing::warn!(member = &*one.member_id, %cause, "its subscription cannot be read");
            Subscription::default()
        });
        let member = Member { instance_id: one.group_instance_id, subscription };
        members.insert(one.member_id, member);
    }
    let names = members.values().flat_map(|member| &member.subscription.topics);
    let topics = names.filter_map(|name| TopicName::new(name).ok()).collect();
    let seen = look_until_known(client, &topics).await;
    let shares = assignor.assign(&members, &seen);
    (shares, Lead { topics, seen })
}

async fn look_until_known(client: &Client, topics: &BTreeSet<TopicName>) -> Topics {
    let mut pictures = client.watch();
    topics.iter().for_each(|topic| client.want(topic));
    let give_up_at = Instant::now() + LOOK_FOR;
    loop {
        let cluster = pictures.borrow_and_update().clone();
        if topics.iter().all(|topic| cluster.topic(topic).is_some()) {
            return look(&cluster, topics);
        }
        let changed = tokio::time::timeout_at(give_up_at, pictures.changed()).await;
        if !matches!(changed, Ok(Ok(()))) {
            return look(&cluster, topics);
        }
    }
}

/// The topics that are there.
fn look(cluster: &Cluster, topics: &BTreeSet<TopicName>) -> Topics {
    let mut seen = Topics::new();
    for name in topics {
        let Some(topic) = cluster.topic(name).filter(|topic| topic.error.is_none()) else {
            continue;
        };
        let rack = |id: &i32| cluster.brokers.get(id).and_then(|b| b.rack.as_deref());
        let racks = |replicas: &[i32]| replicas.iter().filter_map(rack).map(Into::into).collect();
        let info = TopicInfo {
            partitions: topic.partitions.len() as i32,
            racks: topic.partitions.iter().map(|p| racks(&p.replicas)).collect(),
        };
        seen.insert(ByteString::from(name.as_str()), info);
    }
    seen
}
