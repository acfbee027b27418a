//! `klog dump-segment --batches`

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use klog::forensics::{Gap, Here, Piece, Stop, Swept, Trail, contradiction, look_inside};
use klog::os::Os;
use klog::record::TimestampType;
use serde::Serialize;

use super::damage::{Damage, words};
use super::filter::Filter;
use super::sources::{self, Source};
use super::{Args, follow};
use crate::logging::{LogArgs, wants_progress};
use crate::output::{ListFormat, Progress, Row, Rows, is_narrow, local_time, or_dash, size};

/// A batch; absent values are null. A gap has its place and size only.
#[derive(Serialize, Default)]
pub struct Batch {
    file: String,
    position: u64,
    size: u64,
    #[serde(flatten)]
    header: Option<Header>,
    /// What is wrong; sound batches do not have the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
}

/// What a batch says of itself.
#[derive(Serialize)]
struct Header {
    base_offset: Option<i64>,
    last_offset: i64,
    count: Option<u64>,
    leader_epoch: Option<i32>,
    magic: i8,
    codec: String,
    crc: u32,
    crc_valid: bool,
    timestamp_type: Option<&'static str>,
    base_timestamp: Option<i64>,
    max_timestamp: Option<i64>,
    producer_id: Option<i64>,
    producer_epoch: Option<i16>,
    base_sequence: Option<i32>,
    last_sequence: Option<i32>,
    delete_horizon_ms: Option<i64>,
    transactional: bool,
    control: bool,
}

/// The field, unless it is -1.
fn given<T: PartialEq + From<i8>>(raw: T) -> Option<T> {
    (raw != T::from(-1)).then_some(raw)
}

impl Batch {
    fn of(here: Here<'_>, swept: &Swept, deep: bool) -> std::io::Result<Batch> {
        let mut batch = Batch {
            file: here.path.display().to_string(),
            position: swept.found.position,
            size: swept.found.size as u64,
            header: Some(Header::of(swept)),
            damage: swept.crc.as_ref().err().map(ToString::to_string),
        };
        if deep && swept.crc.is_ok() {
            batch.look_inside(here, swept)?;
        }
        Ok(batch)
    }

    fn look_inside(&mut self, here: Here<'_>, swept: &Swept) -> std::io::Result<()> {
        match look_inside(&swept.batch(&**here.file)?) {
            Ok(inside) => {
                self.damage = contradiction(&swept.found, &inside);
                if let (None, Some(header)) = (swept.found.header, &mut self.header) {
                    header.base_offset = inside.first_offset;
                    header.count = Some(inside.count);
                }
            }
            Err(why) => self.damage = Some(why),
        }
        Ok(())
    }

    fn gap(path: &Path, gap: &Gap) -> Batch {
        Batch {
            file: path.display().to_string(),
            position: gap.position,
            size: gap.end - gap.position,
            header: None,
            damage: Some(words(gap)),
        }
    }
}

impl Header {
    fn of(swept: &Swept) -> Header {
        let header = swept.found.header;
        let number = |raw: Option<i64>| raw.and_then(given);
        let sequence = header.map(|header| header.base_sequence).filter(|first| *first >= 0);
        let attributes = header.map(|header| header.attributes);
        let horizon = attributes.is_some_and(|attributes| attributes.has_delete_horizon());
        Header {
            base_offset: header.map(|header| header.base_offset),
            last_offset: swept.found.last_offset,
            count: header.and_then(|header| u64::try_from(header.record_count).ok()),
            leader_epoch: header.and_then(|header| given(header.partition_leader_epoch)),
            magic: swept.magic(),
            codec: swept.codec().map_or_else(|_| "unknown".into(), |codec| codec.to_string()),
            crc: swept.stored_crc(),
            crc_valid: swept.crc.is_ok(),
            timestamp_type: swept.timestamp_type().map(|kind| match kind {
                TimestampType::CreateTime => "create",
                TimestampType::LogAppendTime => "append",
            }),
            base_timestamp: number(header.map(|header| header.base_timestamp)),
            max_timestamp: swept.max_timestamp(),
            producer_id: number(header.map(|header| header.producer_id)),
            producer_epoch: header.and_then(|header| given(header.producer_epoch)),
            base_sequence: sequence,
            last_sequence: header.filter(|_| sequence.is_some()).map(|it| it.last_sequence()),
            delete_horizon_ms: header.filter(|_| horizon).map(|header| header.base_timestamp),
            transactional: attributes.is_some_and(|attributes| attributes.transactional()),
            control: attributes.is_some_and(|attributes| attributes.control()),
        }
    }

    /// What of it is out of the ordinary.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if let (Some(id), Some(epoch), false) = (self.producer_id, self.producer_epoch, is_narrow())
        {
            let first = self.base_sequence.map(|first| format!(" #{first}"));
            remarks.push(format!("producer {id} e{epoch}{}", first.unwrap_or_default()));
        }
        match (self.control, self.transactional) {
            (true, true) => remarks.push("marker".to_owned()),
            (true, false) => remarks.push("control".to_owned()),
            (false, true) => remarks.push("in transaction".to_owned()),
            (false, false) => {}
        }
        if self.timestamp_type == Some("append") {
            remarks.push("append time".to_owned());
        }
        if self.delete_horizon_ms.is_some() {
            remarks.push(format!("tombstones go {}", local_time(self.delete_horizon_ms)));
        }
        if self.magic < 2 {
            remarks.push(format!("format {}", self.magic));
        }
        remarks
    }
}

impl Row for Batch {
    const HEADER: &'static [&'static str] = &[
        "position",
        "size",
        "first",
        "last",
        "count",
        "epoch",
        "codec",
        "max_timestamp",
        "remarks",
    ];
    const WIDE_ONLY: &'static [&'static str] = &["epoch"];
    const NUMBERS: &'static [&'static str] =
        &["position", "size", "first", "last", "count", "epoch"];

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.position.to_string(), size(self.size)];
        let mut remarks = Vec::new();
        match &self.header {
            Some(header) => {
                cells.extend([
                    or_dash(&header.base_offset),
                    header.last_offset.to_string(),
                    or_dash(&header.count),
                    or_dash(&header.leader_epoch),
                    header.codec.clone(),
                    local_time(header.max_timestamp),
                ]);
                remarks = header.remarks();
            }
            None => cells.extend(["-"; 6].map(str::to_owned)),
        }
        remarks.extend(self.damage.as_ref().map(|damage| format!("DAMAGED: {damage}")));
        cells.push(remarks.join(", "));
        cells
    }

    fn plain(&self) -> Vec<String> {
        let mut cells = vec![self.file.clone(), self.position.to_string(), self.size.to_string()];
        match &self.header {
            Some(header) => cells.extend([
                or_dash(&header.base_offset),
                header.last_offset.to_string(),
                or_dash(&header.count),
                or_dash(&header.leader_epoch),
                header.magic.to_string(),
                header.codec.clone(),
                header.crc.to_string(),
                header.crc_valid.to_string(),
                or_dash(&header.timestamp_type),
                or_dash(&header.base_timestamp),
                or_dash(&header.max_timestamp),
                or_dash(&header.producer_id),
                or_dash(&header.producer_epoch),
                or_dash(&header.base_sequence),
                or_dash(&header.last_sequence),
                or_dash(&header.delete_horizon_ms),
                header.transactional.to_string(),
                header.control.to_string(),
            ]),
            None => cells.extend(std::iter::repeat_n("-".to_owned(), 18)),
        }
        cells.push(or_dash(&self.damage));
        cells
    }

    fn is_bad(&self) -> bool {
        self.damage.is_some()
    }
}

pub fn run(args: &Args, log: &LogArgs) -> anyhow::Result<()> {
    let os = Os::real();
    let sources = sources::logs(&*os.disk, &args.paths, &args.filters)?;
    let mut shown = Shown::new(args);
    for source in &sources {
        shown.filter.begin();
        shown.of_source(args, log, &os, source)?;
        if shown.left == 0 {
            break;
        }
    }
    shown.rows.finish()?;
    shown.damage.finish()
}

/// What was shown, and what may yet be.
struct Shown {
    rows: Rows<Batch>,
    filter: Filter,
    left: u64,
    damage: Damage,
    /// The file whose batches the table has.
    file: Option<PathBuf>,
}

impl Shown {
    fn new(args: &Args) -> Shown {
        Shown {
            rows: Rows::streamed(args.lists()),
            filter: Filter::new(args),
            left: args.filters.most.unwrap_or(u64::MAX),
            damage: Damage::default(),
            file: None,
        }
    }

    fn of_source(
        &mut self,
        args: &Args,
        log: &LogArgs,
        os: &Os,
        source: &Source,
    ) -> anyhow::Result<()> {
        let mut trail = Trail::new(&*os.disk, source.segments.clone());
        if args.follow {
            trail = trail.of_a_live_log();
        }
        let (from, to) = self.filter.offsets();
        let total = trail.bytes_within(from, to)?;
        let progress = Progress::between_lines(wants_progress(log) && !args.follow, total);
        let mut batches = 0u64;
        loop {
            let before = batches;
            trail.walk(from, to, |here, piece| {
                batches += 1;
                progress
                    .advance_to(piece.end() - piece.position(), || format!("{batches} batches"));
                self.piece(args, here, piece)
            })?;
            if self.is_done() || !args.follow {
                return Ok(());
            }
            self.rows.flush()?;
            follow::wait(batches > before);
        }
    }

    fn piece(
        &mut self,
        args: &Args,
        here: Here<'_>,
        piece: &Piece,
    ) -> anyhow::Result<ControlFlow<Stop>> {
        let row = match piece {
            Piece::Batch(swept) if !self.filter.takes_batch(swept) => None,
            Piece::Batch(swept) => Some(Batch::of(here, swept, args.deep)?),
            Piece::Gap(gap) => Some(Batch::gap(here.path, gap)),
        };
        if let Some(row) = row {
            self.begin_file(args, here.path)?;
            if row.is_bad() {
                self.damage.at(here.path, row.position);
            }
            self.rows.push(row)?;
            self.left -= 1;
        }
        Ok(if self.is_done() {
            ControlFlow::Break(Stop::Behind)
        } else {
            ControlFlow::Continue(())
        })
    }

    /// A table is of one file: the name stands above it, not in each line.
    fn begin_file(&mut self, args: &Args, path: &Path) -> anyhow::Result<()> {
        if args.lists() != ListFormat::Table || self.file.as_deref() == Some(path) {
            return Ok(());
        }
        self.file = Some(path.to_path_buf());
        self.rows.title(&path.display().to_string())
    }

    fn is_done(&self) -> bool {
        self.left == 0 || self.filter.is_past()
    }
}
