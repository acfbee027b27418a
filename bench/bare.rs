//! Floors: what the loopback and the disk allow without any protocol.

use std::fs::{self, File};
use std::io::{IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, ensure};
use rustix::fs::{Advice, fadvise, fdatasync, sendfile};
use rustix::io::pwritev;

use crate::usage::thread_cpu_seconds;

pub const AT_ONCE: usize = 1 << 20;
/// What a record of a KiB and its acknowledgement need.
const PING: usize = 1024;

/// What moving bytes took.
pub struct Moved {
    pub bytes: u64,
    pub seconds: f64,
    /// Of the threads that do a broker's part.
    pub cpu_seconds: f64,
}

impl Moved {
    pub fn mb_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.seconds
    }

    pub fn cpu_per_gb(&self) -> f64 {
        self.cpu_seconds / (self.bytes as f64 / 1e9)
    }
}

/// Reading: sendfile of all segments of a topic in `data`, to a client that reads as fast as it can and drops the bytes.
pub fn send_topic(data: &Path, topic: &str) -> anyhow::Result<Moved> {
    let files = segments(data, topic)?;
    let clock = Instant::now();
    let (stream, reader) = drain()?;
    let (mut bytes, before) = (0, thread_cpu_seconds());
    for path in files {
        let file = File::open(path)?;
        loop {
            match sendfile(&stream, &file, None, AT_ONCE)? {
                0 => break,
                count => bytes += count as u64,
            }
        }
    }
    let cpu_seconds = thread_cpu_seconds() - before;
    drop(stream);
    reader.join().ok().context("the reader ended")??;
    Ok(Moved { bytes, seconds: clock.elapsed().as_secs_f64(), cpu_seconds })
}

/// A socket, and who reads all that comes through it and drops it.
pub fn drain() -> anyhow::Result<(TcpStream, JoinHandle<anyhow::Result<()>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    let reader = thread::spawn(move || {
        let mut buffer = vec![0; AT_ONCE];
        while stream.read(&mut buffer)? > 0 {}
        Ok(())
    });
    Ok((listener.accept()?.0, reader))
}

/// Writing: recv, CRC and pwritev of `count` pieces of `length` bytes, which somebody else sends.
pub fn receive(dir: &Path, count: u64, length: usize) -> anyhow::Result<Moved> {
    take_in(&tempfile::tempfile_in(dir)?, count, length, |_| {})
}

/// The same into `file`; `written` is told up to where, after each piece.
pub fn take_in(
    file: &File,
    count: u64,
    length: usize,
    written: impl Fn(u64),
) -> anyhow::Result<Moved> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut sending = TcpStream::connect(listener.local_addr()?)?;
    let sender = thread::spawn(move || {
        let piece = crate::load::filling(length);
        (0..count).try_for_each(|_| sending.write_all(&piece))
    });
    let (mut stream, _) = listener.accept()?;
    let (clock, before) = (Instant::now(), thread_cpu_seconds());
    let (mut piece, mut checksums) = (vec![0; length], 0);
    for at in 0..count {
        stream.read_exact(&mut piece)?;
        checksums ^= crc32c::crc32c(&piece);
        let (head, rest) = piece.split_at(61);
        let at = at * length as u64;
        let count = pwritev(file, &[IoSlice::new(head), IoSlice::new(rest)], at)?;
        ensure!(count == length, "a piece is written whole");
        written(at + length as u64);
    }
    std::hint::black_box(checksums);
    let cpu_seconds = thread_cpu_seconds() - before;
    let seconds = clock.elapsed().as_secs_f64();
    sender.join().ok().context("the sender ended")??;
    Ok(Moved { bytes: count * length as u64, seconds, cpu_seconds })
}

/// The median of many round trips of a KiB over the loopback, in ms.
pub fn round_trip_ms() -> anyhow::Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let echo = thread::spawn(move || {
        let mut ping = [0; PING];
        while far.read_exact(&mut ping).is_ok() && far.write_all(&ping).is_ok() {}
    });
    let mut ping = [0; PING];
    let median = median_ms(10_000, || {
        near.write_all(&ping)?;
        Ok(near.read_exact(&mut ping)?)
    });
    drop(near);
    echo.join().ok().context("the echo ended")?;
    median
}

/// The median of an appended record and its fdatasync, in ms.
pub fn sync_ms(dir: &Path) -> anyhow::Result<f64> {
    let mut file = tempfile::tempfile_in(dir)?;
    median_ms(200, || {
        file.write_all(&[7; 170])?;
        Ok(fdatasync(&file)?)
    })
}

fn median_ms(count: usize, mut step: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let clock = Instant::now();
        step()?;
        times.push(clock.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[count / 2])
}

/// Reads files once, in order, and drops the bytes after `each` has seen them.
pub fn read(files: &[PathBuf], most: u64, mut each: impl FnMut(&[u8])) -> anyhow::Result<Moved> {
    let (clock, before) = (Instant::now(), thread_cpu_seconds());
    let (mut buffer, mut bytes) = (vec![0; AT_ONCE], 0);
    for path in files {
        let (file, mut at) = (File::open(path)?, 0);
        while bytes < most {
            let count = file.read_at(&mut buffer, at)?;
            if count == 0 {
                break;
            }
            each(&buffer[..count]);
            (at, bytes) = (at + count as u64, bytes + count as u64);
        }
    }
    let cpu_seconds = thread_cpu_seconds() - before;
    Ok(Moved { bytes, seconds: clock.elapsed().as_secs_f64(), cpu_seconds })
}

/// Takes files out of the page cache.
pub fn forget(files: &[PathBuf]) -> anyhow::Result<()> {
    for path in files {
        let file = File::open(path)?;
        fdatasync(&file)?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}

/// The segment files of a topic in `data`, in order.
pub fn segments(data: &Path, topic: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in fs::read_dir(data)? {
        let folder = folder?;
        let name = folder.file_name().into_string().unwrap_or_default();
        if name.rsplit_once('-').is_none_or(|(of, _)| of != topic) {
            continue;
        }
        for file in fs::read_dir(folder.path())? {
            let path = file?.path();
            if path.extension().is_some_and(|suffix| suffix == "log") {
                files.push(path);
            }
        }
    }
    ensure!(!files.is_empty(), "{topic} has no segments in {}", data.display());
    files.sort();
    Ok(files)
}
