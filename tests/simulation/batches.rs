//! Batches as producers send them, and as they must stand in the log.

use bytes::Bytes;
use klog::base::{LeaderEpoch, Millis, Offset};
use klog::os::sim::Rng;
use klog::record::{
    Batch, BatchBuilder, BatchOptions, BatchProducer, Checked, Codec, HEADER_LEN, Limits, Scratch,
    Stamp, validate_produced,
};

/// A batch before it is appended.
#[derive(Clone, Debug)]
pub struct Produced {
    pub batch: Batch,
    pub checked: Checked,
}

/// A batch of random records; timestamps lie around `now`.
pub fn random(rng: &mut Rng, producer: BatchProducer, now: Millis) -> Produced {
    make(rng, BatchOptions { producer, ..BatchOptions::default() }, now)
}

/// The same in a transaction.
pub fn transactional(rng: &mut Rng, producer: BatchProducer, now: Millis) -> Produced {
    make(rng, BatchOptions { producer, transactional: true, ..BatchOptions::default() }, now)
}

fn make(rng: &mut Rng, options: BatchOptions, now: Millis) -> Produced {
    const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
    let codec = if rng.chance(500) { Codec::None } else { rng.pick(&CODECS) };
    let mut builder = BatchBuilder::new(BatchOptions { codec, ..options });
    for _ in 0..1 + rng.below(5) {
        let most = rng.pick(&[8, 60, 400, 900]);
        let value: Vec<u8> = (0..rng.below(most)).map(|_| rng.next_u64() as u8).collect();
        let timestamp = now.0 + rng.below(5000) as i64 - 2500;
        let none: [(&[u8], Option<&[u8]>); 0] = [];
        builder.append(timestamp, None, Some(&value), none).expect("a record fits");
    }
    let batch = Batch::new(builder.build().expect("records")).expect("a batch");
    let limits = Limits { now, ..Limits::default() };
    let checked = validate_produced(&batch, &limits, &mut Scratch::new()).expect("a valid batch");
    Produced { batch, checked }
}

impl Produced {
    /// The bytes that it has in the log at `offset`.
    pub fn at(&self, offset: Offset, leader_epoch: LeaderEpoch) -> Bytes {
        let stamp = Stamp {
            base_offset: offset,
            leader_epoch,
            log_append_time: None,
            max_timestamp: self.checked.max_timestamp,
        };
        let mut header = self.batch.header_bytes();
        stamp.apply(&mut header, &self.batch.payload());
        let mut bytes = header.to_vec();
        bytes.extend_from_slice(&self.batch.bytes()[HEADER_LEN..]);
        bytes.into()
    }
}
