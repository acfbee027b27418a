//! The coordinator's: `range` gives the same; `uniform` is as even, and moves no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bytestring::ByteString;
use klog::base::TopicId;
use klog::group::{Assignor, Partitions, Wish};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::kafka::{ask_kafka, how_many, random};

type Members = BTreeMap<ByteString, Wish>;
type Shares = BTreeMap<ByteString, Partitions>;

struct Case {
    assignor: Assignor,
    counts: BTreeMap<TopicId, i32>,
    members: Members,
}

fn topic(number: u8) -> TopicId {
    let mut id = [0; 16];
    id[15] = number;
    TopicId(id)
}

fn number(id: &TopicId) -> u8 {
    id.0[15]
}

/// A group of which some members just came, others left, and whose topics may have grown.
fn random_case(random: &mut StdRng) -> Case {
    let assignor = Assignor::ALL[random.random_range(0..2)];
    let topics = random.random_range(1..5_u8);
    let counts: BTreeMap<TopicId, i32> =
        (1..=topics).map(|at| (topic(at), random.random_range(1..20))).collect();
    let same = random.random::<bool>();
    let mut members = Members::new();
    for at in 0..random.random_range(1..8) {
        let mut wish = Wish { topics: counts.keys().copied().collect(), ..Wish::default() };
        if !same {
            wish.topics.retain(|_| random.random());
        }
        wish.instance_id = (random.random_range(0..4) == 0).then(|| format!("s{}", 9 - at).into());
        members.insert(format!("m{at}").into(), wish);
    }
    if !same && members.values().all(|wish| wish.topics.is_empty()) {
        members.values_mut().for_each(|wish| wish.topics = counts.keys().copied().collect());
    }
    let ids: Vec<ByteString> = members.keys().cloned().collect();
    for (id, count) in &counts {
        for partition in 0..*count {
            // What nobody had: it is new, or its owner left.
            let owner = random.random_range(0..ids.len() + 2);
            let wish = ids.get(owner).and_then(|owner| members.get_mut(owner));
            if let Some(wish) = wish.filter(|wish| wish.topics.contains(id)) {
                wish.had.entry(*id).or_default().insert(partition);
            }
        }
    }
    Case { assignor, counts, members }
}

fn list(partitions: &Partitions) -> String {
    let one = |(id, numbers): (&TopicId, &BTreeSet<i32>)| {
        let numbers: Vec<String> = numbers.iter().map(i32::to_string).collect();
        format!("{}:{}", number(id), numbers.join("+"))
    };
    let all: Vec<String> = partitions.iter().map(one).collect();
    if all.is_empty() { "-".into() } else { all.join(",") }
}

impl Case {
    fn line(&self) -> String {
        let counts = self.counts.iter().map(|(id, count)| format!("{}:{count}", number(id)));
        let counts: Vec<String> = counts.collect();
        let mut line = format!("{} {}", self.assignor.name(), counts.join(","));
        for (id, wish) in &self.members {
            let topics: Vec<String> = wish.topics.iter().map(|id| number(id).to_string()).collect();
            let topics = if topics.is_empty() { "-".into() } else { topics.join(",") };
            let instance = wish.instance_id.as_deref().unwrap_or("-");
            write!(line, " {id}/{instance}/{topics}/{}", list(&wish.had)).unwrap();
        }
        line
    }

    fn check(&self, shares: &Shares) {
        let mut taken = BTreeSet::new();
        for (id, share) in shares {
            for (topic, numbers) in share {
                assert!(self.members[id].topics.contains(topic), "{}", self.line());
                for number in numbers {
                    assert!((0..self.counts[topic]).contains(number), "{}", self.line());
                    assert!(taken.insert((*topic, *number)), "given twice: {}", self.line());
                }
            }
        }
        let read = self
            .counts
            .iter()
            .filter(|(topic, _)| self.members.values().any(|wish| wish.topics.contains(topic)));
        let wanted: i32 = read.map(|(_, count)| *count).sum();
        assert_eq!(taken.len(), wanted as usize, "some are nobody's: {}", self.line());
    }

    /// How uneven shares are, and how many partitions stay where they were.
    fn judge(&self, shares: &Shares) -> (usize, usize) {
        let load = |share: &Partitions| share.values().map(BTreeSet::len).sum::<usize>();
        let kept = |(id, share): (&ByteString, &Partitions)| -> usize {
            let had = &self.members[id].had;
            let both = |(topic, numbers): (&TopicId, &BTreeSet<i32>)| {
                had.get(topic).map_or(0, |had| had.intersection(numbers).count())
            };
            share.iter().map(both).sum()
        };
        (shares.values().map(|share| load(share).pow(2)).sum(), shares.iter().map(kept).sum())
    }
}

fn read_shares(line: &str) -> Shares {
    let mut shares = Shares::new();
    for word in line.split_whitespace() {
        let (id, share) = word.split_once('/').expect("a member and its share");
        let share = share.split(',').filter(|share| *share != "-").map(|one| {
            let (id, numbers) = one.split_once(':').expect("a topic and partitions");
            let numbers = numbers.split('+').map(|number| number.parse().expect("a number"));
            (topic(id.parse().expect("a number")), numbers.collect())
        });
        shares.insert(id.to_owned().into(), share.collect());
    }
    shares
}

#[test]
fn what_nobody_had_moves_before_what_somebody_had() {
    let [a, b, c, d, e] = [1, 2, 3, 4, 5].map(topic);
    let counts = BTreeMap::from([(a, 2), (b, 2), (c, 3), (d, 2), (e, 6)]);
    let member = |topics: &[TopicId], had: TopicId| Wish {
        topics: topics.iter().copied().collect(),
        had: Partitions::from([(had, (0..counts[&had]).collect())]),
        ..Wish::default()
    };
    // The first gets what is new of `b` before it is known that `d`, which is only its own, makes that too much.
    let members = Members::from([
        ("m0".into(), member(&[a, b, d], a)),
        ("m1".into(), member(&[a, b, c], c)),
        ("m2".into(), member(&[a, e], e)),
    ]);
    let case = Case { assignor: Assignor::Uniform, counts, members };
    let shares = case.assignor.assign(&case.members, &case.counts);
    case.check(&shares);
    assert_eq!(case.judge(&shares), (5 * 5 + 4 * 4 + 6 * 6, 2 + 3 + 6), "{shares:?}");
}

#[test]
fn range_is_kafkas_and_uniform_is_as_even_and_moves_no_more() {
    let mut random = random();
    let count = how_many(2_000);
    let cases: Vec<Case> = (0..count).map(|_| random_case(&mut random)).collect();
    let lines: Vec<String> = cases.iter().map(Case::line).collect();
    let answers = ask_kafka("Assignors.java", &lines);
    let answers: Vec<Shares> = answers.iter().map(|line| read_shares(line)).collect();
    assert_eq!(answers.len(), cases.len());
    for (case, theirs) in cases.iter().zip(answers) {
        let mut ours = case.assignor.assign(&case.members, &case.counts);
        case.check(&ours);
        if case.assignor == Assignor::Range {
            let no_share = |_: &ByteString, share: &mut Partitions| !share.is_empty();
            let mut theirs = theirs;
            ours.retain(no_share);
            theirs.retain(no_share);
            assert_eq!(ours, theirs, "{}", case.line());
            continue;
        }
        let ((uneven, kept), (their_uneven, their_kept)) = (case.judge(&ours), case.judge(&theirs));
        assert!(uneven <= their_uneven, "less even than Kafka's {theirs:?}: {}", case.line());
        assert!(
            uneven < their_uneven || kept >= their_kept,
            "{kept} stay, with Kafka {their_kept}: {}",
            case.line()
        );
    }
}
