//! What opening the partitions did, as an operator is told of it.

use std::path::PathBuf;

use crate::log::{Log, Recovered};

/// More names of rebuilt files are counted only.
const NAMES: usize = 4;

/// What opening the partitions of directories did that were not stopped cleanly.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recovery {
    /// How many partitions were there.
    pub partitions: usize,
    /// How many bytes were checked.
    pub checked_bytes: u64,
    /// How many bytes behind the first bad one of a log were cut.
    pub cut_bytes: u64,
    /// How many whole batches were among them.
    pub cut_batches: u64,
    /// How many lost or damaged side files were rebuilt.
    pub rebuilt: usize,
}

impl Recovery {
    /// Adds a partition.
    pub(super) fn add(&mut self, one: &Recovered) {
        self.partitions += 1;
        self.checked_bytes += one.checked_bytes;
        self.cut_bytes += one.cut_bytes;
        self.cut_batches += one.cut_batches;
        self.rebuilt += one.rebuilt.len();
    }
}

/// Says what was lost or damaged in a log, if anything was.
pub(super) fn tell(log: &Log, recovered: &Recovered) {
    if recovered.cut_bytes > 0 || !recovered.rebuilt.is_empty() {
        let (folder, rebuilt) = (log.folder().display(), names(&recovered.rebuilt));
        tracing::warn!(partition = %log.partition(), %folder, cut_bytes = recovered.cut_bytes, rebuilt, end = %log.end(),
            "recovered a log");
    }
}

fn names(files: &[PathBuf]) -> String {
    let name = |file: &PathBuf| file.file_name().map(|name| name.display().to_string());
    let mut names: Vec<String> = files.iter().take(NAMES).filter_map(name).collect();
    if files.len() > NAMES {
        names.push(format!("{} more", files.len() - NAMES));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_as_far_as_a_line_holds_them() {
        let files: Vec<PathBuf> = (0..6).map(|at| format!("/data/t-0/{at}.index").into()).collect();
        assert_eq!(names(&files[..0]), "");
        assert_eq!(names(&files[..2]), "0.index, 1.index");
        assert_eq!(names(&files), "0.index, 1.index, 2.index, 3.index, 2 more");
    }
}
