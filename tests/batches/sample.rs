//! Records to send around, and the bounds under which they are read.

use bytes::Bytes;
use klog::record::{Batch, BatchBuilder, BatchOptions, Header, Record, records};

/// Far more than any sample takes decompressed.
pub const CAP: usize = 64 << 20;

/// Some with headers twice, null and empty parts, text that repeats and noise that does not compress.
pub fn sample(count: usize, base_offset: i64) -> Vec<Record> {
    (0..count)
        .map(|at| Record {
            offset: base_offset + at as i64,
            timestamp: 1_700_000_000_000 + (at * 7919 % 100) as i64,
            key: (at % 5 > 0).then(|| Bytes::from(format!("key-{at}"))),
            value: (at % 7 != 3).then(|| value(at)),
            headers: (0..at % 4)
                .map(|header| Header {
                    key: Bytes::from(format!("hü{}", header / 2)),
                    value: (header != 1).then(|| Bytes::from(vec![7; header])),
                })
                .collect(),
        })
        .collect()
}

fn value(at: usize) -> Bytes {
    (0..at * 37 % 3000)
        .map(
            |byte| {
                if at.is_multiple_of(2) { (byte / 50) as u8 } else { (byte * byte * 31 + at) as u8 }
            },
        )
        .collect()
}

/// One batch of `records`.
pub fn build(options: BatchOptions, records: &[Record]) -> Batch {
    let mut builder = BatchBuilder::new(options);
    for record in records {
        let headers = record.headers.iter().map(|h| (&h.key[..], h.value.as_deref()));
        builder
            .append(record.timestamp, record.key.as_deref(), record.value.as_deref(), headers)
            .expect("it fits");
    }
    Batch::new(builder.build().expect("it builds")).expect("it is a batch")
}

/// All records of `batch`.
pub fn read(batch: &Batch) -> Vec<Record> {
    records(batch, CAP).expect("it decompresses").map(|record| record.expect("sound")).collect()
}
