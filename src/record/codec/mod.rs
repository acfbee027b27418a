//! The four codecs of Kafka's record batches, in both directions, each under a cap on the decompressed size.

use std::ops::RangeInclusive;

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use lz4::HeaderChecksum;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Codec {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// Snappy in xerial blocks, as Java clients frame it; raw snappy, as librdkafka sends it, is read too.
    Snappy,
    /// The LZ4 frame format.
    Lz4,
    /// Zstandard (KIP-110).
    Zstd,
}

impl Codec {
    /// All, in the order of their numbers.
    pub const ALL: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    /// The codec of a number in the attributes; 5 to 7 are nobody's.
    pub fn from_id(id: u8) -> Option<Codec> {
        Codec::ALL.get(usize::from(id)).copied()
    }

    /// Its number in the attributes.
    pub fn id(self) -> u8 {
        match self {
            Codec::None => 0,
            Codec::Gzip => 1,
            Codec::Snappy => 2,
            Codec::Lz4 => 3,
            Codec::Zstd => 4,
        }
    }

    /// Its name in `compression.type`.
    pub fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }

    /// Reads what [`Codec::name`] gives; `uncompressed`, a topic's word for it, is `None` too.
    pub fn parse(name: &str) -> Option<Codec> {
        if name == "uncompressed" {
            return Some(Codec::None);
        }
        Codec::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// The levels that it takes, in Kafka's terms (KIP-390); none where it has no levels.
    pub fn levels(self) -> Option<RangeInclusive<i32>> {
        match self {
            Codec::None | Codec::Snappy => None,
            Codec::Gzip => Some(1..=9),
            Codec::Lz4 => Some(1..=17),
            Codec::Zstd => Some(-131_072..=22),
        }
    }
}

impl std::fmt::Display for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Why bytes could not be decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// More comes out than the caller allows: a bomb, or a limit set too low.
    #[error("{codec} data of more than {cap} bytes")]
    TooLarge {
        /// How it is compressed.
        codec: Codec,
        /// The most that was allowed, in bytes.
        cap: usize,
    },
    /// Not what the codec writes.
    #[error("broken {codec} data: {detail}")]
    Corrupt {
        /// How it claims to be compressed.
        codec: Codec,
        /// What is broken.
        detail: &'static str,
    },
}

/// Why bytes could not be compressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompressError {
    /// A level that the codec does not have ([`Codec::levels`]).
    #[error("{codec} has no level {level}")]
    Level {
        /// The codec.
        codec: Codec,
        /// What was asked for.
        level: i32,
    },
    /// The codec itself failed, for want of memory.
    #[error("{codec} failed: {detail}")]
    Failed {
        /// The codec.
        codec: Codec,
        /// What it said.
        detail: &'static str,
    },
}

/// Appends `input`, compressed, to `out`.
///
/// `level` is the codec's own ([`Codec::levels`]; `None`: Kafka's default). LZ4 has one speed here, whatever the level.
/// Contexts are kept per thread, so nothing large is allocated per call.
///
/// # Errors
/// `Level`, `Failed`.
pub fn compress(
    codec: Codec,
    level: Option<i32>,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressError> {
    if let Some(level) = level
        && !codec.levels().is_some_and(|levels| levels.contains(&level))
    {
        return Err(CompressError::Level { codec, level });
    }
    match codec {
        Codec::None => out.extend_from_slice(input),
        Codec::Gzip => gzip::compress(level, input, out)?,
        Codec::Snappy => snappy::compress(input, out)?,
        Codec::Lz4 => lz4::compress(input, out)?,
        Codec::Zstd => zstd::compress(level, input, out)?,
    }
    Ok(())
}

/// Fills `out`, emptied first, with what `input` decompresses to: at most `cap` bytes, in memory that grows with
/// what really comes out, never by what a header claims.
///
/// # Errors
/// `TooLarge` as soon as more than `cap` bytes come out, `Corrupt`. `out` then holds nothing of use.
pub fn decompress(
    codec: Codec,
    input: &[u8],
    cap: usize,
    out: &mut Vec<u8>,
) -> Result<(), DecompressError> {
    out.clear();
    match codec {
        Codec::None if input.len() > cap => Err(DecompressError::TooLarge { codec, cap }),
        Codec::None => {
            out.extend_from_slice(input);
            Ok(())
        }
        Codec::Gzip => gzip::decompress(input, cap, out),
        Codec::Snappy => snappy::decompress(input, cap, out),
        Codec::Lz4 => lz4::decompress(input, cap, HeaderChecksum::Checked, out),
        Codec::Zstd => zstd::decompress(input, cap, out),
    }
}

/// [`decompress`] for message formats 0 and 1, where LZ4 frames carry old Kafka's wrong header checksum (KAFKA-3160).
///
/// # Errors
/// As [`decompress`].
pub fn decompress_legacy(
    codec: Codec,
    input: &[u8],
    cap: usize,
    out: &mut Vec<u8>,
) -> Result<(), DecompressError> {
    match codec {
        Codec::Lz4 => lz4::decompress(input, cap, HeaderChecksum::Ignored, out),
        Codec::None | Codec::Gzip | Codec::Snappy | Codec::Zstd => {
            decompress(codec, input, cap, out)
        }
    }
}

/// Makes room for `wanted` more bytes, or some where `wanted` is none: at least doubling, but never beyond `cap`
/// unless `wanted` is. Returns how many may be written.
fn grow(out: &mut Vec<u8>, wanted: usize, cap: usize) -> usize {
    const LEAST: usize = 16 << 10;
    let (len, capacity) = (out.len(), out.capacity());
    if capacity - len < wanted.max(1) {
        let doubled = capacity.saturating_mul(2).clamp(LEAST, cap.max(LEAST)).min(cap);
        out.reserve_exact(doubled.max(len + wanted) - len);
    }
    (out.capacity() - len).min(cap - len)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
