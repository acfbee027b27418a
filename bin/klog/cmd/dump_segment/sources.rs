//! What the paths stand for: logs to read, and other files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use klog::forensics::{FileKind, Folder, Place, Segments, partitions_in};
use klog::os::Disk;

use super::args::Filters;
use crate::exit::{Hint as _, usage};

/// Segments that are read one after another.
#[derive(Clone, Debug)]
pub struct Source {
    /// The topic, as the folder's name tells it.
    pub topic: String,
    /// The partition, where the folder's name tells it.
    pub partition: Option<i32>,
    /// The files.
    pub segments: Segments,
    /// What was given, or the folder.
    pub path: PathBuf,
}

/// What is at a path.
///
/// # Errors
/// As the system says; where there is nothing of a log.
pub fn place(disk: &dyn Disk, path: &Path) -> anyhow::Result<Place> {
    match Place::at(disk, path).with_context(|| format!("cannot look at {}", path.display()))? {
        Place::Nothing { path } => Err(anyhow!("there is nothing of a log in {}", path.display()))
            .hint("it takes a data directory (log.dirs), a partition's folder in it, or files"),
        place => Ok(place),
    }
}

/// The logs at all paths; `-p` and `--topic` choose from data directories.
///
/// # Errors
/// As the system says; a usage error for a file that has no batches, and where nothing is left to be read.
pub fn logs(disk: &dyn Disk, paths: &[PathBuf], filters: &Filters) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths {
        match place(disk, path)? {
            Place::File { path, kind } => sources.push(file(&path, &kind)?),
            Place::Partition(folder) => sources.push(of_folder(folder)),
            Place::DataDir { path } | Place::Nothing { path } => {
                sources.extend(folders(disk, &path, filters)?.into_iter().map(of_folder));
            }
        }
    }
    if sources.is_empty() {
        return Err(usage("no partition of that name is there"))
            .hint("without --topic and -p a data directory shows what is in it");
    }
    Ok(sources)
}

/// The partitions' folders in a data directory that are wanted.
///
/// # Errors
/// As the system says.
pub fn folders(disk: &dyn Disk, path: &Path, filters: &Filters) -> anyhow::Result<Vec<Folder>> {
    let found = partitions_in(disk, path)
        .with_context(|| format!("cannot look into {}", path.display()))?;
    Ok(found.into_iter().filter(|folder| filters.takes(folder)).collect())
}

/// The segments of a folder as one source.
pub fn of_folder(folder: Folder) -> Source {
    Source {
        topic: folder.topic(),
        partition: folder.number(),
        path: folder.path.clone(),
        segments: Segments::Of(folder),
    }
}

/// One file as a source, named after its folder.
fn file(path: &Path, kind: &FileKind) -> anyhow::Result<Source> {
    let Some(base) = base_of(kind) else {
        return Err(usage(format!("{} has no batches", path.display())))
            .hint("give it alone to see what it has");
    };
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = Folder::at(whole.parent().unwrap_or(&whole));
    // It stands beside the metadata log's folder.
    let is_bootstrap = *kind == FileKind::Bootstrap;
    Ok(Source {
        topic: if is_bootstrap { "__cluster_metadata".to_owned() } else { folder.topic() },
        partition: if is_bootstrap { Some(0) } else { folder.number() },
        segments: Segments::One(base, path.to_path_buf()),
        path: path.to_path_buf(),
    })
}

/// Where a file of batches begins; `None` for one without batches.
pub fn base_of(kind: &FileKind) -> Option<i64> {
    match kind {
        FileKind::Segment { base } => Some(*base),
        FileKind::MetadataSnapshot { .. } | FileKind::Bootstrap => Some(0),
        FileKind::Leftover { of, .. } => base_of(of),
        _ => None,
    }
}

/// What a file is, or was before it was renamed to be deleted.
pub fn kind_of(path: &Path) -> FileKind {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut kind = FileKind::of(&name.unwrap_or_default());
    while let FileKind::Leftover { of, .. } = kind {
        kind = *of;
    }
    kind
}
