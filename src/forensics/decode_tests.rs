//! What is written with the broker's own encoders is shown field by field; what is not known, as hex.

use bytes::Bytes;
use bytestring::ByteString;

use super::*;
use crate::group::{CommittedOffset, Entry};
use crate::meta::MetadataRecord;
use crate::record::control::ControlRecord;

fn shown(internal: Internal, key: Option<&[u8]>, value: Option<&[u8]>) -> (String, String) {
    let own = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
    let (key, value) = (own(key), own(value));
    let (mut shown_key, mut shown_value) = (Vec::new(), Vec::new());
    internal.write_key(&mut shown_key, key.as_ref());
    internal.write_value(&mut shown_value, key.as_ref(), value.as_ref());
    for json in [&shown_key, &shown_value] {
        serde_json::from_slice::<serde_json::Value>(json).expect("it is JSON");
    }
    (String::from_utf8(shown_key).unwrap(), String::from_utf8(shown_value).unwrap())
}

#[test]
fn a_committed_offset_is_shown_field_by_field_and_a_tombstone_by_its_key() {
    let offset = CommittedOffset {
        offset: 42,
        leader_epoch: 3,
        metadata: ByteString::from_static("é"),
        committed_at: 99,
        expires_at: None,
    };
    let place = (ByteString::from_static("t"), 7);
    let entry = Entry::Offset(ByteString::from_static("g"), place, Some(offset));
    let (key, value) = entry.encode().unwrap();
    let (shown_key, shown_value) = shown(Internal::Groups, Some(&key), value.as_deref());
    assert_eq!(
        shown_key,
        r#"{"type":1,"name":"OffsetCommitKey","data":{"group":"g","topic":"t","partition":7}}"#
    );
    assert_eq!(
        shown_value,
        r#"{"version":3,"name":"OffsetCommitValue","data":{"offset":42,"leader_epoch":3,"metadata":"é","commit_timestamp":99}}"#
    );
    assert_eq!(shown(Internal::Groups, Some(&key), None), (shown_key, "null".into()));
}

#[test]
fn a_version_or_kind_that_is_not_known_is_hex_and_no_error() {
    let offset_key = b"\0\x01\0\x01g\0\x01t\0\0\0\x07";
    let (_, value) = shown(Internal::Groups, Some(offset_key), Some(b"\0\x09\xab"));
    assert_eq!(value, r#"{"version":9,"name":null,"hex":"ab"}"#);
    let (key, value) = shown(Internal::Groups, Some(b"\0\x63\xff"), Some(b"\0\0\x01"));
    assert_eq!(key, r#"{"type":99,"name":null,"hex":"ff"}"#);
    assert_eq!(value, r#"{"version":0,"name":null,"hex":"01"}"#);
    let (_, value) = shown(Internal::Metadata, None, Some(&[1, 2, 5, 0xee]));
    assert_eq!(value, r#"{"type":2,"version":5,"name":null,"hex":"ee"}"#);
    let (_, value) = shown(Internal::Metadata, None, Some(&[7]));
    assert_eq!(value, r#"{"name":null,"hex":"07","error":"it is too short"}"#);
}

#[test]
fn what_is_not_as_its_schema_says_is_hex_with_the_reason() {
    let offset_key = b"\0\x01\0\x01g\0\x01t\0\0\0\x07";
    let (_, value) = shown(Internal::Groups, Some(offset_key), Some(b"\0\x03\xab"));
    assert!(value.starts_with(r#"{"version":3,"name":"OffsetCommitValue","hex":"ab","error":"#));
}

#[test]
fn a_metadata_record_has_its_type_its_ids_and_its_tagged_fields() {
    let mut topic = crate::meta::records::topics::PartitionRecord {
        partition_id: 1,
        replicas: vec![1, 2],
        ..Default::default()
    };
    topic.eligible_leader_replicas = Some(vec![2]);
    let value = MetadataRecord::from(topic).encode().unwrap();
    let (key, value) = shown(Internal::Metadata, None, Some(&value));
    assert_eq!(key, "null");
    assert!(
        value.starts_with(r#"{"type":3,"version":2,"name":"PartitionRecord","data":{"#),
        "{value}"
    );
    assert!(value.contains(r#""topic_id":"AAAAAAAAAAAAAAAAAAAAAA","replicas":[1,2]"#), "{value}");
    assert!(value.contains(r#""eligible_leader_replicas":[2]"#), "{value}");
}

#[test]
fn control_records_are_shown_by_their_type() {
    let show = |record: &ControlRecord| {
        let (key, value) = (Bytes::copy_from_slice(&record.key()), Bytes::from(record.value()));
        let mut out = Vec::new();
        write_control(&mut out, Some(&key), Some(&value));
        String::from_utf8(out).unwrap()
    };
    let commit = ControlRecord::Commit { coordinator_epoch: 3 };
    assert_eq!(show(&commit), r#"{"type":"commit","coordinator_epoch":3}"#);
    let footer = ControlRecord::SnapshotFooter;
    assert_eq!(show(&footer), r#"{"type":"snapshot_footer","version":0}"#);
    let mut out = Vec::new();
    let key = Bytes::from_static(&[0, 0, 0, 3]);
    write_control(&mut out, Some(&key), Some(&Bytes::from_static(&[0, 9, 1])));
    let unknown = String::from_utf8(out).unwrap();
    let start = r#"{"type":"snapshot_header","kind":3,"version":9,"key_hex":"00000003","value_hex":"000901""#;
    assert!(unknown.starts_with(start), "{unknown}");
}
