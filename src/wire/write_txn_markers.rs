//! WriteTxnMarkers (key 27). The coordinator has markers written where a transaction reached (KIP-98, KIP-1228).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which markers, and where.
    WriteTxnMarkersRequest {
        markers: Vec<WritableTxnMarker>, [0..];
    }

    /// Part of [`WriteTxnMarkersRequest`]: see its `markers`.
    WritableTxnMarker {
        producer_id: i64, [0..];
        producer_epoch: i16, [0..];
        transaction_result: bool, [0..];
        topics: Vec<WritableTxnMarkerTopic>, [0..];
        coordinator_epoch: i32, [0..];
        transaction_version: i8, [2..], ignorable = true;
    }

    /// Part of [`WritableTxnMarker`]: see its `topics`.
    WritableTxnMarkerTopic {
        name: ByteString, [0..];
        partition_indexes: Vec<i32>, [0..];
    }

    /// What became of each.
    WriteTxnMarkersResponse {
        markers: Vec<WritableTxnMarkerResult>, [0..];
    }

    /// Part of [`WriteTxnMarkersResponse`]: see its `markers`.
    WritableTxnMarkerResult {
        producer_id: i64, [0..];
        topics: Vec<WritableTxnMarkerTopicResult>, [0..];
    }

    /// Part of [`WritableTxnMarkerResult`]: see its `topics`.
    WritableTxnMarkerTopicResult {
        name: ByteString, [0..];
        partitions: Vec<WritableTxnMarkerPartitionResult>, [0..];
    }

    /// Part of [`WritableTxnMarkerTopicResult`]: see its `partitions`.
    WritableTxnMarkerPartitionResult {
        partition_index: i32, [0..];
        error_code: i16, [0..];
    }
}

request!(WriteTxnMarkersRequest => WriteTxnMarkersResponse, "WriteTxnMarkers" 27, [1..=2], flexible 1);
