//! Commits of partitions of topic `t`, and what is committed, byte by byte as a test wants it.

use klog::wire::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use klog::wire::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};

use crate::raw::Raw;

/// A commit for partition 0; by default nobody's, of offset 0.
pub struct Commit<'a> {
    pub group: &'a str,
    pub member: &'a str,
    /// The member's generation or epoch.
    pub epoch: i32,
    pub offset: i64,
    pub metadata: &'a str,
    /// The version of the request.
    pub version: i16,
}

impl Default for Commit<'_> {
    fn default() -> Self {
        Commit { group: "g", member: "", epoch: -1, offset: 0, metadata: "", version: 9 }
    }
}

impl Raw {
    /// Commits; gives the error code.
    pub fn commit(&mut self, commit: &Commit) -> i16 {
        let partition = OffsetCommitRequestPartition {
            committed_offset: commit.offset,
            committed_metadata: Some(commit.metadata.into()),
            ..Default::default()
        };
        let topic = OffsetCommitRequestTopic {
            name: "t".into(),
            partitions: vec![partition],
            ..Default::default()
        };
        let request = OffsetCommitRequest {
            group_id: commit.group.into(),
            member_id: commit.member.into(),
            generation_id_or_member_epoch: commit.epoch,
            topics: vec![topic],
            ..Default::default()
        };
        self.call(commit.version, &request).topics[0].partitions[0].error_code
    }

    /// The offset and the metadata that are committed, -1 if none are; or the error code.
    pub fn committed(&mut self, group: &str, partition: i32) -> Result<(i64, String), i16> {
        let topics = OffsetFetchRequestTopics {
            name: "t".into(),
            partition_indexes: vec![partition],
            ..Default::default()
        };
        let group = OffsetFetchRequestGroup {
            group_id: group.into(),
            topics: Some(vec![topics]),
            member_epoch: -1,
            ..Default::default()
        };
        let request = OffsetFetchRequest { groups: vec![group], ..Default::default() };
        let mut found = self.call(9, &request).groups.remove(0);
        if found.error_code != 0 {
            return Err(found.error_code);
        }
        let partition = found.topics.remove(0).partitions.remove(0);
        let metadata = partition.metadata.unwrap_or_default().to_string();
        Ok((partition.committed_offset, metadata))
    }
}
