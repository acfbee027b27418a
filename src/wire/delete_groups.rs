//! DeleteGroups (key 42). Deleting groups (KIP-229).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which groups.
    DeleteGroupsRequest {
        groups_names: Vec<ByteString>, [0..];
    }

    /// What became of each.
    DeleteGroupsResponse {
        throttle_time_ms: i32, [0..];
        results: Vec<DeletableGroupResult>, [0..];
    }

    /// Part of [`DeleteGroupsResponse`]: see its `results`.
    DeletableGroupResult {
        group_id: ByteString, [0..];
        error_code: i16, [0..];
    }
}

request!(DeleteGroupsRequest => DeleteGroupsResponse, "DeleteGroups" 42, [0..=2], flexible 2);
