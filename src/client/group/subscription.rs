//! Which topics a member reads.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::super::admin::{Admin, TopicListing};
use super::Shared;
use crate::base::TopicName;

/// Which topics a member of a group reads.
#[derive(Clone)]
pub enum Subscription {
    /// These. They may come to be later.
    Topics(Vec<TopicName>),
    /// All that the test takes, looked for anew every `metadata.max.age.ms`.
    Matching(Arc<dyn Fn(&TopicListing) -> bool + Send + Sync>),
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subscription::Topics(topics) => f.debug_tuple("Topics").field(topics).finish(),
            Subscription::Matching(_) => f.write_str("Matching"),
        }
    }
}

impl Subscription {
    /// The topics, as far as they are named.
    pub(super) fn named(&self) -> Option<BTreeSet<TopicName>> {
        match self {
            Subscription::Topics(topics) => Some(topics.iter().cloned().collect()),
            Subscription::Matching(_) => None,
        }
    }
}

/// Looks for topics that match; where others do than did, the group shares them out anew.
pub(super) async fn watch(shared: Arc<Shared>) {
    let Subscription::Matching(takes) = &shared.subscription else { return };
    let admin = Admin::new(&shared.client);
    loop {
        match admin.list_topics().await {
            Ok(topics) => {
                let found: BTreeSet<TopicName> =
                    topics.iter().filter(|topic| takes(topic)).map(|t| t.name.clone()).collect();
                let mut state = shared.state.lock();
                if state.topics.as_ref() != Some(&found) {
                    tracing::debug!(topics = found.len(), "the topics subscribed to changed");
                    state.topics = Some(found);
                    state.member.wants_rebalance();
                    shared.membership.notify_one();
                }
            }
            Err(cause) => tracing::warn!(%cause, "cannot look for topics to read"),
        }
        tokio::time::sleep(shared.client.config().metadata_max_age).await;
    }
}
