//! Control records as JSON.

use bytes::Bytes;

use super::json;
use crate::record::control::{ControlRecord, DirectoryId, LeaderChange, Voter};

/// Appends a control record as JSON: `{"type":"commit","coordinator_epoch":3}`. One that cannot be read is shown as hex, with what its key
/// says of its kind.
pub fn write_control(out: &mut Vec<u8>, key: Option<&Bytes>, value: Option<&Bytes>) {
    match ControlRecord::parse(key, value) {
        Ok(ControlRecord::Unknown { .. }) => unknown(out, key, value, None),
        Ok(record) => known(out, &record),
        Err(error) => unknown(out, key, value, Some(&error.to_string())),
    }
}

fn known(out: &mut Vec<u8>, record: &ControlRecord) {
    out.extend_from_slice(b"{\"type\":");
    json::string(out, type_of(record.kind()));
    let mut field = |name: &str, number: i64| {
        out.push(b',');
        json::name(out, name);
        json::number(out, number);
    };
    match record {
        ControlRecord::Abort { coordinator_epoch }
        | ControlRecord::Commit { coordinator_epoch } => {
            field("coordinator_epoch", (*coordinator_epoch).into());
        }
        ControlRecord::LeaderChange(change) => leader_change(out, change),
        ControlRecord::SnapshotHeader { last_contained_log_timestamp } => {
            field("version", 0);
            field("last_contained_log_timestamp", last_contained_log_timestamp.0);
        }
        ControlRecord::KraftVersion { version } => {
            field("version", 0);
            field("kraft_version", (*version).into());
        }
        ControlRecord::SnapshotFooter => field("version", 0),
        ControlRecord::Voters(voters) => {
            field("version", 0);
            out.extend_from_slice(b",\"voters\":");
            list(out, voters, voter);
        }
        ControlRecord::Unknown { .. } => {}
    }
    out.push(b'}');
}

fn type_of(kind: i16) -> &'static str {
    match kind {
        0 => "abort",
        1 => "commit",
        2 => "leader_change",
        3 => "snapshot_header",
        4 => "snapshot_footer",
        5 => "kraft_version",
        6 => "kraft_voters",
        _ => "unknown",
    }
}

fn unknown(out: &mut Vec<u8>, key: Option<&Bytes>, value: Option<&Bytes>, why: Option<&str>) {
    let number = |bytes: Option<&Bytes>, at: usize| {
        let two = bytes?.get(at..)?.first_chunk::<2>()?;
        Some(i16::from_be_bytes(*two))
    };
    let kind = number(key, 2);
    out.extend_from_slice(b"{\"type\":");
    json::string(out, kind.map_or("unknown", type_of));
    for (name, number) in [("kind", kind), ("version", number(value, 0))] {
        out.push(b',');
        json::name(out, name);
        match number {
            Some(number) => json::number(out, number),
            None => out.extend_from_slice(b"null"),
        }
    }
    for (name, bytes) in [("key_hex", key), ("value_hex", value)] {
        out.push(b',');
        json::name(out, name);
        match bytes {
            Some(bytes) => json::hex(out, bytes),
            None => out.extend_from_slice(b"null"),
        }
    }
    if let Some(why) = why {
        out.extend_from_slice(b",\"error\":");
        json::string(out, why);
    }
    out.push(b'}');
}

fn leader_change(out: &mut Vec<u8>, change: &LeaderChange) {
    out.extend_from_slice(b",\"version\":");
    json::number(out, change.version);
    out.extend_from_slice(b",\"leader_id\":");
    json::number(out, change.leader_id);
    let pair = |out: &mut Vec<u8>, (id, directory): &(i32, DirectoryId)| {
        out.extend_from_slice(b"{\"voter_id\":");
        json::number(out, *id);
        if change.version >= 1 {
            out.extend_from_slice(b",\"voter_directory_id\":");
            json::string(out, &directory.to_string());
        }
        out.push(b'}');
    };
    out.extend_from_slice(b",\"voters\":");
    list(out, &change.voters, pair);
    out.extend_from_slice(b",\"granting_voters\":");
    list(out, &change.granting_voters, pair);
}

fn voter(out: &mut Vec<u8>, voter: &Voter) {
    out.extend_from_slice(b"{\"voter_id\":");
    json::number(out, voter.id);
    out.extend_from_slice(b",\"voter_directory_id\":");
    json::string(out, &voter.directory_id.to_string());
    out.extend_from_slice(b",\"endpoints\":");
    list(out, &voter.endpoints, |out, (name, host, port)| {
        out.extend_from_slice(b"{\"name\":");
        json::string(out, name);
        out.extend_from_slice(b",\"host\":");
        json::string(out, host);
        out.extend_from_slice(b",\"port\":");
        json::number(out, *port);
        out.push(b'}');
    });
    let (min, max) = voter.kraft_versions;
    out.extend_from_slice(b",\"kraft_version_feature\":{\"min_supported_version\":");
    json::number(out, min);
    out.extend_from_slice(b",\"max_supported_version\":");
    json::number(out, max);
    out.extend_from_slice(b"}}");
}

fn list<T>(out: &mut Vec<u8>, items: &[T], item: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    let mut first = true;
    for one in items {
        json::comma(out, &mut first);
        item(out, one);
    }
    out.push(b']');
}
