//! What members of the classic protocol say to each other inside JoinGroup and SyncGroup, as far as a coordinator has to read and write it:
//! `ConsumerProtocolSubscription` and `ConsumerProtocolAssignment` of Kafka's client.

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::Topics;
use crate::base::Cursor;
use crate::group::assignor::Partitions;

/// The protocol type of consumers.
pub const CONSUMER: &str = "consumer";

/// What a consumer says when it joins.
#[derive(Clone, PartialEq, Debug)]
pub struct Said {
    /// The version of what it said.
    pub version: i16,
    /// The topics that it reads.
    pub topics: Vec<ByteString>,
    /// What it has (v1 on).
    pub owned: Vec<(ByteString, Vec<i32>)>,
    /// Its rack (v3 on).
    pub rack_id: Option<ByteString>,
}

/// Reads a subscription; `None` if it is none.
pub fn read_subscription(bytes: Bytes) -> Option<Said> {
    let mut input = Cursor::new(bytes);
    let version = input.i16().ok()?;
    let count = usize::try_from(input.i32().ok()?).ok()?;
    let mut topics = Vec::new();
    for _ in 0..count {
        topics.push(text(&mut input)?);
    }
    skip_user_data(&mut input)?;
    let owned = if version >= 1 { places(&mut input)? } else { Vec::new() };
    if version >= 2 {
        input.i32().ok()?; // The generation in which it had them.
    }
    let rack_id = if version >= 3 { nullable_text(&mut input)? } else { None };
    Some(Said { version, topics, owned, rack_id })
}

/// Reads a share; `None` if it is none. No bytes at all are an empty share.
pub fn read_assignment(bytes: Bytes) -> Option<Vec<(ByteString, Vec<i32>)>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let mut input = Cursor::new(bytes);
    input.i16().ok()?;
    places(&mut input)
}

/// Writes a share; topics that are gone are left out.
pub fn write_assignment(version: i16, share: &Partitions, topics: &dyn Topics) -> Bytes {
    let named: Vec<(ByteString, Vec<i32>)> = share
        .iter()
        .filter_map(|(id, partitions)| {
            Some((topics.name(*id)?, partitions.iter().copied().collect()))
        })
        .collect();
    let mut out = BytesMut::new();
    out.put_i16(version);
    put_count(&mut out, named.len());
    for (name, partitions) in named {
        out.put_i16(i16::try_from(name.len()).unwrap_or(i16::MAX)); // Topics' names are short.
        out.put_slice(name.as_bytes());
        put_count(&mut out, partitions.len());
        partitions.into_iter().for_each(|partition| out.put_i32(partition));
    }
    out.put_i32(-1); // No user data.
    out.freeze()
}

/// By topics' ids; topics that are not there are left out.
pub fn by_id(named: &[(ByteString, Vec<i32>)], topics: &dyn Topics) -> Partitions {
    let mut partitions = Partitions::new();
    for (name, numbers) in named {
        if let Some((id, _)) = topics.by_name(name) {
            partitions.entry(id).or_default().extend(numbers);
        }
    }
    partitions.retain(|_, numbers| !numbers.is_empty());
    partitions
}

fn put_count(out: &mut BytesMut, count: usize) {
    out.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
}

fn places(input: &mut Cursor) -> Option<Vec<(ByteString, Vec<i32>)>> {
    let count = usize::try_from(input.i32().ok()?).ok()?;
    let mut places = Vec::new();
    for _ in 0..count {
        let name = text(input)?;
        let count = usize::try_from(input.i32().ok()?).ok()?;
        let mut numbers = Vec::new();
        for _ in 0..count {
            numbers.push(input.i32().ok()?);
        }
        places.push((name, numbers));
    }
    Some(places)
}

fn text(input: &mut Cursor) -> Option<ByteString> {
    let length = usize::try_from(input.i16().ok()?).ok()?;
    ByteString::try_from(input.take(length).ok()?).ok()
}

fn nullable_text(input: &mut Cursor) -> Option<Option<ByteString>> {
    let Ok(length) = usize::try_from(input.i16().ok()?) else { return Some(None) };
    Some(Some(ByteString::try_from(input.take(length).ok()?).ok()?))
}

fn skip_user_data(input: &mut Cursor) -> Option<()> {
    if let Ok(length) = usize::try_from(input.i32().ok()?) {
        input.take(length).ok()?;
    }
    Some(())
}
