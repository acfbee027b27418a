//! What is written.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::ensure;
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

/// Real text in pieces of a KiB: klog's own sources and documents, as they are here.
pub fn text() -> anyhow::Result<Vec<Bytes>> {
    let mut text = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "bin", "docs"] {
        gather(&root.join(folder), &mut text)?;
    }
    ensure!(text.len() > 1 << 20, "there is little text in {}", root.display());
    let text = Bytes::from(text);
    let whole = text.len() / 1024;
    Ok((0..whole).map(|at| text.slice(at * 1024..(at + 1) * 1024)).collect())
}

fn gather(folder: &Path, text: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            gather(&path, text)?;
        } else if path.extension().is_some_and(|suffix| suffix == "rs" || suffix == "md") {
            text.extend(fs::read(path)?);
        }
    }
    Ok(())
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
