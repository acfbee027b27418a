//! Whether a log is worth compacting: how much of it was not yet, and how old that is.

use crate::base::{Millis, Offset};
use crate::log::Log;
use crate::log::error::ReadError;

/// What of a log can be compacted.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Filth {
    /// All below was compacted before.
    pub from: Offset,
    /// From here on nothing may be: it is active, too young, not yet on disk, or of a transaction that is not decided on disk.
    pub to: Offset,
    /// How much of what lies below `to` was not compacted, as a fraction of its bytes.
    pub ratio: f64,
    /// Whether it is to be compacted now.
    pub due: bool,
}

impl Log {
    /// What can be compacted, given up to where it was before; `None` if nothing.
    ///
    /// # Errors
    /// As the system says.
    pub fn filth(&self, cleaned: Offset, now: Millis) -> Result<Option<Filth>, ReadError> {
        let config = &self.config;
        let known = (self.start..=self.end).contains(&cleaned);
        // Records below the start are compacted with the rest of their segment: were the tombstone among them dropped and not what
        // it deletes, that would be back if the checkpoint with the start is lost.
        let from = if known { cleaned } else { Offset::new(self.segments[0].base) };
        // What decides a transaction has to be on disk too: a power cut must not open it again once older records are gone.
        let decided = self.stable_below(self.recovery_point);
        let sealed = &self.segments[..self.segments.len() - 1];
        let (mut clean, mut dirty, mut to, mut oldest) = (0, 0, from, None);
        for (at, segment) in sealed.iter().enumerate() {
            let next = self.segments[at + 1].base;
            if next <= from.get() {
                clean += segment.size;
                continue;
            }
            let age = now.0.saturating_sub(segment.youngest.timestamp);
            let young = config.min_compaction_lag_ms > 0 && age < config.min_compaction_lag_ms;
            if young || next > decided.get() {
                break;
            }
            if oldest.is_none() && config.max_compaction_lag_ms < i64::MAX {
                let first = segment.scan(&self.files, 0)?.next()?;
                oldest = first.and_then(|found| found.header).map(|header| header.max_timestamp);
            }
            (dirty, to) = (dirty + segment.size, Offset::new(next));
        }
        if dirty == 0 {
            return Ok(None);
        }
        let ratio = dirty as f64 / (clean + dirty) as f64;
        let waited = oldest.filter(|time| *time >= 0).map(|time| now.0.saturating_sub(time));
        let late = waited.is_some_and(|waited| waited > config.max_compaction_lag_ms);
        let due = config.compact && (late || ratio > config.min_cleanable_dirty_ratio);
        Ok(Some(Filth { from, to, ratio, due }))
    }
}
