//! The LZ4 frame format, blocks by lz4_flex, frames by hand: straight into the output, with no buffers in between
//! that a frame's header could size. Block and content checksums are stepped over: the batch's CRC covers them.

use std::cell::RefCell;

use lz4_flex::block::{
    CompressTable, DecompressError as BlockError, compress_into_with_table, decompress_into,
    decompress_into_with_dict, get_maximum_output_size,
};

use super::{Codec, CompressError, DecompressError, grow};

const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();
/// Version 1, independent blocks, no checksums; blocks of 64 KiB; the checksum of these two. Java writes the same.
const DESCRIPTOR: [u8; 3] = [0x60, 0x40, 0x82];
const BLOCK_LEN: usize = 64 << 10;
/// How far back a linked block may refer.
const WINDOW_LEN: usize = 64 << 10;
/// No LZ4 byte makes more than this, but for the first few of a block.
const MAX_RATIO: usize = 255;
const UNCOMPRESSED_BIT: u32 = 1 << 31;

/// Whether the frame descriptor's checksum has to be right.
///
/// Kafka before 0.10 computed it over the wrong bytes, so formats 0 and 1 are read without it (KAFKA-3160).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HeaderChecksum {
    Checked,
    Ignored,
}

/// Hash tables for blocks below 64 KiB and for full ones.
struct Tables {
    small: CompressTable,
    large: CompressTable,
}

thread_local! {
    static TABLES: RefCell<Option<Tables>> = const { RefCell::new(None) };
}

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&DESCRIPTOR);
    TABLES.with_borrow_mut(|kept| {
        let tables = kept.get_or_insert_with(|| Tables {
            small: CompressTable::small(),
            large: CompressTable::large(),
        });
        input.chunks(BLOCK_LEN).try_for_each(|block| compress_block(tables, block, out))
    })?;
    out.extend_from_slice(&[0; 4]);
    Ok(())
}

fn compress_block(
    tables: &mut Tables,
    block: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressError> {
    let table = if block.len() < BLOCK_LEN - 1 { &mut tables.small } else { &mut tables.large };
    let length_at = out.len();
    let block_at = length_at + 4;
    out.resize(block_at + get_maximum_output_size(block.len()), 0);
    let written = compress_into_with_table(block, &mut out[block_at..], table)
        .map_err(|_| CompressError::Failed { codec: Codec::Lz4, detail: "block too large" })?;
    out.truncate(block_at + written);
    let mut length = written as u32;
    if written >= block.len() {
        out.truncate(block_at);
        out.extend_from_slice(block);
        length = block.len() as u32 | UNCOMPRESSED_BIT;
    }
    out[length_at..block_at].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

pub(super) fn decompress(
    input: &[u8],
    cap: usize,
    checksum: HeaderChecksum,
    out: &mut Vec<u8>,
) -> Result<(), DecompressError> {
    out.clear();
    let mut rest = Input(input);
    loop {
        let frame = Frame::parse(&mut rest, checksum)?;
        frame.decompress(&mut rest, cap, out)?;
        if rest.0.is_empty() {
            return Ok(());
        }
    }
}

/// What a frame's descriptor says.
struct Frame {
    linked: bool,
    block_checksums: bool,
    content_checksum: bool,
    block_max: usize,
    content_size: Option<u64>,
}

impl Frame {
    fn parse(input: &mut Input<'_>, checksum: HeaderChecksum) -> Result<Frame, DecompressError> {
        if input.take(4)? != MAGIC {
            return Err(corrupt("no frame"));
        }
        let descriptor = *input;
        let &[flags, sizes] = input.array::<2>()?;
        if flags & 0b1100_0000 != 0b0100_0000 {
            return Err(corrupt("not version 1 of the frame format"));
        }
        if flags & 0b11 != 0 || sizes & 0b1000_1111 != 0 {
            return Err(corrupt("reserved bits, or a dictionary"));
        }
        let content_size = match flags & 0b1000 {
            0 => None,
            _ => Some(u64::from_le_bytes(*input.array::<8>()?)),
        };
        let described = &descriptor.0[..descriptor.0.len() - input.0.len()];
        let &[stored] = input.array::<1>()?;
        if checksum == HeaderChecksum::Checked && stored != descriptor_checksum(described) {
            return Err(corrupt("the frame's header has another checksum"));
        }
        let block_max = match sizes >> 4 {
            code @ 4..=7 => 1 << (8 + 2 * u32::from(code)),
            _ => return Err(corrupt("no such block size")),
        };
        Ok(Frame {
            linked: flags & 0b10_0000 == 0,
            block_checksums: flags & 0b1_0000 != 0,
            content_checksum: flags & 0b100 != 0,
            block_max,
            content_size,
        })
    }

    fn decompress(
        &self,
        input: &mut Input<'_>,
        cap: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecompressError> {
        let start = out.len();
        if self.content_size.is_some_and(|size| size > (cap - start) as u64) {
            return Err(too_large(cap));
        }
        loop {
            let word = u32::from_le_bytes(*input.array::<4>()?);
            if word == 0 {
                break;
            }
            let length = (word & !UNCOMPRESSED_BIT) as usize;
            if length > self.block_max {
                return Err(corrupt("a block larger than its frame allows"));
            }
            let block = input.take(length)?;
            if word & UNCOMPRESSED_BIT == 0 {
                self.block(block, start, cap, out)?;
            } else if length > cap - out.len() {
                return Err(too_large(cap));
            } else {
                grow(out, length, cap);
                out.extend_from_slice(block);
            }
            if self.block_checksums {
                input.take(4)?;
            }
        }
        if self.content_checksum {
            input.take(4)?;
        }
        match self.content_size {
            Some(size) if size != (out.len() - start) as u64 => {
                Err(corrupt("not as much content as its header says"))
            }
            _ => Ok(()),
        }
    }

    fn block(
        &self,
        block: &[u8],
        frame_start: usize,
        cap: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecompressError> {
        let start = out.len();
        let possible = block.len().saturating_mul(MAX_RATIO).min(self.block_max);
        let room = possible.min(cap - start);
        grow(out, room, cap);
        out.resize(start + room, 0);
        let (before, fresh) = out.split_at_mut(start);
        let made = if self.linked && start > frame_start {
            let window = &before[frame_start.max(start.saturating_sub(WINDOW_LEN))..];
            decompress_into_with_dict(block, fresh, window)
        } else {
            decompress_into(block, fresh)
        };
        match made {
            Ok(made) => {
                out.truncate(start + made);
                Ok(())
            }
            Err(BlockError::OutputTooSmall { .. }) if room < possible => Err(too_large(cap)),
            Err(_) => Err(corrupt("a block is not LZ4")),
        }
    }
}

/// Second byte of the xxHash-32 of a frame descriptor, which is always shorter than xxHash's stripe of 16 bytes.
fn descriptor_checksum(descriptor: &[u8]) -> u8 {
    const PRIME: [u32; 5] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1];
    let mut hash = PRIME[4].wrapping_add(descriptor.len() as u32);
    let (words, bytes) = descriptor.as_chunks::<4>();
    for word in words {
        hash = hash.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(PRIME[2]));
        hash = hash.rotate_left(17).wrapping_mul(PRIME[3]);
    }
    for byte in bytes {
        hash = hash.wrapping_add(u32::from(*byte).wrapping_mul(PRIME[4]));
        hash = hash.rotate_left(11).wrapping_mul(PRIME[0]);
    }
    hash = (hash ^ (hash >> 15)).wrapping_mul(PRIME[1]);
    hash = (hash ^ (hash >> 13)).wrapping_mul(PRIME[2]);
    ((hash ^ (hash >> 16)) >> 8) as u8
}

/// What is left of the compressed bytes.
#[derive(Clone, Copy)]
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], DecompressError> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or_else(|| corrupt("it ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], DecompressError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(|| corrupt("it ends early"))?;
        self.0 = rest;
        Ok(taken)
    }
}

fn corrupt(detail: &'static str) -> DecompressError {
    DecompressError::Corrupt { codec: Codec::Lz4, detail }
}

fn too_large(cap: usize) -> DecompressError {
    DecompressError::TooLarge { codec: Codec::Lz4, cap }
}
