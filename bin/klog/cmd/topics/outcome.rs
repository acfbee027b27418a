//! What became of a change to several things: each success is told, each failure reported, none hides another.

use crate::exit;
use crate::output::Stdout;

/// Tells of successes on stdout as they come, and keeps the failures.
pub struct Outcome {
    dry_run: bool,
    out: Stdout,
    failures: Vec<anyhow::Error>,
}

impl Outcome {
    /// With `dry_run` successes are told as what would be done.
    pub fn new(dry_run: bool) -> Outcome {
        Outcome { dry_run, out: Stdout::new(), failures: Vec::new() }
    }

    /// Tells of a success: `delete topic t`, `deleted topic t`.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn done(&mut self, would: String, did: String) -> anyhow::Result<()> {
        let line = if self.dry_run { format!("would {would}\n") } else { format!("{did}\n") };
        self.out.buffer().extend_from_slice(line.as_bytes());
        self.out.flush()
    }

    /// Keeps a failure for the end.
    pub fn failed(&mut self, error: anyhow::Error) {
        self.failures.push(error);
    }

    /// Reports all failures but the last, which is the command's own.
    ///
    /// # Errors
    /// The last failure.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let Some(last) = self.failures.pop() else { return Ok(()) };
        for failure in &self.failures {
            exit::report(failure);
        }
        Err(last)
    }
}
