//! The topics and partitions of a data directory.

use std::collections::BTreeMap;

use klog::forensics::overview::{Overview, PartitionView};
use serde::Serialize;

use super::section;
use crate::output::{ListFormat, Row, count, local_time, or_dash, size};

#[derive(Serialize)]
struct TopicRow {
    kind: &'static str,
    topic: String,
    topic_id: Option<String>,
    partitions: usize,
    size_bytes: u64,
    records: u64,
    remark: Option<&'static str>,
}

impl Row for TopicRow {
    const HEADER: &'static [&'static str] =
        &["topic", "topic_id", "partitions", "size", "records", "remark"];
    const NUMBERS: &'static [&'static str] = &["partitions", "size", "records"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.topic.clone(),
            or_dash(&self.topic_id),
            self.partitions.to_string(),
            size(self.size_bytes),
            self.records.to_string(),
            self.remark.unwrap_or_default().to_owned(),
        ]
    }
    fn plain(&self) -> Vec<String> {
        let mut cells = self.cells();
        cells[3] = self.size_bytes.to_string();
        [vec![self.kind.to_owned()], cells].concat()
    }
}

pub(super) fn topics(overview: &Overview, format: ListFormat) -> anyhow::Result<()> {
    let mut by_name: BTreeMap<String, Vec<&PartitionView>> = BTreeMap::new();
    for view in &overview.partitions {
        by_name.entry(view.folder.topic()).or_default().push(view);
    }
    let mut rows = section(format, "topics", by_name.is_empty())?;
    for (topic, views) in by_name {
        let metadata = overview.metadata.as_ref();
        let known = metadata.map(|it| it.image.topic(&topic).map(|topic| topic.id));
        let id = known.flatten().or(views.iter().find_map(|view| view.topic_id));
        let is_metadata = topic == "__cluster_metadata";
        rows.push(TopicRow {
            kind: "topic",
            topic_id: id.map(|id| id.to_string()),
            partitions: views.len(),
            size_bytes: views.iter().map(|view| view.bytes()).sum(),
            records: views.iter().map(|view| view.stats.records).sum(),
            remark: match known {
                Some(None) if !is_metadata => Some("not in the metadata log"),
                _ if views.iter().all(|view| view.folder.fate.is_some()) => Some("to be deleted"),
                _ => None,
            },
            topic,
        })?;
    }
    rows.finish()
}

#[derive(Serialize)]
struct PartitionRow {
    kind: &'static str,
    topic: String,
    partition: Option<i32>,
    segments: usize,
    size_bytes: u64,
    batches: u64,
    records: u64,
    first_offset: Option<i64>,
    end_offset: i64,
    min_timestamp: Option<i64>,
    max_timestamp: Option<i64>,
    open_transactions: usize,
    leftover_files: usize,
    damaged_places: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fate: Option<&'static str>,
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    is_bad: bool,
}

impl PartitionRow {
    fn of(view: &PartitionView) -> PartitionRow {
        PartitionRow {
            kind: "partition",
            topic: view.folder.topic(),
            partition: view.folder.number(),
            segments: view.segments,
            size_bytes: view.bytes(),
            batches: view.stats.batches,
            records: view.stats.records,
            first_offset: view.start,
            end_offset: view.end().get(),
            min_timestamp: view.stats.min_timestamp,
            max_timestamp: view.stats.max_timestamp,
            open_transactions: view.fates.open().len(),
            leftover_files: view.leftovers,
            damaged_places: view.stats.damaged,
            fate: view.folder.fate,
            name: view.folder.to_string(),
            is_bad: !view.damage.is_empty(),
        }
    }
}

impl Row for PartitionRow {
    const HEADER: &'static [&'static str] = &[
        "partition",
        "segments",
        "size",
        "first",
        "end",
        "min_timestamp",
        "max_timestamp",
        "remarks",
    ];
    const NUMBERS: &'static [&'static str] = &["segments", "size", "first", "end"];
    const WIDE_ONLY: &'static [&'static str] = &["min_timestamp"];
    fn cells(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.is_bad {
            remarks.push("DAMAGED".to_owned());
        }
        if self.open_transactions > 0 {
            remarks.push(count(self.open_transactions, "open transaction"));
        }
        if self.leftover_files > 0 {
            remarks.push(count(self.leftover_files, "left-over file"));
        }
        remarks.extend(self.fate.map(str::to_owned));
        vec![
            self.name.clone(),
            self.segments.to_string(),
            size(self.size_bytes),
            or_dash(&self.first_offset),
            self.end_offset.to_string(),
            local_time(self.min_timestamp),
            local_time(self.max_timestamp),
            remarks.join(", "),
        ]
    }
    fn plain(&self) -> Vec<String> {
        let mut cells = self.cells();
        cells[2] = self.size_bytes.to_string();
        cells[5] = or_dash(&self.min_timestamp);
        cells[6] = or_dash(&self.max_timestamp);
        [vec![self.kind.to_owned()], cells].concat()
    }
    fn is_bad(&self) -> bool {
        self.is_bad
    }
}

pub(super) fn partitions(overview: &Overview, format: ListFormat) -> anyhow::Result<()> {
    // A table has no line for each of the fifty partitions of a topic that hold nothing.
    let all = overview.partitions.iter();
    let shown: Vec<&PartitionView> =
        all.filter(|view| format != ListFormat::Table || !view.is_empty()).collect();
    let empty = overview.partitions.len() - shown.len();
    let title = match empty {
        0 => "partitions".to_owned(),
        1 => "partitions (1 that is empty is not shown)".to_owned(),
        empty => format!("partitions ({empty} that are empty are not shown)"),
    };
    let mut rows = section(format, &title, shown.is_empty())?;
    for view in shown {
        rows.push(PartitionRow::of(view))?;
    }
    rows.finish()
}
