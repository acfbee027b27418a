//! stdout, written in large pieces. A reader that has gone away ends the command quietly.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::fd::AsFd as _;

use anyhow::Context as _;

use crate::exit::Ended;

/// Bytes that are gathered before they are written.
const PIECE: usize = 256 * 1024;

/// A buffer in front of stdout. What was not flushed is not written.
pub struct Stdout {
    waiting: Vec<u8>,
    // std's own stdout looks for line ends in all that it is given.
    file: Option<File>,
}

impl Stdout {
    /// An empty buffer.
    pub fn new() -> Stdout {
        let own = std::io::stdout().as_fd().try_clone_to_owned();
        Stdout { waiting: Vec::with_capacity(PIECE), file: own.ok().map(File::from) }
    }

    /// Where to put bytes; follow with [`Self::spill`] or [`Self::flush`].
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.waiting
    }

    /// Writes if enough has gathered.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn spill(&mut self) -> anyhow::Result<()> {
        if self.waiting.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    /// Writes all that has gathered. Blocks while the reader is slow.
    ///
    /// # Errors
    /// [`Ended::BrokenPipe`] if the reader is gone; any other failure as it is.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        let written = match &mut self.file {
            Some(file) => file.write_all(&self.waiting),
            None => std::io::stdout().write_all(&self.waiting),
        };
        self.waiting.clear();
        match written {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(Ended::BrokenPipe.into()),
            other => other.context("cannot write to stdout"),
        }
    }
}
