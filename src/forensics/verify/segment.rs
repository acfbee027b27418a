//! One segment: its batches, and its two sparse indexes against them, in one pass.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::by_offset::OffsetCheck;
use super::by_time::TimeCheck;
use super::deep;
use super::report::{Hole, KEPT_AT_MOST, OtherEpoch, Report};
use crate::base::Offset;
use crate::forensics::ahead::Pace;
use crate::forensics::finding::{Findings, Kind};
use crate::forensics::order::{Order, Ordered, Span};
use crate::forensics::sweep::{Gap, Piece, Sweep, Swept};
use crate::log::{LeaderEpochs, StorageError, path_in};
use crate::os::{Disk, DiskFile, OpenMode};
use crate::record::{BatchError, BatchHeader};

/// A segment to look at, and what is known beside it.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub disk: &'a dyn Disk,
    pub folder: &'a Path,
    pub span: Span,
    /// Whether another segment follows.
    pub sealed: bool,
    pub epochs: Option<&'a LeaderEpochs>,
    pub deep: bool,
    /// How many threads read it.
    pub threads: usize,
    /// Told how many bytes were gone through.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// Looks at one segment; adds to `findings`.
///
/// # Errors
/// As the system says.
pub fn look_at(look: Look<'_>, findings: Findings) -> Result<Report, StorageError> {
    let path = path_in(look.folder, look.span.base, ".log");
    let file = look.disk.open(&path, OpenMode::Read).map_err(StorageError::at("open", &path))?;
    let size = file.len().map_err(StorageError::at("stat", &path))?;
    let report = Report::new(path.clone(), look.span.base, size, findings);
    let offsets = side(look, ".index")?;
    let times = side(look, ".timeindex")?;
    let pass = Pass { look, file: &file, report, damage: None };
    pass.run(size, offsets.as_ref(), times.as_ref()).map_err(StorageError::at("read", &path))
}

/// A side file of the segment; `None` if there is none.
type Side = Option<(PathBuf, Arc<dyn DiskFile>)>;

fn side(look: Look<'_>, suffix: &str) -> Result<Side, StorageError> {
    let path = path_in(look.folder, look.span.base, suffix);
    match look.disk.open(&path, OpenMode::Read) {
        Ok(file) => Ok(Some((path, file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::at("open", path)(error)),
    }
}

/// Damage whose end is not yet known.
struct Damage {
    kind: Kind,
    position: u64,
    end: u64,
    expected: i64,
    detail: String,
}

struct Pass<'a> {
    look: Look<'a>,
    file: &'a Arc<dyn DiskFile>,
    report: Report,
    damage: Option<Damage>,
}

impl Pass<'_> {
    fn run(
        mut self,
        size: u64,
        offsets: Option<&(PathBuf, Arc<dyn DiskFile>)>,
        times: Option<&(PathBuf, Arc<dyn DiskFile>)>,
    ) -> io::Result<Report> {
        let span = self.look.span;
        let findings = &mut self.report.findings;
        let open = |(path, file): &(PathBuf, Arc<dyn DiskFile>)| (path.clone(), file.clone());
        let (offsets, times) = (offsets.map(open), times.map(open));
        let offsets = offsets.as_ref();
        let mut by_offset = match offsets {
            Some((path, file)) => Some(OffsetCheck::new(path, &**file, span.base, findings)?),
            None => None,
        };
        let mut by_time = match &times {
            Some((path, file)) => Some(TimeCheck::new(path, &**file, span.base, findings)?),
            None => None,
        };
        self.missing_indexes(size, by_offset.is_some(), by_time.is_some());
        let inside = if self.look.deep { i64::MIN..i64::MAX } else { 0..0 };
        let pace = Pace { threads: self.look.threads, inside };
        let sweep = Sweep::ahead(self.file, 0, size, span.base, pace);
        let mut ordered = Ordered::new(sweep, span);
        loop {
            let expected = ordered.expected();
            let Some((piece, order)) = ordered.next()? else { break };
            match piece {
                Piece::Gap(gap) => {
                    (self.look.progress)(gap.end - gap.position);
                    if let Some(check) = &mut by_offset {
                        check.hole(gap.position, gap.end);
                    }
                    if let Some(check) = &mut by_time {
                        check.hole();
                    }
                    self.gap(&gap, expected);
                }
                Piece::Batch(swept) => {
                    (self.look.progress)(swept.found.size as u64);
                    let astray = order != Order::Kept;
                    if let Some(check) = by_time.as_mut().filter(|_| astray) {
                        check.hole();
                    }
                    self.batch(&swept, order, expected)?;
                    let findings = &mut self.report.findings;
                    if let Some(check) = &mut by_offset {
                        match astray {
                            true => check.hole(swept.found.position, swept.found.end()),
                            false => check.batch(&swept, findings)?,
                        }
                    }
                    if let Some(check) = by_time.as_mut().filter(|_| !astray) {
                        check.batch(&swept, findings)?;
                    }
                }
            }
        }
        self.report.end = ordered.expected();
        self.report.tail_is_damaged = self.damage.is_some();
        self.tell_damage(None);
        let findings = &mut self.report.findings;
        if let Some(check) = by_offset {
            check.end(size, findings)?;
        }
        if let Some(check) = by_time {
            check.end(self.look.sealed, findings)?;
        }
        Ok(self.report)
    }

    /// A sealed segment with batches has both indexes.
    fn missing_indexes(&mut self, size: u64, has_offsets: bool, has_times: bool) {
        if !self.look.sealed || size == 0 {
            return;
        }
        for (there, suffix) in [(has_offsets, ".index"), (has_times, ".timeindex")] {
            if !there {
                let path = path_in(self.look.folder, self.look.span.base, suffix);
                let detail = "the index of a sealed segment was expected; there is none".to_owned();
                self.report.findings.add(
                    &path,
                    Kind::MissingFile,
                    None,
                    self.look.span.base,
                    detail,
                );
            }
        }
    }

    fn gap(&mut self, gap: &Gap, expected: i64) {
        let kind = match gap.why {
            _ if gap.is_zero && gap.is_tail => Kind::TornTail,
            BatchError::Short { .. } if gap.is_tail => Kind::TornTail,
            BatchError::Crc { .. } => Kind::CrcMismatch,
            BatchError::Magic { .. } => Kind::BadMagic,
            _ => Kind::BadLength,
        };
        let zeros = if gap.is_zero { "; all of it is zeros" } else { "" };
        let bytes = gap.end - gap.position;
        let detail = format!("a batch was expected; {} ({bytes} bytes are none{zeros})", gap.why);
        self.damaged(kind, (gap.position, gap.end), expected, detail);
    }

    /// Adds damage; stretches that touch are told one by one, with what is lost in all of them.
    fn damaged(&mut self, kind: Kind, (position, end): (u64, u64), expected: i64, detail: String) {
        self.report.is_damaged = true;
        self.tell_damage(None);
        self.damage = Some(Damage { kind, position, end, expected, detail });
    }

    /// Tells of the damage before the batch that begins with offset `next`, or before the segment's end.
    fn tell_damage(&mut self, next: Option<i64>) {
        let Some(Damage { kind, position, end, expected, detail }) = self.damage.take() else {
            return;
        };
        let limit = Some(self.look.span.limit).filter(|limit| *limit < i64::MAX);
        let is_last = end == self.report.size;
        let next = next.or(limit.filter(|_| is_last));
        let lost = match next {
            Some(next) if next > expected => format!("; offsets {expected} to {}", next - 1),
            None if is_last => format!("; offsets from {expected} on"),
            _ => String::new(),
        };
        self.report.findings.add(&self.report.path, kind, position, expected, detail + &lost);
    }

    fn batch(&mut self, swept: &Swept, order: Order, expected: i64) -> io::Result<()> {
        let (position, first) = (swept.found.position, swept.first_offset());
        if let Err(why) = &swept.crc {
            let detail = format!("{why}");
            self.damaged(Kind::CrcMismatch, (position, swept.found.end()), expected, detail);
            return Ok(());
        }
        if let Some(header) = &swept.found.header {
            self.signs(header);
        }
        let last = swept.found.last_offset;
        if let Order::Astray { first: place } = order {
            self.report.is_damaged = true;
            let place = place.map_or(String::new(), |place| {
                format!("; by those around it, it belongs at {place} to {}", place + (last - first))
            });
            let detail = format!(
                "offset {expected} was expected; offsets {first} to {last} stand there{place}"
            );
            self.tell_damage(None);
            self.report.findings.add(
                &self.report.path,
                Kind::OffsetOrder,
                position,
                expected,
                detail,
            );
            return Ok(());
        }
        let was_damaged = self.damage.is_some();
        self.tell_damage(Some(first));
        if !was_damaged && first > expected && swept.found.header.is_some() {
            self.keep_hole(Hole { position, from: expected, to: first - 1 });
        }
        if let Some(header) = &swept.found.header {
            self.epoch(position, header);
        }
        if self.look.deep {
            self.deep(swept)?;
        }
        Ok(())
    }

    fn keep_hole(&mut self, hole: Hole) {
        if self.report.holes.len() < KEPT_AT_MOST {
            self.report.holes.push(hole);
        }
    }

    /// What a batch tells of how the log came about.
    fn signs(&mut self, header: &BatchHeader) {
        self.report.has_producers |= header.has_producer_id();
        let full = i64::from(header.record_count) == i64::from(header.last_offset_delta) + 1;
        // One without records and without a time covers what a repair found lost.
        let covers = header.record_count == 0 && header.max_timestamp == -1;
        self.report.is_compacted |= (!full && !covers) || header.attributes.has_delete_horizon();
    }

    fn epoch(&mut self, position: u64, header: &BatchHeader) {
        let found = header.partition_leader_epoch;
        let first = self.report.epochs.map_or(found, |(first, _)| first);
        if let Some((_, before)) = self.report.epochs.filter(|_| self.look.epochs.is_none())
            && found < before
        {
            let (path, offset) = (&self.report.path, header.base_offset);
            let detail = format!(
                "leader epoch {before} stood before, or a newer one was expected; {found} stands there"
            );
            self.report.findings.add(path, Kind::EpochOrder, position + 12, offset, detail);
        }
        self.report.epochs = Some((first, found));
        let Some(epochs) = self.look.epochs.filter(|_| found != -1) else { return };
        for offset in [header.base_offset, header.last_offset()] {
            let known = epochs.of(Offset::new(offset.max(0))).map(|epoch| epoch.get());
            if let Some(known) = known.filter(|known| *known != found) {
                if self.report.other_epochs.len() < KEPT_AT_MOST {
                    self.report.other_epochs.push(OtherEpoch { position, offset, found, known });
                }
                break;
            }
        }
    }

    fn deep(&mut self, swept: &Swept) -> io::Result<()> {
        if let Some((kind, detail)) = deep::judge(swept, swept.inside(&**self.file)?) {
            let (position, offset) = (swept.found.position, swept.first_offset());
            self.report.findings.add(&self.report.path, kind, position, offset, detail);
        }
        Ok(())
    }
}
