//! The entries of an index file, one after another, in bounded memory.

use std::io;
use std::marker::PhantomData;
use std::path::Path;

use super::finding::{Findings, Kind};
use crate::log::IndexEntry;
use crate::os::DiskFile;

/// So much is read at a time, in bytes.
const WINDOW: usize = 64 << 10;

/// Entries up to the last one that is not zeros: a killed Kafka leaves its files preallocated.
pub struct Entries<'a, E> {
    file: &'a dyn DiskFile,
    end: u64,
    next: u64,
    window: Vec<u8>,
    window_at: u64,
    /// Whether the entries in the window ascend.
    ascends: bool,
    entry: PhantomData<E>,
}

impl<'a, E: IndexEntry> Entries<'a, E> {
    /// Of a whole file.
    ///
    /// # Errors
    /// As the system says.
    pub fn new(file: &'a dyn DiskFile) -> io::Result<Entries<'a, E>> {
        let length = file.len()?;
        let whole = length - length % E::LEN as u64;
        let end = trimmed(file, whole)?.next_multiple_of(E::LEN as u64);
        Ok(Entries::up_to(file, end))
    }

    /// Of a whole file of a kind that nobody preallocates.
    ///
    /// # Errors
    /// As the system says.
    pub fn whole(file: &'a dyn DiskFile) -> io::Result<Entries<'a, E>> {
        let length = file.len()?;
        Ok(Entries::up_to(file, length - length % E::LEN as u64))
    }

    fn up_to(file: &'a dyn DiskFile, end: u64) -> Entries<'a, E> {
        let window = Vec::new();
        Entries { file, end, next: 0, window, window_at: 0, ascends: true, entry: PhantomData }
    }

    /// The byte at which the next entry begins.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// The next entry, which stays the next.
    ///
    /// # Errors
    /// As the system says.
    pub fn peek(&mut self) -> io::Result<Option<E>> {
        if self.next >= self.end {
            return Ok(None);
        }
        let window_end = self.window_at + self.window.len() as u64;
        if self.next < self.window_at || self.next + E::LEN as u64 > window_end {
            let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
            self.window.resize(left.min(WINDOW / E::LEN * E::LEN), 0);
            self.window_at = self.next;
            self.file.read_exact_at(&mut self.window, self.next)?;
            let entries = self.window.chunks_exact(E::LEN).map(E::read);
            self.ascends = entries.is_sorted_by(|before, entry| entry.follows(*before));
        }
        Ok(self.ahead().next())
    }

    /// The next entry and those behind it that are in memory.
    fn ahead(&self) -> impl Iterator<Item = E> {
        let at = usize::try_from(self.next - self.window_at).unwrap_or(0);
        self.window.get(at..).unwrap_or_default().chunks_exact(E::LEN).map(E::read)
    }

    /// How many entries stand in the way of one for which `is_it` holds. Those that ascend do not: its turn comes.
    pub fn in_the_way_of(&self, is_it: impl Fn(E) -> bool) -> usize {
        if self.ascends {
            return 0;
        }
        self.ahead().position(is_it).unwrap_or(0)
    }

    /// Goes behind the next entry.
    pub fn skip(&mut self) {
        self.next += E::LEN as u64;
    }

    /// The next entry, and the byte at which it begins.
    ///
    /// # Errors
    /// As the system says.
    #[expect(clippy::should_implement_trait, reason = "each step may fail")]
    pub fn next(&mut self) -> io::Result<Option<(u64, E)>> {
        let (at, entry) = (self.next, self.peek()?);
        self.skip();
        Ok(entry.map(|entry| (at, entry)))
    }
}

/// Behind the last byte that is not zero.
fn trimmed(file: &dyn DiskFile, mut end: u64) -> io::Result<u64> {
    let mut window = vec![0; WINDOW];
    while end > 0 {
        let length = usize::try_from(end).unwrap_or(usize::MAX).min(WINDOW);
        let from = end - length as u64;
        file.read_exact_at(&mut window[..length], from)?;
        if let Some(last) = window[..length].iter().rposition(|byte| *byte != 0) {
            return Ok(from + last as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

/// Tells of bytes behind the last whole entry.
///
/// # Errors
/// As the system says.
pub fn check_length<E: IndexEntry>(
    path: &Path,
    file: &dyn DiskFile,
    kind: Kind,
    findings: &mut Findings,
) -> io::Result<()> {
    let length = file.len()?;
    let left = length % E::LEN as u64;
    if left != 0 {
        let detail =
            format!("entries of {} bytes were expected; the file ends with {left} bytes", E::LEN);
        findings.add(path, kind, length - left, None, detail);
    }
    Ok(())
}
