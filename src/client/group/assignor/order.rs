//! Kafka's orders: its strings compare by their UTF-16 units, which is another order than ours where a character takes two of them.

use std::cmp::Ordering;
use std::collections::HashMap;

use bytestring::ByteString;

use super::{Member, Members, TopicInfo};

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

/// Who reads each of `topics`, by place in the order of members.
pub(super) fn readers_of(
    topics: &[(&ByteString, &TopicInfo)],
    order: &[(&ByteString, &Member)],
) -> Vec<Vec<usize>> {
    let numbers: HashMap<&ByteString, usize> =
        topics.iter().map(|(topic, _)| *topic).zip(0..).collect();
    let mut readers = vec![Vec::new(); topics.len()];
    for (at, (_, member)) in order.iter().enumerate() {
        for topic in &member.subscription.topics {
            if let Some(topic) = numbers.get(topic) {
                readers[*topic].push(at);
            }
        }
    }
    readers
}
