//! DescribeTransactions (key 65). Transactions by their ids (KIP-664).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which ones.
    DescribeTransactionsRequest {
        transactional_ids: Vec<ByteString>, [0..];
    }

    /// How they are.
    DescribeTransactionsResponse {
        throttle_time_ms: i32, [0..];
        transaction_states: Vec<TransactionState>, [0..];
    }

    /// Part of [`DescribeTransactionsResponse`]: see its `transaction_states`.
    TransactionState {
        error_code: i16, [0..];
        transactional_id: ByteString, [0..];
        transaction_state: ByteString, [0..];
        transaction_timeout_ms: i32, [0..];
        transaction_start_time_ms: i64, [0..];
        producer_id: i64, [0..];
        producer_epoch: i16, [0..];
        topics: Vec<TopicData>, [0..];
    }

    /// Part of [`TransactionState`]: see its `topics`.
    TopicData {
        topic: ByteString, [0..];
        partitions: Vec<i32>, [0..];
    }
}

request!(DescribeTransactionsRequest => DescribeTransactionsResponse, "DescribeTransactions" 65, [0..=0], flexible 0);
