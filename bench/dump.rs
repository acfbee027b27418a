//! How fast a segment is dumped, beside Kafka's DumpLogSegments and a bare loop of pread; and what memory it takes. No broker runs.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use klog::record::{BatchBuilder, BatchOptions, Codec};

use crate::broker::{Kind, Subject, java};
use crate::figure::Figure;
use crate::options::Options;

const RECORDS: usize = 64;
const RECORD: usize = 1024;
const SEGMENT: &str = "00000000000000000000.log";
const DUMPER: &str = "org.apache.kafka.tools.DumpLogSegments";

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for codec in [Codec::None, Codec::Zstd] {
        let file = segment(options, codec)?;
        let bytes = file.metadata()?.len() as f64;
        // Once through, so that all turns find it in the page cache.
        let bare = bytes / 1e6 / pread(&file.path)?.as_secs_f64();
        for (what, deep) in [("headers and checksums", false), ("every record", true)] {
            let dumped = dump(subject, &file.path, deep)?;
            let speed = bytes / 1e6 / dumped.time.as_secs_f64();
            figures.push(Figure::beside(format!("{codec}: {what}, MB/s"), speed, bare));
            figures.push(Figure::new(format!("{codec}: {what}, peak RSS, MB"), dumped.peak_mb));
        }
    }
    Ok(figures)
}

/// A segment file that goes with the turn.
struct Segment {
    path: PathBuf,
}

impl Segment {
    fn metadata(&self) -> std::io::Result<fs::Metadata> {
        fs::metadata(&self.path)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Writes one batch again and again, each time at the next offset: that is not under its checksum.
fn segment(options: &Options, codec: Codec) -> anyhow::Result<Segment> {
    let folder = options.dir.join("dump-0");
    fs::create_dir_all(&folder)?;
    let segment = Segment { path: folder.join(SEGMENT) };
    let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
    let none: [(&[u8], Option<&[u8]>); 0] = [];
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b'a' + (state % 8) as u8
    };
    for at in 0..RECORDS {
        // Text that compresses to less than half.
        let value: Vec<u8> = (0..RECORD).map(|_| letter()).collect();
        builder.append(1_700_000_000_000 + at as i64, None, Some(&value), none)?;
    }
    let mut batch = builder.build()?.to_vec();
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&segment.path)?);
    let (mut offset, mut written) = (0i64, 0u64);
    // Kafka's dumper takes no file of 2 GiB.
    while written + (batch.len() as u64) < options.segment_mib << 20 {
        batch[..8].copy_from_slice(&offset.to_be_bytes());
        out.write_all(&batch)?;
        offset += RECORDS as i64;
        written += batch.len() as u64;
    }
    out.flush()?;
    Ok(segment)
}

/// Reads the file twice, and times the second.
fn pread(path: &Path) -> anyhow::Result<Duration> {
    let file = File::open(path)?;
    let mut window = vec![0; 256 << 10];
    let mut through = || -> anyhow::Result<Duration> {
        let clock = Instant::now();
        let mut at = 0;
        loop {
            match file.read_at(&mut window, at)? {
                0 => return Ok(clock.elapsed()),
                count => at += count as u64,
            }
        }
    };
    through()?;
    through()
}

struct Dumped {
    time: Duration,
    peak_mb: f64,
}

fn dump(subject: &Subject, file: &Path, deep: bool) -> anyhow::Result<Dumped> {
    let mut command = match subject.kind {
        Kind::Klog => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_klog"));
            command.args(["dump-segment", "--batches", "--format", "json"]).arg(file);
            command.args(deep.then_some("--deep"));
            command
        }
        Kind::Kafka => {
            let mut command = java()?;
            command.arg(DUMPER).arg("--files").arg(file);
            command.args(deep.then_some("--deep-iteration"));
            command
        }
    };
    let clock = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().context("the dumper starts")?;
    let peak_mb = watch(&mut child)?;
    let time = clock.elapsed();
    let status = child.wait()?;
    ensure!(status.success(), "the dumper ended with {status}");
    Ok(Dumped { time, peak_mb })
}

/// Waits for the end; gives the most memory that was seen, in MB.
fn watch(child: &mut Child) -> anyhow::Result<f64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0.0;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        peak_kib = kib.unwrap_or(0.0).max(peak_kib);
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(peak_kib * 1024.0 / 1e6)
}
