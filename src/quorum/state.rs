//! `quorum-state`: the newest epoch that this node has seen, as Kafka keeps it beside the metadata log (KIP-595).

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::TopicId;
use crate::log::StorageError;
use crate::os::Disk;

/// The file's fields, of data version 1: with kraft.version 1 the voters stand in the log (KIP-853).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StateOfDynamicVoters {
    leader_id: i32,
    leader_epoch: i32,
    voted_id: i32,
    voted_directory_id: String,
    #[serde(rename = "data_version")]
    data_version: i16,
}

/// The file's fields, of data version 0.
#[derive(Serialize, Deserialize, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct QuorumState {
    /// Empty, as Kafka leaves it.
    #[serde(default)]
    pub cluster_id: String,
    /// Who leads; -1 if unknown.
    pub leader_id: i32,
    /// In which epoch.
    pub leader_epoch: i32,
    /// For whom this node voted; -1 for nobody.
    pub voted_id: i32,
    /// Not used.
    #[serde(default)]
    pub applied_offset: i64,
    /// Who may vote.
    #[serde(default)]
    pub current_voters: Vec<VoterId>,
    /// The version of this shape.
    #[serde(rename = "data_version")]
    pub data_version: i16,
}

/// One voter.
#[derive(Serialize, Deserialize, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct VoterId {
    /// Its node id.
    pub voter_id: i32,
}

/// The leader epoch in the file; 0 if there is none.
///
/// # Errors
/// As the system says; a file that cannot be understood is an error too, for a lost epoch could repeat.
pub fn read_epoch(disk: &dyn Disk, path: &Path) -> Result<i32, StorageError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Epoch {
        leader_epoch: i32,
    }
    let Some(bytes) = disk.read(path).map_err(StorageError::at("read", path))? else {
        return Ok(0);
    };
    let state: Epoch = serde_json::from_slice(&bytes)
        .map_err(|error| StorageError::at("understand", path)(error.into()))?;
    Ok(state.leader_epoch)
}

/// Notes that `node` leads alone in `epoch`, durably. `kraft_version` chooses the file's shape.
///
/// # Errors
/// As the system says.
pub fn write(
    disk: &dyn Disk,
    path: &Path,
    node: i32,
    epoch: i32,
    kraft_version: i16,
) -> Result<(), StorageError> {
    let invalid = |error: serde_json::Error| StorageError::at("write", path)(error.into());
    if kraft_version > 0 {
        let state = StateOfDynamicVoters {
            leader_id: node,
            leader_epoch: epoch,
            voted_id: -1,
            voted_directory_id: TopicId::ZERO.to_string(),
            data_version: 1,
        };
        let text = serde_json::to_vec(&state).map_err(invalid)?;
        return disk.replace(path, &text).map_err(StorageError::at("write", path));
    }
    let state = QuorumState {
        cluster_id: String::new(),
        leader_id: node,
        leader_epoch: epoch,
        voted_id: -1,
        applied_offset: 0,
        current_voters: vec![VoterId { voter_id: node }],
        data_version: 0,
    };
    let text = serde_json::to_vec(&state).map_err(invalid)?;
    disk.replace(path, &text).map_err(StorageError::at("write", path))
}
