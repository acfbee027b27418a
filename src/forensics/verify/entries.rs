//! The entries of an index file, one after another, in bounded memory.

use std::io;
use std::marker::PhantomData;

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
        Entries { file, end, next: 0, window: Vec::new(), window_at: 0, entry: PhantomData }
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
        }
        let at = usize::try_from(self.next - self.window_at).unwrap_or(0);
        Ok(self.window.get(at..at + E::LEN).map(E::read))
    }

    /// Goes behind the next entry.
    pub fn skip(&mut self) {
        self.next += E::LEN as u64;
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
