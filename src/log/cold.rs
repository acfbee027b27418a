//! What the page cache has lost: to read it takes as long as the disk takes, and whoever waits for it with the log's lock holds up all
//! who write and read there.

use super::Log;
use crate::base::Offset;
use crate::os::{FileSlice, READ_AHEAD};
use crate::record::HEADER_LEN;

/// What was written last is in the page cache, as a rule: where it is is not asked.
const RECENT: u64 = 8 << 20;
/// The disk is asked for so much at once, at most.
const AHEAD: usize = 8 << 20;

/// Headers that a read looks at to find its two ends, and that are not in the page cache. Holds the file open; needs no lock.
#[derive(Debug)]
pub struct Cold {
    first: FileSlice,
    last: FileSlice,
    bytes: usize,
}

impl Cold {
    /// How many bytes the read will return, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Has the page cache read the headers, and asks for what lies between them. Blocking; not to be called on an async thread.
    pub fn load(&self) {
        // The other way round the last one would come behind all that is asked for.
        self.last.load(0);
        self.first.load(self.bytes.min(AHEAD));
    }
}

impl Log {
    /// What [`Log::slice`] would wait for; `None` if it will not wait long, as far as is known without waiting.
    pub fn cold(&self, from: Offset, max_bytes: usize) -> Option<Cold> {
        let at = self.segments.partition_point(|segment| segment.base <= from.get());
        let segment = &self.segments[at.saturating_sub(1)];
        let position = segment.near(self.disk(), from.get()).ok()?;
        let position = position.map_or(0, |entry| u64::from(entry.position));
        let left = segment.size.saturating_sub(position);
        let bytes = usize::try_from(left).unwrap_or(usize::MAX).min(max_bytes);
        if bytes <= READ_AHEAD || (at == self.segments.len() && left <= RECENT) {
            return None;
        }
        let limit = position + bytes as u64;
        let last = segment.offsets.with(self.disk(), |entries| {
            entries.last_where(|entry| u64::from(entry.position) <= limit)
        });
        let last = last.ok()?.map_or(0, |entry| u64::from(entry.position)).max(position);
        let file = segment.file(&self.files).ok()?;
        let header = |position| FileSlice { file: file.clone(), position, len: HEADER_LEN };
        let cold = Cold { first: header(position), last: header(last), bytes };
        let is_cached = cold.first.is_cached() && cold.last.is_cached();
        (!is_cached).then_some(cold)
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{Advice, fadvise, fstatfs};

    use super::*;
    use crate::log::Opening;
    use crate::log::tests::{NOW, append, batch, config, open_with};

    #[test]
    fn what_the_page_cache_lost_of_a_sealed_segment_is_told_until_it_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open_with(folder.path(), config(1 << 20), Opening::default()).unwrap().0;
        let batch = batch(&["x".repeat(100_000)], NOW.0, None);
        while log.segments.len() < 2 {
            append(&mut log, &batch).unwrap();
        }
        let ask = |log: &Log| log.cold(Offset::ZERO, 300_000);
        assert!(ask(&log).is_none());
        let file = std::fs::File::open(log.segments[0].path()).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        // Some file systems, such as those in memory, have nothing but their cache.
        if fstatfs(&file).unwrap().f_type == 0xef53 {
            assert!(log.cold(Offset::ZERO, 100_000).is_none(), "as much is read ahead");
            let cold = ask(&log).expect("it is in no cache");
            assert_eq!(cold.bytes(), 300_000);
            cold.load();
        }
        assert!(ask(&log).is_none());
        assert!(log.cold(log.end(), 300_000).is_none());
    }
}
