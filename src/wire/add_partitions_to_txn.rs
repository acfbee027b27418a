//! AddPartitionsToTxn (key 24). Which partitions a transaction is to reach; from v4 on among brokers, also only to ask (KIP-98, KIP-890).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Partitions for transactions.
    AddPartitionsToTxnRequest {
        transactions: Vec<AddPartitionsToTxnTransaction>, [4..];
        v3_and_below_transactional_id: ByteString, [0..=3];
        v3_and_below_producer_id: i64, [0..=3];
        v3_and_below_producer_epoch: i16, [0..=3];
        v3_and_below_topics: Vec<AddPartitionsToTxnTopic>, [0..=3];
    }

    /// Part of [`AddPartitionsToTxnRequest`]: see its `transactions`.
    AddPartitionsToTxnTransaction {
        transactional_id: ByteString, [4..];
        producer_id: i64, [4..];
        producer_epoch: i16, [4..];
        verify_only: bool, [4..];
        topics: Vec<AddPartitionsToTxnTopic>, [4..];
    }

    /// Part of [`AddPartitionsToTxnTransaction`]: see its `topics`.
    AddPartitionsToTxnTopic {
        name: ByteString, [0..];
        partitions: Vec<i32>, [0..];
    }

    /// What became of each.
    AddPartitionsToTxnResponse {
        throttle_time_ms: i32, [0..];
        error_code: i16, [4..], ignorable = true;
        results_by_transaction: Vec<AddPartitionsToTxnResult>, [4..];
        results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>, [0..=3];
    }

    /// Part of [`AddPartitionsToTxnResponse`]: see its `results_by_transaction`.
    AddPartitionsToTxnResult {
        transactional_id: ByteString, [4..];
        topic_results: Vec<AddPartitionsToTxnTopicResult>, [4..];
    }

    /// Part of [`AddPartitionsToTxnResult`]: see its `topic_results`.
    AddPartitionsToTxnTopicResult {
        name: ByteString, [0..];
        results_by_partition: Vec<AddPartitionsToTxnPartitionResult>, [0..];
    }

    /// Part of [`AddPartitionsToTxnTopicResult`]: see its `results_by_partition`.
    AddPartitionsToTxnPartitionResult {
        partition_index: i32, [0..];
        partition_error_code: i16, [0..];
    }
}

request!(AddPartitionsToTxnRequest => AddPartitionsToTxnResponse, "AddPartitionsToTxn" 24, [0..=5], flexible 3);
