//! Paths and names of folders.

use std::path::{Path, PathBuf};

use crate::base::TopicPartition;
use crate::log::partition_of;

/// The partition whose folder has this name, also while Kafka moves it to another disk.
pub fn partition_in(name: &str) -> Option<TopicPartition> {
    let moving = name.strip_suffix("-future").and_then(|name| name.rsplit_once('.'));
    partition_of(moving.map_or(name, |(name, _)| name))
}

/// A path with a name at its end, if it can be made so: `.` and `..` have none.
pub fn whole(path: &Path) -> PathBuf {
    match path.file_name() {
        Some(_) => path.into(),
        None => path.canonicalize().unwrap_or_else(|_| path.into()),
    }
}

/// The folder that a path is in.
pub fn parent(path: &Path) -> PathBuf {
    match whole(path).parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.into(),
        _ => ".".into(),
    }
}
