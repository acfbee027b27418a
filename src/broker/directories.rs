//! Opening the log directories: whose they are, what is missing in them, and the metadata store that stands in one.

use std::path::PathBuf;
use std::sync::Arc;

use super::background::MANY;
use super::start::StartError;
use crate::base::{BrokerId, TopicId, with_causes};
use crate::config::BrokerConfig;
use crate::log::{FileCache, LogDir, LogDirError, MetaProperties};
use crate::os::Os;
use crate::quorum::{Single, metadata_partition};

/// The log directories of this node, and its metadata.
pub struct Opened {
    /// Those that hold partitions.
    pub dirs: Vec<Arc<LogDir>>,
    /// Their ids, in the same order.
    pub dir_ids: Vec<TopicId>,
    /// Those that could not be opened.
    pub unopened_dirs: Vec<PathBuf>,
    /// The cluster that they belong to.
    pub cluster_id: String,
    /// Where the metadata is.
    pub store: Single,
}

/// A directory that is locked, and what it says whose it is.
type Known = (Arc<LogDir>, Option<MetaProperties>);

/// Opens all that `config` names. Blocking.
///
/// # Errors
/// See [`StartError`]. What was closed cleanly may be started again without recovery, unless the disk failed.
pub fn open(config: &BrokerConfig, os: &Os) -> Result<Opened, StartError> {
    let metadata_dir = config.metadata_dir().to_owned();
    let separate = !config.log_dirs.contains(&metadata_dir);
    let (known, unopened_dirs) = lock(config, os, separate)?;
    let identified = identify(&known, config, os);
    let identified =
        identified.inspect_err(|_| known.iter().for_each(|(dir, _)| dir.leave_as_found()));
    let (cluster_id, mut dir_ids) = identified?;
    let mut dirs: Vec<Arc<LogDir>> = known.into_iter().map(|(dir, _)| dir).collect();
    let at = dirs.iter().position(|dir| dir.folder() == metadata_dir).unwrap_or(0);
    let node = BrokerId::from_wire(config.node_id).unwrap_or_default();
    let store = Single::start(os, &dirs[at], dir_ids[at], node, config.metadata_snapshot_bytes)?;
    if separate {
        // It was the last; it holds no partitions.
        dirs.truncate(at);
        dir_ids.truncate(at);
    }
    Ok(Opened { dirs, dir_ids, unopened_dirs, cluster_id, store })
}

/// Locks the directories. One disk that fails does not keep the others from serving; without the metadata nothing can be served.
fn lock(
    config: &BrokerConfig,
    os: &Os,
    separate: bool,
) -> Result<(Vec<Known>, Vec<PathBuf>), StartError> {
    let files = Arc::new(FileCache::new(os.disk.clone(), config.open_files));
    let metadata_dir = config.metadata_dir();
    let metadata_alone = separate.then_some(metadata_dir);
    let paths = config.log_dirs.iter().map(PathBuf::as_path).chain(metadata_alone);
    let (mut known, mut unopened) = (Vec::new(), Vec::new());
    for path in paths {
        match LogDir::open(os, path, files.clone()).and_then(ready) {
            Ok((dir, found)) => known.push((Arc::new(dir), found)),
            Err(LogDirError::Storage(error)) if path != metadata_dir => {
                let (folder, error) = (path.display(), with_causes(&error));
                tracing::error!(%folder, %error, "log directory is offline: it cannot be opened; its partitions are offline \
                    until its disk is seen to and klog is restarted");
                unopened.push(path.to_owned());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((known, unopened))
}

/// A directory whose logs may be opened, and whose it is. After a crash what is in it is made durable in one go, if it is much:
/// here, so that a disk which fails at it is left out like one that cannot be read.
fn ready(dir: LogDir) -> Result<(LogDir, Option<MetaProperties>), LogDirError> {
    let found = dir.properties().inspect_err(|_| dir.leave_as_found())?;
    if !dir.was_clean() && dir.names()?.len() >= MANY {
        dir.sync_before_recovery()?;
    }
    Ok((dir, found))
}

/// The cluster's id and the directories' own; new directories get theirs. Refused where they are somebody else's, or where what says
/// whose they are, or what is in them, is lost: a broker that began anew would set aside all that is there.
fn identify(
    known: &[Known],
    config: &BrokerConfig,
    os: &Os,
) -> Result<(String, Vec<TopicId>), StartError> {
    let node = BrokerId::from_wire(config.node_id).unwrap_or_default();
    let of_others = known.iter().find_map(|(_, found)| Some(found.as_ref()?.cluster_id.clone()));
    let cluster_id = of_others.unwrap_or_else(|| TopicId(os.random_id()).to_string());
    let mut ids = Vec::with_capacity(known.len());
    for (dir, found) in known {
        let folder = || dir.folder().to_owned();
        match found {
            Some(found) if found.cluster_id == cluster_id && found.node_id == node => {
                ids.push(found.directory_id);
            }
            Some(found) => {
                return Err(StartError::Foreign {
                    folder: folder(),
                    node_id: found.node_id.get(),
                    cluster_id: found.cluster_id.clone(),
                    wanted_node: node.get(),
                    wanted_cluster: cluster_id,
                });
            }
            None => {
                let directory_id = TopicId(os.random_id());
                let cluster_id = cluster_id.clone();
                let properties = MetaProperties { cluster_id, node_id: node, directory_id };
                let partitions = dir.names()?.len();
                if partitions > 0 {
                    return Err(StartError::Unnamed { folder: folder(), partitions, properties });
                }
                dir.write_properties(&properties)?;
                ids.push(directory_id);
            }
        }
    }
    require_metadata(known, config)?;
    Ok((cluster_id, ids))
}

/// The metadata log is older than any partition.
fn require_metadata(known: &[Known], config: &BrokerConfig) -> Result<(), StartError> {
    let (metadata_dir, metadata) = (config.metadata_dir(), metadata_partition());
    let home = known.iter().find(|(dir, _)| dir.folder() == metadata_dir);
    let Some((home, _)) = home else { return Ok(()) };
    if home.has_log(&metadata)? {
        return Ok(());
    }
    for (dir, _) in known {
        let partitions = dir.names()?.iter().filter(|name| **name != metadata).count();
        if partitions > 0 {
            let (folder, holder) = (metadata_dir.join(metadata.to_string()), dir.folder().into());
            return Err(StartError::NoMetadata { folder, holder, partitions });
        }
    }
    Ok(())
}
