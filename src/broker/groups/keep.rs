//! What a group keeps of a request is copied out of it: a slice would keep all of the frame, and what came with it.

use bytes::Bytes;
use bytestring::ByteString;

use crate::group::{Beat, Join, Sync};

/// A text of its own.
pub fn text(text: &ByteString) -> ByteString {
    ByteString::from(&**text)
}

fn bytes(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// A heartbeat that keeps nothing of its frame.
pub fn beat(beat: Beat) -> Beat {
    Beat {
        member_id: text(&beat.member_id),
        instance_id: beat.instance_id.as_ref().map(text),
        rack_id: beat.rack_id.as_ref().map(text),
        topics: beat.topics.map(|topics| topics.iter().map(text).collect()),
        pattern: beat.pattern.as_ref().map(text),
        assignor: beat.assignor.as_ref().map(text),
        client_id: text(&beat.client_id),
        ..beat
    }
}

/// A JoinGroup that keeps nothing of its frame.
pub fn join(join: Join) -> Join {
    let protocols = join.protocols.iter();
    Join {
        member_id: text(&join.member_id),
        instance_id: join.instance_id.as_ref().map(text),
        client_id: text(&join.client_id),
        protocol_type: text(&join.protocol_type),
        protocols: protocols.map(|(name, said)| (text(name), bytes(said))).collect(),
        ..join
    }
}

/// A SyncGroup that keeps nothing of its frame.
pub fn sync(sync: Sync) -> Sync {
    let assignments = sync.assignments.iter();
    Sync { assignments: assignments.map(|(id, share)| (text(id), bytes(share))).collect(), ..sync }
}
