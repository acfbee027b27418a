//! JoinGroup (key 11). Becoming a member of a group.

use bytes::Bytes;
use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Who joins, and what it can do.
    JoinGroupRequest {
        group_id: ByteString, [0..];
        session_timeout_ms: i32, [0..];
        rebalance_timeout_ms: i32, [1..], default -1, ignorable = true;
        member_id: ByteString, [0..];
        group_instance_id: Option<ByteString>, [5..], nullable [5..];
        protocol_type: ByteString, [0..];
        protocols: Vec<JoinGroupRequestProtocol>, [0..];
        reason: Option<ByteString>, [8..], nullable [8..], ignorable = true;
    }

    /// Part of [`JoinGroupRequest`]: see its `protocols`.
    JoinGroupRequestProtocol {
        name: ByteString, [0..];
        metadata: Bytes, [0..];
    }

    /// The new generation.
    JoinGroupResponse {
        throttle_time_ms: i32, [2..], ignorable = true;
        error_code: i16, [0..];
        generation_id: i32, [0..], default -1;
        protocol_type: Option<ByteString>, [7..], nullable [7..], ignorable = true;
        protocol_name: Option<ByteString>, [0..], nullable [7..], default Some(ByteString::new());
        leader: ByteString, [0..];
        skip_assignment: bool, [9..];
        member_id: ByteString, [0..];
        members: Vec<JoinGroupResponseMember>, [0..];
    }

    /// Part of [`JoinGroupResponse`]: see its `members`.
    JoinGroupResponseMember {
        member_id: ByteString, [0..];
        group_instance_id: Option<ByteString>, [5..], nullable [5..], ignorable = true;
        metadata: Bytes, [0..];
    }
}

request!(JoinGroupRequest => JoinGroupResponse, "JoinGroup" 11, [0..=9], flexible 6);
