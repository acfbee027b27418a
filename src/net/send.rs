//! Sends bytes and stretches of files.

use std::io::{self, IoSlice};
use std::time::Duration;

use bytes::Buf;
use rustix::fs::sendfile;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::os::{Chunk, FileSlice, READ_AHEAD};

/// How stretches of files go out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileSending {
    /// By sendfile, within the kernel.
    Sendfile,
    /// Read into a buffer and written from it.
    Copy,
}

/// The most that one sendfile or one read moves: a slow peer then does not hold much.
const AT_ONCE: usize = 1 << 20;
/// Who took a stretch from the disk will take as much again: that is asked for while the stretch is sent, up to so much.
const AHEAD: usize = 8 << 20;
/// What has to leave within each stretch of patience: a peer may be slow, but not stand still.
const DUE: usize = 1 << 20;
/// Stretches of files that come to no more than this in an answer are read and leave with the bytes around them: one call and one
/// packet then do what takes three each, and the peer wakes once. (MSG_MORE for what stands before a longer stretch was tried: eight
/// consumers of one partition then read a tenth less.)
const SHORT: usize = 16 << 10;
/// Chunks that go into one vectored write at most.
const PARTS: usize = 64;

/// A socket, and until when some more has to leave by it.
struct Out<'a> {
    stream: &'a TcpStream,
    patience: Duration,
    deadline: Instant,
    sent: usize,
}

impl Out<'_> {
    async fn writable(&self) -> io::Result<()> {
        match timeout_at(self.deadline, self.stream.writable()).await {
            Ok(ready) => ready,
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the peer took less than a MiB within {:?}", self.patience),
            )),
        }
    }

    fn left(&mut self, count: usize) {
        self.sent += count;
        if self.sent >= DUE {
            (self.sent, self.deadline) = (0, Instant::now() + self.patience);
        }
    }
}

pub(super) async fn all(
    stream: &TcpStream,
    chunks: &mut [Chunk],
    files: FileSending,
    patience: Duration,
) -> io::Result<()> {
    read_short_files(chunks)?;
    let mut out = Out { stream, patience, deadline: Instant::now() + patience, sent: 0 };
    let out = &mut out;
    let mut rest = &*chunks;
    while let Some(first) = rest.first() {
        match first {
            Chunk::Bytes(_) => {
                let run = rest
                    .iter()
                    .take(PARTS)
                    .take_while(|chunk| matches!(chunk, Chunk::Bytes(_)))
                    .count();
                bytes(out, &rest[..run]).await?;
                rest = &rest[run..];
            }
            Chunk::File(slice) => {
                match (files, slice.file.as_fd().is_some()) {
                    (FileSending::Sendfile, true) => by_sendfile(out, slice).await?,
                    _ => by_copy(out, slice).await?,
                }
                rest = &rest[1..];
            }
        }
    }
    Ok(())
}

/// Sends what the socket takes without waiting, if it is bytes and short stretches of files alone, and takes it off `chunks`.
pub(super) fn at_once(stream: &TcpStream, chunks: &mut Vec<Chunk>) -> io::Result<()> {
    read_short_files(chunks)?;
    let mut sent = {
        let mut parts: smallvec::SmallVec<[IoSlice<'_>; 8]> = smallvec::SmallVec::new();
        for chunk in chunks.iter() {
            match chunk {
                Chunk::Bytes(bytes) if parts.len() < PARTS => parts.push(IoSlice::new(bytes)),
                _ => return Ok(()),
            }
        }
        match stream.try_write_vectored(&parts) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            done => done?,
        }
    };
    chunks.retain_mut(|chunk| match chunk {
        Chunk::Bytes(bytes) => {
            let count = sent.min(bytes.len());
            bytes.advance(count);
            sent -= count;
            !bytes.is_empty()
        }
        Chunk::File(_) => true,
    });
    Ok(())
}

fn read_short_files(chunks: &mut [Chunk]) -> io::Result<()> {
    let in_files = |chunk: &Chunk| if let Chunk::File(slice) = chunk { slice.len } else { 0 };
    if chunks.iter().map(in_files).sum::<usize>() <= SHORT {
        for chunk in chunks {
            if let Chunk::File(slice) = chunk {
                *chunk = Chunk::Bytes(slice.read()?);
            }
        }
    }
    Ok(())
}

async fn bytes(out: &mut Out<'_>, chunks: &[Chunk]) -> io::Result<()> {
    let parts = chunks.iter().map(|chunk| match chunk {
        Chunk::Bytes(bytes) => IoSlice::new(bytes),
        Chunk::File(_) => IoSlice::new(&[]),
    });
    let mut parts: smallvec::SmallVec<[IoSlice<'_>; 8]> =
        parts.filter(|part| !part.is_empty()).collect();
    let mut left: &mut [IoSlice<'_>] = &mut parts;
    while !left.is_empty() {
        out.writable().await?;
        match out.stream.try_write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                out.left(count);
                IoSlice::advance_slices(&mut left, count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn by_sendfile(out: &mut Out<'_>, slice: &FileSlice) -> io::Result<()> {
    let mut position = slice.position;
    let (mut loaded, ahead) = (position, slice.len.min(AHEAD));
    let end = slice.position + slice.len as u64;
    while position < end {
        let most = usize::try_from(end - position).unwrap_or(AT_ONCE).min(AT_ONCE);
        if position >= loaded && most > READ_AHEAD {
            load(FileSlice { file: slice.file.clone(), position, len: most }, ahead).await;
            loaded = position + most as u64;
        }
        out.writable().await?;
        let stream = out.stream;
        let sent = stream.try_io(Interest::WRITABLE, || {
            let file = slice.file.as_fd().ok_or(io::ErrorKind::Unsupported)?;
            Ok(sendfile(stream, file, Some(&mut position), most)?)
        });
        match sent {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => out.left(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sees that the page cache has a piece before it is sent. sendfile waits for the disk, and with it whoever this thread serves besides.
async fn load(piece: FileSlice, ahead: usize) {
    if !piece.is_cached() {
        // Nothing in it panics; were it cut short, sendfile would wait.
        let _ = tokio::task::spawn_blocking(move || piece.load(ahead)).await;
    }
}

async fn by_copy(out: &mut Out<'_>, slice: &FileSlice) -> io::Result<()> {
    let mut done = 0;
    while done < slice.len {
        let len = (slice.len - done).min(AT_ONCE);
        let part =
            FileSlice { file: slice.file.clone(), position: slice.position + done as u64, len };
        bytes(out, &[Chunk::Bytes(part.read()?)]).await?;
        done += len;
    }
    Ok(())
}
