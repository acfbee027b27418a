//! stdin, read in large blocks by a thread of its own, and cut at delimiters. Records are slices of the blocks.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

use bytes::Bytes;
use memchr::memmem::Finder;
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc;

/// Bytes asked for at once.
const BLOCK: usize = 256 * 1024;

/// Blocks read ahead of the producer.
const AHEAD: usize = 4;

/// Whole records, each followed by the delimiter; the very last one of the input perhaps not.
#[derive(Debug)]
pub struct Block {
    /// The records.
    pub bytes: Bytes,
    /// Number of the first one, counted from 1.
    pub first: u64,
}

/// Why reading ended early.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The system says so.
    #[error("cannot read stdin")]
    Read(#[source] io::Error),
    /// A record that no request could carry.
    #[error("{} has more than {limit} bytes", match number {
        Some(number) => format!("line {number}"),
        None => "stdin".to_owned(),
    })]
    TooLong {
        /// Which line, counted from 1; None if all of stdin is the record.
        number: Option<u64>,
        /// The largest one that is taken.
        limit: usize,
    },
}

/// The reading side of stdin.
pub struct Input {
    blocks: mpsc::Receiver<Result<Block, InputError>>,
    stop: UnixStream,
}

/// How stdin is cut.
#[derive(Clone, Debug)]
pub enum Cut {
    /// At each of these.
    Delimiter(Bytes),
    /// Not at all: it is one record.
    Whole,
}

impl Input {
    /// Starts reading stdin. A record longer than `limit` bytes ends it with an error.
    ///
    /// # Errors
    /// If the system has no thread or descriptor left.
    pub fn start(cut: Cut, limit: usize) -> io::Result<Input> {
        let stdin = io::stdin().as_fd().try_clone_to_owned()?;
        Input::of(stdin, cut, limit)
    }

    fn of(source: OwnedFd, cut: Cut, limit: usize) -> io::Result<Input> {
        let (send, blocks) = mpsc::channel(AHEAD);
        let (stop, stopped) = UnixStream::pair()?;
        let reader =
            Reader { source, stopped, cut, limit, next: 1, held: Vec::with_capacity(BLOCK) };
        std::thread::Builder::new().name("stdin".into()).spawn(move || reader.run(&send))?;
        Ok(Input { blocks, stop })
    }

    /// The next block, None at the end of the input.
    ///
    /// # Errors
    /// See [`InputError`]; nothing follows it.
    pub async fn next(&mut self) -> Option<Result<Block, InputError>> {
        self.blocks.recv().await
    }

    /// A handle that stops the reading.
    ///
    /// # Errors
    /// If the system has no descriptor left.
    pub fn stopper(&self) -> io::Result<Stopper> {
        self.stop.try_clone().map(Stopper)
    }
}

/// Stops an [`Input`] from elsewhere.
pub struct Stopper(UnixStream);

impl Stopper {
    /// Stops reading. [`Input::next`] still gives what was read, without an unfinished last record.
    pub fn stop(&self) {
        // The reader polls the other end; failing means that it has gone already.
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

struct Reader {
    source: OwnedFd,
    stopped: UnixStream,
    cut: Cut,
    limit: usize,
    next: u64,
    held: Vec<u8>,
}

impl Reader {
    fn run(mut self, send: &mpsc::Sender<Result<Block, InputError>>) {
        let outcome = match self.cut.clone() {
            Cut::Whole => self.read_whole(send),
            Cut::Delimiter(delimiter) => self.read_records(&delimiter, send),
        };
        if let Err(error) = outcome {
            // A producer that has gone away wants no error either.
            let _ = send.blocking_send(Err(error));
        }
    }

    fn read_whole(
        &mut self,
        send: &mpsc::Sender<Result<Block, InputError>>,
    ) -> Result<(), InputError> {
        while let Some(more) = self.read()? {
            if self.held.len() > self.limit {
                return Err(self.too_long());
            }
            if more == 0 {
                let bytes = Bytes::from(std::mem::take(&mut self.held));
                let _ = send.blocking_send(Ok(Block { bytes, first: 1 }));
                return Ok(());
            }
        }
        Ok(())
    }

    fn read_records(
        &mut self,
        delimiter: &Bytes,
        send: &mpsc::Sender<Result<Block, InputError>>,
    ) -> Result<(), InputError> {
        let last = memchr::memmem::FinderRev::new(delimiter);
        let each = Finder::new(delimiter);
        loop {
            let seen = self.held.len();
            let Some(more) = self.read()? else { return Ok(()) };
            let whole = if more == 0 {
                self.held.len()
            } else {
                // A delimiter may lie across two reads.
                let from = seen.saturating_sub(delimiter.len() - 1);
                last.rfind(&self.held[from..]).map_or(0, |at| from + at + delimiter.len())
            };
            if whole > 0 {
                let bytes = self.take(whole);
                let first = self.next;
                self.next += each.find_iter(&bytes).count() as u64;
                if send.blocking_send(Ok(Block { bytes, first })).is_err() {
                    return Ok(());
                }
            }
            if self.held.len() > self.limit {
                return Err(self.too_long());
            }
            if more == 0 {
                return Ok(());
            }
        }
    }

    /// Cuts `whole` bytes off. Few bytes are copied, so that they do not keep a whole block alive.
    fn take(&mut self, whole: usize) -> Bytes {
        if whole < BLOCK / 4 {
            let bytes = Bytes::copy_from_slice(&self.held[..whole]);
            self.held.drain(..whole);
            return bytes;
        }
        let mut next = Vec::with_capacity(BLOCK);
        next.extend_from_slice(&self.held[whole..]);
        self.held.truncate(whole);
        std::mem::replace(&mut self.held, next).into()
    }

    /// Appends what is there to `held`: how much, 0 at the end, None when asked to stop.
    fn read(&mut self) -> Result<Option<usize>, InputError> {
        if self.held.capacity() - self.held.len() < BLOCK / 2 {
            self.held.reserve(self.held.len().max(BLOCK));
        }
        loop {
            let mut watched = [
                PollFd::new(&self.stopped, PollFlags::IN),
                PollFd::new(&self.source, PollFlags::IN),
            ];
            match poll(&mut watched, None) {
                Err(rustix::io::Errno::INTR) => continue,
                Err(e) => return Err(InputError::Read(e.into())),
                Ok(_) => {}
            }
            if !watched[0].revents().is_empty() {
                return Ok(None);
            }
            match rustix::io::read(&self.source, rustix::buffer::spare_capacity(&mut self.held)) {
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(e) => return Err(InputError::Read(e.into())),
                Ok(count) => return Ok(Some(count)),
            }
        }
    }

    fn too_long(&self) -> InputError {
        let number = matches!(self.cut, Cut::Delimiter(_)).then_some(self.next);
        InputError::TooLong { number, limit: self.limit }
    }
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
