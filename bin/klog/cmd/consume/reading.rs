//! Reads partitions from where they start to where they end.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use klog::base::{Millis, TopicName};
use klog::client::{
    Admin, Client, ConsumedRecord, Consumer, ConsumerConfig, Isolation, OffsetSpec, StartAt,
    TopicListing,
};
use klog::record::TimestampType;

use super::args::Args;
use super::plan::{Known, Range, range};
use super::print::Printer;
use crate::cluster::{self, Offsets, Partition};
use crate::connect::explain;
use crate::exit::Hint as _;
use crate::record::Shown;
use crate::signals::Signals;
use crate::values::{self, From, Until};

/// How long a poll may wait for records. Ends that are reached without one are seen after it.
const POLL: Duration = Duration::from_millis(100);

/// Partitions that are being read.
pub struct Reading {
    consumer: Consumer,
    /// What is read of those that are not done.
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
        let (now, isolation) = (values::now(), config.isolation);
        let partitions = partitions(args, &admin).await?;
        let ranges = ranges(args, &admin, &config, &partitions, now).await?;
        let consumer = Consumer::new(client, config);
        let open: HashMap<Partition, Range> =
            ranges.into_iter().filter(|(_, range)| !range.is_done_at(range.start)).collect();
        let assigned: Vec<(TopicName, i32, StartAt)> = open
            .iter()
            .map(|((topic, partition), range)| {
                (topic.clone(), *partition, StartAt::Offset(range.start))
            })
            .collect();
        consumer.assign(&assigned);
        let bounded = args.end || args.until.is_some();
        let ahead = ahead_of(args.until, now).map(|until| Ahead { until, admin, isolation });
        Ok(Reading { consumer, open, bounded, ahead })
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
        while !printer.is_full() && !self.is_done() {
            let records = tokio::select! {
                records = self.consumer.poll(POLL) => records.map_err(explain)?,
                _ = signals.stop() => return Ok(()),
            };
            self.print(&records, printer)?;
            printer.flush()?;
            self.set_ends().await?;
            self.close_finished();
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.bounded && self.open.is_empty()
    }

    /// Once the time that `--until` names has come, the ends are known: the first record that is not older.
    async fn set_ends(&mut self) -> anyhow::Result<()> {
        let Some(ahead) = self.ahead.take_if(|ahead| ahead.until <= values::now()) else {
            return Ok(());
        };
        let partitions: Vec<Partition> = self
            .open
            .iter()
            .filter(|(_, range)| range.end.is_none())
            .map(|(p, _)| p.clone())
            .collect();
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

    /// Lets go of partitions that were read to their end, markers and gaps included.
    fn close_finished(&mut self) {
        let consumer = &self.consumer;
        self.open.retain(|(topic, partition), range| {
            !consumer.position(topic, *partition).is_some_and(|at| range.is_done_at(at))
        });
    }

    fn print(&mut self, records: &[ConsumedRecord], printer: &mut Printer) -> anyhow::Result<()> {
        for run in records.chunk_by(|a, b| a.partition == b.partition && a.topic == b.topic) {
            // What lies behind the end came along in the same batch, or before the partition was let go.
            for record in self.before_the_end(run) {
                printer.print(&shown(record))?;
                if printer.is_full() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Those records of one partition that belong to what is read.
    fn before_the_end<'a>(&mut self, run: &'a [ConsumedRecord]) -> &'a [ConsumedRecord] {
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

/// The partitions that the arguments name.
async fn partitions(args: &Args, admin: &Admin) -> anyhow::Result<Vec<Partition>> {
    let mut found = Vec::new();
    for topic in topics(args, admin).await? {
        found.extend(cluster::partitions_of(admin, &topic, &args.partition).await?);
    }
    Ok(found)
}

async fn topics(args: &Args, admin: &Admin) -> anyhow::Result<Vec<TopicName>> {
    if !args.regex {
        return args.named();
    }
    let known = admin.list_topics().await.map_err(explain)?;
    let mut found = Vec::new();
    for pattern in args.patterns()? {
        let own = pattern.as_str().contains("__");
        let fits = |t: &&TopicListing| pattern.is_match(&t.name) && (own || !t.internal);
        found.extend(known.iter().filter(fits).map(|topic| topic.name.clone()));
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        let error = anyhow::anyhow!("no topic matches {}", args.topics.join(" or "));
        return Err(error).hint("`klog topics list` shows what there is");
    }
    Ok(found)
}

/// Where each partition starts and ends.
async fn ranges(
    args: &Args,
    admin: &Admin,
    config: &ConsumerConfig,
    partitions: &[Partition],
    now: Millis,
) -> anyhow::Result<HashMap<Partition, Range>> {
    let ahead = ahead_of(args.until, now).is_some();
    let at = |at| cluster::offsets(admin, partitions, at, config.isolation);
    let earliest = at(OffsetSpec::Earliest).await?;
    let latest = at(OffsetSpec::Latest).await?;
    let from_time = match args.from {
        From::Time(when) => at(OffsetSpec::At(when.at(now))).await?,
        _ => Offsets::new(),
    };
    let until = if args.end { Some(Until::End) } else { args.until };
    let until_time = match until {
        Some(Until::Time(when)) => at(OffsetSpec::At(when.at(now))).await?,
        _ => Offsets::new(),
    };
    let mut ranges = HashMap::new();
    for partition in partitions {
        let offset = |found: &Offsets| found.get(partition).and_then(|found| found.offset);
        let known = Known {
            earliest: offset(&earliest).unwrap_or(0),
            latest: offset(&latest).unwrap_or(0),
            from_time: offset(&from_time),
            until_time: offset(&until_time),
        };
        let found = range(known, args.from, config.offset_reset, until, ahead)
            .with_context(|| format!("cannot read {}[{}]", partition.0, partition.1))
            .hint("--reset earliest or --reset latest goes on elsewhere")?;
        ranges.insert(partition.clone(), found);
    }
    Ok(ranges)
}

/// `--until` as a time, if that is still to come.
fn ahead_of(until: Option<Until>, now: Millis) -> Option<Millis> {
    match until {
        Some(Until::Time(when)) => Some(when.at(now)).filter(|until| *until > now),
        _ => None,
    }
}

fn shown(record: &ConsumedRecord) -> Shown<'_> {
    let headers = record.headers.iter().map(|h| (h.key.as_ref(), h.value.as_deref()));
    Shown {
        topic: &record.topic,
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        append_time: record.timestamp_type == TimestampType::LogAppendTime,
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: headers.collect(),
    }
}
