//! One record after another in decompressed v2 records, without allocation: where its parts are, and whether they
//! are well formed. Validation and the iterator both stand on this.

use std::ops::Range;

/// What is wrong with one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// The bytes end inside it.
    #[error("it ends early")]
    Short,
    /// A varint that does not end within its type.
    #[error("an overlong varint")]
    Varint,
    /// A length below -1, or -1 where null is not allowed.
    #[error("a length of {length}")]
    Length {
        /// The length as it stands.
        length: i32,
    },
    /// Its parts do not add up to its length.
    #[error("its parts take {walked} bytes, its length says {declared}")]
    Size {
        /// As its length field has it.
        declared: usize,
        /// As its fields add up to.
        walked: usize,
    },
    /// More headers than its bytes can hold, or fewer than none.
    #[error("a header count of {count}")]
    HeaderCount {
        /// The count as it stands.
        count: i32,
    },
    /// A header key that is no UTF-8.
    #[error("a header key that is not UTF-8")]
    HeaderKey,
    /// Not the offset that follows from its place.
    #[error("offset delta {found} in place {place}")]
    OffsetDelta {
        /// As it stands.
        found: i32,
        /// Its place in the batch, from 0.
        place: i32,
    },
    /// Its timestamp is no number of 64 bits.
    #[error("a timestamp out of range")]
    Timestamp,
}

/// Where the parts of a record stand in the bytes that were walked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawRecord {
    pub timestamp_delta: i64,
    pub offset_delta: i32,
    pub key: Option<Range<usize>>,
    pub value: Option<Range<usize>>,
    pub header_count: usize,
    /// The headers' bytes; [`next_header`] takes them apart.
    pub headers: Range<usize>,
}

/// Walks the record that starts at `at`, and moves `at` behind it. Headers are stepped over, not looked at, unless
/// their keys are to be checked.
#[inline]
pub fn next_record(
    bytes: &[u8],
    at: &mut usize,
    check_header_keys: bool,
) -> Result<RawRecord, RecordFault> {
    let mut here = *at;
    let declared = varint(bytes, &mut here)?;
    let declared =
        usize::try_from(declared).map_err(|_| RecordFault::Length { length: declared })?;
    let start = here;
    let end = start.checked_add(declared).filter(|end| *end <= bytes.len());
    let end = end.ok_or(RecordFault::Short)?;
    // A record is walked within its own bytes, so it cannot reach into the next one.
    let own = &bytes[..end];
    byte(own, &mut here)?; // attributes: no bit is defined
    let timestamp_delta = varlong(own, &mut here)?;
    let offset_delta = varint(own, &mut here)?;
    let key = nullable(own, &mut here)?;
    let value = nullable(own, &mut here)?;
    let count = varint(own, &mut here)?;
    // A header takes two bytes at least.
    let header_count = usize::try_from(count)
        .ok()
        .filter(|count| *count <= (end - here) / 2)
        .ok_or(RecordFault::HeaderCount { count })?;
    let headers_at = here;
    for _ in 0..header_count {
        let (key, _) = next_header(own, &mut here)?;
        if check_header_keys && str::from_utf8(&own[key]).is_err() {
            return Err(RecordFault::HeaderKey);
        }
    }
    if here != end {
        return Err(RecordFault::Size { declared, walked: here - start });
    }
    *at = end;
    let headers = headers_at..here;
    Ok(RawRecord { timestamp_delta, offset_delta, key, value, header_count, headers })
}

/// Walks the header that starts at `at`: its key, its value.
pub fn next_header(
    bytes: &[u8],
    at: &mut usize,
) -> Result<(Range<usize>, Option<Range<usize>>), RecordFault> {
    let key = nullable(bytes, at)?.ok_or(RecordFault::Length { length: -1 })?;
    Ok((key, nullable(bytes, at)?))
}

/// A length and as many bytes; -1 is null.
#[inline]
fn nullable(bytes: &[u8], at: &mut usize) -> Result<Option<Range<usize>>, RecordFault> {
    let length = varint(bytes, at)?;
    let Ok(len) = usize::try_from(length) else {
        return if length == -1 { Ok(None) } else { Err(RecordFault::Length { length }) };
    };
    let start = *at;
    if len > bytes.len() - start {
        return Err(RecordFault::Short);
    }
    *at = start + len;
    Ok(Some(start..start + len))
}

#[inline]
fn byte(bytes: &[u8], at: &mut usize) -> Result<u8, RecordFault> {
    let byte = *bytes.get(*at).ok_or(RecordFault::Short)?;
    *at += 1;
    Ok(byte)
}

/// A zigzag varint: one byte nearly always.
#[inline]
fn varint(bytes: &[u8], at: &mut usize) -> Result<i32, RecordFault> {
    let first = byte(bytes, at)?;
    let raw = if first < 0x80 {
        u32::from(first)
    } else {
        u32::try_from(leb128_rest(bytes, at, first, 5)?).map_err(|_| RecordFault::Varint)?
    };
    Ok((raw >> 1) as i32 ^ -((raw & 1) as i32))
}

/// A zigzag varlong.
#[inline]
fn varlong(bytes: &[u8], at: &mut usize) -> Result<i64, RecordFault> {
    let first = byte(bytes, at)?;
    let raw = if first < 0x80 { u64::from(first) } else { leb128_rest(bytes, at, first, 10)? };
    Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
}

/// What follows a first byte that says that more follow, of `max` in all.
fn leb128_rest(bytes: &[u8], at: &mut usize, first: u8, max: usize) -> Result<u64, RecordFault> {
    let mut value = u64::from(first & 0x7f);
    for place in 1..max {
        let next = byte(bytes, at)?;
        let bits = u64::from(next & 0x7f);
        let shifted = bits << (7 * place);
        if shifted >> (7 * place) != bits {
            return Err(RecordFault::Varint);
        }
        value |= shifted;
        if next < 0x80 {
            return Ok(value);
        }
    }
    Err(RecordFault::Varint)
}
