//! Reads a segment file ahead of a sweep, on several threads: each reads a window of its own while the others read theirs, learns from
//! the one before where in it a batch begins, and checks those that begin there. Results come in the file's order, and no more of
//! them are held than there are threads for.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{io, thread};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use super::content::look_inside;
use super::sweep::Swept;
use crate::log::Found;
use crate::os::DiskFile;
use crate::record::{AnyBatch, HEADER_LEN, PREFIX_LEN, Prefix, split_any};

/// So much is read in a turn, and the rest of the batch that reaches past it, which the next one reads, too: few turns, as each costs
/// the threads a wait for one another, and what is read is checked while it still is in the cache.
const WINDOW: u64 = 512 << 10;
/// A larger batch is left to the sweep, which reads it in pieces.
const BATCH_AT_MOST: usize = 4 << 20;
/// Nothing is read ahead before so much went well: not in small files, nor where only the beginning is wanted, nor amid damage.
const PATIENCE: u64 = 1 << 20;
/// More threads wait for the one that reads.
const THREADS_AT_MOST: usize = 8;

/// How a file is read ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// On how many threads; below two, not at all.
    pub threads: usize,
    /// Batches with such offsets are looked into, too.
    pub inside: Range<i64>,
}

impl Pace {
    /// Checksums only.
    pub fn of(threads: usize) -> Pace {
        Pace { threads, inside: 0..0 }
    }

    fn looks_into(&self, found: &Found) -> bool {
        let first = found.first_offset();
        !self.inside.is_empty() && found.last_offset >= self.inside.start && first < self.inside.end
    }
}

/// Sound batches of a file, as long as they stand one behind the other. Where that ends, the sweep finds out why.
pub struct Ahead {
    job: Arc<Job>,
    /// What was not yet asked for.
    batches: std::vec::IntoIter<Swept>,
    running: Option<Receiver<Receiver<Vec<Swept>>>>,
    /// Where it is worth while to begin.
    from: u64,
}

/// What the threads share.
struct Job {
    file: Arc<dyn DiskFile>,
    end: u64,
    pace: Pace,
}

impl Ahead {
    /// For a sweep from `position` to `end`.
    pub fn new(file: Arc<dyn DiskFile>, position: u64, end: u64, pace: Pace) -> Ahead {
        let from = if pace.threads < 2 { u64::MAX } else { position.saturating_add(PATIENCE) };
        let job = Arc::new(Job { file, end, pace });
        Ahead { job, batches: Vec::new().into_iter(), running: None, from }
    }

    /// The batch at `position`, if it is sound and was read ahead.
    pub fn next(&mut self, position: u64) -> Option<Swept> {
        if self.running.is_none() && position >= self.from && position < self.job.end {
            // Without threads the sweep goes on alone.
            self.running =
                Job::start(&self.job, position).inspect_err(|_| self.from = u64::MAX).ok();
        }
        let running = self.running.as_ref()?;
        let mut next = self.batches.next();
        while next.is_none() {
            let Some(batches) = running.recv().ok().and_then(|turn| turn.recv().ok()) else {
                break;
            };
            self.batches = batches.into_iter();
            next = self.batches.next();
        }
        let next = next.filter(|swept| swept.found.position == position);
        if next.is_none() {
            self.running = None;
            self.batches = Vec::new().into_iter();
            self.from = position.saturating_add(PATIENCE);
        }
        next
    }
}

/// The next window.
struct Turn {
    from: u64,
    /// Where its first batch begins; told once the batches before are known, and never if they do not lead there.
    start: Receiver<u64>,
    queue: SyncSender<Receiver<Vec<Swept>>>,
}

/// A window that one of the threads has taken.
struct Taken {
    window: Range<u64>,
    start: Receiver<u64>,
    /// Told where the first batch of the next window begins.
    next: SyncSender<u64>,
    /// Who waits for what it gives.
    given: SyncSender<Vec<Swept>>,
}

impl Job {
    /// Starts threads, which end once all is read, or once nobody takes what they give.
    fn start(job: &Arc<Job>, position: u64) -> io::Result<Receiver<Receiver<Vec<Swept>>>> {
        let threads = job.pace.threads.min(THREADS_AT_MOST);
        let (queue, taken) = sync_channel(threads);
        let (first, start) = sync_channel(1);
        // There is room for it.
        let _ = first.send(position);
        let turn = Arc::new(Mutex::new(Turn { from: position, start, queue }));
        for _ in 0..threads {
            let (job, turn) = (job.clone(), turn.clone());
            thread::Builder::new().name("read-ahead".into()).spawn(move || job.run(&turn))?;
        }
        Ok(taken)
    }

    fn run(&self, turn: &Mutex<Turn>) {
        let mut buffer = BytesMut::new();
        while let Some(taken) = self.take(turn) {
            // What cannot be read is met again by the sweep, as is what is no batch. All others then end, too.
            let Ok(Some(whole)) = self.whole_batches(&taken, &mut buffer) else { return };
            let bytes = buffer.freeze();
            let position = taken.window.start + whole.start as u64;
            let batches = self.check(bytes.slice(whole), position);
            buffer = bytes.try_into_mut().unwrap_or_default();
            // Refused if the sweep has ended; so is the next turn.
            let _ = taken.given.send(batches);
        }
    }

    fn take(&self, turn: &Mutex<Turn>) -> Option<Taken> {
        let mut turn = turn.lock();
        let window = turn.from..turn.from.saturating_add(WINDOW).min(self.end);
        let ((next, start), (given, result)) = (sync_channel(1), sync_channel(1));
        if window.is_empty() || turn.queue.send(result).is_err() {
            return None;
        }
        turn.from = window.end;
        let start = std::mem::replace(&mut turn.start, start);
        Some(Taken { window, start, next, given })
    }

    /// Reads the batches that begin in a window; gives where in `buffer` they stand. `None` if no batch before leads there.
    fn whole_batches(
        &self,
        taken: &Taken,
        buffer: &mut BytesMut,
    ) -> io::Result<Option<Range<usize>>> {
        let from = taken.window.start;
        let length = |end: u64| usize::try_from(end.saturating_sub(from)).unwrap_or(usize::MAX);
        let (window, left) = (length(taken.window.end), length(self.end));
        fill(&*self.file, from, buffer, 0..window)?;
        let Ok(start) = taken.start.recv().map(length) else { return Ok(None) };
        let (mut read, mut whole) = (window, start);
        while whole < window {
            if read < whole + PREFIX_LEN && read < left {
                let more = read..left.min(whole + PREFIX_LEN);
                read = more.end;
                fill(&*self.file, from, buffer, more)?;
            }
            match Prefix::parse(&buffer[whole..read]) {
                Ok(it) if it.size <= BATCH_AT_MOST.min(left - whole) => whole += it.size,
                _ => break,
            }
        }
        if whole >= window {
            // Before the checksums: the next window may be read by now.
            let _ = taken.next.send(from.saturating_add(whole as u64));
        }
        if start >= window {
            return Ok(Some(0..0));
        }
        if read < whole {
            fill(&*self.file, from, buffer, read..whole)?;
        }
        Ok(Some(start..whole))
    }

    /// The sound batches from the first one on.
    fn check(&self, bytes: Bytes, mut position: u64) -> Vec<Swept> {
        let mut batches = Vec::new();
        for batch in split_any(bytes).map_while(Result::ok) {
            if batch.check_crc().is_err() {
                break;
            }
            let mut swept = swept(&batch, position);
            swept.inside =
                self.pace.looks_into(&swept.found).then(|| Box::new(look_inside(&batch)));
            position = swept.found.end();
            batches.push(swept);
        }
        batches
    }
}

/// Reads the bytes `part` of those from `position` on.
fn fill(
    file: &dyn DiskFile,
    position: u64,
    buffer: &mut BytesMut,
    part: Range<usize>,
) -> io::Result<()> {
    if buffer.len() < part.end {
        buffer.resize(part.end, 0);
    }
    let start = position + part.start as u64;
    file.read_exact_at(&mut buffer[part], start)
}

fn swept(batch: &AnyBatch, position: u64) -> Swept {
    let (bytes, header) = match batch {
        AnyBatch::Batch(batch) => (batch.bytes(), Some(*batch.header())),
        AnyBatch::Entry(entry) => (entry.bytes(), None),
    };
    let mut head = [0; HEADER_LEN];
    let wanted = bytes.len().min(HEADER_LEN);
    head[..wanted].copy_from_slice(&bytes[..wanted]);
    let found = Found { position, size: bytes.len(), last_offset: batch.last_offset(), header };
    Swept { found, head, crc: Ok(()), inside: None }
}

#[cfg(test)]
#[path = "ahead_tests.rs"]
mod tests;
