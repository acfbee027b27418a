//! LeaveGroup (key 13). Leaving a group (KIP-345).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Who leaves.
    LeaveGroupRequest {
        group_id: ByteString, [0..];
        member_id: ByteString, [0..=2];
        members: Vec<MemberIdentity>, [3..];
    }

    /// Part of [`LeaveGroupRequest`]: see its `members`.
    MemberIdentity {
        member_id: ByteString, [3..];
        group_instance_id: Option<ByteString>, [3..], nullable [3..];
        reason: Option<ByteString>, [5..], nullable [5..], ignorable = true;
    }

    /// What became of each.
    LeaveGroupResponse {
        throttle_time_ms: i32, [1..], ignorable = true;
        error_code: i16, [0..];
        members: Vec<MemberResponse>, [3..];
    }

    /// Part of [`LeaveGroupResponse`]: see its `members`.
    MemberResponse {
        member_id: ByteString, [3..];
        group_instance_id: Option<ByteString>, [3..], nullable [3..], default Some(ByteString::new());
        error_code: i16, [3..];
    }
}

request!(LeaveGroupRequest => LeaveGroupResponse, "LeaveGroup" 13, [0..=5], flexible 4);
