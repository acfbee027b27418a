//! Snappy in the framing of Java's snappy library (xerial), written by hand; raw snappy, as librdkafka sends it, is
//! read too.

use std::cell::RefCell;

use super::{Codec, CompressError, DecompressError, grow};

/// Marks a xerial stream; two big-endian version numbers follow.
const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const VERSIONS: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];
const HEADER_LEN: usize = MAGIC.len() + VERSIONS.len();
/// Uncompressed bytes per block, as Java's library has it by default.
const BLOCK_LEN: usize = 32 << 10;
/// No snappy element makes more than this from each of its bytes (64 from 3): a claim beyond it is a lie.
const MAX_RATIO: usize = 22;

thread_local! {
    static ENCODER: RefCell<snap::raw::Encoder> = RefCell::new(snap::raw::Encoder::new());
}

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSIONS);
    ENCODER.with_borrow_mut(|encoder| {
        for block in input.chunks(BLOCK_LEN) {
            let length_at = out.len();
            let block_at = length_at + 4;
            out.resize(block_at + snap::raw::max_compress_len(block.len()), 0);
            let written = encoder.compress(block, &mut out[block_at..]).map_err(|_| {
                CompressError::Failed { codec: Codec::Snappy, detail: "block too large" }
            })?;
            out.truncate(block_at + written);
            out[length_at..block_at].copy_from_slice(&(written as u32).to_be_bytes());
        }
        Ok(())
    })
}

pub(super) fn decompress(
    input: &[u8],
    cap: usize,
    out: &mut Vec<u8>,
) -> Result<(), DecompressError> {
    if !input.starts_with(&MAGIC) {
        return block(input, cap, out);
    }
    let mut rest = input;
    while !rest.is_empty() {
        if rest.starts_with(&MAGIC) {
            // Streams that were concatenated have further headers between their blocks.
            rest = rest.get(HEADER_LEN..).ok_or_else(|| corrupt("its header ends early"))?;
            continue;
        }
        let (length, after) =
            rest.split_first_chunk::<4>().ok_or_else(|| corrupt("a block's length ends early"))?;
        let length = u32::from_be_bytes(*length) as usize;
        let (compressed, after) =
            after.split_at_checked(length).ok_or_else(|| corrupt("a block ends early"))?;
        block(compressed, cap, out)?;
        rest = after;
    }
    Ok(())
}

fn block(input: &[u8], cap: usize, out: &mut Vec<u8>) -> Result<(), DecompressError> {
    let claimed =
        snap::raw::decompress_len(input).map_err(|_| corrupt("a block's header is not one"))?;
    if claimed > input.len().saturating_mul(MAX_RATIO) {
        return Err(corrupt("a block claims more than its bytes can hold"));
    }
    let start = out.len();
    if claimed > cap - start {
        return Err(DecompressError::TooLarge { codec: Codec::Snappy, cap });
    }
    if claimed == 0 && input.is_empty() {
        return Err(corrupt("an empty block"));
    }
    grow(out, claimed, cap);
    out.resize(start + claimed, 0);
    let made = snap::raw::Decoder::new()
        .decompress(input, &mut out[start..])
        .map_err(|_| corrupt("a block is not snappy"))?;
    out.truncate(start + made);
    Ok(())
}

fn corrupt(detail: &'static str) -> DecompressError {
    DecompressError::Corrupt { codec: Codec::Snappy, detail }
}
