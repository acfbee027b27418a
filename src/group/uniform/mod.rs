//! As even as can be, moving as little as that takes: the assignor `uniform` of the coordinator, and the sticky ones of the client.
//!
//! Everybody keeps what it had and still reads; what is free goes to who has least. Then partitions move from who has most to who has at
//! least two less, if need be through others who give one on for the one they get, until there is no such way: then no sharing
//! is more even (the squares of the loads cannot be made smaller, as for any semi-matching). Last, what moved goes back where that
//! leaves all as even, until there is no way for that either: then no sharing that is as even moves less.

mod even;
mod fewer;
mod shares;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use shares::{Places, Shares};

/// Who takes part.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a, T> {
    /// The topics that it reads.
    pub topics: &'a BTreeSet<T>,
    /// What it had. What two had is the first's.
    pub had: &'a BTreeMap<T, BTreeSet<i32>>,
}

/// Who gets what, in the readers' order; `counts` tells how many partitions a topic has, and topics that are not in it are nobody's.
pub fn assign<T: Ord + Hash + Clone>(
    readers: &[Reader<'_, T>],
    counts: &BTreeMap<T, i32>,
) -> Vec<BTreeMap<T, BTreeSet<i32>>> {
    let (places, topics) = number(readers, counts);
    let mut shares = Shares::kept(readers.len(), &places);
    shares.give_free();
    // First what nobody had before, then whatever it takes.
    for only_new in [true, false] {
        shares.even_out(only_new);
    }
    shares.move_back();
    let mut given = vec![BTreeMap::new(); readers.len()];
    for (at, place) in shares.given() {
        let topic = topics.partition_point(|(_, first)| *first <= place) - 1;
        let (topic, first) = topics[topic];
        let share: &mut BTreeMap<T, BTreeSet<i32>> = &mut given[at];
        share.entry(topic.clone()).or_default().insert((place - first) as i32);
    }
    given
}

/// Gives all a number: readers by their order, partitions topic by topic. Tells also the number of each topic's first partition.
fn number<'a, T: Ord + Hash>(
    readers: &[Reader<'_, T>],
    counts: &'a BTreeMap<T, i32>,
) -> (Places, Vec<(&'a T, usize)>) {
    let mut topics = Vec::new();
    let mut numbers = HashMap::new();
    let mut count_in_all = 0;
    for (topic, count) in counts.iter().filter(|(_, count)| **count > 0) {
        numbers.insert(topic, (topics.len(), *count));
        topics.push((topic, count_in_all));
        count_in_all += *count as usize;
    }
    let mut readers_of = vec![Vec::new(); topics.len()];
    let mut had_by = vec![None; count_in_all];
    for (at, reader) in readers.iter().enumerate() {
        for topic in reader.topics {
            if let Some((topic, _)) = numbers.get(topic) {
                readers_of[*topic].push(at);
            }
        }
        for (topic, had) in reader.had.iter().filter(|(topic, _)| reader.topics.contains(topic)) {
            let Some((topic, count)) = numbers.get(topic) else { continue };
            let first = topics[*topic].1;
            for partition in had.range(0..*count) {
                had_by[first + *partition as usize].get_or_insert(at);
            }
        }
    }
    let ends = topics.iter().skip(1).map(|(_, first)| *first).chain([count_in_all]);
    let counts = ends.zip(&topics).map(|(end, (_, first))| end - first);
    (Places::new(readers_of.into_iter().zip(counts), had_by), topics)
}
