//! What is read of each partition, and whether that is done.

use std::collections::HashMap;

use klog::base::Millis;
use klog::client::{Admin, ConsumedRecord, Consumer, Isolation, OffsetSpec};

use super::args::Args;
use super::plan::Range;
use super::topics::ahead_of;
use crate::cluster::{self, Offsets, Partition};
use crate::values;

/// The partitions that are read and not done.
pub struct Bounds {
    open: HashMap<Partition, Range>,
    /// Whether they have an end.
    bounded: bool,
    /// `--until` as a time that is still to come: ends are set once it has.
    ahead: Option<Ahead>,
}

/// Ends that are not known yet.
struct Ahead {
    until: Millis,
    admin: Admin,
    isolation: Isolation,
}

impl Bounds {
    /// Without partitions yet.
    pub fn new(args: &Args, admin: &Admin, isolation: Isolation, now: Millis) -> Bounds {
        let until = ahead_of(args.until, now);
        Bounds {
            open: HashMap::new(),
            bounded: args.end || args.until.is_some(),
            ahead: until.map(|until| Ahead { until, admin: admin.clone(), isolation }),
        }
    }

    /// Reads this too.
    pub fn open(&mut self, partition: Partition, range: Range) {
        self.open.insert(partition, range);
    }

    /// Reads this no more.
    pub fn close(&mut self, partition: &Partition) {
        self.open.remove(partition);
    }

    /// Whether there is an end, and it is reached everywhere.
    pub fn are_reached(&self) -> bool {
        self.bounded && self.open.is_empty()
    }

    /// Whether the reader stops somewhere.
    pub fn exist(&self) -> bool {
        self.bounded
    }

    /// Once the time that `--until` names has come, the ends are known: the first record that is not older.
    ///
    /// # Errors
    /// If a partition does not tell.
    pub async fn set_ends(&mut self) -> anyhow::Result<()> {
        let Some(ahead) = self.ahead.take_if(|ahead| ahead.until <= values::now()) else {
            return Ok(());
        };
        let endless = self.open.iter().filter(|(_, range)| range.end.is_none());
        let partitions: Vec<Partition> = endless.map(|(p, _)| p.clone()).collect();
        let at = |at| cluster::offsets(&ahead.admin, &partitions, at, ahead.isolation);
        let latest = at(OffsetSpec::Latest).await?;
        let young = at(OffsetSpec::At(ahead.until)).await?;
        for partition in &partitions {
            let offset = |found: &Offsets| found.get(partition).and_then(|found| found.offset);
            if let Some(range) = self.open.get_mut(partition) {
                range.end = offset(&young).or(offset(&latest));
            }
        }
        Ok(())
    }

    /// Lets go of partitions that were read to their end, markers and gaps included; returns them with their ends.
    pub fn close_finished(&mut self, consumer: &Consumer) -> Vec<(Partition, i64)> {
        let done = self.open.extract_if(|(topic, partition), range| {
            consumer.position(topic, *partition).is_some_and(|at| range.is_done_at(at))
        });
        done.filter_map(|(partition, range)| Some((partition, range.end?))).collect()
    }

    /// Those records of one partition that belong to what is read: what lies behind the end came along in the same batch, or
    /// before the partition was let go.
    pub fn before_the_end<'a>(&mut self, run: &'a [ConsumedRecord]) -> &'a [ConsumedRecord] {
        let Some(first) = run.first().filter(|_| self.bounded) else { return run };
        let Some(range) = self.open.get_mut(&(first.topic.clone(), first.partition)) else {
            return &[];
        };
        if let Some(ahead) = &self.ahead
            && range.end.is_none()
        {
            let too_young =
                |record: &&ConsumedRecord| record.timestamp.is_some_and(|at| at >= ahead.until.0);
            range.end = run.iter().find(too_young).map(|record| record.offset);
        }
        let wanted = run.partition_point(|record| !range.is_done_at(record.offset));
        run.get(..wanted).unwrap_or_default()
    }
}
