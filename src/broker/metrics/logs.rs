//! Topics, partitions and log directories.

use std::fmt::Result;
use std::sync::Arc;

use super::sheet::Sheet;
use super::shown::{OTHERS, Shown};
use crate::base::TopicName;
use crate::broker::node::Node;
use crate::broker::partitions::{Slot, TopicLogs};
use crate::log::LogDir;

/// What the partitions of a topic, a directory or the node have together.
#[derive(Clone, Copy, Default)]
struct Sum {
    partitions: u64,
    offline: u64,
    bytes: u64,
    segments: u64,
    records: u64,
    appended_bytes: u64,
}

impl Sum {
    fn add(&mut self, other: &Sum) {
        self.partitions += other.partitions;
        self.offline += other.offline;
        self.bytes += other.bytes;
        self.segments += other.segments;
        self.records += other.records;
        self.appended_bytes += other.appended_bytes;
    }
}

/// Looks at every partition once, each for as long as some additions take.
fn look(node: &Node) -> (Vec<(TopicName, Sum)>, Vec<Sum>) {
    let dirs = node.partitions.dirs();
    let mut by_dir = vec![Sum::default(); dirs.len()];
    let one = |topic: Arc<TopicLogs>| {
        let mut sum = Sum::default();
        for slot in &topic.slots {
            let (found, dir) = match slot {
                Slot::Online(partition) => {
                    let log = partition.log();
                    let found = Sum {
                        partitions: 1,
                        offline: u64::from(partition.is_damaged() || log.is_offline()),
                        bytes: log.size_bytes(),
                        segments: log.segment_count() as u64,
                        records: u64::try_from(log.end().get()).unwrap_or(0),
                        appended_bytes: log.appended_bytes(),
                    };
                    (found, dirs.iter().position(|dir| Arc::ptr_eq(dir, &partition.dir)))
                }
                Slot::Offline(dir) => (Sum { partitions: 1, offline: 1, ..Sum::default() }, *dir),
            };
            sum.add(&found);
            if let Some(dir) = dir {
                by_dir[dir].add(&found);
            }
        }
        (topic.name.clone(), sum)
    };
    let topics = node.partitions.topics().into_iter().map(one).collect();
    (topics, by_dir)
}

/// Writes them. Topics beyond the bound are summed up in one row.
pub fn write(sheet: &mut Sheet<'_>, node: &Node, shown: &mut Shown<TopicName>) -> Result {
    let (topics, by_dir) = look(node);
    let mut all = Sum::default();
    topics.iter().for_each(|(_, sum)| all.add(sum));
    sheet.gauge("klog_topics", "Topics", topics.len())?;
    sheet.gauge("klog_partitions", "Partitions", all.partitions)?;
    sheet.gauge(
        "klog_offline_partitions",
        "Partitions that cannot be written to: their directory failed, or they are damaged or could not be opened",
        all.offline,
    )?;
    sheet.gauge(
        "klog_dirty_partitions",
        "Partitions with records that the background has to make durable",
        node.dirty.lock().len(),
    )?;
    shown.choose(topics.iter().map(|(topic, sum)| (topic, sum.bytes)));
    write_topics(sheet, &topics, shown)?;
    write_dirs(sheet, node, &by_dir)
}

fn write_topics(
    sheet: &mut Sheet<'_>,
    topics: &[(TopicName, Sum)],
    shown: &Shown<TopicName>,
) -> Result {
    let mut own: Vec<(&str, Sum)> = Vec::new();
    let mut others: Option<Sum> = None;
    for (topic, sum) in topics {
        match shown.has(topic) {
            true => own.push((topic.as_str(), *sum)),
            false => others.get_or_insert_default().add(sum),
        }
    }
    own.sort_unstable_by_key(|(topic, _)| *topic);
    let counted = own.clone();
    own.extend(others.map(|sum| (OTHERS, sum)));
    let rows =
        |of: fn(&Sum) -> u64| own.iter().map(move |(topic, sum)| ([("topic", *topic)], of(sum)));
    sheet.gauges("klog_topic_partitions", "Partitions of a topic", rows(|sum| sum.partitions))?;
    sheet.gauges(
        "klog_topic_offline_partitions",
        "Partitions of a topic that cannot be written to",
        rows(|sum| sum.offline),
    )?;
    sheet.gauges(
        "klog_topic_size_bytes",
        "Bytes of batches that a topic has on disk",
        rows(|sum| sum.bytes),
    )?;
    sheet.gauges("klog_topic_segments", "Segments of a topic", rows(|sum| sum.segments))?;
    // No row for the others: a sum that topics leave would shrink, and look like a restart.
    let rows = |of: fn(&Sum) -> u64| {
        counted.iter().map(move |(topic, sum)| ([("topic", *topic)], of(sum)))
    };
    sheet.counters(
        "klog_topic_appended_records",
        "Offsets that a topic gave out since it was made: its records, and markers of transactions",
        rows(|sum| sum.records),
    )?;
    sheet.counters(
        "klog_topic_appended_bytes",
        "Bytes of batches that were appended to a topic since klog was started",
        rows(|sum| sum.appended_bytes),
    )
}

fn write_dirs(sheet: &mut Sheet<'_>, node: &Node, by_dir: &[Sum]) -> Result {
    let named: Vec<(String, &Arc<LogDir>)> = node
        .partitions
        .dirs()
        .iter()
        .map(|dir| (dir.folder().display().to_string(), dir))
        .collect();
    let unopened: Vec<String> =
        node.unopened_dirs.iter().map(|folder| folder.display().to_string()).collect();
    let online = named.iter().map(|(name, dir)| (name, !dir.is_offline()));
    let online = online.chain(unopened.iter().map(|name| (name, false)));
    sheet.gauges(
        "klog_log_dir_online",
        "Whether a log directory takes records, as far as its disk goes: 1 or 0",
        online.map(|(name, online)| ([("dir", name.as_str())], u64::from(online))),
    )?;
    sheet.gauges(
        "klog_log_dir_full",
        "Whether the last append found no room: 1 or 0",
        named.iter().map(|(name, dir)| ([("dir", name.as_str())], u64::from(dir.is_full()))),
    )?;
    let sums = || named.iter().zip(by_dir).map(|((name, _), sum)| ([("dir", name.as_str())], sum));
    sheet.gauges(
        "klog_log_dir_partitions",
        "Partitions in a log directory",
        sums().map(|(dir, sum)| (dir, sum.partitions)),
    )?;
    sheet.gauges(
        "klog_log_dir_size_bytes",
        "Bytes of batches in a log directory",
        sums().map(|(dir, sum)| (dir, sum.bytes)),
    )?;
    sheet.gauges(
        "klog_log_dir_segments",
        "Segments in a log directory",
        sums().map(|(dir, sum)| (dir, sum.segments)),
    )?;
    let spaces: Vec<_> = named
        .iter()
        .filter(|(_, dir)| !dir.is_offline())
        .filter_map(|(name, dir)| Some((name.as_str(), node.os.disk.space(dir.folder()).ok()?)))
        .collect();
    sheet.gauges(
        "klog_log_dir_usable_bytes",
        "Bytes that can still be written to the file system of a log directory",
        spaces.iter().map(|(name, space)| ([("dir", *name)], space.usable_bytes)),
    )?;
    sheet.gauges(
        "klog_log_dir_capacity_bytes",
        "How large the file system of a log directory is",
        spaces.iter().map(|(name, space)| ([("dir", *name)], space.total_bytes)),
    )?;
    sheet.histograms(
        "klog_flush_duration_seconds",
        "Flushes: all that makes a log durable up to its end, or many logs at once",
        named.iter().map(|(name, dir)| ([("dir", name.as_str())], dir.counts().flushes.get())),
    )?;
    sheet.histograms(
        "klog_fsync_duration_seconds",
        "Single waits for the disk: fdatasync of a segment, fsync of names, syncfs of a directory",
        named.iter().map(|(name, dir)| ([("dir", name.as_str())], dir.counts().syncs.get())),
    )
}
