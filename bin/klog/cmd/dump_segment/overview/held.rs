//! What a data directory holds for clients: the offsets of groups, and transactions that are open.

use std::collections::BTreeMap;

use klog::base::{Offset, TopicPartition};
use klog::forensics::overview::Overview;
use serde::Serialize;

use super::section;
use crate::output::{ListFormat, Row, local_time, or_dash};

#[derive(Serialize)]
struct GroupRow {
    kind: &'static str,
    group: String,
    #[serde(rename = "type")]
    type_: Option<&'static str>,
    topic: Option<String>,
    partition: Option<i32>,
    committed: Option<i64>,
    committed_at: Option<i64>,
    log_end: Option<i64>,
    lag: Option<i64>,
}

impl Row for GroupRow {
    const HEADER: &'static [&'static str] =
        &["group", "type", "topic", "partition", "committed", "log_end", "lag", "committed_at"];
    const NUMBERS: &'static [&'static str] = &["partition", "committed", "log_end", "lag"];
    const WIDE_ONLY: &'static [&'static str] = &["type"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.group.clone(),
            or_dash(&self.type_),
            or_dash(&self.topic),
            or_dash(&self.partition),
            or_dash(&self.committed),
            or_dash(&self.log_end),
            or_dash(&self.lag),
            local_time(self.committed_at),
        ]
    }
    fn plain(&self) -> Vec<String> {
        let mut cells = self.cells();
        cells[7] = or_dash(&self.committed_at);
        [vec![self.kind.to_owned()], cells].concat()
    }
}

pub(super) fn groups(overview: &Overview, format: ListFormat) -> anyhow::Result<()> {
    let ends = overview.ends();
    let groups = &overview.groups;
    let names = groups.names();
    let mut rows = section(format, "groups", names.is_empty())?;
    for name in names {
        let type_ = groups.known.get(name).map(|new| if *new { "consumer" } else { "classic" });
        let own = groups.committed.iter().filter(|(at, _)| at.group == *name);
        let mut any = false;
        for (at, offset) in own {
            any = true;
            let end = end_of(&ends, &at.topic, at.partition);
            rows.push(GroupRow {
                kind: "group",
                group: name.to_string(),
                type_,
                topic: Some(at.topic.to_string()),
                partition: Some(at.partition),
                committed: Some(offset.offset),
                committed_at: Some(offset.committed_at).filter(|at| *at >= 0),
                log_end: end,
                lag: end.map(|end| end.saturating_sub(offset.offset)),
            })?;
        }
        if !any {
            rows.push(GroupRow {
                kind: "group",
                group: name.to_string(),
                type_,
                topic: None,
                partition: None,
                committed: None,
                committed_at: None,
                log_end: None,
                lag: None,
            })?;
        }
    }
    rows.finish()
}

/// Where a partition ends, if it is here.
fn end_of(ends: &BTreeMap<TopicPartition, Offset>, topic: &str, partition: i32) -> Option<i64> {
    let topic = klog::base::TopicName::new(topic).ok()?;
    let partition = klog::base::PartitionIndex::from_wire(partition)?;
    ends.get(&TopicPartition { topic, partition }).map(|end| end.get())
}

#[derive(Serialize)]
struct TransactionRow {
    kind: &'static str,
    topic: String,
    partition: Option<i32>,
    producer_id: i64,
    start_offset: i64,
    transactional_id: Option<String>,
    state: Option<&'static str>,
}

impl Row for TransactionRow {
    const HEADER: &'static [&'static str] =
        &["topic", "partition", "producer_id", "start_offset", "transactional_id", "state"];
    const NUMBERS: &'static [&'static str] = &["partition", "producer_id", "start_offset"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.topic.clone(),
            or_dash(&self.partition),
            self.producer_id.to_string(),
            self.start_offset.to_string(),
            or_dash(&self.transactional_id),
            or_dash(&self.state),
        ]
    }
    fn plain(&self) -> Vec<String> {
        [vec![self.kind.to_owned()], self.cells()].concat()
    }
}

pub(super) fn transactions(overview: &Overview, format: ListFormat) -> anyhow::Result<()> {
    let none = overview.partitions.iter().all(|view| view.fates.first_open().is_none());
    let mut rows = section(format, "open transactions", none)?;
    for view in &overview.partitions {
        for (producer_id, start_offset) in view.fates.open() {
            let known = overview.transactions.get(&producer_id);
            rows.push(TransactionRow {
                kind: "transaction",
                topic: view.folder.topic(),
                partition: view.folder.number(),
                producer_id,
                start_offset,
                transactional_id: known.map(|known| known.id.to_string()),
                state: known.map(|known| known.state),
            })?;
        }
    }
    rows.finish()
}
