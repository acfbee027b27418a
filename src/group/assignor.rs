//! The assignors of the coordinator (KIP-848): who of a consumer group gets which partitions. `range` shares each topic out in
//! ranges, as Kafka's does to the partition; `uniform` makes all as even as can be and moves as little as that takes.

use std::collections::{BTreeMap, BTreeSet};

use bytestring::ByteString;

use super::uniform::{self, Reader};
use crate::base::TopicId;

/// Partitions, by topic.
pub type Partitions = BTreeMap<TopicId, BTreeSet<i32>>;

/// What a member wants, and what it was to have until now.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Wish {
    /// Its static name.
    pub instance_id: Option<ByteString>,
    /// The topics that it reads.
    pub topics: BTreeSet<TopicId>,
    /// What it was to have.
    pub had: Partitions,
}

/// An assignor that this coordinator has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Assignor {
    /// As even as can be, with few moves.
    Uniform,
    /// Each topic in ranges.
    Range,
}

impl Assignor {
    /// Those that there are, in Kafka's order of preference.
    pub const ALL: [Assignor; 2] = [Assignor::Uniform, Assignor::Range];

    /// Its name in Kafka.
    pub fn name(self) -> &'static str {
        match self {
            Assignor::Uniform => "uniform",
            Assignor::Range => "range",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Assignor> {
        Assignor::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// Who gets what; `counts` tells how many partitions a topic has, and topics that are not in it are nobody's.
    pub fn assign(
        self,
        members: &BTreeMap<ByteString, Wish>,
        counts: &BTreeMap<TopicId, i32>,
    ) -> BTreeMap<ByteString, Partitions> {
        match self {
            Assignor::Uniform => uniform(members, counts),
            Assignor::Range => range(members, counts),
        }
    }
}

fn uniform(
    members: &BTreeMap<ByteString, Wish>,
    counts: &BTreeMap<TopicId, i32>,
) -> BTreeMap<ByteString, Partitions> {
    let wishes = members.values();
    let readers: Vec<Reader<'_, TopicId>> =
        wishes.map(|wish| Reader { topics: &wish.topics, had: &wish.had }).collect();
    members.keys().cloned().zip(uniform::assign(&readers, counts)).collect()
}

/// Static members stand first, by their names, so that they keep their ranges over restarts.
fn range(
    members: &BTreeMap<ByteString, Wish>,
    counts: &BTreeMap<TopicId, i32>,
) -> BTreeMap<ByteString, Partitions> {
    let mut order: Vec<(&ByteString, &Wish)> = members.iter().collect();
    order.sort_by_key(|(id, wish)| {
        (wish.instance_id.is_none(), wish.instance_id.clone(), (*id).clone())
    });
    let mut given: BTreeMap<ByteString, Partitions> =
        members.keys().map(|id| (id.clone(), Partitions::new())).collect();
    for (topic, count) in counts {
        let readers: Vec<&ByteString> = order
            .iter()
            .filter(|(_, wish)| wish.topics.contains(topic))
            .map(|(id, _)| *id)
            .collect();
        let Ok(among) = i32::try_from(readers.len()) else { continue };
        let Some((quota, extra)) = count.checked_div(among).zip(count.checked_rem(among)) else {
            continue; // Nobody reads it.
        };
        let mut next = 0;
        for (at, id) in (0..).zip(readers) {
            let end = next + quota + i32::from(at < extra);
            if let (Some(given), true) = (given.get_mut(id), next < end) {
                given.insert(*topic, (next..end).collect());
            }
            next = end;
        }
    }
    given
}
