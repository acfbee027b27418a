//! FindCoordinator (key 10). Which broker coordinates a group or a transaction (KIP-699).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which keys to look up.
    FindCoordinatorRequest {
        key: ByteString, [0..=3];
        key_type: i8, [1..];
        coordinator_keys: Vec<ByteString>, [4..];
    }

    /// The coordinator of each.
    FindCoordinatorResponse {
        throttle_time_ms: i32, [1..], ignorable = true;
        error_code: i16, [0..=3];
        error_message: Option<ByteString>, [1..=3], nullable [1..=3], default Some(ByteString::new()), ignorable = true;
        node_id: i32, [0..=3];
        host: ByteString, [0..=3];
        port: i32, [0..=3];
        coordinators: Vec<Coordinator>, [4..];
    }

    /// Part of [`FindCoordinatorResponse`]: see its `coordinators`.
    Coordinator {
        key: ByteString, [4..];
        node_id: i32, [4..];
        host: ByteString, [4..];
        port: i32, [4..];
        error_code: i16, [4..];
        error_message: Option<ByteString>, [4..], nullable [4..], default Some(ByteString::new()), ignorable = true;
    }
}

request!(FindCoordinatorRequest => FindCoordinatorResponse, "FindCoordinator" 10, [0..=6], flexible 3);
