//! Records of Kafka's own topics in words: keys and values as JSON, by the schemas that the broker reads them with.
//!
//! Nothing is refused: what is of a version or a kind that is not known, or is not what its schema says, is shown as hex.

mod control;
pub mod json;
mod older;
mod schema;
mod share;
mod streams;

use std::sync::LazyLock;

use bytes::Bytes;

pub use control::write_control;

use crate::base::Cursor;
use crate::meta::MetadataRecord;
use crate::wire::{Schema, StoredRecord};

/// A topic whose records can be decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Internal {
    /// `__consumer_offsets`: groups and what they have committed.
    Groups,
    /// `__transaction_state`: transactional ids.
    Transactions,
    /// `__share_group_state`: what share groups have been given.
    Shares,
    /// `__cluster_metadata` and its snapshots.
    Metadata,
}

static GROUPS: LazyLock<Vec<StoredRecord>> = LazyLock::new(|| {
    let shown_only = older::OF_GROUPS.into_iter().chain(share::OF_GROUPS).chain(streams::OF_GROUPS);
    crate::group::stored().into_iter().chain(shown_only.map(first_version)).collect()
});
static SHARES: LazyLock<Vec<StoredRecord>> =
    LazyLock::new(|| share::OF_STATE.into_iter().map(first_version).collect());
static TRANSACTIONS: LazyLock<Vec<StoredRecord>> = LazyLock::new(|| vec![crate::txn::stored()]);

fn first_version((kind, key, value): (i16, &'static Schema, &'static Schema)) -> StoredRecord {
    StoredRecord { kind, key, value, newest: 0, flexible_from: 0 }
}

impl Internal {
    /// What the topic of this name holds; `None` if it is not one of Kafka's own.
    pub fn of(topic: &str) -> Option<Internal> {
        match topic {
            "__consumer_offsets" => Some(Internal::Groups),
            "__transaction_state" => Some(Internal::Transactions),
            "__share_group_state" => Some(Internal::Shares),
            "__cluster_metadata" => Some(Internal::Metadata),
            _ => None,
        }
    }

    /// The kinds of records that the topic has; none of metadata, whose records have no keys.
    pub fn stored(self) -> &'static [StoredRecord] {
        match self {
            Internal::Groups => &GROUPS,
            Internal::Transactions => &TRANSACTIONS,
            Internal::Shares => &SHARES,
            Internal::Metadata => &[],
        }
    }

    /// Appends the key as JSON: `{"type":1,"name":"OffsetCommitKey","data":{…}}`; with `hex` in place of `data` where the type is not known.
    pub fn write_key(self, out: &mut Vec<u8>, key: Option<&Bytes>) {
        let Some(key) = key else { return out.extend_from_slice(b"null") };
        if self == Internal::Metadata {
            return undecodable(out, &[], None, key, None);
        }
        let Some((kind, body)) = leading_number(key) else {
            return undecodable(out, &[], None, key, Some("it is too short"));
        };
        let known = self.stored().iter().find(|stored| stored.kind == kind);
        decoded(out, &[("type", kind.into())], known.map(|known| (known.key, 0, false)), &body);
    }

    /// Appends the value of the record with this key as JSON: `{"version":3,"name":"OffsetCommitValue","data":{…}}`, of a metadata record
    /// `{"type":2,"version":0,"name":"TopicRecord","data":{…}}`.
    pub fn write_value(self, out: &mut Vec<u8>, key: Option<&Bytes>, value: Option<&Bytes>) {
        let Some(value) = value else { return out.extend_from_slice(b"null") };
        if self == Internal::Metadata {
            return metadata(out, value);
        }
        let Some((version, body)) = leading_number(value) else {
            return undecodable(out, &[], None, value, Some("it is too short"));
        };
        let kind = key.and_then(leading_number).map(|(kind, _)| kind);
        let known = self.stored().iter().find(|stored| Some(stored.kind) == kind);
        let known = known.filter(|known| (0..=known.newest).contains(&version));
        let shape = known.map(|known| (known.value, version, version >= known.flexible_from));
        decoded(out, &[("version", version.into())], shape, &body);
    }
}

/// The frame of a metadata record, then its fields.
fn metadata(out: &mut Vec<u8>, value: &Bytes) {
    let mut input = Cursor::new(value.clone());
    let frame = input.uvarint().and_then(|frame| Ok((frame, input.uvarint()?, input.uvarint()?)));
    let Ok((frame, kind, version)) = frame else {
        return undecodable(out, &[], None, value, Some("it is too short"));
    };
    if frame != 1 {
        return undecodable(out, &[("frame", frame.into())], None, value, None);
    }
    let known = MetadataRecord::ALL.iter().find(|(known, ..)| u32::try_from(*known) == Ok(kind));
    let shape = known.and_then(|(_, schema, versions)| {
        let version = i16::try_from(version).ok().filter(|version| versions.contains(*version))?;
        Some((*schema, version, true))
    });
    let told = [("type", i64::from(kind)), ("version", i64::from(version))];
    decoded(out, &told, shape, input.rest());
}

/// What was told, then `name` and `data`, or `hex`.
fn decoded(
    out: &mut Vec<u8>,
    told: &[(&str, i64)],
    shape: Option<(&'static Schema, i16, bool)>,
    body: &Bytes,
) {
    let Some((schema, version, flexible)) = shape else {
        return undecodable(out, told, None, body, None);
    };
    let start = out.len();
    begin(out, told, Some(schema.name));
    out.extend_from_slice(b",\"data\":");
    match schema::write(out, schema, version, flexible, body.clone()) {
        Ok(()) => out.push(b'}'),
        Err(unlike) => {
            out.truncate(start);
            undecodable(out, told, Some(schema.name), body, Some(&unlike.to_string()));
        }
    }
}

fn undecodable(
    out: &mut Vec<u8>,
    told: &[(&str, i64)],
    name: Option<&str>,
    body: &Bytes,
    why: Option<&str>,
) {
    begin(out, told, name);
    out.extend_from_slice(b",\"hex\":");
    json::hex(out, body);
    if let Some(why) = why {
        out.extend_from_slice(b",\"error\":");
        json::string(out, why);
    }
    out.push(b'}');
}

fn begin(out: &mut Vec<u8>, told: &[(&str, i64)], name: Option<&str>) {
    out.push(b'{');
    for (field, number) in told {
        json::name(out, field);
        json::number(out, *number);
        out.push(b',');
    }
    json::name(out, "name");
    match name {
        Some(name) => json::string(out, name),
        None => out.extend_from_slice(b"null"),
    }
}

fn leading_number(bytes: &Bytes) -> Option<(i16, Bytes)> {
    let mut input = Cursor::new(bytes.clone());
    let number = input.i16().ok()?;
    Some((number, input.rest().clone()))
}

#[cfg(test)]
#[path = "../decode_tests.rs"]
mod tests;
