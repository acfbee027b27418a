//! The assignor `uniform`: all as even as can be, moving as little as that takes.
//!
//! Everybody keeps what it had and still reads; what is free goes to who has least. Then partitions move from who has most to who has at
//! least two less, if need be through others who give one on for the one they get, until there is no such way: then no sharing
//! is more even (the squares of the loads cannot be made smaller, as for any semi-matching).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytestring::ByteString;

use super::assignor::{Partitions, Wish};
use crate::base::TopicId;

/// Who gets what.
pub fn assign(
    members: &BTreeMap<ByteString, Wish>,
    counts: &BTreeMap<TopicId, i32>,
) -> BTreeMap<ByteString, Partitions> {
    let mut shares = Shares::kept(members, counts);
    shares.give_free(counts);
    // First what nobody had before, then whatever it takes.
    for only_new in [true, false] {
        while let Some(way) = shares.find_way(only_new) {
            way.into_iter().for_each(|step| shares.take_step(&step, only_new));
        }
    }
    members.keys().cloned().zip(shares.pools.into_iter().map(to_partitions)).collect()
}

/// What a member has of the topics that the same members read.
#[derive(Debug, Default)]
struct Pool {
    /// It had them before.
    kept: BTreeSet<(TopicId, i32)>,
    /// It had not.
    new: BTreeSet<(TopicId, i32)>,
}

/// A partition of a class goes from one member to another.
#[derive(Debug)]
struct Step {
    from: usize,
    class: usize,
    to: usize,
}

/// Shares that are being evened out. Members are told by their place in the order of ids, topics that the same members read are of
/// one class.
struct Shares<'a> {
    had: Vec<&'a Partitions>,
    class_of: BTreeMap<TopicId, usize>,
    readers: Vec<Vec<usize>>,
    pools: Vec<BTreeMap<usize, Pool>>,
    loads: Vec<usize>,
    taken: BTreeSet<(TopicId, i32)>,
}

impl Shares<'_> {
    fn kept<'a>(
        members: &'a BTreeMap<ByteString, Wish>,
        counts: &BTreeMap<TopicId, i32>,
    ) -> Shares<'a> {
        let mut readers_of: BTreeMap<TopicId, Vec<usize>> = BTreeMap::new();
        for (at, wish) in members.values().enumerate() {
            for topic in wish.topics.iter().filter(|topic| counts.contains_key(topic)) {
                readers_of.entry(*topic).or_default().push(at);
            }
        }
        let mut classes: BTreeMap<&Vec<usize>, usize> = BTreeMap::new();
        let mut class_of = BTreeMap::new();
        for (topic, readers) in &readers_of {
            let next = classes.len();
            class_of.insert(*topic, *classes.entry(readers).or_insert(next));
        }
        let mut readers = vec![Vec::new(); classes.len()];
        classes.into_iter().for_each(|(members, class)| readers[class].clone_from(members));
        let mut shares = Shares {
            had: members.values().map(|wish| &wish.had).collect(),
            class_of,
            readers,
            pools: members.values().map(|_| BTreeMap::new()).collect(),
            loads: vec![0; members.len()],
            taken: BTreeSet::new(),
        };
        for (at, wish) in members.values().enumerate() {
            for (topic, partitions) in wish.had.iter().filter(|(id, _)| wish.topics.contains(id)) {
                let count = counts.get(topic).copied().unwrap_or(0);
                for place in partitions.range(0..count).map(|partition| (*topic, *partition)) {
                    if shares.taken.insert(place) {
                        shares.give(at, place);
                    }
                }
            }
        }
        shares
    }

    fn give(&mut self, to: usize, place: (TopicId, i32)) {
        let Some(class) = self.class_of.get(&place.0) else { return };
        let had = self.had[to].get(&place.0).is_some_and(|had| had.contains(&place.1));
        let pool = self.pools[to].entry(*class).or_default();
        if had {
            pool.kept.insert(place)
        } else {
            pool.new.insert(place)
        };
        self.loads[to] += 1;
    }

    fn give_free(&mut self, counts: &BTreeMap<TopicId, i32>) {
        let classes: Vec<(TopicId, usize)> =
            self.class_of.iter().map(|(topic, class)| (*topic, *class)).collect();
        for (topic, class) in classes {
            let mut by_load: BTreeSet<(usize, usize)> =
                self.readers[class].iter().map(|at| (self.loads[*at], *at)).collect();
            for place in (0..counts[&topic]).map(|partition| (topic, partition)) {
                if self.taken.contains(&place) {
                    continue;
                }
                let Some((load, at)) = by_load.pop_first() else { break };
                self.give(at, place);
                by_load.insert((load + 1, at));
            }
        }
    }

    /// A way from a member to one that has at least two less. What is reached from the heaviest without finding one has none either: each
    /// member is looked at once.
    fn find_way(&self, only_new: bool) -> Option<Vec<Step>> {
        let mut order: Vec<usize> = (0..self.loads.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(self.loads[*at]));
        let mut class_seen = vec![false; self.readers.len()];
        let mut came: Vec<Option<(usize, usize)>> = vec![None; self.loads.len()];
        let mut seen = vec![false; self.loads.len()];
        for source in order {
            if std::mem::replace(&mut seen[source], true) {
                continue;
            }
            let (mut queue, mut least) = (VecDeque::from([source]), source);
            while let Some(from) = queue.pop_front() {
                for (class, pool) in &self.pools[from] {
                    let can_give = !pool.new.is_empty() || (!only_new && !pool.kept.is_empty());
                    if !can_give || std::mem::replace(&mut class_seen[*class], true) {
                        continue;
                    }
                    for to in &self.readers[*class] {
                        if !std::mem::replace(&mut seen[*to], true) {
                            came[*to] = Some((from, *class));
                            queue.push_back(*to);
                            // The first of the least is the nearest.
                            if self.loads[*to] < self.loads[least] {
                                least = *to;
                            }
                        }
                    }
                }
            }
            if self.loads[least] + 2 <= self.loads[source] {
                return Some(trace(&came, least));
            }
        }
        None
    }

    fn take_step(&mut self, step: &Step, only_new: bool) {
        let Some(pool) = self.pools[step.from].get_mut(&step.class) else { return };
        let new = pool.new.pop_last();
        let place = new.or_else(|| (!only_new).then(|| pool.kept.pop_last()).flatten());
        let Some(place) = place else { return };
        self.loads[step.from] -= 1;
        self.give(step.to, place);
    }
}

fn trace(came: &[Option<(usize, usize)>], end: usize) -> Vec<Step> {
    let (mut way, mut to) = (Vec::new(), end);
    while let Some((from, class)) = came[to] {
        way.push(Step { from, class, to });
        to = from;
    }
    way
}

fn to_partitions(pools: BTreeMap<usize, Pool>) -> Partitions {
    let mut partitions = Partitions::new();
    for (topic, partition) in
        pools.into_values().flat_map(|pool| pool.kept.into_iter().chain(pool.new))
    {
        partitions.entry(topic).or_default().insert(partition);
    }
    partitions
}
