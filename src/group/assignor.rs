//! The assignors of the coordinator (KIP-848): who of a consumer group gets which partitions. `range` shares each topic out in
//! ranges, as Kafka's does to the partition; `uniform` makes all as even as can be and moves as little as that takes.

use std::collections::{BTreeMap, BTreeSet};

use bytestring::ByteString;

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

/// Everybody keeps what it had and still reads; what is free goes to who has least; then partitions move from who has more to who has
/// at least two less, until nobody does. Each move makes the squares of the loads smaller, so that ends.
fn uniform(
    members: &BTreeMap<ByteString, Wish>,
    counts: &BTreeMap<TopicId, i32>,
) -> BTreeMap<ByteString, Partitions> {
    let ids: Vec<&ByteString> = members.keys().collect();
    let mut shares = Shares::kept(members, counts);
    // Topics with few readers leave the least choice: they go first.
    let mut topics: Vec<&TopicId> = counts.keys().collect();
    topics.sort_by_key(|topic| (shares.readers.get(topic).map_or(0, Vec::len), **topic));
    for topic in &topics {
        shares.give_free(topic, counts[*topic]);
    }
    while topics.iter().map(|topic| shares.level(topic)).fold(false, |any, moved| any || moved) {}
    ids.into_iter().cloned().zip(shares.given).collect()
}

/// Shares that are being evened out; members by their place in the order of ids.
struct Shares {
    given: Vec<Partitions>,
    loads: Vec<usize>,
    readers: BTreeMap<TopicId, Vec<usize>>,
    taken: BTreeSet<(TopicId, i32)>,
}

impl Shares {
    fn kept(members: &BTreeMap<ByteString, Wish>, counts: &BTreeMap<TopicId, i32>) -> Shares {
        let mut shares = Shares {
            given: Vec::with_capacity(members.len()),
            loads: Vec::with_capacity(members.len()),
            readers: BTreeMap::new(),
            taken: BTreeSet::new(),
        };
        for (at, wish) in members.values().enumerate() {
            for topic in wish.topics.iter().filter(|topic| counts.contains_key(topic)) {
                shares.readers.entry(*topic).or_default().push(at);
            }
            let mut kept = Partitions::new();
            for (topic, partitions) in &wish.had {
                let count = counts.get(topic).filter(|_| wish.topics.contains(topic));
                let still = partitions.iter().filter(|partition| {
                    count.is_some_and(|count| (0..*count).contains(*partition))
                        && shares.taken.insert((*topic, **partition))
                });
                let still: BTreeSet<i32> = still.copied().collect();
                if !still.is_empty() {
                    kept.insert(*topic, still);
                }
            }
            shares.loads.push(kept.values().map(BTreeSet::len).sum());
            shares.given.push(kept);
        }
        shares
    }

    fn by_load(&self, topic: &TopicId) -> BTreeSet<(usize, usize)> {
        let readers = self.readers.get(topic).into_iter().flatten();
        readers.map(|at| (self.loads[*at], *at)).collect()
    }

    fn give_free(&mut self, topic: &TopicId, count: i32) {
        let mut by_load = self.by_load(topic);
        for partition in 0..count {
            if self.taken.contains(&(*topic, partition)) {
                continue;
            }
            let Some((load, at)) = by_load.pop_first() else { return };
            self.given[at].entry(*topic).or_default().insert(partition);
            self.loads[at] = load + 1;
            by_load.insert((load + 1, at));
        }
    }

    /// Moves this topic's partitions from who has most to who has least, as long as that evens the loads out; tells whether any moved.
    fn level(&mut self, topic: &TopicId) -> bool {
        let mut takers = self.by_load(topic);
        let mut givers: BTreeSet<(usize, usize)> =
            takers.iter().filter(|(_, at)| self.given[*at].contains_key(topic)).copied().collect();
        let mut moved = false;
        while let (Some(&(least, to)), Some(&(most, from))) = (takers.first(), givers.last()) {
            if most < least + 2 {
                break;
            }
            let Some(partitions) = self.given[from].get_mut(topic) else { break };
            let Some(partition) = partitions.pop_last() else { break };
            let gave_all = partitions.is_empty();
            if gave_all {
                self.given[from].remove(topic);
            }
            self.given[to].entry(*topic).or_default().insert(partition);
            (self.loads[from], self.loads[to]) = (most - 1, least + 1);
            for (load, at) in [(least, to), (most, from)] {
                takers.remove(&(load, at));
                givers.remove(&(load, at));
                takers.insert((self.loads[at], at));
            }
            givers.insert((least + 1, to));
            if !gave_all {
                givers.insert((most - 1, from));
            }
            moved = true;
        }
        moved
    }
}
