//! What members say for the sticky assignors: `StickyAssignor`'s user data v0 and v1, and `CooperativeStickyAssignor`'s v0.

use bytes::{BufMut, Bytes, BytesMut};

use crate::base::Cursor;
use crate::group::protocol::{Places, places, put_places};

/// Of no generation.
pub(super) const NO_GENERATION: i32 = -1;

/// v1: what the member had, and since when; nothing from who never had anything.
pub(super) fn sticky(had: &Places, generation: i32) -> Option<Bytes> {
    if had.is_empty() && generation < 0 {
        return None;
    }
    let mut out = BytesMut::new();
    put_places(&mut out, had);
    out.put_i32(generation);
    Some(out.freeze())
}

/// What [`sticky`] wrote; v0 has no generation. What cannot be read is nothing, as Kafka has it.
pub(super) fn read_sticky(bytes: Option<&Bytes>) -> (Places, i32) {
    let mut input = Cursor::new(bytes.cloned().unwrap_or_default());
    let Ok(had) = places(&mut input) else { return (Places::new(), NO_GENERATION) };
    let generation = input.i32().unwrap_or(NO_GENERATION);
    (had, generation)
}

/// v0: the generation alone; what it has stands in the subscription.
pub(super) fn cooperative(generation: i32) -> Bytes {
    Bytes::copy_from_slice(&generation.to_be_bytes())
}

/// What [`cooperative`] wrote.
pub(super) fn read_cooperative(bytes: Option<&Bytes>) -> i32 {
    let mut input = Cursor::new(bytes.cloned().unwrap_or_default());
    input.i32().unwrap_or(NO_GENERATION)
}
