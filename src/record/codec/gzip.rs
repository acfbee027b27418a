//! RFC 1952, deflate by zlib-rs. Several members in a row read as one stream, as Java reads them. The members' frames
//! are read by hand: flate2 keeps a raw inflater across batches, but makes one for gzip anew each time.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::{Codec, CompressError, DecompressError, grow};

const WINDOW_BITS: u8 = 15;
/// zlib's own default, which is Kafka's -1.
const DEFAULT_LEVEL: u32 = 6;

thread_local! {
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(false));
    static DEFLATE: RefCell<Option<(u32, Compress)>> = const { RefCell::new(None) };
}

pub(super) fn compress(
    level: Option<i32>,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressError> {
    let level = level.map_or(DEFAULT_LEVEL, i32::unsigned_abs);
    DEFLATE.with_borrow_mut(|kept| {
        let deflate = match kept {
            Some((same, deflate)) if *same == level => {
                deflate.reset();
                deflate
            }
            other => {
                let fresh = Compress::new_gzip(Compression::new(level), WINDOW_BITS);
                &mut other.insert((level, fresh)).1
            }
        };
        out.reserve(input.len() / 4 + 64);
        loop {
            let rest = input.get(deflate.total_in() as usize..).unwrap_or_default();
            match deflate.compress_vec(rest, out, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return Ok(()),
                Ok(_) => out.reserve(out.len().max(64)),
                Err(_) => {
                    return Err(CompressError::Failed { codec: Codec::Gzip, detail: "deflate" });
                }
            }
        }
    })
}

pub(super) fn decompress(
    mut input: &[u8],
    cap: usize,
    out: &mut Vec<u8>,
) -> Result<(), DecompressError> {
    INFLATE.with_borrow_mut(|inflate| {
        loop {
            input = after_header(input)?;
            inflate.reset(false);
            let start = out.len();
            while step(inflate, &mut input, cap, out)? != Status::StreamEnd {}
            input = after_trailer(input, &out[start..])?;
            if input.is_empty() {
                return Ok(());
            }
        }
    })
}

/// What follows a member's header.
fn after_header(input: &[u8]) -> Result<&[u8], DecompressError> {
    const NAME: u8 = 1 << 3;
    const COMMENT: u8 = 1 << 4;
    const EXTRA: u8 = 1 << 2;
    const HEADER_CRC: u8 = 1 << 1;
    let short = || corrupt("its header ends early");
    let (head, mut rest) = input.split_first_chunk::<10>().ok_or_else(short)?;
    let &[0x1f, 0x8b, 8, flags, ..] = head else {
        return Err(corrupt("not a gzip header"));
    };
    if flags & EXTRA != 0 {
        let (length, after) = rest.split_first_chunk::<2>().ok_or_else(short)?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..).ok_or_else(short)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0).ok_or_else(short)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_CRC != 0 {
        rest = rest.get(2..).ok_or_else(short)?;
    }
    Ok(rest)
}

/// What follows a member's trailer, which must fit its `content`.
fn after_trailer<'a>(input: &'a [u8], content: &[u8]) -> Result<&'a [u8], DecompressError> {
    let (crc, rest) = input.split_first_chunk().ok_or_else(|| corrupt("it ends early"))?;
    let (size, rest) = rest.split_first_chunk().ok_or_else(|| corrupt("it ends early"))?;
    if u32::from_le_bytes(*size) != content.len() as u32
        || u32::from_le_bytes(*crc) != crc32fast::hash(content)
    {
        return Err(corrupt("its checksum or size is another"));
    }
    Ok(rest)
}

/// One call of inflate into fresh room; an error where it moves nothing.
fn step(
    inflate: &mut Decompress,
    input: &mut &[u8],
    cap: usize,
    out: &mut Vec<u8>,
) -> Result<Status, DecompressError> {
    let before = out.len();
    let room = grow(out, 0, cap);
    let (taken_before, made_before) = (inflate.total_in(), inflate.total_out());
    let status = if room == 0 {
        // At the cap: the end of the stream may still follow, another byte may not.
        let mut one_more = [0];
        let status = inflate.decompress(input, &mut one_more, FlushDecompress::None);
        if inflate.total_out() > made_before {
            return Err(DecompressError::TooLarge { codec: Codec::Gzip, cap });
        }
        status
    } else {
        let status = inflate.decompress_vec(input, out, FlushDecompress::None);
        if out.len() > cap {
            return Err(DecompressError::TooLarge { codec: Codec::Gzip, cap });
        }
        status
    };
    let status = status.map_err(|_| corrupt("not a deflate stream"))?;
    let taken = (inflate.total_in() - taken_before) as usize;
    *input = input.get(taken..).unwrap_or_default();
    if status != Status::StreamEnd && taken == 0 && out.len() == before {
        return Err(corrupt("it ends early"));
    }
    Ok(status)
}

fn corrupt(detail: &'static str) -> DecompressError {
    DecompressError::Corrupt { codec: Codec::Gzip, detail }
}
