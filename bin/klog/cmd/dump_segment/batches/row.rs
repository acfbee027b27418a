//! A batch as a line.

use std::path::Path;

use klog::forensics::{Gap, Here, Swept, contradiction};
use klog::record::TimestampType;
use serde::Serialize;

use crate::cmd::dump_segment::damage::words;
use crate::output::{Row, is_narrow, local_time, or_dash, size};

/// A batch; absent values are null. A gap has its place and size only.
#[derive(Serialize, Default)]
pub struct Batch {
    file: String,
    pub position: u64,
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
    /// One that was swept up; `deep` looks inside.
    pub fn of(here: Here<'_>, swept: &Swept, deep: bool) -> std::io::Result<Batch> {
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
        match swept.inside(&**here.file)? {
            Ok(inside) => {
                self.damage = contradiction(&swept.found, &inside);
                if let (None, Some(header)) = (swept.found.header, &mut self.header) {
                    header.base_offset = inside.first_offset;
                    header.count = Some(inside.count);
                }
            }
            Err(unreadable) => self.damage = Some(unreadable.why),
        }
        Ok(())
    }

    /// What stands where no batch does.
    pub fn gap(path: &Path, gap: &Gap) -> Batch {
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
