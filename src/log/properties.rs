//! `meta.properties`: whose directory it is (version 1, as Kafka 3.7 and later write it).

use std::collections::BTreeMap;
use std::path::Path;

use super::error::StorageError;
use crate::base::{BrokerId, TopicId};
use crate::os::Disk;

/// Whose directory it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetaProperties {
    /// The cluster's id, 22 characters of base64 as a rule.
    pub cluster_id: String,
    /// The node's id.
    pub node_id: BrokerId,
    /// The directory's own id.
    pub directory_id: TopicId,
}

impl MetaProperties {
    /// The lines of the file that says so.
    pub fn lines(&self) -> [String; 4] {
        let MetaProperties { cluster_id, node_id, directory_id } = self;
        [
            format!("cluster.id={cluster_id}"),
            format!("directory.id={directory_id}"),
            format!("node.id={node_id}"),
            "version=1".into(),
        ]
    }
}

/// What the file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// It was read.
    Read(MetaProperties),
    /// There is none: the directory is new.
    Missing,
    /// It is there, but cannot be used; the reason.
    Unusable(String),
}

/// Its name.
pub const FILE: &str = "meta.properties";

/// Reads the file in `folder`.
///
/// # Errors
/// As the system says.
pub fn read(disk: &dyn Disk, folder: &Path) -> Result<Found, StorageError> {
    let path = folder.join(FILE);
    let Some(bytes) = disk.read(&path).map_err(StorageError::at("read", &path))? else {
        return Ok(Found::Missing);
    };
    let text = String::from_utf8_lossy(&bytes);
    let keys: BTreeMap<&str, &str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    Ok(understand(&keys).map_or_else(Found::Unusable, Found::Read))
}

fn understand(keys: &BTreeMap<&str, &str>) -> Result<MetaProperties, String> {
    let get = |key: &str| keys.get(key).copied().ok_or_else(|| format!("{key} is missing"));
    match get("version")? {
        "1" => {}
        version => return Err(format!("version {version} is not supported; only 1 is")),
    }
    let node_id = get("node.id")?;
    let node_id = node_id.parse().ok().and_then(BrokerId::from_wire);
    let directory_id = TopicId::parse(get("directory.id")?);
    Ok(MetaProperties {
        cluster_id: get("cluster.id")?.replace("\\=", "="),
        node_id: node_id.ok_or("node.id is not a number")?,
        directory_id: directory_id.ok_or("directory.id is not a uuid")?,
    })
}

/// Writes the file in `folder`, durably.
///
/// # Errors
/// As the system says.
pub fn write(
    disk: &dyn Disk,
    folder: &Path,
    properties: &MetaProperties,
) -> Result<(), StorageError> {
    let text = format!("#\n{}\n", properties.lines().join("\n"));
    let path = folder.join(FILE);
    disk.replace(&path, text.as_bytes()).map_err(StorageError::at("write", path))
}
