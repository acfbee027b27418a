//! Requests whose sizes a test knows to the byte.

use bytestring::ByteString;
use klog::record::{BatchBuilder, BatchOptions};
use klog::wire::find_coordinator::FindCoordinatorRequest;
use klog::wire::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use klog::wire::{Encoder, Request, encode_request_header};

use crate::connection::Raw;
pub use crate::requests::{FETCH, PRODUCE, create, fetch, produce};

/// The version of OffsetCommit that the tests speak: the last one that names topics.
pub const COMMIT: i16 = 9;

/// A batch of so many records of 100 bytes, the first made at this time, each of the others a second later.
pub fn batch(records: usize, timestamp: i64) -> bytes::Bytes {
    let mut batch = BatchBuilder::new(BatchOptions::default());
    for at in 0..records as i64 {
        batch.append(timestamp + 1000 * at, None, Some(&[7; 100]), []).expect("it fits");
    }
    batch.build().expect("it has records")
}

pub fn commit(group: &str, topic: &str, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition { committed_offset: offset, ..Default::default() };
    let topic = OffsetCommitRequestTopic {
        name: ByteString::from(topic),
        partitions: vec![partition],
        ..Default::default()
    };
    OffsetCommitRequest {
        group_id: ByteString::from(group),
        topics: vec![topic],
        ..Default::default()
    }
}

/// Has the topic of the offsets made, and waits until its groups may commit.
pub fn begin_groups(kafka: &mut Raw) {
    let request = FindCoordinatorRequest {
        coordinator_keys: vec![ByteString::from("any")],
        ..Default::default()
    };
    loop {
        let found = kafka.call(4, &request);
        if found.coordinators[0].error_code == 0 {
            return;
        }
    }
}

/// How many bytes a request takes on the wire, its length included.
pub fn size<R: Request>(version: i16, request: &R) -> usize {
    let mut out = Encoder::default();
    encode_request_header(R::API, version, 1, None, &mut out).expect("a header");
    request.encode(version, &mut out).expect("the version carries it");
    out.len() + size_of::<i32>()
}
