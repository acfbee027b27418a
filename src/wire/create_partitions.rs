//! CreatePartitions (key 37). Adding partitions to topics (KIP-195).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// How many partitions the topics shall have.
    CreatePartitionsRequest {
        topics: Vec<CreatePartitionsTopic>, [0..];
        timeout_ms: i32, [0..];
        validate_only: bool, [0..];
    }

    /// Part of [`CreatePartitionsRequest`]: see its `topics`.
    CreatePartitionsTopic {
        name: ByteString, [0..];
        count: i32, [0..];
        assignments: Option<Vec<CreatePartitionsAssignment>>, [0..], nullable [0..], default Some(Vec::new());
    }

    /// Part of [`CreatePartitionsTopic`]: see its `assignments`.
    CreatePartitionsAssignment {
        broker_ids: Vec<i32>, [0..];
    }

    /// What became of each.
    CreatePartitionsResponse {
        throttle_time_ms: i32, [0..];
        results: Vec<CreatePartitionsTopicResult>, [0..];
    }

    /// Part of [`CreatePartitionsResponse`]: see its `results`.
    CreatePartitionsTopicResult {
        name: ByteString, [0..];
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..];
    }
}

request!(CreatePartitionsRequest => CreatePartitionsResponse, "CreatePartitions" 37, [0..=3], flexible 2);
