//! The bytes of one simulated file: as readers see them, as they are on disk, and the writes between the two.

use std::collections::BTreeMap;

use super::rng::Rng;

/// What a disk writes as a whole or not at all, in bytes.
const SECTOR: usize = 512;
/// What the page cache writes as a whole, in bytes.
const PAGE: usize = 4096;

/// What was done to a file since it was last made durable.
#[derive(Debug)]
enum Pending {
    Write { at: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// What becomes of the pages of a file whose fsync failed. Linux marks them clean: file systems differ in the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LostPages {
    /// They are dropped: the next read sees the disk.
    Dropped,
    /// They stay readable, but nothing writes them to disk any more.
    Kept,
}

/// The bytes of one file.
#[derive(Debug, Default)]
pub struct Content {
    cache: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
    /// Whether the cache has bytes that the disk lost, in pages that count as clean.
    stale: bool,
}

impl Content {
    /// What a reader sees.
    pub fn bytes(&self) -> &[u8] {
        &self.cache
    }

    /// Writes to the page cache.
    pub fn write(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        if self.cache.len() < end {
            self.cache.resize(end, 0);
        }
        self.cache[at..end].copy_from_slice(bytes);
        self.pending.push(Pending::Write { at, bytes: bytes.to_vec() });
    }

    /// Cuts or extends it, in the page cache.
    pub fn set_len(&mut self, length: usize) {
        self.cache.resize(length, 0);
        self.pending.push(Pending::SetLen(length));
    }

    /// All that is pending reaches the disk.
    pub fn sync(&mut self) {
        if self.stale {
            self.write_dirty_pages();
        } else if !self.pending.is_empty() {
            self.durable.clone_from(&self.cache);
        }
        self.pending.clear();
    }

    /// Only pages that were written since are dirty; the others count as clean, whatever the disk holds.
    fn write_dirty_pages(&mut self) {
        for operation in &self.pending {
            if let Pending::SetLen(length) = operation {
                self.durable.resize(*length, 0);
            }
        }
        self.durable.resize(self.cache.len(), 0);
        for operation in &self.pending {
            if let Pending::Write { at, bytes } = operation {
                let end = (at + bytes.len()).next_multiple_of(PAGE).min(self.cache.len());
                let start = (at / PAGE * PAGE).min(end);
                self.durable[start..end].copy_from_slice(&self.cache[start..end]);
            }
        }
    }

    /// An fsync fails: some of what was pending is on disk, the rest never gets there.
    pub fn fail_sync(&mut self, rng: &mut Rng, survive_permille: u32, fate: LostPages) {
        let length = self.cache.len();
        self.durable = self.torn(rng, survive_permille);
        self.pending.clear();
        match fate {
            LostPages::Dropped => {
                self.cache.clone_from(&self.durable);
                self.cache.resize(length, 0);
            }
            LostPages::Kept => self.stale = true,
        }
        if self.durable.len() != length {
            self.pending.push(Pending::SetLen(length));
        }
    }

    /// The power fails.
    pub fn crash(&mut self, rng: &mut Rng, survive_permille: u32) {
        self.durable = self.torn(rng, survive_permille);
        self.cache.clone_from(&self.durable);
        self.pending.clear();
        self.stale = false;
    }

    /// What may be on disk: the length as of some moment since the last sync, and each sector as of a moment of its own.
    fn torn(&self, rng: &mut Rng, survive_permille: u32) -> Vec<u8> {
        let count = self.pending.len();
        let lengths_known = match rng.below(3) {
            0 => 0,
            1 => count,
            _ => rng.below(count + 1),
        };
        let mut out = self.durable.clone();
        let mut sectors = Sectors { moments: BTreeMap::new(), count, survive_permille };
        for (number, operation) in self.pending.iter().enumerate() {
            let known = number < lengths_known;
            match operation {
                Pending::SetLen(length) if known => out.resize(*length, 0),
                Pending::SetLen(_) => {}
                Pending::Write { at, bytes } => {
                    if known && out.len() < at + bytes.len() {
                        out.resize(at + bytes.len(), 0);
                    }
                    sectors.copy_some(&mut out, *at, bytes, number, rng);
                }
            }
        }
        out
    }
}

/// Up to which of the pending operations each sector was written out.
struct Sectors {
    moments: BTreeMap<usize, usize>,
    count: usize,
    survive_permille: u32,
}

impl Sectors {
    /// Copies each sector's share of `bytes`, or leaves it if the sector was written out before operation `number` or
    /// never; as far as `out` reaches.
    fn copy_some(&mut self, out: &mut [u8], at: usize, bytes: &[u8], number: usize, rng: &mut Rng) {
        let mut from = 0;
        while from < bytes.len() {
            let to = (SECTOR - (at + from) % SECTOR + from).min(bytes.len());
            let end = (at + to).min(out.len());
            let moment = self.moments.entry((at + from) / SECTOR).or_insert_with(|| {
                match rng.chance(self.survive_permille) {
                    true if rng.chance(500) => self.count,
                    true => rng.below(self.count + 1),
                    false => 0,
                }
            });
            if number < *moment && at + from < end {
                out[at + from..end].copy_from_slice(&bytes[from..end - at]);
            }
            from = to;
        }
    }
}
