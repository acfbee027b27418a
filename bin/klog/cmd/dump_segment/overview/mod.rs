//! `klog dump-segment DATA-DIRECTORY`

mod held;
mod logs;

use std::path::Path;

use klog::forensics::overview::{Look, Overview, PartitionView};
use klog::forensics::{Segments, Trail, partitions_in};
use klog::log::FoundProperties;
use klog::os::{Disk, Os};
use serde::Serialize;

use super::Args;
use super::damage::Damage;
use crate::logging::{LogArgs, wants_progress};
use crate::output::{ListFormat, Progress, Row, Rows, Stdout, count, or_dash, size};

/// Shows what is in a data directory.
pub fn run(args: &Args, log: &LogArgs, path: &Path, damage: &mut Damage) -> anyhow::Result<()> {
    let os = Os::real();
    let disk = &*os.disk;
    let overview = look(args, log, disk, path)?;
    let format = args.lists();
    directory(&overview, format)?;
    logs::topics(&overview, format)?;
    logs::partitions(&overview, format)?;
    held::groups(&overview, format)?;
    held::transactions(&overview, format)?;
    let wrong = overview.damage();
    let mut rows = section(format, "damaged", wrong.is_empty())?;
    for (file, detail) in wrong {
        damage.of(&file);
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
        "{}\n  cluster {}, node {}, directory {}\n  {}, {}; {stop}\n",
        row.path,
        or_dash(&row.cluster_id),
        or_dash(&row.node_id),
        or_dash(&row.directory_id),
        count(row.partitions, "partition"),
        size(row.size_bytes),
    );
    out.buffer().extend_from_slice(text.as_bytes());
    out.flush()
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
