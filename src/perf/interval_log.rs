//! HdrHistogram's interval log, text format 1.2: a line per interval, with its whole histogram. Its own tools read it
//! (HistogramLogProcessor, HistogramLogAnalyzer).
//!
//! The payload is its V2 encoding, compressed: <https://github.com/HdrHistogram/HdrHistogram>, `EncodableHistogram`.

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use hdrhistogram::Histogram;

/// V2, of words of one byte.
const COOKIE: u32 = 0x1c84_9303 | 0x10;
/// The same, compressed.
const COMPRESSED_COOKIE: u32 = 0x1c84_9304 | 0x10;
const NANOS_PER_MS: f64 = 1e6;

/// Writes a line per interval. Its values are in nanoseconds; the column `Interval_Max` is in milliseconds.
#[derive(Debug)]
pub struct IntervalLog<W: Write> {
    out: W,
}

impl<W: Write> IntervalLog<W> {
    /// Writes what stands before the first interval. `began` is when they are counted from, `about` a line of comment.
    ///
    /// # Errors
    /// As `out` says.
    pub fn new(mut out: W, began: SystemTime, about: &str) -> io::Result<IntervalLog<W>> {
        let since = began.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        writeln!(out, "#[{about}]")?;
        writeln!(out, "#[Histogram log format version 1.2]")?;
        writeln!(out, "#[StartTime: {since:.3} (seconds since epoch)]")?;
        writeln!(
            out,
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
        )?;
        Ok(IntervalLog { out })
    }

    /// Writes one interval: when it began, how long it was, its latencies in nanoseconds.
    ///
    /// # Errors
    /// As `out` says.
    pub fn write(
        &mut self,
        from: Duration,
        length: Duration,
        latencies: &Histogram<u64>,
    ) -> io::Result<()> {
        let (from, length) = (from.as_secs_f64(), length.as_secs_f64());
        let max = latencies.max() as f64 / NANOS_PER_MS;
        let histogram = STANDARD.encode(compressed(latencies)?);
        writeln!(self.out, "{from:.3},{length:.3},{max:.3},{histogram}")
    }

    /// Writes what was held back.
    ///
    /// # Errors
    /// As `out` says.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn compressed(histogram: &Histogram<u64>) -> io::Result<Vec<u8>> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(&encoded(histogram))?;
    let body = zlib.finish()?;
    let mut out = COMPRESSED_COOKIE.to_be_bytes().to_vec();
    out.extend_from_slice(&length(&body));
    out.extend_from_slice(&body);
    Ok(out)
}

fn encoded(histogram: &Histogram<u64>) -> Vec<u8> {
    let counts = counts(histogram);
    let mut out = COOKIE.to_be_bytes().to_vec();
    out.extend_from_slice(&length(&counts));
    out.extend_from_slice(&0_i32.to_be_bytes()); // values are where they belong
    out.extend_from_slice(&i32::from(histogram.sigfig()).to_be_bytes());
    out.extend_from_slice(&histogram.low().to_be_bytes());
    // Readers make room up to here, and refuse more counts than that holds.
    out.extend_from_slice(&histogram.high().max(histogram.max()).to_be_bytes());
    out.extend_from_slice(&1.0_f64.to_be_bytes());
    out.extend_from_slice(&counts);
    out
}

/// The counts from the smallest value to the largest that was seen; a run of zeros is one negative number.
fn counts(histogram: &Histogram<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut zeros = 0_i64;
    for slot in histogram.iter_all() {
        if slot.value_iterated_to() > histogram.highest_equivalent(histogram.max()) {
            break;
        }
        match i64::try_from(slot.count_at_value()).unwrap_or(i64::MAX) {
            0 => zeros += 1,
            count => {
                if zeros > 0 {
                    put_zigzag(-zeros, &mut out);
                }
                zeros = 0;
                put_zigzag(count, &mut out);
            }
        }
    }
    out
}

/// ZigZag in LEB128, where the ninth byte holds eight bits.
fn put_zigzag(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    for _ in 0..8 {
        if rest < 0x80 {
            break;
        }
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// What was encoded is far below 2 GiB.
fn length(bytes: &[u8]) -> [u8; 4] {
    i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_hdrhistogram_writes_them() {
        let bytes = |value| {
            let mut out = Vec::new();
            put_zigzag(value, &mut out);
            out
        };
        assert_eq!(bytes(0), [0]);
        assert_eq!(bytes(-1), [1]);
        assert_eq!(bytes(1), [2]);
        assert_eq!(bytes(64), [0x80, 1]);
        assert_eq!(bytes(i64::MAX), [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(bytes(i64::MIN), [0xff; 9]);
    }
}
