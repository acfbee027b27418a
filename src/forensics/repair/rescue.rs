//! A batch of which only the first bytes are damaged, which its checksum does not cover: between the batches around it, its length
//! and its offset are certain.

use std::io;

use crate::forensics::sweep::{Gap, Swept};
use crate::log::Found;
use crate::os::DiskFile;
use crate::record::{BatchHeader, Checksum, HEADER_LEN};

const LENGTH_AT: usize = 8;
const MAGIC_AT: usize = 16;
/// What a batch's length does not count.
const LOG_OVERHEAD: u64 = 12;
/// So much is read at a time, in bytes.
const PIECE: usize = 256 << 10;

/// The batch that fills a gap, if its checksum is right and it has as many offsets as are missing: those from the first of `room` up
/// to the second.
///
/// # Errors
/// As the system says.
pub fn rescued(
    file: &dyn DiskFile,
    gap: &Gap,
    (first, next): (i64, i64),
) -> io::Result<Option<Swept>> {
    let size = gap.end - gap.position;
    if size < HEADER_LEN as u64 {
        return Ok(None);
    }
    let Ok(length) = i32::try_from(size - LOG_OVERHEAD) else { return Ok(None) };
    let mut head = [0; HEADER_LEN];
    file.read_exact_at(&mut head, gap.position)?;
    head[LENGTH_AT..LENGTH_AT + 4].copy_from_slice(&length.to_be_bytes());
    head[MAGIC_AT] = 2;
    let Ok(header) = BatchHeader::parse(&head) else { return Ok(None) };
    let count = i64::from(header.last_offset_delta) + 1;
    let says_so = header.base_offset == first && count <= next.saturating_sub(first);
    if !says_so && (count < 1 || next.checked_sub(first) != Some(count)) {
        return Ok(None);
    }
    let Ok(mut sum) = Checksum::of(&head) else { return Ok(None) };
    sum.update(&head);
    let mut buffer = vec![0; PIECE];
    let mut at = gap.position + HEADER_LEN as u64;
    while at < gap.end {
        let piece = usize::try_from(gap.end - at).unwrap_or(usize::MAX).min(PIECE);
        file.read_exact_at(&mut buffer[..piece], at)?;
        sum.update(&buffer[..piece]);
        at += piece as u64;
    }
    let last_offset = first + count - 1;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let found = Found { position: gap.position, size, last_offset, header: Some(header) };
    Ok(sum.finish().is_ok().then_some(Swept { found, head, crc: Ok(()), inside: None }))
}
