//! The floor for reading: a loop of sendfile over the loopback, without any protocol.

use std::fs::{self, File};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, ensure};
use rustix::fs::sendfile;

use crate::broker::cpu_seconds;

const AT_ONCE: usize = 1 << 20;

/// What sending took.
pub struct Sent {
    pub bytes: u64,
    /// Of the sending thread.
    pub cpu_seconds: f64,
}

/// Sends all segments of a topic's partitions in `data` to a client that reads as fast as it can.
pub fn send_topic(data: &Path, topic: &str) -> anyhow::Result<Sent> {
    let files = segments(data, topic)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let sender = thread::spawn(move || send(&listener, &files));
    let mut stream = TcpStream::connect(address)?;
    let mut buffer = vec![0; AT_ONCE];
    while stream.read(&mut buffer)? > 0 {}
    sender.join().ok().context("the sending thread ended")?
}

fn segments(data: &Path, topic: &str) -> anyhow::Result<Vec<PathBuf>> {
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
    Ok(files)
}

fn send(listener: &TcpListener, files: &[PathBuf]) -> anyhow::Result<Sent> {
    let (stream, _) = listener.accept()?;
    let cpu = || cpu_seconds("/proc/thread-self/stat");
    let (mut bytes, before) = (0, cpu()?);
    for path in files {
        let file = File::open(path)?;
        loop {
            let count = sendfile(&stream, &file, None, AT_ONCE)?;
            if count == 0 {
                break;
            }
            bytes += count as u64;
        }
    }
    Ok(Sent { bytes, cpu_seconds: cpu()? - before })
}
