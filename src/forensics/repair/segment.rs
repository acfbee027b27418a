//! One segment written anew: every valid batch of it, on both sides of what is damaged.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use super::cover::cover;
use super::rescue::rescued;
use super::{Change, Lost};
use crate::base::Offset;
use crate::forensics::order::{Order, Ordered, Span};
use crate::forensics::sweep::{Gap, Piece, Sweep, Swept};
use crate::log::{LeaderEpochs, StorageError};
use crate::os::DiskFile;

/// So much is copied at a time, in bytes.
const PIECE: usize = 256 << 10;
/// What a batch has before its checksum: its offset, its length, its leader epoch, its format.
const UNCOVERED: usize = 17;

/// A segment to copy, and what is known beside it.
pub struct Source<'a> {
    /// The segment file.
    pub path: &'a Path,
    pub file: Arc<dyn DiskFile>,
    pub span: Span,
    /// The log is known to have reached this offset, though its end is lost.
    pub known_end: i64,
    /// Whether offsets may be missing because others took their place.
    pub compacted: bool,
    /// Offsets below are deleted.
    pub log_start: i64,
    /// The epochs that were written, if their checkpoint is believed.
    pub epochs: Option<&'a LeaderEpochs>,
    /// Told how many bytes were gone through.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// What became of a segment.
#[derive(Debug, Default)]
pub struct Copied {
    /// How many batches were kept as they were.
    pub batches: u64,
    pub lost: Vec<Lost>,
    pub changes: Vec<Change>,
    /// The offset behind its last batch.
    pub end: i64,
}

/// Bytes that are no batch, until the next one tells what is lost.
struct Damage {
    position: u64,
    end: u64,
    detail: String,
}

struct Copy<'a> {
    source: &'a Source<'a>,
    out: Option<&'a dyn DiskFile>,
    written: u64,
    /// The offset that comes next.
    expected: i64,
    epoch: i32,
    damage: Option<Damage>,
    copied: Copied,
}

/// Goes through a segment, and writes what is kept of it to `out`, if that is wanted.
///
/// # Errors
/// As the system says.
pub fn copy(source: &Source<'_>, out: Option<&dyn DiskFile>) -> Result<Copied, StorageError> {
    let fail = StorageError::at("copy", source.path);
    let epoch = source.epochs.and_then(|epochs| epochs.of(Offset::new(source.span.base.max(0))));
    let copy = Copy {
        source,
        out,
        written: 0,
        expected: source.span.base,
        epoch: epoch.map_or(0, |epoch| epoch.get()),
        damage: None,
        copied: Copied::default(),
    };
    copy.run().map_err(fail)
}

impl Copy<'_> {
    fn run(mut self) -> io::Result<Copied> {
        let Source { file, span, .. } = self.source;
        let size = file.len()?;
        let mut ordered = Ordered::new(Sweep::new(&**file, 0, size, span.base), *span);
        while let Some((piece, order)) = ordered.next()? {
            match piece {
                Piece::Gap(gap) => self.gap(&gap, ordered.peek_first())?,
                Piece::Batch(swept) => self.batch(&swept, order)?,
            }
        }
        self.end(size)?;
        self.copied.end = self.expected;
        Ok(self.copied)
    }

    fn batch(&mut self, swept: &Swept, order: Order) -> io::Result<()> {
        let (position, first, last) =
            (swept.found.position, swept.first_offset(), swept.found.last_offset);
        (self.source.progress)(swept.found.size as u64);
        if let Err(why) = &swept.crc {
            self.damaged(position, swept.found.end(), why.to_string());
            return Ok(());
        }
        let place = match order {
            Order::Kept => first,
            Order::Astray { first: Some(place) } => {
                let last = place + (last - first);
                self.changed(position, place, format!("its offsets said {first}; by the batches around it they are {place} to {last}"));
                place
            }
            Order::Astray { first: None } => {
                let detail = format!("left out: offsets {first} to {last} do not belong there");
                self.changed(position, first, detail);
                return Ok(());
            }
        };
        let is_old = swept.found.header.is_none();
        self.close_hole(place, position, is_old)?;
        self.keep(swept, place)?;
        self.copied.batches += 1;
        Ok(())
    }

    /// Writes a batch whose first offset is `place`.
    fn keep(&mut self, swept: &Swept, place: i64) -> io::Result<()> {
        let mut head: [u8; UNCOVERED] = [0; UNCOVERED];
        head.copy_from_slice(&swept.head[..UNCOVERED]);
        let last = match &swept.found.header {
            None => swept.found.last_offset,
            Some(header) => {
                let last = place + i64::from(header.last_offset_delta);
                head[..8].copy_from_slice(&place.to_be_bytes());
                let epoch =
                    self.epoch_at(place, last, header.partition_leader_epoch, swept.found.position);
                head[12..16].copy_from_slice(&epoch.to_be_bytes());
                self.epoch = epoch;
                last
            }
        };
        self.write(&head)?;
        self.write_from(swept.found.position + UNCOVERED as u64, swept.found.end())?;
        self.expected = last + 1;
        Ok(())
    }

    /// The epoch that a batch was written in; that in the batch itself is not under its checksum.
    fn epoch_at(&mut self, first: i64, last: i64, found: i32, position: u64) -> i32 {
        let of = |offset: i64| {
            let epochs = self.source.epochs?;
            epochs.of(Offset::new(offset.max(0))).map(|epoch| epoch.get())
        };
        match (of(first), of(last)) {
            (Some(known), Some(same)) if known == same && known != found && found >= 0 => {
                let detail = format!("its leader epoch said {found}; {known} was written");
                self.changed(position, first, detail);
                known
            }
            _ => found,
        }
    }

    fn gap(&mut self, gap: &Gap, next: Option<i64>) -> io::Result<()> {
        (self.source.progress)(gap.end - gap.position);
        let adjoins = self.damage.is_none();
        let limit = next.unwrap_or(self.source.span.limit);
        let room = (self.expected, limit);
        if let Some(swept) =
            rescued(&*self.source.file, gap, room).map(|it| it.filter(|_| adjoins))?
        {
            let detail =
                "its length, format or offset was damaged; its content is whole".to_owned();
            self.changed(gap.position, self.expected, detail);
            let place = self.expected;
            self.keep(&swept, place)?;
            self.copied.batches += 1;
            return Ok(());
        }
        let zeros = if gap.is_zero { " (zeros)" } else { "" };
        self.damaged(gap.position, gap.end, format!("{}{zeros}", gap.why));
        Ok(())
    }

    fn damaged(&mut self, position: u64, end: u64, detail: String) {
        match &mut self.damage {
            Some(damage) => damage.end = end,
            None => self.damage = Some(Damage { position, end, detail }),
        }
    }

    fn changed(&mut self, position: u64, offset: i64, detail: String) {
        self.copied.changes.push(Change {
            file: self.source.path.into(),
            position,
            offset,
            detail,
        });
    }

    /// Before the batch at `position` that begins with offset `next`: tells what is lost, and covers it.
    fn close_hole(&mut self, next: i64, position: u64, is_old: bool) -> io::Result<()> {
        let damage = self.damage.take();
        if next <= self.expected || (damage.is_none() && self.source.compacted) {
            if let Some(damage) = damage {
                // Other batches have all offsets: it was one that stood there twice.
                self.changed(
                    damage.position,
                    next,
                    format!("left out: {} bytes that are no batch", damage.end - damage.position),
                );
            }
            return Ok(());
        }
        // What old formats wrap is not known by their offsets.
        if is_old && damage.is_none() {
            return Ok(());
        }
        let Damage { position, end, detail } = damage.unwrap_or_else(|| Damage {
            position,
            end: position,
            detail: "no batch has these offsets".to_owned(),
        });
        self.lose(next - 1, (position, end), detail);
        if !is_old {
            self.cover_up_to(next)?;
        }
        Ok(())
    }

    fn lose(&mut self, last: i64, (position, end): (u64, u64), detail: String) {
        if last < self.source.log_start {
            return;
        }
        let first = self.expected.max(self.source.log_start);
        let file = self.source.path.into();
        self.copied.lost.push(Lost { file, first, last: Some(last), position, end, detail });
    }

    /// Where other epochs began in what is lost, each gets a batch of its own.
    fn cover_up_to(&mut self, next: i64) -> io::Result<()> {
        while self.expected < next {
            let (epoch, until) = self.epoch_from(self.expected);
            self.epoch = epoch;
            let until = until.min(next);
            let batch = cover(self.expected, until - 1, self.epoch);
            self.expected = until;
            self.write(&batch)?;
        }
        Ok(())
    }

    /// The epoch at an offset, and where the next one begins.
    fn epoch_from(&self, offset: i64) -> (i32, i64) {
        let Some(epochs) = self.source.epochs else { return (self.epoch, i64::MAX) };
        let at = Offset::new(offset.max(0));
        let begins = epochs.entries().iter().find(|(_, start)| *start > at);
        let epoch = epochs.of(at).map_or(self.epoch, |epoch| epoch.get());
        (epoch, begins.map_or(i64::MAX, |(_, start)| start.get()))
    }

    /// The segment's end: what lies between its last batch and the next segment.
    fn end(&mut self, size: u64) -> io::Result<()> {
        let limit = self.source.span.limit;
        if limit < i64::MAX {
            return self.close_hole(limit, size, false);
        }
        let known = self.source.known_end;
        let in_reach = known - self.source.span.base <= i64::from(i32::MAX);
        if known > self.expected && in_reach {
            return self.close_hole(known, size, false);
        }
        if let Some(Damage { position, end, detail }) = self.damage.take() {
            let (first, file) = (self.expected, self.source.path.into());
            self.copied.lost.push(Lost { file, first, last: None, position, end, detail });
        }
        Ok(())
    }

    fn write_from(&mut self, mut position: u64, end: u64) -> io::Result<()> {
        if self.out.is_none() {
            self.written += end - position;
            return Ok(());
        }
        let mut buffer = vec![0; PIECE];
        while position < end {
            let length = usize::try_from(end - position).unwrap_or(usize::MAX).min(PIECE);
            self.source.file.read_exact_at(&mut buffer[..length], position)?;
            self.write(&buffer[..length])?;
            position += length as u64;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(out) = self.out {
            out.write_all_at(&mut [IoSlice::new(bytes)], self.written)?;
        }
        self.written += bytes.len() as u64;
        Ok(())
    }
}
