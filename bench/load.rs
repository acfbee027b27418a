//! What is written.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use klog::record::Codec;

/// Records for one topic, as fast as they are taken: `values` over and over.
pub struct Work<'a> {
    pub topic: &'a str,
    pub count: u64,
    pub values: &'a [Bytes],
    pub codec: Codec,
}

impl Work<'_> {
    pub fn values(&self) -> impl Iterator<Item = &Bytes> {
        (0..self.count).zip(self.values.iter().cycle()).map(|(_, value)| value)
    }
}

/// Bytes that do not compress, so that nothing is won by accident.
pub fn filling(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[5]
    };
    (0..size).map(|_| step()).collect()
}

pub fn write_filler(path: &Path, gib: u64) -> anyhow::Result<()> {
    let mut file = File::create(path)?;
    let piece = filling(1 << 20);
    for _ in 0..gib * 1024 {
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    Ok(())
}
