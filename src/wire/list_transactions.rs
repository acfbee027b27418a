//! ListTransactions (key 66). The transactions that a coordinator knows (KIP-664, KIP-994, KIP-1152).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which ones.
    ListTransactionsRequest {
        state_filters: Vec<ByteString>, [0..];
        producer_id_filters: Vec<i64>, [0..];
        duration_filter: i64, [1..], default -1;
        transactional_id_pattern: Option<ByteString>, [2..], nullable [2..];
    }

    /// Their ids and states.
    ListTransactionsResponse {
        throttle_time_ms: i32, [0..];
        error_code: i16, [0..];
        unknown_state_filters: Vec<ByteString>, [0..];
        transaction_states: Vec<TransactionState>, [0..];
    }

    /// Part of [`ListTransactionsResponse`]: see its `transaction_states`.
    TransactionState {
        transactional_id: ByteString, [0..];
        producer_id: i64, [0..];
        transaction_state: ByteString, [0..];
    }
}

request!(ListTransactionsRequest => ListTransactionsResponse, "ListTransactions" 66, [0..=2], flexible 0);
