//! EndTxn (key 26). Commits or aborts a transaction; from v5 on with the epoch for the next one (KIP-98, KIP-890).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which transaction, and how it ends.
    EndTxnRequest {
        transactional_id: ByteString, [0..];
        producer_id: i64, [0..];
        producer_epoch: i16, [0..];
        committed: bool, [0..];
    }

    /// Whether it does, and who the producer is from now on.
    EndTxnResponse {
        throttle_time_ms: i32, [0..];
        error_code: i16, [0..];
        producer_id: i64, [5..], default -1, ignorable = true;
        producer_epoch: i16, [5..], default -1, ignorable = true;
    }
}

request!(EndTxnRequest => EndTxnResponse, "EndTxn" 26, [0..=5], flexible 3);
