//! Reads partitions from where they start to where they end.

use std::time::Duration;

use klog::base::TopicName;
use klog::client::{Admin, Client, ConsumedRecord, Consumer, ConsumerConfig, StartAt};

use super::args::Args;
use super::bounds::Bounds;
use super::print::{Printer, shown};
use super::topics::{partitions, ranges};
use crate::connect::explain;
use crate::signals::Signals;
use crate::values;

/// How long a poll may wait for records. Ends that are reached without one are seen after it.
pub const POLL: Duration = Duration::from_millis(100);

/// Partitions that are being read.
pub struct Reading {
    consumer: Consumer,
    bounds: Bounds,
}

impl Reading {
    /// Finds out where each partition starts and ends, and starts fetching.
    ///
    /// # Errors
    /// If a topic or partition does not exist, or the cluster does not answer.
    pub async fn start(
        args: &Args,
        client: &Client,
        config: ConsumerConfig,
    ) -> anyhow::Result<Reading> {
        let admin = Admin::new(client);
        let now = values::now();
        let partitions = partitions(args, &admin).await?;
        let ranges = ranges(args, &admin, &config, &partitions, now).await?;
        let mut bounds = Bounds::new(args, &admin, config.isolation, now);
        let mut assigned: Vec<(TopicName, i32, StartAt)> = Vec::new();
        for (partition, range) in ranges {
            if !range.is_done_at(range.start) {
                let (topic, number) = partition.clone();
                assigned.push((topic, number, StartAt::Offset(range.start)));
                bounds.open(partition, range);
            }
        }
        let consumer = Consumer::new(client, config);
        consumer.assign(&assigned);
        Ok(Reading { consumer, bounds })
    }

    /// Prints until every partition is at its end, enough is printed, or a signal comes.
    ///
    /// # Errors
    /// If reading or writing fails.
    pub async fn print_all(
        &mut self,
        printer: &mut Printer,
        signals: &mut Signals,
    ) -> anyhow::Result<()> {
        while !printer.is_full() && !self.bounds.are_reached() {
            let records = tokio::select! {
                records = self.consumer.poll(POLL) => records.map_err(explain)?,
                _ = signals.stop() => return Ok(()),
            };
            self.print(&records, printer)?;
            printer.flush()?;
            self.bounds.set_ends().await?;
            self.bounds.close_finished(&self.consumer);
        }
        Ok(())
    }

    fn print(&mut self, records: &[ConsumedRecord], printer: &mut Printer) -> anyhow::Result<()> {
        for run in records.chunk_by(|a, b| a.partition == b.partition && a.topic == b.topic) {
            for record in self.bounds.before_the_end(run) {
                printer.print(&shown(record))?;
                if printer.is_full() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
