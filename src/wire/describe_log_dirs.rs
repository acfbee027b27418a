//! DescribeLogDirs (key 35). What each log directory holds (KIP-113, KIP-827).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which partitions; null means all.
    DescribeLogDirsRequest {
        topics: Option<Vec<DescribableLogDirTopic>>, [0..], nullable [0..], default Some(Vec::new());
    }

    /// Part of [`DescribeLogDirsRequest`]: see its `topics`.
    DescribableLogDirTopic {
        topic: ByteString, [0..];
        partitions: Vec<i32>, [0..];
    }

    /// The directories, their sizes and their partitions.
    DescribeLogDirsResponse {
        throttle_time_ms: i32, [0..];
        error_code: i16, [3..], ignorable = true;
        results: Vec<DescribeLogDirsResult>, [0..];
    }

    /// Part of [`DescribeLogDirsResponse`]: see its `results`.
    DescribeLogDirsResult {
        error_code: i16, [0..];
        log_dir: ByteString, [0..];
        topics: Vec<DescribeLogDirsTopic>, [0..];
        total_bytes: i64, [4..], default -1, ignorable = true;
        usable_bytes: i64, [4..], default -1, ignorable = true;
        is_cordoned: bool, [5..], ignorable = true;
    }

    /// Part of [`DescribeLogDirsResult`]: see its `topics`.
    DescribeLogDirsTopic {
        name: ByteString, [0..];
        partitions: Vec<DescribeLogDirsPartition>, [0..];
    }

    /// Part of [`DescribeLogDirsTopic`]: see its `partitions`.
    DescribeLogDirsPartition {
        partition_index: i32, [0..];
        partition_size: i64, [0..];
        offset_lag: i64, [0..];
        is_future_key: bool, [0..];
    }
}

request!(DescribeLogDirsRequest => DescribeLogDirsResponse, "DescribeLogDirs" 35, [1..=5], flexible 2);
