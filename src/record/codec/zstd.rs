//! Zstandard, in one shot and without a window buffer of its own: the output is the window, so what a frame's header
//! claims costs nothing.

use std::cell::RefCell;

use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall;
use zstd::zstd_safe::{CCtx, DCtx, compress_bound, get_frame_content_size, is_error_kind};

use super::{Codec, CompressError, DecompressError, grow};

/// Kafka's default (KIP-390), and the library's.
const DEFAULT_LEVEL: i32 = 3;

thread_local! {
    static COMPRESS: RefCell<Option<CCtx<'static>>> = const { RefCell::new(None) };
    static DECOMPRESS: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

pub(super) fn compress(
    level: Option<i32>,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressError> {
    let failed = |detail| CompressError::Failed { codec: Codec::Zstd, detail };
    COMPRESS.with_borrow_mut(|kept| {
        let context = match kept {
            Some(context) => context,
            none => none.insert(CCtx::try_create().ok_or_else(|| failed("no memory"))?),
        };
        let start = out.len();
        out.resize(start + compress_bound(input.len()), 0);
        let written = context
            .compress(&mut out[start..], input, level.unwrap_or(DEFAULT_LEVEL))
            .map_err(|_| failed("no memory"))?;
        out.truncate(start + written);
        Ok(())
    })
}

pub(super) fn decompress(
    input: &[u8],
    cap: usize,
    out: &mut Vec<u8>,
) -> Result<(), DecompressError> {
    if input.is_empty() {
        return Err(corrupt("no frame"));
    }
    DECOMPRESS.with_borrow_mut(|kept| {
        let context = match kept {
            Some(context) => context,
            none => none.insert(DCtx::try_create().ok_or_else(|| corrupt("no memory"))?),
        };
        // A size that is claimed is either true or makes the frame corrupt.
        let claimed = get_frame_content_size(input).ok().flatten();
        if claimed.is_some_and(|claimed| claimed > cap as u64) {
            return Err(too_large(cap));
        }
        // One byte over the cap tells a bomb from what just fits. Where the room is too small, it doubles and all
        // starts anew: a buffer that is used again soon fits at once, and the first guess nearly always.
        let most = cap.saturating_add(1);
        let mut room = guess(input.len(), claimed).min(most);
        loop {
            out.clear();
            grow(out, room, most);
            match context.decompress(out, input) {
                Ok(_) if out.len() > cap => break Err(too_large(cap)),
                Ok(_) => break Ok(()),
                Err(code) if !is_error_kind(code, ZSTD_error_dstSize_tooSmall) => {
                    break Err(corrupt("not a zstandard frame"));
                }
                Err(_) if out.capacity() > cap => break Err(too_large(cap)),
                Err(_) if out.capacity() >= cap / 2 => room = most,
                Err(_) => room = out.capacity() * 2,
            }
        }
    })
}

/// How much `len` bytes may well decompress to: what their header claims, where that is a small multiple of them.
fn guess(len: usize, claimed: Option<u64>) -> usize {
    const USUAL_RATIO: usize = 6;
    const BELIEVED_RATIO: usize = 32;
    claimed
        .and_then(|claimed| usize::try_from(claimed).ok())
        .filter(|claimed| *claimed <= len.saturating_mul(BELIEVED_RATIO))
        .unwrap_or_else(|| len.saturating_mul(USUAL_RATIO))
}

fn corrupt(detail: &'static str) -> DecompressError {
    DecompressError::Corrupt { codec: Codec::Zstd, detail }
}

fn too_large(cap: usize) -> DecompressError {
    DecompressError::TooLarge { codec: Codec::Zstd, cap }
}
