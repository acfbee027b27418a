//! Heartbeat (key 12). Staying a member.

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Who is alive.
    HeartbeatRequest {
        group_id: ByteString, [0..];
        generation_id: i32, [0..];
        member_id: ByteString, [0..];
        group_instance_id: Option<ByteString>, [3..], nullable [3..];
    }

    /// Whether the group is as it was.
    HeartbeatResponse {
        throttle_time_ms: i32, [1..], ignorable = true;
        error_code: i16, [0..];
    }
}

request!(HeartbeatRequest => HeartbeatResponse, "Heartbeat" 12, [0..=4], flexible 4);
