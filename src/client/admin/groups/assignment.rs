//! A classic consumer's share, as the leader of its group wrote it: `ConsumerProtocolAssignment`.

use bytes::Bytes;

use super::describe::Share;
use crate::base::{Cursor, TopicName};

/// Reads a share; no bytes at all are an empty one. `None` if it is no consumer's.
pub(super) fn read(bytes: Bytes) -> Option<Share> {
    let mut share = Share::new();
    if bytes.is_empty() {
        return Some(share);
    }
    let mut input = Cursor::new(bytes);
    input.i16().ok()?; // The version: later ones only append.
    for _ in 0..input.i32().ok()? {
        let length = usize::try_from(input.i16().ok()?).ok()?;
        let name = input.take(length).ok()?;
        let topic = TopicName::new(std::str::from_utf8(&name).ok()?).ok()?;
        let mut partitions = Vec::new();
        for _ in 0..input.i32().ok()? {
            partitions.push(input.i32().ok()?);
        }
        partitions.sort_unstable();
        share.insert(topic, partitions);
    }
    Some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_and_what_is_none_is_none() {
        let bytes = b"\0\x03\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\x04\0\0\0\x02\xff\xff\xff\xff";
        let share = read(Bytes::from_static(bytes)).expect("it is a share");
        assert_eq!(share, Share::from([(TopicName::new("t").expect("a name"), vec![2, 4])]));
        assert_eq!(read(Bytes::new()), Some(Share::new()));
        for end in 1..bytes.len() - 4 {
            assert_eq!(read(Bytes::from_static(&bytes[..end])), None, "{end} bytes");
        }
        // A count that the bytes do not hold.
        assert_eq!(read(Bytes::from_static(b"\0\0\x7f\xff\xff\xff")), None);
    }
}
