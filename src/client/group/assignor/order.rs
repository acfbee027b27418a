//! Kafka's orders: its strings compare by their UTF-16 units, which is another order than ours where a character takes two of them.

use std::cmp::Ordering;

use bytestring::ByteString;

use super::{Member, Members};

/// As Java compares strings.
pub(super) fn by_utf16(one: &str, other: &str) -> Ordering {
    if one.is_ascii() && other.is_ascii() {
        return one.cmp(other);
    }
    one.encode_utf16().cmp(other.encode_utf16())
}

/// The members as Kafka orders them: static ones first, by their names, so that they keep their places over restarts.
pub(super) fn in_order(members: &Members) -> Vec<(&ByteString, &Member)> {
    let mut order: Vec<(&ByteString, &Member)> = members.iter().collect();
    order.sort_by(|(id, member), (other_id, other)| {
        match (&member.instance_id, &other.instance_id) {
            (Some(name), Some(other)) => by_utf16(name, other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => by_utf16(id, other_id),
        }
    });
    order
}
