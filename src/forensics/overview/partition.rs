//! One partition as an overview shows it.

use std::ops::ControlFlow;
use std::path::PathBuf;

use super::epochs_problem;
use crate::base::{Offset, TopicId};
use crate::forensics::fates::Fates;
use crate::forensics::kind::FileKind;
use crate::forensics::place::Folder;
use crate::forensics::stats::Stats;
use crate::forensics::sweep::Piece;
use crate::forensics::trail::{Segments, Stop, Trail};
use crate::log::{LEADER_EPOCHS_FILE, StorageError};
use crate::os::Disk;

/// Of one partition no more damage is told one by one.
const DAMAGE_AT_MOST: usize = 8;

/// One partition.
#[derive(Clone, Debug)]
pub struct PartitionView {
    /// Its folder.
    pub folder: Folder,
    /// The topic's id, by `partition.metadata`.
    pub topic_id: Option<TopicId>,
    /// How many segments it has.
    pub segments: usize,
    /// Where it begins: by the checkpoint of log starts, else by its first segment's name; `None` without a segment.
    pub start: Option<i64>,
    /// The base offset of its last segment.
    pub last_base: Option<i64>,
    /// The sums of its batches.
    pub stats: Stats,
    /// What became of its transactions.
    pub fates: Fates,
    /// Files that a deletion or a compaction has left.
    pub leftovers: usize,
    /// What is damaged: the file and what is wrong there, in words.
    pub damage: Vec<(PathBuf, String)>,
}

impl PartitionView {
    /// Goes through all of its batches.
    ///
    /// # Errors
    /// As the system says.
    pub fn read(
        disk: &dyn Disk,
        folder: &Folder,
        start: Option<Offset>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<PartitionView, StorageError> {
        let bases: Vec<i64> = folder.segments(disk)?.into_iter().map(|(base, _)| base).collect();
        let files = folder.files(disk)?;
        let is_left = |kind: &FileKind| matches!(kind, FileKind::Leftover { .. });
        let mut view = PartitionView {
            folder: folder.clone(),
            topic_id: folder.topic_id(disk)?,
            segments: bases.len(),
            start: start.map(Offset::get).or(bases.first().copied()),
            last_base: bases.last().copied(),
            stats: Stats::default(),
            fates: Fates::default(),
            leftovers: files.iter().filter(|file| is_left(&file.kind)).count(),
            damage: Vec::new(),
        };
        let mut trail = Trail::new(disk, Segments::Of(folder.clone()));
        trail.walk(i64::MIN, i64::MAX, |here, piece| {
            progress(piece.end() - piece.position());
            view.stats.add(piece, None);
            let wrong = match piece {
                Piece::Batch(swept) => {
                    view.fates.note_swept(here, swept)?;
                    swept.crc.as_ref().err().map(ToString::to_string)
                }
                Piece::Gap(gap) if gap.is_zero => Some("zeros where batches were expected".into()),
                Piece::Gap(gap) => Some(format!("no batch: {}", gap.why)),
            };
            if let Some(wrong) = wrong
                && view.damage.len() < DAMAGE_AT_MOST
            {
                view.damage
                    .push((here.path.into(), format!("at byte {}: {wrong}", piece.position())));
            }
            Ok::<_, StorageError>(ControlFlow::<Stop>::Continue(()))
        })?;
        if let Some(why) = epochs_problem(disk, &folder.path)? {
            view.damage.push((folder.path.join(LEADER_EPOCHS_FILE), why));
        }
        Ok(view)
    }

    /// Where the next record would be put.
    pub fn end(&self) -> Offset {
        let last = self.stats.last_offset.map(|last| last.saturating_add(1));
        let end = last.into_iter().chain(self.last_base).chain(self.start).max();
        Offset::new(end.unwrap_or(0).max(0))
    }

    /// How many bytes its segments have.
    pub fn bytes(&self) -> u64 {
        self.stats.bytes + self.stats.damaged_bytes
    }

    /// Whether it has neither batches nor damage.
    pub fn is_empty(&self) -> bool {
        self.bytes() == 0 && self.damage.is_empty()
    }
}
