//! How far groups have read: OffsetFetch of all that they committed.

use std::collections::BTreeSet;

use super::super::super::committed::{self, GroupOffsets};
use super::super::super::error::ClientError;
use super::super::Admin;
use super::{PerGroup, checked};
use crate::base::{ErrorCode, TopicName};
use crate::wire::offset_fetch::OffsetFetchResponseGroup;

impl Admin {
    /// All that these groups committed, in the order asked; nothing for groups that are not there. With `stable` offsets
    /// that are part of an open transaction are waited for (brokers before 2.5 do not wait).
    ///
    /// # Errors
    /// Per group what its coordinator refused.
    pub async fn list_group_offsets(
        &self,
        groups: &[String],
        stable: bool,
    ) -> PerGroup<GroupOffsets> {
        let timeout = self.client.config().request_timeout;
        self.by_coordinator(groups, |connection, _, groups| async move {
            let ids: Vec<_> = groups.iter().map(|group| group.as_str().into()).collect();
            let told = committed::fetch(&connection, &ids, None, stable, timeout).await?;
            Ok(told.into_iter().map(|told| (told.group_id.to_string(), gathered(told))).collect())
        })
        .await
    }
}

impl Admin {
    /// Of these partitions, those in which the group has offsets that are part of an open transaction (KIP-447): what is committed
    /// there is about to change. None from brokers before 2.5, which do not tell.
    ///
    /// # Errors
    /// What the group's coordinator refused.
    pub async fn pending_group_offsets(
        &self,
        group: &str,
        partitions: &BTreeSet<(TopicName, i32)>,
    ) -> Result<BTreeSet<(TopicName, i32)>, ClientError> {
        if partitions.is_empty() {
            return Ok(BTreeSet::new());
        }
        let timeout = self.client.config().request_timeout;
        let groups = [group.to_owned()];
        let told = self.by_coordinator(&groups, |connection, _, groups| async move {
            let ids: Vec<_> = groups.iter().map(|group| group.as_str().into()).collect();
            let told = committed::fetch(&connection, &ids, Some(partitions), true, timeout).await?;
            Ok(told.into_iter().map(|told| (told.group_id.to_string(), pending(told))).collect())
        });
        told.await.into_iter().next().map_or(Ok(BTreeSet::new()), |(_, told)| told)
    }
}

fn pending(told: OffsetFetchResponseGroup) -> Result<BTreeSet<(TopicName, i32)>, ClientError> {
    checked(&told.group_id, told.error_code, None)?;
    let told = committed::told(told.topics).into_iter();
    let pending = told.filter(|(_, told)| *told == Err(ErrorCode::UnstableOffsetCommit));
    Ok(pending.map(|(partition, _)| partition).collect())
}

fn gathered(told: OffsetFetchResponseGroup) -> Result<GroupOffsets, ClientError> {
    let group = &told.group_id;
    checked(group, told.error_code, None)?;
    let mut out = GroupOffsets::new();
    for ((topic, partition), told) in committed::told(told.topics) {
        // UNSTABLE_OFFSET_COMMIT passes, and the group is asked for again as a whole.
        let committed = told.map_err(|code| ClientError::Refused {
            what: format!("group {group}: {topic}[{partition}]"),
            code,
            message: None,
        })?;
        out.extend(committed.map(|committed| ((topic, partition), committed)));
    }
    Ok(out)
}
