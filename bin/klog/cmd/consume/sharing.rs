//! Reads what a group gives to this process, and tells the group how far it was written out.
//!
//! The order is always the same: print, flush, store, commit. What was not flushed is never stored, so whoever reads on after a
//! kill reads it again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use klog::base::TopicName;
use klog::client::{
    Admin, Client, ClientError, CommittedOffset, ConsumeError, ConsumedRecord, ConsumerConfig,
    GroupConsumer, GroupError, Polled, StartAt, Subscription,
};

use super::args::{Args, Commit};
use super::bounds::Bounds;
use super::plan::Range;
use super::print::{Printer, shown};
use super::reading::POLL;
use super::topics::{matching, partitions, ranges};
use crate::cluster::Partition;
use crate::connect::explain;
use crate::output::count;
use crate::signals::Signals;
use crate::values::{self, From};

/// A member of a group at work.
pub struct Sharing {
    /// None once it has left.
    consumer: Option<GroupConsumer>,
    args: Args,
    config: ConsumerConfig,
    admin: Admin,
    bounds: Bounds,
    /// Where partitions start and end, as it was found when the command began, or when they were first given to us.
    ranges: HashMap<Partition, Range>,
    /// Partitions that were read from where the options say: from then on they go on where the group has read to.
    begun: HashSet<Partition>,
    has: HashSet<Partition>,
    /// Printed up to there and not stored yet.
    printed: HashMap<Partition, CommittedOffset>,
}

impl Sharing {
    /// Joins the group.
    ///
    /// # Errors
    /// If a topic does not exist, or the cluster does not answer.
    pub async fn start(
        args: &Args,
        client: &Client,
        config: ConsumerConfig,
    ) -> anyhow::Result<Sharing> {
        let admin = Admin::new(client);
        let now = values::now();
        let bounds = Bounds::new(args, &admin, config.isolation, now);
        let mut known = HashMap::new();
        // A pattern may match later, unless it is to stop at the end as it is now.
        if !args.regex || bounds.exist() {
            let partitions = partitions(args, &admin).await?;
            if needs_ranges(args, &bounds) {
                known = ranges(args, &admin, &config, &partitions, now).await?;
            }
        }
        let subscription = match args.regex {
            true => Subscription::Matching(Arc::new(matching(args)?)),
            false => Subscription::Topics(args.named()?),
        };
        let consumer = GroupConsumer::new(client, config.clone(), subscription)?;
        Ok(Sharing {
            consumer: Some(consumer),
            args: args.clone(),
            config,
            admin,
            bounds,
            ranges: known,
            begun: HashSet::new(),
            has: HashSet::new(),
            printed: HashMap::new(),
        })
    }

    /// Prints until all that it was given is at its end, enough is printed, or a signal comes.
    ///
    /// # Errors
    /// If reading or writing fails, or the group refuses.
    pub async fn print_all(
        &mut self,
        printer: &mut Printer,
        signals: &mut Signals,
    ) -> anyhow::Result<()> {
        while !printer.is_full() && !self.is_done() {
            let Some(consumer) = &self.consumer else { return Ok(()) };
            let polled = tokio::select! {
                polled = consumer.poll(POLL) => polled,
                _ = signals.stop() => return Ok(()),
            };
            match polled {
                Ok(polled) => self.on_polled(polled, printer).await?,
                // A topic that was deleted: the group shares out what is left.
                Err(ConsumeError::Client(
                    cause @ (ClientError::UnknownTopic { .. }
                    | ClientError::UnknownPartition { .. }),
                )) => tracing::warn!("{cause}"),
                Err(cause) => return Err(explain(cause)),
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        !self.has.is_empty() && self.bounds.are_reached()
    }

    async fn on_polled(&mut self, polled: Polled, printer: &mut Printer) -> anyhow::Result<()> {
        match polled {
            Polled::Records(records) => {
                let whole = self.print(&records, printer)?;
                printer.flush()?;
                self.bounds.set_ends().await?;
                self.store(whole, printer);
                self.commit(false).await
            }
            Polled::Assigned(added) => self.begin(added).await,
            Polled::Revoked(gone) => {
                printer.finish()?;
                self.store(true, printer);
                let committed = self.commit(true).await;
                gone.iter().for_each(|partition| self.forget(partition));
                tracing::info!("revoked {}", listed(&gone));
                committed
            }
            Polled::Lost(gone) => {
                tracing::warn!(
                    "{} went to other members; they may read some records again",
                    count(gone.len(), "partition")
                );
                gone.iter().for_each(|partition| self.forget(partition));
                Ok(())
            }
        }
    }

    /// Partitions start where the options say when this process gets them for the first time.
    async fn begin(
        &mut self,
        added: Vec<(TopicName, i32, Option<CommittedOffset>)>,
    ) -> anyhow::Result<()> {
        let keys: Vec<Partition> = added.iter().map(|(topic, p, _)| (topic.clone(), *p)).collect();
        tracing::info!("assigned {}", listed(&keys));
        if needs_ranges(&self.args, &self.bounds) {
            let new: Vec<Partition> =
                keys.iter().filter(|key| !self.ranges.contains_key(*key)).cloned().collect();
            let found = ranges(&self.args, &self.admin, &self.config, &new, values::now()).await?;
            self.ranges.extend(found);
        }
        let moves = moves(&self.args);
        for (key, (.., committed)) in keys.into_iter().zip(added) {
            self.has.insert(key.clone());
            let Some(range) = self.ranges.get(&key).copied() else { continue };
            let moved = moves && self.begun.insert(key.clone());
            if let (true, Some(consumer)) = (moved, &self.consumer) {
                consumer.seek(&key.0, key.1, StartAt::Offset(range.start)).map_err(explain)?;
            }
            let start = if moved { Some(range.start) } else { committed.map(|at| at.offset) };
            if !start.is_some_and(|start| range.is_done_at(start)) {
                self.bounds.open(key, range);
            }
        }
        Ok(())
    }

    /// Whether all of it was printed, or left out on purpose.
    fn print(&mut self, records: &[ConsumedRecord], printer: &mut Printer) -> anyhow::Result<bool> {
        for run in records.chunk_by(|a, b| a.partition == b.partition && a.topic == b.topic) {
            let wanted = self.bounds.before_the_end(run);
            let mut printed = 0;
            while printed < wanted.len() && !printer.is_full() {
                printer.print(&shown(&wanted[printed]))?;
                printed += 1;
            }
            if let Some(last) = wanted[..printed].last() {
                let leader_epoch = last.leader_epoch;
                let upto = CommittedOffset { leader_epoch, ..CommittedOffset::at(last.offset + 1) };
                self.printed.insert((last.topic.clone(), last.partition), upto);
            }
            if printed < wanted.len() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Stores what was written out. `whole`: that is all that was polled, so markers and gaps behind it count too.
    fn store(&mut self, whole: bool, printer: &Printer) {
        let Some(consumer) = &self.consumer else { return };
        if whole {
            for (partition, end) in self.bounds.close_finished(consumer.reader()) {
                self.printed.insert(partition, CommittedOffset::at(end));
            }
        }
        if printer.holds_back() {
            return;
        }
        for ((topic, partition), upto) in self.printed.drain() {
            consumer.store(&topic, partition, upto);
        }
        if whole && !self.bounds.exist() {
            consumer.store_all();
        }
    }

    /// Commits as `--commit` says; `now`: nothing may be left for later.
    ///
    /// One who is out of the group loses what it did not commit, hears of that with the next poll, and goes on.
    async fn commit(&self, now: bool) -> anyhow::Result<()> {
        let Some(consumer) = &self.consumer else { return Ok(()) };
        let committed = match self.args.commit {
            Some(Commit::Async) if !now => {
                consumer.commit_soon();
                return Ok(());
            }
            Some(Commit::Sync | Commit::Async) => consumer.commit().await,
            _ => return Ok(()), // Nobody's business, or the consumer's own.
        };
        match committed {
            Err(cause @ GroupError::NotMember) => {
                tracing::warn!("{cause}");
                Ok(())
            }
            committed => committed.map_err(uncommitted),
        }
    }

    fn forget(&mut self, partition: &Partition) {
        self.has.remove(partition);
        self.bounds.close(partition);
        self.printed.remove(partition);
    }

    /// Commits what was written out, and leaves the group. After a failure only what was stored before it counts.
    ///
    /// # Errors
    /// If the last offsets could not be written or committed.
    pub async fn leave(&mut self, printer: &mut Printer, failed: bool) -> anyhow::Result<()> {
        let written = if failed { Ok(()) } else { printer.finish() };
        if written.is_ok() && !failed {
            self.store(false, printer);
        }
        let Some(consumer) = self.consumer.take() else { return written };
        let committed = match self.args.commit {
            Some(Commit::Sync | Commit::Async) => consumer.commit().await,
            _ => Ok(()),
        };
        let closed = consumer.close().await;
        written.and(committed.and(closed).map_err(uncommitted))
    }
}

/// As people read them: `t[0] t[1]`.
fn listed(partitions: &[Partition]) -> String {
    let each = partitions.iter().map(|(topic, partition)| format!("{topic}[{partition}]"));
    each.collect::<Vec<_>>().join(" ")
}

/// Whether partitions start elsewhere than where the group has read to.
fn moves(args: &Args) -> bool {
    !matches!(args.from, None | Some(From::Stored))
}

fn needs_ranges(args: &Args, bounds: &Bounds) -> bool {
    bounds.exist() || moves(args)
}

fn uncommitted(cause: GroupError) -> anyhow::Error {
    explain(ConsumeError::from(cause))
        .context("the last offsets are not committed: what was printed may be read again")
}
