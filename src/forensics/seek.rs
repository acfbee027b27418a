//! Finds the next batch behind bytes that are none.

use std::io;

use crate::log::Walk;
use crate::os::DiskFile;
use crate::record::{BatchHeader, HEADER_LEN, Prefix};

/// So much is read at a time.
const WINDOW: usize = 256 << 10;
/// Where a header has the number of its format.
const MAGIC_AT: usize = 16;

/// Which offsets a batch may have to count as the log's own.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// None is lower.
    pub first: i64,
    /// All are lower.
    pub limit: i64,
}

/// The first position from `from` on at which a whole batch stands whose offsets are `wanted`.
///
/// # Errors
/// As the system says.
pub fn next_batch(
    file: &dyn DiskFile,
    from: u64,
    end: u64,
    wanted: Wanted,
) -> io::Result<Option<u64>> {
    let mut window = vec![0; WINDOW];
    let mut at = from;
    while at + MAGIC_AT as u64 <= end {
        let length = usize::try_from(end - at).unwrap_or(usize::MAX).min(WINDOW);
        file.read_exact_at(&mut window[..length], at)?;
        let bytes = &window[..length];
        // A header that reaches past the window is looked at in the next one.
        let is_last = at + length as u64 == end;
        let whole = if is_last { length } else { length - HEADER_LEN };
        // Every format has its number, 0 to 2, at the same place.
        let magics = memchr::memchr3_iter(0, 1, 2, bytes.get(MAGIC_AT..).unwrap_or_default());
        for start in magics.take_while(|start| *start < whole) {
            if is_plausible(&bytes[start..], end - at - start as u64, wanted)
                && stands_at(file, at + start as u64, end, wanted)?
            {
                return Ok(Some(at + start as u64));
            }
        }
        if is_last {
            break;
        }
        at += whole as u64;
    }
    Ok(None)
}

/// Whether a whole batch stands at `position`, checksum and all, whose offsets are `wanted`.
///
/// # Errors
/// As the system says.
pub fn stands_at(file: &dyn DiskFile, position: u64, end: u64, wanted: Wanted) -> io::Result<bool> {
    let (head, length) = head_at(file, position, end)?;
    if !is_plausible(&head[..length], end.saturating_sub(position), wanted) {
        return Ok(false);
    }
    Ok(matches!(Walk::new(file, position, end).next(), Ok(Some(_))))
}

/// Whether a header stands at `position` of a batch that begins with exactly this offset, whatever its checksum.
///
/// # Errors
/// As the system says.
pub fn begins_at(file: &dyn DiskFile, position: u64, end: u64, offset: i64) -> io::Result<bool> {
    let (head, length) = head_at(file, position, end)?;
    let wanted = Wanted { first: offset, limit: i64::MAX };
    let is_plausible = is_plausible(&head[..length], end.saturating_sub(position), wanted);
    Ok(is_plausible && Prefix::parse(&head[..length]).is_ok_and(|prefix| prefix.offset == offset))
}

/// What a header at `position` takes, as far as the file goes.
fn head_at(file: &dyn DiskFile, position: u64, end: u64) -> io::Result<([u8; HEADER_LEN], usize)> {
    let mut head = [0; HEADER_LEN];
    let length = usize::try_from(end.saturating_sub(position)).unwrap_or(usize::MAX);
    let length = length.min(HEADER_LEN);
    file.read_exact_at(&mut head[..length], position)?;
    Ok((head, length))
}

/// Whether the bytes from `position` to `end` are all zero.
///
/// # Errors
/// As the system says.
pub fn is_zero(file: &dyn DiskFile, position: u64, end: u64) -> io::Result<bool> {
    let mut window = vec![0; WINDOW];
    let mut at = position;
    while at < end {
        let length = usize::try_from(end - at).unwrap_or(usize::MAX).min(WINDOW);
        file.read_exact_at(&mut window[..length], at)?;
        if window[..length].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += length as u64;
    }
    Ok(true)
}

/// Whether a header may begin here, of a batch that fits into the `left` bytes: cheap, before its checksum is computed.
fn is_plausible(bytes: &[u8], left: u64, wanted: Wanted) -> bool {
    let Some(magic) = bytes.get(MAGIC_AT).filter(|magic| **magic <= 2) else { return false };
    let Ok(prefix) = Prefix::parse(bytes) else { return false };
    if prefix.size as u64 > left || !(wanted.first..wanted.limit).contains(&prefix.offset) {
        return false;
    }
    match magic {
        2 => BatchHeader::parse(bytes).is_ok_and(|header| {
            is_plausible_header(&header) && header.last_offset() < wanted.limit
        }),
        _ => adds_up(bytes, &prefix),
    }
}

fn is_plausible_header(header: &BatchHeader) -> bool {
    let last = header.base_offset.checked_add(i64::from(header.last_offset_delta));
    // Bits above the seventh are not defined.
    let known = header.attributes.0 & !0x7f == 0 && header.codec().is_ok();
    known && header.last_offset_delta >= 0 && last.is_some() && header.record_count >= 0
}

/// Whether an old entry's key and value, as far as their lengths are in `bytes`, take as many bytes as the entry has.
fn adds_up(bytes: &[u8], prefix: &Prefix) -> bool {
    const ATTRIBUTES_AT: usize = MAGIC_AT + 1;
    let number = |at: usize| {
        let four = bytes.get(at..at + 4)?.first_chunk::<4>()?;
        Some(i64::from(i32::from_be_bytes(*four)))
    };
    let key_at = ATTRIBUTES_AT + 1 + if prefix.magic == 1 { 8 } else { 0 };
    let Some(key) = number(key_at).filter(|key| *key >= -1) else { return false };
    let value_at = key_at as i64 + 4 + key.max(0);
    let size = prefix.size as i64;
    if bytes[ATTRIBUTES_AT] & !0x0f != 0 || value_at + 4 > size {
        return false;
    }
    match usize::try_from(value_at).ok().and_then(number) {
        Some(value) => value >= -1 && value_at + 4 + value.max(0) == size,
        None => true,
    }
}
