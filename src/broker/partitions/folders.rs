//! Partitions' folders: in which directory each is, and those that are to go or belong to nobody.

use std::path::PathBuf;

use super::Partitions;
use crate::base::{TopicId, TopicPartition, with_causes};
use crate::quorum::METADATA_TOPIC;

impl Partitions {
    /// In which directory a partition's folder is or is to be. Folders of the same name that are another topic's are set
    /// aside, but for one that is where the partition should be, with no other: a flipped bit in its id is likelier.
    pub(super) fn place(
        &self,
        partition: &TopicPartition,
        topic_id: TopicId,
        assigned: Option<TopicId>,
    ) -> Result<usize, String> {
        let found = self.found.lock().remove(partition).unwrap_or_default();
        let assigned = assigned.filter(|id| !is_reserved(*id));
        let assigned_at = assigned.and_then(|id| self.dir_ids.iter().position(|own| *own == id));
        let is = |wanted: Option<TopicId>| found.iter().find(move |(_, id)| *id == wanted);
        let here = || found.iter().find(|(at, _)| assigned.is_none() || assigned_at == Some(*at));
        let own = is(Some(topic_id)).or_else(|| is(None)).or_else(here).map(|(at, _)| *at);
        for (at, _) in found.iter().filter(|(at, _)| Some(*at) != own) {
            self.set_aside(*at, partition);
        }
        match (own.or(assigned_at), assigned) {
            (Some(at), _) => Ok(at),
            (None, Some(id)) => Err(format!(
                "its log directory, with directory.id {id}, is not there: bring it back and restart klog, or delete the topic"
            )),
            (None, None) => self.fewest().ok_or_else(|| "every log directory is offline".into()),
        }
    }

    pub(super) fn doom(&self, dir: usize, partition: &TopicPartition, due: i64) {
        match self.dirs[dir].doom(partition) {
            Ok(path) => self.doomed.lock().push((dir, path, due)),
            Err(error) => {
                tracing::error!(error = %with_causes(&error), "a deleted partition's folder stays")
            }
        }
    }

    /// Sets aside the folders that no topic claimed at start.
    pub fn set_strays_aside(&self) {
        let strays: Vec<_> = self.found.lock().drain().collect();
        for (partition, found) in strays {
            if partition.topic.as_str() != METADATA_TOPIC {
                found.iter().for_each(|(dir, _)| self.set_aside(*dir, &partition));
            }
        }
    }

    fn set_aside(&self, dir: usize, partition: &TopicPartition) {
        match self.dirs[dir].set_aside(partition) {
            Ok(path) => {
                tracing::warn!(%partition, path = %path.display(), "a folder belongs to no topic and was set aside")
            }
            Err(error) => {
                tracing::error!(%partition, error = %with_causes(&error), "a folder belongs to no topic and could not be set aside")
            }
        }
    }

    /// Removes the folders of partitions that were deleted long enough ago, and all of them where there is no room. Blocking.
    pub fn remove_doomed(&self, now: i64) {
        let is_due =
            |(dir, _, due): &mut (usize, PathBuf, i64)| *due <= now || self.dirs[*dir].is_full();
        let due: Vec<_> = self.doomed.lock().extract_if(.., is_due).collect();
        for (dir, path, _) in due {
            if let Err(error) = self.dirs[dir].remove(&path) {
                tracing::error!(error = %with_causes(&error), "a deleted partition's folder stays");
            }
        }
    }
}

/// The first hundred ids name no directory (Kafka's `DirectoryId`): unassigned, lost, migrating.
fn is_reserved(id: TopicId) -> bool {
    id.0[..15].iter().all(|byte| *byte == 0) && id.0[15] < 100
}
