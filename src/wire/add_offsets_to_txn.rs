//! AddOffsetsToTxn (key 25). A transaction is to reach the offsets of a group (KIP-98).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// A group for a transaction.
    AddOffsetsToTxnRequest {
        transactional_id: ByteString, [0..];
        producer_id: i64, [0..];
        producer_epoch: i16, [0..];
        group_id: ByteString, [0..];
    }

    /// Whether it was added.
    AddOffsetsToTxnResponse {
        throttle_time_ms: i32, [0..];
        error_code: i16, [0..];
    }
}

request!(AddOffsetsToTxnRequest => AddOffsetsToTxnResponse, "AddOffsetsToTxn" 25, [0..=4], flexible 3);
