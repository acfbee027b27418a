//! SyncGroup (key 14). Getting a member's share of the work.

use bytes::Bytes;
use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// What the leader assigned.
    SyncGroupRequest {
        group_id: ByteString, [0..];
        generation_id: i32, [0..];
        member_id: ByteString, [0..];
        group_instance_id: Option<ByteString>, [3..], nullable [3..];
        protocol_type: Option<ByteString>, [5..], nullable [5..], ignorable = true;
        protocol_name: Option<ByteString>, [5..], nullable [5..], ignorable = true;
        assignments: Vec<SyncGroupRequestAssignment>, [0..];
    }

    /// Part of [`SyncGroupRequest`]: see its `assignments`.
    SyncGroupRequestAssignment {
        member_id: ByteString, [0..];
        assignment: Bytes, [0..];
    }

    /// What this member got.
    SyncGroupResponse {
        throttle_time_ms: i32, [1..], ignorable = true;
        error_code: i16, [0..];
        protocol_type: Option<ByteString>, [5..], nullable [5..], ignorable = true;
        protocol_name: Option<ByteString>, [5..], nullable [5..], ignorable = true;
        assignment: Bytes, [0..];
    }
}

request!(SyncGroupRequest => SyncGroupResponse, "SyncGroup" 14, [0..=5], flexible 4);
