//! `klog dump-segment DATA-DIRECTORY`

use std::collections::BTreeMap;
use std::path::Path;

use klog::base::{Offset, TopicPartition};
use klog::forensics::overview::{Look, Overview, PartitionView};
use klog::forensics::{Segments, Trail, partitions_in};
use klog::log::FoundProperties;
use klog::os::{Disk, Os};
use serde::Serialize;

use super::Args;
use super::damage::Damage;
use crate::logging::{LogArgs, wants_progress};
use crate::output::{ListFormat, Progress, Row, Rows, Stdout, local_time, or_dash, size};

/// Shows what is in a data directory.
pub fn run(args: &Args, log: &LogArgs, path: &Path, damage: &mut Damage) -> anyhow::Result<()> {
    let os = Os::real();
    let disk = &*os.disk;
    let overview = look(args, log, disk, path)?;
    let format = args.lists();
    directory(&overview, format)?;
    topics(&overview, format)?;
    partitions(&overview, format)?;
    groups(&overview, format)?;
    transactions(&overview, format)?;
    let wrong = overview.damage();
    let mut rows = section(format, "damaged", wrong.is_empty())?;
    for (file, detail) in wrong {
        damage.at(&file, 0);
        rows.push(DamageRow { kind: "damage", file: file.display().to_string(), detail })?;
    }
    rows.finish()
}

fn look(args: &Args, log: &LogArgs, disk: &dyn Disk, path: &Path) -> anyhow::Result<Overview> {
    let folders = partitions_in(disk, path)?;
    let wanted = |folder: &klog::forensics::Folder| args.filters.takes(folder);
    let mut total = 0;
    for folder in folders.iter().filter(|folder| wanted(folder)) {
        total += Trail::new(disk, Segments::Of(folder.clone())).bytes_within(0, i64::MAX)?;
    }
    let progress = Progress::of_files(wants_progress(log), total);
    let advance = |bytes: u64| progress.advance_to(bytes, String::new);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let look = Look { threads, wanted: &wanted, progress: &advance };
    Ok(Overview::of(disk, path, &folders, look)?)
}

/// A list under a title of its own; a table without rows has none.
fn section<R: Row>(format: ListFormat, title: &str, is_empty: bool) -> anyhow::Result<Rows<R>> {
    let mut rows = Rows::new(format);
    if format == ListFormat::Table && !is_empty {
        rows.title(&format!("\n{title}"))?;
    }
    Ok(rows)
}

/// Whose directory it is.
#[derive(Serialize)]
struct DirectoryRow {
    kind: &'static str,
    path: String,
    cluster_id: Option<String>,
    node_id: Option<i32>,
    directory_id: Option<String>,
    stopped_cleanly: bool,
    partitions: usize,
    size_bytes: u64,
}

impl Row for DirectoryRow {
    const HEADER: &'static [&'static str] = &[];
    fn cells(&self) -> Vec<String> {
        vec![
            self.kind.to_owned(),
            self.path.clone(),
            or_dash(&self.cluster_id),
            or_dash(&self.node_id),
            or_dash(&self.directory_id),
            self.stopped_cleanly.to_string(),
            self.partitions.to_string(),
            self.size_bytes.to_string(),
        ]
    }
}

fn directory(overview: &Overview, format: ListFormat) -> anyhow::Result<()> {
    let known = match &overview.properties {
        FoundProperties::Read(known) => Some(known),
        FoundProperties::Missing | FoundProperties::Unusable(_) => None,
    };
    let row = DirectoryRow {
        kind: "directory",
        path: overview.path.display().to_string(),
        cluster_id: known.map(|known| known.cluster_id.clone()),
        node_id: known.map(|known| known.node_id.get()),
        directory_id: known.map(|known| known.directory_id.to_string()),
        stopped_cleanly: overview.stopped_cleanly,
        partitions: overview.partitions.len(),
        size_bytes: overview.partitions.iter().map(PartitionView::bytes).sum(),
    };
    if format != ListFormat::Table {
        let mut rows = Rows::new(format);
        rows.push(row)?;
        return rows.finish();
    }
    let mut out = Stdout::new();
    let stop = match row.stopped_cleanly {
        true => "its broker stopped cleanly",
        false => "its broker runs, or did not stop cleanly",
    };
    let text = format!(
        "{}\n  cluster {}, node {}, directory {}\n  {} partitions, {}; {stop}\n",
        row.path,
        or_dash(&row.cluster_id),
        or_dash(&row.node_id),
        or_dash(&row.directory_id),
        row.partitions,
        size(row.size_bytes),
    );
    out.buffer().extend_from_slice(text.as_bytes());
    out.flush()
}

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

fn topics(overview: &Overview, format: ListFormat) -> anyhow::Result<()> {
    let mut by_name: BTreeMap<String, Vec<&PartitionView>> = BTreeMap::new();
    for view in &overview.partitions {
        by_name.entry(view.folder.topic()).or_default().push(view);
    }
    let mut rows = section(format, "topics", by_name.is_empty())?;
    for (topic, views) in by_name {
        let known = overview.topics.as_ref().map(|topics| topics.get(&topic).copied());
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
            remarks.push(format!("{} open transactions", self.open_transactions));
        }
        if self.leftover_files > 0 {
            remarks.push(format!("{} left-over files", self.leftover_files));
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

fn partitions(overview: &Overview, format: ListFormat) -> anyhow::Result<()> {
    // A table has no line for each of the fifty partitions of a topic that hold nothing.
    let all = overview.partitions.iter();
    let shown: Vec<&PartitionView> =
        all.filter(|view| format != ListFormat::Table || !view.is_empty()).collect();
    let empty = overview.partitions.len() - shown.len();
    let title = match empty {
        0 => "partitions".to_owned(),
        empty => format!("partitions ({empty} that are empty are not shown)"),
    };
    let mut rows = section(format, &title, shown.is_empty())?;
    for view in shown {
        rows.push(PartitionRow::of(view))?;
    }
    rows.finish()
}

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

fn groups(overview: &Overview, format: ListFormat) -> anyhow::Result<()> {
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

fn transactions(overview: &Overview, format: ListFormat) -> anyhow::Result<()> {
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

#[derive(Serialize)]
struct DamageRow {
    kind: &'static str,
    file: String,
    detail: String,
}

impl Row for DamageRow {
    const HEADER: &'static [&'static str] = &["file", "what_is_wrong"];
    fn cells(&self) -> Vec<String> {
        vec![self.file.clone(), self.detail.clone()]
    }
    fn plain(&self) -> Vec<String> {
        [vec![self.kind.to_owned()], self.cells()].concat()
    }
    fn is_bad(&self) -> bool {
        true
    }
}
