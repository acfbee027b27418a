//! Sends records, keeps count of what became of them, and prints where they went.

use std::collections::VecDeque;
use std::io::{Read, Seek, Write};

use anyhow::Context as _;
use klog::client::{Delivery, ProduceError, ProducerRecord, RecordMetadata, Totals};
use serde::Serialize;
use tempfile::SpooledTempFile;

use super::sink::Sink;
use crate::output::{LineFormat, Stdout};

/// Records on their way.
pub struct Deliveries {
    sink: Sink,
    /// Those that `send` did not take.
    refused: u64,
    first_refusal: Option<ProduceError>,
    printing: Option<Printing>,
}

/// `--print-offsets`: lines in the order of the input.
struct Printing {
    format: LineFormat,
    out: Stdout,
    waiting: VecDeque<Delivery>,
    /// The lines of a transaction that is not committed; None where each counts at once.
    kept: Option<SpooledTempFile>,
}

/// Lines of an open transaction that take more bytes than this wait in a file.
const KEPT_IN_MEMORY: usize = 1 << 20;

impl Deliveries {
    /// Prints a line per delivered record if `print` says how.
    pub fn new(sink: Sink, print: Option<LineFormat>) -> Deliveries {
        let kept = sink.is_transaction().then(|| SpooledTempFile::new(KEPT_IN_MEMORY));
        let printing = print.map(|format| Printing {
            format,
            out: Stdout::new(),
            waiting: VecDeque::new(),
            kept,
        });
        Deliveries { sink, refused: 0, first_refusal: None, printing }
    }

    /// Sends one record; waits while the producer's memory is full. Failures are counted, and false is returned where
    /// the producer does not take it.
    pub async fn send(&mut self, record: ProducerRecord) -> bool {
        match self.sink.send(record).await {
            Ok(delivery) => {
                // Without printing the producer's own totals tell enough.
                if let Some(printing) = &mut self.printing {
                    printing.waiting.push_back(delivery);
                }
                true
            }
            Err(error) => {
                self.refused += 1;
                self.first_refusal.get_or_insert(error);
                false
            }
        }
    }

    /// What became of the records so far.
    pub fn totals(&self) -> Totals {
        self.with_refusals(self.sink.totals())
    }

    /// Waits until the oldest record on its way is done and prints all that are; for ever where nothing is to be printed.
    /// Safe to cancel.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub async fn print_next(&mut self) -> anyhow::Result<()> {
        let Some(printing) = &mut self.printing else { return std::future::pending().await };
        let Some(oldest) = printing.waiting.front_mut() else {
            return std::future::pending().await;
        };
        // Its outcome is printed below, with those of all others that are done.
        let _ = oldest.await;
        printing.print_done()
    }

    /// Prints those that are done.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn print_done(&mut self) -> anyhow::Result<()> {
        self.printing.as_mut().map_or(Ok(()), Printing::print_done)
    }

    /// Sends what is still held back, waits for all, and says what became of them. A transaction is committed, if all went well.
    ///
    /// # Errors
    /// If stdout cannot be written, or the transaction is not committed.
    pub async fn finish(mut self) -> anyhow::Result<Totals> {
        self.sink.complete().await?;
        self.print_done()?;
        if let Some(printing) = &mut self.printing {
            printing.print_kept()?;
        }
        Ok(self.totals())
    }

    /// [`Self::finish`], but that a transaction is aborted: of it nothing is printed. The totals are those before that.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub async fn give_up(mut self) -> anyhow::Result<Totals> {
        let before = self.totals();
        self.sink.give_up().await;
        if self.sink.is_transaction() {
            return Ok(before);
        }
        self.print_done()?;
        Ok(self.totals())
    }

    /// Whether all that was sent counts at once or not at all.
    pub fn is_transaction(&self) -> bool {
        self.sink.is_transaction()
    }

    fn with_refusals(&self, mut totals: Totals) -> Totals {
        totals.failed += self.refused;
        totals.first_error = totals.first_error.or_else(|| self.first_refusal.clone());
        totals
    }
}

impl Printing {
    fn print_done(&mut self) -> anyhow::Result<()> {
        while let Some(outcome) = self.waiting.front().and_then(Delivery::now) {
            self.waiting.pop_front();
            let Ok(at) = outcome else { continue };
            write_line(self.format, self.out.buffer(), &at)?;
            match &mut self.kept {
                None => self.out.spill()?,
                Some(kept) => {
                    kept.write_all(self.out.buffer()).context("a temporary file")?;
                    self.out.buffer().clear();
                }
            }
        }
        self.out.flush()
    }

    /// They count now.
    fn print_kept(&mut self) -> anyhow::Result<()> {
        if let Some(mut kept) = self.kept.take() {
            kept.rewind().context("a temporary file")?;
            let mut pieces = kept.take(KEPT_IN_MEMORY as u64);
            while pieces.read_to_end(self.out.buffer()).context("a temporary file")? > 0 {
                self.out.flush()?;
                pieces.set_limit(KEPT_IN_MEMORY as u64);
            }
        }
        self.out.flush()
    }
}

#[derive(Serialize)]
struct Printed<'a> {
    topic: &'a str,
    partition: i32,
    offset: Option<i64>,
    timestamp: Option<i64>,
}

fn write_line(format: LineFormat, out: &mut Vec<u8>, at: &RecordMetadata) -> anyhow::Result<()> {
    let printed = Printed {
        topic: &at.topic,
        partition: at.partition,
        offset: at.offset,
        timestamp: Some(at.timestamp).filter(|ms| *ms >= 0),
    };
    match format {
        LineFormat::Json => serde_json::to_writer(&mut *out, &printed)?,
        LineFormat::Plain => {
            // Without an acknowledgement nobody knows the offset.
            let offset = at.offset.map_or("?".to_owned(), |offset| offset.to_string());
            let line = format!("{}[{}]@{offset}", at.topic, at.partition);
            out.extend_from_slice(line.as_bytes());
        }
    }
    out.push(b'\n');
    Ok(())
}
