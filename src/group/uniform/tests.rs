use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;

/// A group small enough to try out every sharing: what each member reads, how many partitions each topic has, and who had each.
#[derive(Debug)]
struct Case {
    reads: Vec<BTreeSet<u8>>,
    counts: BTreeMap<u8, i32>,
    had: Vec<BTreeMap<u8, BTreeSet<i32>>>,
}

type Given = Vec<BTreeMap<u8, BTreeSet<i32>>>;

prop_compose! {
    fn case()(members in 1..4_usize, counts in vec(1..3_i32, 1..4))(
        reads in vec(btree_set(0..4_u8, 0..4), members),
        had_by in vec(option::of(0..members), counts.iter().sum::<i32>() as usize),
        counts in Just(counts),
    ) -> Case {
        let mut had = vec![BTreeMap::new(); reads.len()];
        let places = (0..).zip(&counts).flat_map(|(topic, count)| (0..*count).map(move |at| (topic, at)));
        for ((topic, partition), by) in places.zip(had_by) {
            if let Some(by) = by {
                let had: &mut BTreeMap<u8, BTreeSet<i32>> = &mut had[by];
                had.entry(topic).or_default().insert(partition);
            }
        }
        Case { reads, counts: (0..).zip(counts).collect(), had }
    }
}

impl Case {
    fn share(&self) -> Given {
        let readers = self.reads.iter().zip(&self.had);
        let readers: Vec<Reader<'_, u8>> =
            readers.map(|(topics, had)| Reader { topics, had }).collect();
        assign(&readers, &self.counts)
    }

    /// How uneven a sharing is, and how many partitions moved to who had them not.
    fn judge(&self, given: &Given) -> (usize, usize) {
        let load = |share: &BTreeMap<u8, BTreeSet<i32>>| share.values().map(BTreeSet::len).sum();
        let uneven = given.iter().map(load).map(|load: usize| load * load).sum();
        let moved = given.iter().zip(&self.had).map(|(share, had)| {
            let new = |(topic, share): (&u8, &BTreeSet<i32>)| match had.get(topic) {
                Some(had) => share.difference(had).count(),
                None => share.len(),
            };
            share.iter().map(new).sum::<usize>()
        });
        (uneven, moved.sum())
    }

    /// The best of all sharings: the most even ones, and of them those that move least.
    fn best(&self) -> (usize, usize) {
        let mut all: Vec<Given> = vec![vec![BTreeMap::new(); self.reads.len()]];
        for (topic, count) in &self.counts {
            let readers = self.reads.iter().enumerate().filter(|(_, reads)| reads.contains(topic));
            let readers: Vec<usize> = readers.map(|(at, _)| at).collect();
            for partition in (0..*count).filter(|_| !readers.is_empty()) {
                let with = |given: &Given, at: usize| {
                    let mut given = given.clone();
                    given[at].entry(*topic).or_default().insert(partition);
                    given
                };
                all = all
                    .iter()
                    .flat_map(|given| readers.iter().map(move |at| with(given, *at)))
                    .collect();
            }
        }
        all.iter().map(|given| self.judge(given)).min().expect("there is a sharing")
    }
}

proptest! {
    #[test]
    fn no_sharing_is_more_even_and_none_as_even_moves_less(case in case()) {
        let given = case.share();
        prop_assert_eq!(case.judge(&given), case.best(), "{:?}", given);
        let all: BTreeSet<(u8, i32)> = given.iter().flatten()
            .flat_map(|(topic, share)| share.iter().map(|partition| (*topic, *partition)))
            .collect();
        let read: BTreeSet<&u8> = case.reads.iter().flatten().collect();
        let read = case.counts.iter().filter(|(topic, _)| read.contains(topic));
        prop_assert_eq!(all.len(), read.map(|(_, count)| *count as usize).sum::<usize>());
        for (share, reads) in given.iter().zip(&case.reads) {
            prop_assert!(share.keys().all(|topic| reads.contains(topic)));
        }
        let again = Case { had: given.clone(), ..case };
        prop_assert_eq!(again.share(), given, "what is shared out stays as it is");
    }
}
