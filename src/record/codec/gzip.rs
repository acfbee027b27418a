//! RFC 1952, by zlib-rs. Several members in a row read as one stream, as Java reads them.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::{Codec, CompressError, DecompressError, grow};

const WINDOW_BITS: u8 = 15;
/// zlib's own default, which is Kafka's -1.
const DEFAULT_LEVEL: u32 = 6;

thread_local! {
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new_gzip(WINDOW_BITS));
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
        inflate.reset(true);
        loop {
            let status = step(inflate, &mut input, cap, out)?;
            if status == Status::StreamEnd {
                if input.is_empty() {
                    return Ok(());
                }
                inflate.reset(true);
            }
        }
    })
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
