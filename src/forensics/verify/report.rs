//! What one segment is like, for those who look across segments.

use std::path::PathBuf;

use crate::forensics::finding::Findings;

/// Offsets that no batch has, though nothing is damaged there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hole {
    /// Where the next batch stands.
    pub position: u64,
    /// The first offset.
    pub from: i64,
    /// The last one.
    pub to: i64,
}

/// A batch with another epoch than the checkpoint has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OtherEpoch {
    pub position: u64,
    pub offset: i64,
    pub found: i32,
    pub known: i32,
}

/// Lists of a report stop here.
pub const KEPT_AT_MOST: usize = 64;

/// What a segment is like.
#[derive(Debug)]
pub struct Report {
    pub path: PathBuf,
    pub base: i64,
    pub size: u64,
    /// The offset behind the last batch.
    pub end: i64,
    /// Whether its last bytes are damaged: what was there is not known.
    pub tail_is_damaged: bool,
    /// Whether anything of its batches is.
    pub is_damaged: bool,
    /// Whether a producer wrote that has an id.
    pub has_producers: bool,
    /// Whether records were taken out by compaction.
    pub is_compacted: bool,
    pub holes: Vec<Hole>,
    pub other_epochs: Vec<OtherEpoch>,
    /// The epochs of its first and last batch.
    pub epochs: Option<(i32, i32)>,
    pub findings: Findings,
}

impl Report {
    /// Of the segment at `path`, of which nothing was seen yet but its size.
    pub fn new(path: PathBuf, base: i64, size: u64, findings: Findings) -> Report {
        Report {
            path,
            base,
            size,
            end: base,
            tail_is_damaged: false,
            is_damaged: false,
            has_producers: false,
            is_compacted: false,
            holes: Vec::new(),
            other_epochs: Vec::new(),
            epochs: None,
            findings,
        }
    }
}
