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
    fn case()(members in 1..5_usize, counts in vec(1..4_i32, 1..5))(
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
        let mut places = Vec::new();
        for (topic, count) in &self.counts {
            let reads = |at: &usize| self.reads[*at].contains(topic);
            let readers: Vec<usize> = (0..self.reads.len()).filter(reads).collect();
            for partition in (0..*count).filter(|_| !readers.is_empty()) {
                let has = |had: &BTreeMap<u8, BTreeSet<i32>>| {
                    had.get(topic).is_some_and(|had| had.contains(&partition))
                };
                places.push((readers.clone(), self.had.iter().position(has)));
            }
        }
        try_all(&places, &mut vec![0; self.reads.len()], 0)
    }
}

/// Tries every way to give out what is left; `places` are who reads each, and who had it.
fn try_all(
    places: &[(Vec<usize>, Option<usize>)],
    loads: &mut Vec<usize>,
    moved: usize,
) -> (usize, usize) {
    let Some(((readers, had_by), rest)) = places.split_first() else {
        return (loads.iter().map(|load| load * load).sum(), moved);
    };
    let mut best = (usize::MAX, 0);
    for at in readers {
        loads[*at] += 1;
        best = best.min(try_all(rest, loads, moved + usize::from(*had_by != Some(*at))));
        loads[*at] -= 1;
    }
    best
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

#[test]
fn the_nearest_way_is_taken_back_where_a_longer_one_moves_less() {
    let [a, b, c, d, e] = [0, 1, 2, 4, 3];
    let reads = [&[a, c][..], &[a, b], &[c, d], &[d, e], &[e, b]];
    let had = [&[(a, 0..3), (c, 0..1)][..], &[(b, 0..3)], &[], &[], &[(b, 3..5)]];
    let case = Case {
        reads: reads.iter().map(|reads| reads.iter().copied().collect()).collect(),
        counts: [(a, 3), (b, 5), (c, 1), (d, 3), (e, 3)].into(),
        had: had
            .iter()
            .map(|had| had.iter().map(|(topic, had)| (*topic, had.clone().collect())).collect())
            .collect(),
    };
    let given = case.share();
    // What nobody had goes on from the third to the fourth and from there to the last, so that the third has room for the one that moves.
    assert_eq!(case.judge(&given), (5 * 3 * 3, 6 + 1), "{given:?}");
    assert_eq!(case.best(), (5 * 3 * 3, 6 + 1));
}
