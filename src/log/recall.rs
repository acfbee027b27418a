//! What a Kafka's producer snapshot leaves out. It holds the last batch of each producer; a producer that has up to
//! five under way when the broker goes down sends them all again, and the first of them must be known again too.

use super::Log;
use super::error::ReadError;
use crate::record::BatchHeader;

/// So much of the end of a log is looked through for batches that may be sent again: five of the largest that clients make by
/// default, and those of others between them.
const LOOK_BACK_BYTES: u64 = 8 << 20;

impl Log {
    /// Calls `visit` with the batches that lie near the log's end and below `before`, in order of offset.
    ///
    /// # Errors
    /// `Damaged` and `Storage` as they are met.
    pub(super) fn look_back(
        &self,
        before: i64,
        mut visit: impl FnMut(&BatchHeader),
    ) -> Result<(), ReadError> {
        let mut left = LOOK_BACK_BYTES;
        let mut first = self.segments.len() - 1;
        while first > 0 && self.segments[first].size < left {
            left -= self.segments[first].size;
            first -= 1;
        }
        for (at, segment) in self.segments.iter().enumerate().skip(first) {
            let skipped = if at == first { segment.size.saturating_sub(left) } else { 0 };
            let position = segment.boundary(&self.files, self.disk(), 0, skipped)?;
            let mut scan = segment.scan(&self.files, position)?;
            while let Some(found) = scan.next()? {
                if found.last_offset >= before {
                    return Ok(());
                }
                if let Some(header) = &found.header {
                    visit(header);
                }
            }
        }
        Ok(())
    }
}
