//! What consumers say to each other, there and back.

use super::protocol::*;
use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

fn name() -> impl Strategy<Value = ByteString> {
    "[a-zé😀]{0,6}".prop_map(ByteString::from)
}

fn some_places() -> impl Strategy<Value = Places> {
    btree_map(name(), vec(any::<i32>(), 0..5), 0..5)
}

fn user_data() -> impl Strategy<Value = Option<Bytes>> {
    option::of(vec(any::<u8>(), 0..9).prop_map(Bytes::from))
}

prop_compose! {
    fn subscription()(
        topics in btree_set(name(), 0..5),
        user_data in user_data(),
        owned in some_places(),
        generation_id in any::<i32>(),
        rack_id in option::of(name()),
    ) -> Subscription {
        Subscription { version: NEWEST, topics, user_data, owned, generation_id, rack_id }
    }
}

/// What is left of a subscription that was written as an older version.
fn as_of(version: i16, said: Subscription) -> Subscription {
    let nothing = Subscription::default();
    Subscription {
        version,
        owned: if version >= 1 { said.owned } else { nothing.owned },
        generation_id: if version >= 2 { said.generation_id } else { nothing.generation_id },
        rack_id: if version >= 3 { said.rack_id } else { nothing.rack_id },
        ..said
    }
}

proptest! {
    #[test]
    fn a_subscription_reads_as_it_was_written(said in subscription(), version in 0..=NEWEST) {
        let bytes = said.write(version);
        prop_assert_eq!(Subscription::read(bytes.clone()), Ok(as_of(version, said)));
        for length in 0..bytes.len() {
            prop_assert!(Subscription::read(bytes.slice(..length)).is_err());
        }
    }

    #[test]
    fn an_assignment_reads_as_it_was_written(
        partitions in some_places(), user_data in user_data(), version in 0..=NEWEST,
    ) {
        let said = Assignment { version, partitions, user_data };
        let bytes = said.write(version);
        prop_assert_eq!(Assignment::read(bytes.clone()), Ok(said));
        for length in 1..bytes.len() {
            prop_assert!(Assignment::read(bytes.slice(..length)).is_err());
        }
    }

    #[test]
    fn a_newer_version_is_read_as_the_newest_known(said in subscription(), more: Vec<u8>) {
        let mut bytes = BytesMut::from(&said.write(NEWEST)[..]);
        bytes[..2].copy_from_slice(&(NEWEST + 1).to_be_bytes());
        bytes.put_slice(&more);
        let read = Subscription { version: NEWEST + 1, ..said };
        prop_assert_eq!(Subscription::read(bytes.freeze()), Ok(read));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, version in -1..=5_i16) {
        let mut versioned = BytesMut::new();
        versioned.put_i16(version);
        versioned.put_slice(&bytes);
        for bytes in [Bytes::from(bytes), versioned.freeze()] {
            let _ = Subscription::read(bytes.clone());
            let _ = Assignment::read(bytes);
        }
    }
}

#[test]
fn what_kafka_never_writes_is_refused() {
    let read = |bytes: &'static [u8]| Subscription::read(Bytes::from_static(bytes));
    assert_eq!(read(&[0xff, 0xff]), Err(ProtocolError::Version { version: -1 }));
    let many = read(&[0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0]);
    assert_eq!(many, Err(ProtocolError::Count { count: i32::MAX, left_bytes: 2 }));
    let null = read(&[0, 0, 0, 0, 0, 1, 0xff, 0xff]);
    assert_eq!(null, Err(ProtocolError::Count { count: -1, left_bytes: 0 }));
    assert_eq!(read(&[0, 0, 0, 0, 0, 1, 0, 1, 0xff]), Err(ProtocolError::NotUtf8));
}

#[test]
fn a_name_that_no_topic_can_have_is_left_out() {
    let long = ByteString::from("t".repeat(1 << 15));
    let said = Subscription {
        topics: [long.clone(), "t".into()].into(),
        owned: [(long.clone(), vec![0])].into(),
        rack_id: Some(long),
        ..Subscription::default()
    };
    let read = Subscription { topics: ["t".into()].into(), ..Subscription::default() };
    assert_eq!(Subscription::read(said.write(NEWEST)), Ok(read));
}
