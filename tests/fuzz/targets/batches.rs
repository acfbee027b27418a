//! Record batches: refused or read in bounded memory; what validation passes can be read, recompressed and validated again.

use bytes::Bytes;
use klog::base::Millis;
use klog::record::{
    Batch, Codec, Limits, Scratch, recompress, records, split_any, validate_produced,
};

use crate::memory::peak_of;

const CAP: usize = 1 << 20;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const HEADER_LEN: usize = 61;

fn limits() -> Limits {
    Limits {
        now: Millis(1_700_000_000_000),
        timestamp_after_max_ms: i64::MAX,
        max_decompressed_bytes: CAP,
        ..Limits::default()
    }
}

/// A batch whose length and CRC are right, whatever else is wrong with it.
fn sealed(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    if bytes.len() >= HEADER_LEN {
        let length = (bytes.len() - 12) as i32;
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes[16] = 2;
        let crc = crc32c::crc32c(&bytes[ATTRIBUTES_AT..]);
        bytes[CRC_AT..ATTRIBUTES_AT].copy_from_slice(&crc.to_be_bytes());
    }
    bytes
}

fn check(bytes: Vec<u8>) {
    let length = bytes.len();
    let Ok(batch) = Batch::new(Bytes::from(bytes)) else { return };
    let (checked, peak) = peak_of(|| validate_produced(&batch, &limits(), &mut Scratch::new()));
    assert!(peak <= 3 * CAP + length, "validating {length} bytes took {peak}");
    let all: Result<Vec<_>, _> = match records(&batch, CAP) {
        Ok(records) => records.collect(),
        Err(_) => {
            assert!(checked.is_err(), "validated, but its records cannot be read");
            return;
        }
    };
    let Ok(checked) = checked else { return };
    let all = all.expect("what was validated can be read");
    assert_eq!(all.len(), batch.header().record_count as usize);
    let newest = all.iter().map(|record| record.timestamp).max();
    assert_eq!(newest.map(|newest| newest.max(-1)), Some(checked.max_timestamp.0));
    for codec in [Codec::None, Codec::Zstd] {
        let again = recompress(&batch, codec, None, CAP).expect("what was validated");
        let any_size = Limits { max_message_bytes: usize::MAX, ..limits() };
        let same = validate_produced(&again, &any_size, &mut Scratch::new());
        assert_eq!(same.expect("the same records"), checked);
    }
}

/// The batch as it stands, and with its length and CRC made right.
pub fn batch(data: &[u8]) {
    check(data.to_vec());
    check(sealed(data));
}

/// The first byte chooses the codec, the second one the record count; the rest is what is to be decompressed.
pub fn codecs(data: &[u8]) {
    let [codec, count, payload @ ..] = data else { return };
    let mut bytes = vec![0; HEADER_LEN];
    bytes[ATTRIBUTES_AT + 1] = codec % 5;
    bytes[26] = count.wrapping_sub(1);
    bytes[43..57].fill(0xff);
    bytes[60] = *count;
    bytes.extend_from_slice(payload);
    check(sealed(&bytes));
}

/// What a fetch brought, in any format.
pub fn fetched(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    let ((), peak) = peak_of(|| {
        for batch in split_any(data.clone()) {
            let Ok(batch) = batch else { break };
            let _ = (batch.check_crc(), batch.last_offset(), batch.timestamp_type());
            let Ok(records) = batch.records(CAP) else { continue };
            records.for_each(drop);
        }
    });
    // An entry of formats 0 and 1 holds its records and where each of them stands.
    assert!(peak <= 16 * CAP + 16 * data.len(), "{} bytes took {peak}", data.len());
}
