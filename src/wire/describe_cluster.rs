//! DescribeCluster (key 60). The cluster and its brokers (KIP-700).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// What to include.
    DescribeClusterRequest {
        include_cluster_authorized_operations: bool, [0..];
        endpoint_type: i8, [1..], default 1;
        include_fenced_brokers: bool, [2..];
    }

    /// The cluster's id, its controller, its brokers.
    DescribeClusterResponse {
        throttle_time_ms: i32, [0..];
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..];
        endpoint_type: i8, [1..], default 1;
        cluster_id: ByteString, [0..];
        controller_id: i32, [0..], default -1;
        brokers: Vec<DescribeClusterBroker>, [0..];
        cluster_authorized_operations: i32, [0..], default -2147483648;
    }

    /// Part of [`DescribeClusterResponse`]: see its `brokers`.
    DescribeClusterBroker {
        broker_id: i32, [0..];
        host: ByteString, [0..];
        port: i32, [0..];
        rack: Option<ByteString>, [0..], nullable [0..];
        is_fenced: bool, [2..];
    }
}

request!(DescribeClusterRequest => DescribeClusterResponse, "DescribeCluster" 60, [0..=2], flexible 0);
