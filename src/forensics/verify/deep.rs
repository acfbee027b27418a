//! The records inside of a batch: decompressed and counted.

use crate::forensics::content::{Inside, Unreadable};
use crate::forensics::finding::Kind;
use crate::forensics::sweep::Swept;

/// What is wrong with the records of a batch whose checksum is right.
pub fn judge(swept: &Swept, inside: Result<Inside, Unreadable>) -> Option<(Kind, String)> {
    let header = swept.found.header.as_ref();
    match (inside, header) {
        (Err(Unreadable { kind: Kind::CountMismatch, after, why }), Some(header)) => {
            let announced = header.record_count;
            let detail = format!("{announced} records were expected; after {after}: {why}");
            Some((Kind::CountMismatch, detail))
        }
        (Err(Unreadable { kind: Kind::CrcMismatch, why, .. }), _) => {
            Some((Kind::CrcMismatch, format!("inside: {why}")))
        }
        (Err(Unreadable { kind, why, .. }), _) => Some((kind, why)),
        (Ok(Inside { astray: Some((record, offset)), .. }), Some(header)) => {
            let last = header.last_offset();
            let detail = format!(
                "offsets that ascend up to {last} were expected; record {record} has {offset}"
            );
            Some((Kind::CountMismatch, detail))
        }
        (Ok(_), _) => None,
    }
}
