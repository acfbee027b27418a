//! InitProducerId (key 22). Handing out producer ids and epochs (KIP-98, KIP-360).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which producer asks.
    InitProducerIdRequest {
        transactional_id: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        transaction_timeout_ms: i32, [0..];
        producer_id: i64, [3..], default -1;
        producer_epoch: i16, [3..], default -1;
        enable2_pc: bool, [6..];
        keep_prepared_txn: bool, [6..];
    }

    /// Its id and epoch.
    InitProducerIdResponse {
        throttle_time_ms: i32, [0..], ignorable = true;
        error_code: i16, [0..];
        producer_id: i64, [0..], default -1;
        producer_epoch: i16, [0..];
        ongoing_txn_producer_id: i64, [6..], default -1;
        ongoing_txn_producer_epoch: i16, [6..], default -1;
    }
}

request!(InitProducerIdRequest => InitProducerIdResponse, "InitProducerId" 22, [0..=6], flexible 2);
