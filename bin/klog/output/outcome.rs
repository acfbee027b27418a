//! What became of a change to several things: each success is told, each failure reported, none hides another.

use serde::Serialize;

use super::{ListFormat, Stdout};
use crate::exit;

/// Failures of single things, kept while the others go on.
#[derive(Default)]
pub struct Failures(Vec<anyhow::Error>);

impl Failures {
    /// Keeps a failure for the end.
    pub fn add(&mut self, error: anyhow::Error) {
        self.0.push(error);
    }

    /// Reports all failures but the last, which is the command's own.
    ///
    /// # Errors
    /// The last failure.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let Some(last) = self.0.pop() else { return Ok(()) };
        for failure in &self.0 {
            exit::report(failure);
        }
        Err(last)
    }
}

/// Tells of successes on stdout as they come, and keeps the failures.
pub struct Outcome {
    dry_run: bool,
    format: ListFormat,
    out: Stdout,
    failures: Failures,
}

#[derive(Serialize)]
struct Told<'a, D> {
    #[serde(flatten)]
    done: &'a D,
    dry_run: bool,
}

impl Outcome {
    /// With `dry_run` successes are told as what would be done.
    pub fn new(dry_run: bool, format: ListFormat) -> Outcome {
        Outcome { dry_run, format, out: Stdout::new(), failures: Failures::default() }
    }

    /// Tells of a success: `delete topic t`, `deleted topic t`; or in JSON what `done` says.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn done(&mut self, done: impl Serialize, would: String, did: String) -> anyhow::Result<()> {
        let line = match self.format {
            ListFormat::Json => {
                serde_json::to_string(&Told { done: &done, dry_run: self.dry_run })?
            }
            ListFormat::Table | ListFormat::Plain if self.dry_run => format!("would {would}"),
            ListFormat::Table | ListFormat::Plain => did,
        };
        self.out.buffer().extend_from_slice(line.as_bytes());
        self.out.buffer().push(b'\n');
        self.out.flush()
    }

    /// Keeps a failure for the end.
    pub fn failed(&mut self, error: anyhow::Error) {
        self.failures.add(error);
    }

    /// Reports all failures but the last, which is the command's own.
    ///
    /// # Errors
    /// The last failure.
    pub fn finish(self) -> anyhow::Result<()> {
        self.failures.finish()
    }
}
