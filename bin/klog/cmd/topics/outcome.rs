//! What became of a change to several things: each success is told, each failure reported, none hides another.

use klog::base::TopicName;
use serde::Serialize;

use crate::exit;
use crate::output::{ListFormat, Stdout};

/// One change; as it stands here it is a line of JSON.
#[derive(Serialize)]
pub struct Done<'a> {
    /// Of which topic.
    pub topic: &'a str,
    /// Of which partition, if not of all.
    pub partition: Option<i32>,
    /// What was done: `create`, `set`, `unset`, `partitions`, `trim`, `delete`.
    pub change: &'static str,
    /// Which config.
    pub key: Option<&'a str>,
    /// The config's value, the number of partitions, the first offset that is left.
    pub value: Option<&'a str>,
}

#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    done: &'a Done<'a>,
    dry_run: bool,
}

impl<'a> Done<'a> {
    /// A change to a whole topic.
    pub fn of(topic: &'a TopicName, change: &'static str) -> Done<'a> {
        Done { topic: topic.as_str(), partition: None, change, key: None, value: None }
    }
}

/// Tells of successes on stdout as they come, and keeps the failures.
pub struct Outcome {
    dry_run: bool,
    format: ListFormat,
    out: Stdout,
    failures: Vec<anyhow::Error>,
}

impl Outcome {
    /// With `dry_run` successes are told as what would be done.
    pub fn new(dry_run: bool, format: ListFormat) -> Outcome {
        Outcome { dry_run, format, out: Stdout::new(), failures: Vec::new() }
    }

    /// Tells of a success: `delete topic t`, `deleted topic t`; or in JSON what `done` says.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn done(&mut self, done: Done<'_>, would: String, did: String) -> anyhow::Result<()> {
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
