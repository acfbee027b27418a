//! Each topic in ranges: the first members in order get one partition more where it does not come out even.
//!
//! Where members and replicas tell their racks, and not all partitions are everywhere, members first get partitions that are near
//! (KIP-881). Topics that the same members read and that have as many partitions stay together over that: the same numbers of all of
//! them go to the same member, where all are near.

use std::collections::{BTreeMap, BTreeSet};

use bytestring::ByteString;

use super::order::{in_order, readers_of};
use super::{Members, Shares, TopicInfo, Topics, no_shares};

pub(super) fn assign(members: &Members, topics: &Topics) -> Shares {
    let order = in_order(members);
    let racks: Vec<Option<&ByteString>> = order
        .iter()
        .map(|(_, member)| member.subscription.rack_id.as_ref().filter(|rack| !rack.is_empty()))
        .collect();
    let topics: Vec<(&ByteString, &TopicInfo)> =
        topics.iter().filter(|(_, info)| info.partitions > 0).collect();
    let mut ranges: Vec<Ranges<'_>> = topics
        .iter()
        .zip(readers_of(&topics, &order))
        .filter(|(_, readers)| !readers.is_empty())
        .map(|((topic, info), readers)| Ranges::new(topic, info, readers, &racks))
        .collect();
    if ranges.iter().any(|ranges| ranges.needs_racks) {
        give_near(&mut ranges);
    }
    ranges.iter_mut().for_each(|ranges| ranges.give_ranges(false));
    let mut shares = no_shares(members);
    for ranges in ranges {
        for (reader, mut partitions) in ranges.given.into_iter().enumerate() {
            let share = shares.get_mut(order[ranges.readers[reader]].0);
            if let Some(share) = share.filter(|_| !partitions.is_empty()) {
                partitions.sort_unstable();
                share.insert(ranges.topic.clone(), partitions);
            }
        }
    }
    shares
}

/// Gives what is near, topics that belong together at once.
fn give_near(ranges: &mut [Ranges<'_>]) {
    let mut alike: BTreeMap<(Vec<usize>, usize), Vec<usize>> = BTreeMap::new();
    for (at, one) in ranges.iter().enumerate() {
        alike.entry((one.readers.clone(), one.racks.len())).or_default().push(at);
    }
    for ((readers, count), alike) in alike {
        if let [at] = alike[..] {
            if ranges[at].needs_racks {
                ranges[at].give_ranges(true);
            }
            continue;
        }
        let mut readers: Vec<usize> = (0..readers.len()).collect();
        for partition in 0..count {
            let takes = |at: &usize, reader: usize| {
                ranges[*at].room(reader) > 0 && ranges[*at].is_near(reader, partition)
            };
            let all_take = |reader: &usize| alike.iter().all(|at| takes(at, *reader));
            let Some(reader) = readers.iter().copied().find(all_take) else { continue };
            alike.iter().for_each(|at| ranges[*at].give(reader, partition));
            if alike.iter().all(|at| ranges[*at].room(reader) == 0) {
                readers.retain(|other| *other != reader);
            }
        }
    }
}

/// A topic on its way to being shared out. Readers are told by their place among those who read it.
struct Ranges<'a> {
    topic: &'a ByteString,
    /// Who reads it, by place in the order of members.
    readers: Vec<usize>,
    reader_racks: Vec<Option<&'a ByteString>>,
    /// The racks of each partition; empty where no reader tells its own.
    racks: Vec<Option<&'a BTreeSet<ByteString>>>,
    needs_racks: bool,
    /// Partitions that are nobody's yet.
    free: BTreeSet<usize>,
    given: Vec<Vec<i32>>,
    /// How many each gets at least, and how many get one more.
    quota: usize,
    extra: usize,
}

impl Ranges<'_> {
    fn new<'a>(
        topic: &'a ByteString,
        info: &'a TopicInfo,
        readers: Vec<usize>,
        racks: &[Option<&'a ByteString>],
    ) -> Ranges<'a> {
        let count = usize::try_from(info.partitions).unwrap_or(0);
        let reader_racks: Vec<Option<&ByteString>> = readers.iter().map(|at| racks[*at]).collect();
        let racks: Vec<Option<&BTreeSet<ByteString>>> =
            match reader_racks.iter().any(Option::is_some) {
                true => (0..count).map(|partition| info.racks.get(partition)).collect(),
                false => Vec::new(),
            };
        let among = readers.len().max(1);
        Ranges {
            topic,
            needs_racks: needs_racks(&reader_racks, &racks),
            given: vec![Vec::new(); readers.len()],
            readers,
            reader_racks,
            racks,
            free: (0..count).collect(),
            quota: count / among,
            extra: count % among,
        }
    }

    /// Gives each as much as it still takes of what is free, or of what is near of that.
    fn give_ranges(&mut self, near: bool) {
        for reader in 0..self.readers.len() {
            let free = self.free.iter().copied();
            let takes = |partition: &usize| !near || self.is_near(reader, *partition);
            let range: Vec<usize> = free.filter(takes).take(self.room(reader)).collect();
            range.into_iter().for_each(|partition| self.give(reader, partition));
        }
    }

    fn give(&mut self, reader: usize, partition: usize) {
        self.free.remove(&partition);
        self.given[reader].push(partition as i32);
        if self.given[reader].len() > self.quota {
            self.extra = self.extra.saturating_sub(1);
        }
    }

    /// How many a reader still takes.
    fn room(&self, reader: usize) -> usize {
        (self.quota + usize::from(self.extra > 0)).saturating_sub(self.given[reader].len())
    }

    /// Whether a replica is in the reader's rack, or it is in none.
    fn is_near(&self, reader: usize, partition: usize) -> bool {
        let racks = self.racks.get(partition).copied().flatten();
        self.reader_racks[reader].is_none_or(|rack| racks.is_some_and(|racks| racks.contains(rack)))
    }
}

/// Whether it matters who gets what: some partitions are in a reader's rack, and some are not everywhere.
fn needs_racks(
    reader_racks: &[Option<&ByteString>],
    racks: &[Option<&BTreeSet<ByteString>>],
) -> bool {
    let everywhere: BTreeSet<&ByteString> = racks.iter().flatten().copied().flatten().collect();
    let is_everywhere =
        |racks: &Option<&BTreeSet<ByteString>>| racks.map_or(0, BTreeSet::len) == everywhere.len();
    reader_racks.iter().flatten().any(|rack| everywhere.contains(rack))
        && !racks.iter().all(is_everywhere)
}
