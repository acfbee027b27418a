//! What consumers of the classic protocol say to each other inside JoinGroup and SyncGroup, both ways: `ConsumerProtocolSubscription` and
//! `ConsumerProtocolAssignment` of Kafka's client, v0 to v3. A newer version is read as the newest known one, and what stands
//! behind is ignored: Kafka promises that fields are only added (`ConsumerProtocol.java`).

use std::collections::{BTreeMap, BTreeSet};

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use crate::base::{Cursor, CursorError};

/// The protocol type of consumers.
pub const CONSUMER: &str = "consumer";

/// The newest version; Kafka's client writes this one.
pub const NEWEST: i16 = 3;

/// Partitions by topic's name.
pub type Places = BTreeMap<ByteString, Vec<i32>>;

/// Why bytes are no subscription, or no assignment.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProtocolError {
    /// They end early.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Versions begin at 0.
    #[error("version {version} of the consumer protocol")]
    Version {
        /// What they say.
        version: i16,
    },
    /// A length that cannot be, or a null where none may be.
    #[error("{count} entries in {left_bytes} bytes")]
    Count {
        /// What they say.
        count: i32,
        /// What is left of them.
        left_bytes: usize,
    },
    /// A name that is no UTF-8.
    #[error("a name is not UTF-8")]
    NotUtf8,
}

/// What a consumer says when it joins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subscription {
    /// The version it was read in; [`Subscription::write`] takes its own.
    pub version: i16,
    /// The topics that it reads.
    pub topics: BTreeSet<ByteString>,
    /// What its assignor has to say.
    pub user_data: Option<Bytes>,
    /// What it has (v1 on).
    pub owned: Places,
    /// The generation in which it had that (v2 on); -1 if it is in none.
    pub generation_id: i32,
    /// Its rack (v3 on).
    pub rack_id: Option<ByteString>,
}

impl Default for Subscription {
    fn default() -> Subscription {
        Subscription {
            version: NEWEST,
            topics: BTreeSet::new(),
            user_data: None,
            owned: Places::new(),
            generation_id: -1,
            rack_id: None,
        }
    }
}

impl Subscription {
    /// Reads one.
    ///
    /// # Errors
    /// [`ProtocolError`] where the bytes are none.
    pub fn read(bytes: Bytes) -> Result<Subscription, ProtocolError> {
        let mut input = Cursor::new(bytes);
        let version = read_version(&mut input)?;
        let mut read = Subscription { version, ..Subscription::default() };
        for _ in 0..count(&mut input, 2)? {
            read.topics.insert(text(&mut input)?);
        }
        read.user_data = nullable_bytes(&mut input)?;
        if version >= 1 {
            read.owned = places(&mut input)?;
        }
        if version >= 2 {
            read.generation_id = input.i32()?;
        }
        if version >= 3 {
            read.rack_id = nullable_text(&mut input)?;
        }
        Ok(read)
    }

    /// Writes it as `version`, or as the nearest there is; older ones leave out what they do not know.
    ///
    /// Names of more than 32,767 bytes are left out: no topic and no rack has one.
    pub fn write(&self, version: i16) -> Bytes {
        let version = version.clamp(0, NEWEST);
        let mut out = BytesMut::new();
        out.put_i16(version);
        let topics = || self.topics.iter().filter(|name| has_room(name));
        put_count(&mut out, topics().count());
        topics().for_each(|name| put_text(&mut out, name));
        put_nullable_bytes(&mut out, self.user_data.as_ref());
        if version >= 1 {
            put_places(&mut out, &self.owned);
        }
        if version >= 2 {
            out.put_i32(self.generation_id);
        }
        if version >= 3 {
            match self.rack_id.as_ref().filter(|rack| has_room(rack)) {
                Some(rack) => put_text(&mut out, rack),
                None => out.put_i16(-1),
            }
        }
        out.freeze()
    }
}

/// What a consumer is told that it gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    /// The version it was read in; [`Assignment::write`] takes its own.
    pub version: i16,
    /// Its share.
    pub partitions: Places,
    /// What the leader's assignor has to say.
    pub user_data: Option<Bytes>,
}

impl Default for Assignment {
    fn default() -> Assignment {
        Assignment { version: NEWEST, partitions: Places::new(), user_data: None }
    }
}

impl Assignment {
    /// Reads one. No bytes at all are an empty share: that is what a coordinator gives to whom the leader forgot.
    ///
    /// # Errors
    /// [`ProtocolError`] where the bytes are none.
    pub fn read(bytes: Bytes) -> Result<Assignment, ProtocolError> {
        if bytes.is_empty() {
            return Ok(Assignment::default());
        }
        let mut input = Cursor::new(bytes);
        let version = read_version(&mut input)?;
        let partitions = places(&mut input)?;
        let user_data = nullable_bytes(&mut input)?;
        Ok(Assignment { version, partitions, user_data })
    }

    /// Writes it as `version`, or as the nearest there is; all of them have the same fields.
    ///
    /// Names of more than 32,767 bytes are left out: no topic has one.
    pub fn write(&self, version: i16) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(version.clamp(0, NEWEST));
        put_places(&mut out, &self.partitions);
        put_nullable_bytes(&mut out, self.user_data.as_ref());
        out.freeze()
    }
}

/// Reads partitions by topic, as they stand in both, and in what sticky assignors say.
pub(crate) fn places(input: &mut Cursor) -> Result<Places, ProtocolError> {
    let mut places = Places::new();
    for _ in 0..count(input, 6)? {
        let name = text(input)?;
        let numbers = count(input, 4)?;
        let place: &mut Vec<i32> = places.entry(name).or_default();
        for _ in 0..numbers {
            place.push(input.i32()?);
        }
    }
    Ok(places)
}

/// Writes partitions by topic.
pub(crate) fn put_places(out: &mut BytesMut, places: &Places) {
    let places = || places.iter().filter(|(name, _)| has_room(name));
    put_count(out, places().count());
    for (name, numbers) in places() {
        put_text(out, name);
        put_count(out, numbers.len());
        numbers.iter().for_each(|number| out.put_i32(*number));
    }
}

fn read_version(input: &mut Cursor) -> Result<i16, ProtocolError> {
    let version = input.i16()?;
    if version < 0 { Err(ProtocolError::Version { version }) } else { Ok(version) }
}

/// A number of entries that take so many bytes at least.
fn count(input: &mut Cursor, entry_min_bytes: usize) -> Result<usize, ProtocolError> {
    let count = input.i32()?;
    fits(input, count, entry_min_bytes)
}

fn fits(input: &Cursor, count: i32, entry_min_bytes: usize) -> Result<usize, ProtocolError> {
    let left_bytes = input.remaining();
    usize::try_from(count)
        .ok()
        .filter(|count| *count <= left_bytes / entry_min_bytes)
        .ok_or(ProtocolError::Count { count, left_bytes })
}

fn text(input: &mut Cursor) -> Result<ByteString, ProtocolError> {
    nullable_text(input)?.ok_or(ProtocolError::Count { count: -1, left_bytes: input.remaining() })
}

/// Kafka reads every negative length as null.
fn nullable_text(input: &mut Cursor) -> Result<Option<ByteString>, ProtocolError> {
    let length = input.i16()?;
    if length < 0 {
        return Ok(None);
    }
    let length = fits(input, i32::from(length), 1)?;
    let text = ByteString::try_from(input.take(length)?);
    text.map(Some).map_err(|_| ProtocolError::NotUtf8)
}

fn nullable_bytes(input: &mut Cursor) -> Result<Option<Bytes>, ProtocolError> {
    let length = input.i32()?;
    if length < 0 {
        return Ok(None);
    }
    let length = fits(input, length, 1)?;
    Ok(Some(input.take(length)?))
}

fn has_room(name: &str) -> bool {
    i16::try_from(name.len()).is_ok()
}

fn put_text(out: &mut BytesMut, text: &str) {
    out.put_i16(i16::try_from(text.len()).unwrap_or(i16::MAX)); // `has_room` was asked.
    out.put_slice(text.as_bytes());
}

fn put_count(out: &mut BytesMut, count: usize) {
    out.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
}

fn put_nullable_bytes(out: &mut BytesMut, bytes: Option<&Bytes>) {
    match bytes {
        Some(bytes) => {
            put_count(out, bytes.len());
            out.put_slice(bytes);
        }
        None => out.put_i32(-1),
    }
}
