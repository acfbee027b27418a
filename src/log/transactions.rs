//! Transactions, as far as klog reads what a Kafka wrote: which were aborted, by its `.txnindex` files (KIP-98), and whether
//! one is still open. klog writes none yet.

use bytes::Bytes;

use super::error::{OpenError, StorageError};
use super::files::offset_of;
use super::producers::Producer;
use super::{Log, LogSlice};
use crate::base::{Cursor, CursorError, Offset};
use crate::os::FileSlice;
use crate::record::{BatchHeader, HEADER_LEN};

/// Version, producer id, first and last offset, last stable offset.
const ENTRY_LEN: usize = 2 + 8 + 8 + 8 + 8;

/// A transaction that was aborted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Aborted {
    /// Where it began.
    pub first_offset: i64,
    /// Where its marker stands.
    pub last_offset: i64,
    /// Whose it was.
    pub producer_id: i64,
}

impl Log {
    /// The aborted transactions that reach into `slice`, which begins with the batch that holds `from`, by first offset.
    pub fn aborted(&self, from: Offset, slice: &LogSlice) -> Vec<Aborted> {
        if self.aborted.is_empty() || slice.bytes == 0 {
            return Vec::new();
        }
        let bound = self.bound_after(slice);
        let within =
            |found: &&Aborted| found.last_offset >= from.get() && found.first_offset < bound;
        self.aborted.iter().filter(within).copied().collect()
    }

    /// An offset that nothing in `slice` reaches.
    fn bound_after(&self, slice: &LogSlice) -> i64 {
        let next = slice.slices.last().and_then(|last| {
            let position = last.position + last.len as u64;
            let next = FileSlice { file: last.file.clone(), position, len: HEADER_LEN }.read();
            BatchHeader::parse(&next.ok()?).ok()
        });
        next.map_or(self.end.get(), |header| header.base_offset)
    }

    /// The open transaction that began first, by the id of its producer.
    pub fn open_transaction(&self) -> Option<(i64, &Producer)> {
        let open =
            self.producers.iter().filter(|(_, producer)| producer.transaction_start.is_some());
        open.min_by_key(|(_, producer)| producer.transaction_start)
    }

    /// Reads the transaction indexes of all segments. One that is damaged is refused: what it names must not be served.
    pub(super) fn load_aborted(&mut self) -> Result<(), OpenError> {
        let disk = self.os.disk.clone();
        let entries = disk.list(&self.folder).map_err(StorageError::at("list", &self.folder))?;
        for entry in entries {
            let Some(base) = offset_of(&entry.name, ".txnindex") else { continue };
            let file = self.folder.join(&entry.name);
            let bytes = disk.read(&file).map_err(StorageError::at("read", &file))?;
            let found =
                parse(bytes.unwrap_or_default().into()).map_err(|detail| OpenError::Damaged {
                    file: file.clone(),
                    folder: self.folder.clone(),
                    position: 0,
                    offset: Offset::from_wire(base).unwrap_or_default(),
                    detail,
                })?;
            // What a torn tail took with it is no transaction any more.
            let end = self.end.get();
            self.aborted.extend(found.into_iter().filter(|found| found.last_offset < end));
        }
        self.aborted.sort_unstable();
        self.aborted.dedup();
        Ok(())
    }
}

fn parse(bytes: Bytes) -> Result<Vec<Aborted>, String> {
    if !bytes.len().is_multiple_of(ENTRY_LEN) {
        return Err(format!("{} bytes are no whole entries of {ENTRY_LEN}", bytes.len()));
    }
    let count = bytes.len() / ENTRY_LEN;
    let mut input = Cursor::new(bytes);
    let mut one = || -> Result<(i16, Aborted), CursorError> {
        let (version, producer_id) = (input.i16()?, input.i64()?);
        let (first_offset, last_offset, _last_stable) = (input.i64()?, input.i64()?, input.i64()?);
        Ok((version, Aborted { first_offset, last_offset, producer_id }))
    };
    (0..count)
        .map(|_| match one() {
            Ok((0, found)) if found.first_offset <= found.last_offset => Ok(found),
            Ok((0, found)) => Err(format!("a transaction that ends before it begins: {found:?}")),
            Ok((version, _)) => Err(format!("an entry of version {version}")),
            Err(error) => Err(error.to_string()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BufMut as _;

    fn entry(version: i16, producer_id: i64, first: i64, last: i64) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_i16(version);
        [producer_id, first, last, first].iter().for_each(|number| out.put_i64(*number));
        out
    }

    #[test]
    fn a_transaction_index_is_read_whole_or_refused() {
        let two = [entry(0, 7, 3, 5), entry(0, 8, 1, 9)].concat();
        let found = parse(two.clone().into()).unwrap();
        assert_eq!(found[0], Aborted { producer_id: 7, first_offset: 3, last_offset: 5 });
        assert_eq!(found.len(), 2);
        assert_eq!(parse(Bytes::new()), Ok(Vec::new()));
        assert!(parse(two[..40].to_vec().into()).unwrap_err().contains("no whole entries"));
        assert!(parse(entry(9, 7, 3, 5).into()).unwrap_err().contains("version 9"));
        assert!(parse(entry(0, 7, 5, 3).into()).unwrap_err().contains("ends before it begins"));
    }
}
