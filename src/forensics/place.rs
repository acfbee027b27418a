//! What stands at a path: a file, a partition's folder, a data directory.

use std::fmt;
use std::path::{Path, PathBuf};

use super::kind::FileKind;
use crate::base::{TopicId, TopicPartition};
use crate::log::{
    META_PROPERTIES_FILE, PARTITION_METADATA_FILE, StorageError, partition_of, topic_id_in,
};
use crate::os::{Disk, Entry};

/// What stands at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// A file.
    File {
        /// Where it is.
        path: PathBuf,
        /// What it is, by its name.
        kind: FileKind,
    },
    /// A partition's folder.
    Partition(Folder),
    /// A folder with partitions' folders in it, or with files that stand beside them.
    DataDir {
        /// Where it is.
        path: PathBuf,
    },
    /// A folder with nothing of a log in it.
    Nothing {
        /// Where it is.
        path: PathBuf,
    },
}

/// A partition's folder, and what it is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Its topic and partition, where its name tells them.
    pub partition: Option<TopicPartition>,
    /// What Kafka has appended to the name of a folder that is to go: `delete`, `stray`; `future` of one that is being moved.
    pub fate: Option<&'static str>,
}

/// A file in a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedFile {
    /// Its name.
    pub name: String,
    /// What it is, by its name.
    pub kind: FileKind,
}

impl Place {
    /// What stands at `path`. A folder is a partition's if it is named like one or has a segment in it, and a data directory if
    /// anything in it is named as in one.
    ///
    /// # Errors
    /// As the system says.
    pub fn at(disk: &dyn Disk, path: &Path) -> Result<Place, StorageError> {
        let entries = match disk.list(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                let kind = FileKind::of(&name_of(path));
                return Ok(Place::File { path: path.into(), kind });
            }
            Err(error) => return Err(StorageError::at("list", path)(error)),
        };
        let folder = Folder::at(path);
        let has_segment = || {
            let is_segment = |name: &str| matches!(FileKind::of(name), FileKind::Segment { .. });
            entries.iter().any(|entry| !entry.is_dir && is_segment(&entry.name))
        };
        let is_partition =
            |entry: &Entry| entry.is_dir && Folder::at(Path::new(&entry.name)).partition.is_some();
        let is_data = entries.iter().any(|entry| {
            is_partition(entry) || !entry.is_dir && entry.name == META_PROPERTIES_FILE
        });
        // A partition may keep folders of its own, of what was damaged.
        if has_segment() || folder.partition.is_some() && !is_data {
            return Ok(Place::Partition(folder));
        }
        // Others give folders such names, too: `/etc/polkit-1`.
        let holds_log = |entry: &Entry| {
            let inside = disk.list(&path.join(&entry.name)).unwrap_or_default();
            inside.iter().any(is_known)
        };
        let is_there =
            entries.iter().any(|entry| is_known(entry) || is_partition(entry) && holds_log(entry));
        match is_there {
            true => Ok(Place::DataDir { path: path.into() }),
            false => Ok(Place::Nothing { path: path.into() }),
        }
    }
}

impl Folder {
    /// The folder at `path`, by its name alone.
    pub fn at(path: &Path) -> Folder {
        let name = name_of(path);
        let (named, fate) = without_fate(&name);
        Folder { path: path.into(), partition: partition_of(named), fate }
    }

    /// The topic's name; of a folder that is not named like a partition, the folder's.
    pub fn topic(&self) -> String {
        match &self.partition {
            Some(partition) => partition.topic.to_string(),
            None => name_of(&self.path),
        }
    }

    /// The partition's number, where the name tells it.
    pub fn number(&self) -> Option<i32> {
        self.partition.as_ref().map(|partition| partition.partition.get())
    }

    /// Its files, sorted by name.
    ///
    /// # Errors
    /// As the system says.
    pub fn files(&self, disk: &dyn Disk) -> Result<Vec<NamedFile>, StorageError> {
        let entries = disk.list(&self.path).map_err(StorageError::at("list", &self.path))?;
        let files = entries.into_iter().filter(|entry| !entry.is_dir);
        Ok(files
            .map(|entry| NamedFile { kind: FileKind::of(&entry.name), name: entry.name })
            .collect())
    }

    /// Its segment files in order of offset: base offset and path.
    ///
    /// # Errors
    /// As the system says.
    pub fn segments(&self, disk: &dyn Disk) -> Result<Vec<(i64, PathBuf)>, StorageError> {
        let segment = |file: NamedFile| match file.kind {
            FileKind::Segment { base } => Some((base, self.path.join(file.name))),
            _ => None,
        };
        Ok(self.files(disk)?.into_iter().filter_map(segment).collect())
    }

    /// The topic's id, by `partition.metadata`; `None` where that is missing or cannot be read.
    ///
    /// # Errors
    /// As the system says.
    pub fn topic_id(&self, disk: &dyn Disk) -> Result<Option<TopicId>, StorageError> {
        let path = self.path.join(PARTITION_METADATA_FILE);
        let bytes = disk.read(&path).map_err(StorageError::at("read", &path))?;
        Ok(bytes.as_deref().and_then(topic_id_in))
    }
}

impl fmt::Display for Folder {
    /// `orders-0`, or the folder's own name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.partition {
            Some(partition) => fmt::Display::fmt(partition, f),
            None => f.write_str(&name_of(&self.path)),
        }
    }
}

/// The partitions' folders in a data directory, in order of topic and number.
///
/// # Errors
/// As the system says.
pub fn partitions_in(disk: &dyn Disk, data: &Path) -> Result<Vec<Folder>, StorageError> {
    let entries = disk.list(data).map_err(StorageError::at("list", data))?;
    let folders = entries.iter().filter(|entry| entry.is_dir);
    let mut found: Vec<Folder> = folders
        .map(|entry| Folder::at(&data.join(&entry.name)))
        .filter(|folder| folder.partition.is_some())
        .collect();
    found.sort_by(|a, b| (&a.partition, &a.path).cmp(&(&b.partition, &b.path)));
    Ok(found)
}

fn is_known(entry: &Entry) -> bool {
    !entry.is_dir && FileKind::of(&entry.name).is_known()
}

/// The last part of a path, also of `.` and of one that ends in a slash.
fn name_of(path: &Path) -> String {
    let named = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    named(path)
        .or_else(|| named(&std::path::absolute(path).ok()?))
        .unwrap_or_else(|| path.display().to_string())
}

/// `orders-0.<32 hex digits>-delete` without what Kafka appends.
fn without_fate(name: &str) -> (&str, Option<&'static str>) {
    for fate in ["delete", "stray", "future"] {
        let before = name.strip_suffix(fate).and_then(|name| name.strip_suffix('-'));
        let Some((named, id)) = before.and_then(|name| name.rsplit_once('.')) else { continue };
        if id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return (named, Some(fate));
        }
    }
    (name, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::Os;

    #[test]
    fn a_folder_is_a_partition_by_its_name_or_by_its_segments() {
        let root = tempfile::tempdir().unwrap();
        let disk = &*Os::real().disk;
        let make = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        let at = |path: &Path| Place::at(disk, path).unwrap();
        assert!(
            matches!(at(&make("orders-0")), Place::Partition(folder) if folder.number() == Some(0))
        );
        let rescued = make("rescued");
        std::fs::create_dir(rescued.join("polkit-1")).unwrap();
        std::fs::write(rescued.join("passwd.tmp"), "").unwrap();
        assert!(matches!(at(&rescued), Place::Nothing { .. }));
        std::fs::write(rescued.join("log-start-offset-checkpoint"), "").unwrap();
        assert!(matches!(at(&rescued), Place::DataDir { .. }));
        std::fs::write(rescued.join("00000000000000000000.log"), "").unwrap();
        assert!(matches!(at(&rescued), Place::Partition(folder) if folder.topic() == "rescued"));
        assert!(matches!(at(&rescued.join("00000000000000000000.log")), Place::File { .. }));
        // Named like a partition, and yet a data directory.
        let data = make("data-1");
        std::fs::write(data.join("meta.properties"), "").unwrap();
        assert!(matches!(at(&data), Place::DataDir { .. }));
        assert_eq!(partitions_in(disk, root.path()).unwrap().len(), 2);
        assert!(Place::at(disk, &root.path().join("none")).is_err());
    }

    #[test]
    fn what_kafka_appends_to_a_doomed_folders_name_is_not_the_topics() {
        let name = format!("orders-3.{}-delete", "0a".repeat(16));
        let folder = Folder::at(Path::new(&name));
        assert_eq!((folder.topic().as_str(), folder.number()), ("orders", Some(3)));
        assert_eq!(folder.fate, Some("delete"));
        assert_eq!(Folder::at(Path::new("orders-3")).fate, None);
    }
}
