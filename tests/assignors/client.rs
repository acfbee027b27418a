//! The client's: `range` and `roundrobin` give the same; `sticky` and `cooperative-sticky` are as even, and move no more.
//!
//! Subscriptions, shares and what members say for their assignors go there and back as bytes: so each reads what the other wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bytes::Bytes;
use bytestring::ByteString;
use klog::client::assignor::{Assignor, Member, Members, Shares, TopicInfo, Topics};
use klog::group::protocol::{Assignment, NEWEST, Places, Subscription};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::kafka::{ask_kafka, how_many, random};

/// The generation of the first round.
const FIRST: i32 = 5;
/// The last one of Unicode's basic plane stands between the other two by UTF-8, and behind them by UTF-16.
const BEGINNINGS: [&str; 4] = ["m", "é", "\u{1f600}", "\u{fffd}"];
const RACKS: [&str; 3] = ["a", "b", "c"];

type Owners = BTreeMap<(ByteString, i32), ByteString>;

#[derive(Clone)]
struct Case {
    assignor: Assignor,
    generation: i32,
    topics: Topics,
    members: Members,
    /// What members say that they had, and in which generation.
    claims: BTreeMap<ByteString, (Places, i32)>,
}

/// What the leader gives everybody, and what they say for the assignor the next time.
type Told = BTreeMap<ByteString, (Places, Option<Bytes>)>;

fn random_topic(random: &mut StdRng, partitions: i32, has_racks: bool) -> TopicInfo {
    let everywhere = random.random_range(0..4) == 0;
    let mut racks = Vec::new();
    for _ in 0..partitions {
        let is_in = |_: &&&str| has_racks && (everywhere || random.random_range(0..3) == 0);
        racks.push(RACKS.iter().filter(is_in).map(|rack| (*rack).into()).collect());
    }
    TopicInfo { partitions, racks }
}

fn random_member(random: &mut StdRng, topics: &Topics, same: bool, has_racks: bool) -> Member {
    let mut reads: BTreeSet<ByteString> =
        topics.keys().filter(|_| same || random.random()).cloned().collect();
    if reads.is_empty() {
        // Who reads nothing gets nothing; Kafka's sticky ones may give it what others read.
        reads.extend(topics.keys().next().cloned());
    }
    let mut subscription = Subscription { topics: reads, ..Subscription::default() };
    if has_racks && random.random_range(0..8) > 0 {
        subscription.rack_id = Some(RACKS[random.random_range(0..3)].into());
    }
    Member { instance_id: None, subscription }
}

fn random_id(random: &mut StdRng, number: usize) -> ByteString {
    format!("{}{number}", BEGINNINGS[random.random_range(0..4)]).into()
}

/// A group whose members had nothing yet, or anything.
fn random_case(random: &mut StdRng) -> Case {
    let has_racks = random.random();
    let mut topics = Topics::new();
    for number in 0..random.random_range(1..5) {
        // Often two topics have as many partitions.
        let like = topics.values().next().map(|info: &TopicInfo| info.partitions);
        let partitions = like.filter(|_| random.random()).unwrap_or(random.random_range(1..12));
        let info = random_topic(random, partitions, has_racks);
        topics.insert(random_id(random, number), info);
    }
    let same = random.random();
    let mut members = Members::new();
    for number in 0..random.random_range(1..8) {
        let mut member = random_member(random, &topics, same, has_racks);
        let is_static = random.random_range(0..4) == 0;
        member.instance_id = is_static.then(|| random_id(random, 9 - number));
        members.insert(random_id(random, number), member);
    }
    let mut case = Case {
        assignor: Assignor::ALL[random.random_range(0..4)],
        generation: FIRST,
        topics,
        members,
        claims: BTreeMap::new(),
    };
    if random.random() {
        case.hand_out(random);
    }
    case
}

impl Case {
    /// Some partitions are some members', who say so.
    fn hand_out(&mut self, random: &mut StdRng) {
        let ids: Vec<ByteString> = self.members.keys().cloned().collect();
        let mut had: BTreeMap<ByteString, Places> = BTreeMap::new();
        for (topic, info) in &self.topics {
            for partition in 0..info.partitions {
                let Some(id) = ids.get(random.random_range(0..ids.len() + 2)) else { continue };
                if self.members[id].subscription.topics.contains(topic) {
                    let had = had.entry(id.clone()).or_default();
                    had.entry(topic.clone()).or_default().push(partition);
                }
            }
        }
        for (id, had) in had {
            self.say(&id, had.clone(), self.assignor.user_data(&had, FIRST - 1), FIRST - 1);
        }
    }

    fn say(&mut self, id: &ByteString, had: Places, user_data: Option<Bytes>, generation_id: i32) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.subscription.user_data = user_data;
        if self.assignor.is_cooperative() {
            member.subscription.owned = had.clone();
        }
        member.subscription.generation_id = generation_id;
        self.claims.insert(id.clone(), (had, generation_id));
    }

    /// Whose each partition is: of those who claim it, whose generation is highest, if it still reads it.
    fn owners(&self) -> Owners {
        let mut claims: Vec<_> = self.claims.iter().collect();
        claims.sort_by_key(|(_, (_, generation))| *generation);
        let mut owners = Owners::new();
        for (id, (had, _)) in claims {
            for (topic, partitions) in had {
                let places = partitions.iter().map(|partition| (topic.clone(), *partition));
                owners.extend(places.map(|place| (place, id.clone())));
            }
        }
        owners.retain(|(topic, _), id| self.members[id].subscription.topics.contains(topic));
        owners
    }

    /// The next round: everybody says what it was told.
    fn after(&self, told: &Told) -> Case {
        let mut next =
            Case { generation: self.generation + 1, claims: BTreeMap::new(), ..self.clone() };
        for (id, (had, user_data)) in told {
            next.say(id, had.clone(), user_data.clone(), self.generation);
        }
        next
    }

    /// Members come and go, change their minds, or missed the last round; topics come, go and grow.
    fn disturb(&mut self, before: &Case, random: &mut StdRng) {
        let ids: Vec<ByteString> = self.members.keys().cloned().collect();
        let has_racks = self.members.values().any(|member| member.subscription.rack_id.is_some());
        let same = self
            .members
            .values()
            .all(|member| member.subscription.topics.len() == self.topics.len());
        for info in self.topics.values_mut().filter(|_| random.random_range(0..6) == 0) {
            info.partitions += 1;
            info.racks.push(
                RACKS.iter().take(usize::from(has_racks)).map(|rack| (*rack).into()).collect(),
            );
        }
        for number in 0..random.random_range(0..3) {
            let new = random_member(random, &self.topics, same, has_racks);
            self.members.insert(random_id(random, 20 + number), new);
        }
        for id in &ids {
            if self.members.len() > 1 && random.random_range(0..5) == 0 {
                self.members.remove(id);
                self.claims.remove(id);
            }
        }
        for id in &ids {
            match random.random_range(0..10) {
                0 => self.lag(id, before),
                1 => {
                    let new = random_member(random, &self.topics, same, has_racks);
                    if let Some(member) = self.members.get_mut(id) {
                        member.subscription.topics = new.subscription.topics;
                    }
                }
                _ => {}
            }
        }
    }

    /// It was not there in the last round: it says what it said before that, and whom it was given to says so too.
    fn lag(&mut self, id: &ByteString, before: &Case) {
        let Some(member) = self.members.get_mut(id) else { return };
        let old = before.members[id].subscription.clone();
        member.subscription = Subscription { topics: member.subscription.topics.clone(), ..old };
        self.claims.remove(id);
        if let Some(claim) = before.claims.get(id) {
            self.claims.insert(id.clone(), claim.clone());
        }
    }

    fn line(&self) -> String {
        let mut line = format!("{} {}", self.assignor.name(), self.generation);
        for (topic, info) in &self.topics {
            let racks = info.racks.iter().map(|racks| match racks.is_empty() {
                true => "-".to_owned(),
                false => Vec::from_iter(racks.iter().map(|rack| rack.to_string())).join("+"),
            });
            let racks: Vec<String> = racks.collect();
            write!(line, " t/{}/{}", hex(topic.as_bytes()), racks.join(",")).unwrap();
        }
        for (id, member) in &self.members {
            let name = member.instance_id.as_ref().map_or("-".into(), |name| hex(name.as_bytes()));
            let said = hex(&member.subscription.write(NEWEST));
            write!(line, " m/{}/{name}/{said}", hex(id.as_bytes())).unwrap();
        }
        line
    }

    /// What klog's assignor makes of it.
    fn share(&self) -> Told {
        let mut members = self.members.clone();
        for member in members.values_mut() {
            // The leader reads what the members wrote.
            let said = Subscription::read(member.subscription.write(NEWEST));
            member.subscription = said.expect("it is a subscription");
        }
        let shares: Shares = self.assignor.assign(&members, &self.topics);
        shares
            .into_iter()
            .map(|(id, share)| {
                let said = self.assignor.user_data(&share, self.generation);
                (id, (share, said))
            })
            .collect()
    }

    /// Everything that somebody reads is somebody's, or is held back because another claims it.
    fn check(&self, told: &Told) {
        let (mut taken, owners) = (BTreeSet::new(), self.owners());
        assert!(told.keys().eq(self.members.keys()), "{}", self.line());
        for (id, (share, _)) in told {
            for (topic, partitions) in share {
                let subscription = &self.members[id].subscription;
                assert!(subscription.topics.contains(topic), "{}", self.line());
                for partition in partitions {
                    assert!((0..self.topics[topic].partitions).contains(partition));
                    assert!(taken.insert((topic, *partition)), "twice: {}", self.line());
                    let is_its = owners.get(&(topic.clone(), *partition)) == Some(id);
                    let claimed =
                        self.assignor.is_cooperative() && self.claims(id, topic, *partition);
                    assert!(is_its || !claimed, "given while another has it: {}", self.line());
                }
            }
        }
        for (topic, info) in &self.topics {
            let is_read = self.members.values().any(|one| one.subscription.topics.contains(topic));
            for partition in (0..info.partitions).filter(|_| is_read) {
                let held_back = self.assignor.is_cooperative()
                    && self.claims(&ByteString::new(), topic, partition);
                assert!(taken.contains(&(topic, partition)) || held_back, "{}", self.line());
            }
        }
    }

    /// Whether others than `id` say that they have it.
    fn claims(&self, id: &ByteString, topic: &ByteString, partition: i32) -> bool {
        self.members.iter().filter(|(other, _)| *other != id).any(|(_, other)| {
            let owned = other.subscription.owned.get(topic);
            owned.is_some_and(|owned| owned.contains(&partition))
        })
    }

    fn judge(&self, told: &Told) -> Judgement {
        let load = |(share, _): &(Places, _)| share.values().map(Vec::len).sum::<usize>();
        let stays = |((topic, partition), owner): (&(ByteString, i32), &ByteString)| {
            let share = told.get(owner).and_then(|(share, _)| share.get(topic));
            share.is_some_and(|share| share.contains(partition))
        };
        Judgement {
            given: told.values().map(load).sum(),
            uneven: told.values().map(|told| load(told).pow(2)).sum(),
            kept: self.owners().iter().filter(|place| stays(*place)).count(),
        }
    }

    /// How many partitions somebody reads.
    fn read(&self) -> usize {
        let is_read = |topic: &ByteString| {
            self.members.values().any(|member| member.subscription.topics.contains(topic))
        };
        let read = self.topics.iter().filter(|(topic, _)| is_read(topic));
        read.map(|(_, info)| info.partitions as usize).sum()
    }
}

/// What came of a case.
struct Judgement {
    /// How many partitions are somebody's.
    given: usize,
    /// The squares of what everybody has.
    uneven: usize,
    /// How many partitions stay with who had them.
    kept: usize,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Bytes {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("it is hexadecimal");
    (0..text.len()).step_by(2).map(byte).collect()
}

/// An answer of Kafka's.
fn read_told(line: &str) -> Told {
    let read = |word: &str| {
        let [id, share, said] = Vec::from_iter(word.split('/'))[..] else { panic!("{word}") };
        let id = ByteString::try_from(from_hex(id)).expect("it is UTF-8");
        let mut share = Assignment::read(from_hex(share)).expect("it is a share").partitions;
        share.values_mut().for_each(|partitions| partitions.sort_unstable());
        (id, (share, (said != "-").then(|| from_hex(said))))
    };
    line.split_whitespace().map(read).collect()
}

fn ask(cases: &[Case]) -> Vec<Told> {
    let lines: Vec<String> = cases.iter().map(Case::line).collect();
    ask_kafka("ClientAssignors.java", &lines).iter().map(|line| read_told(line)).collect()
}

/// Cooperative groups need a second round until all is given out.
fn after_both_rounds(
    cases: &[Case],
    first: &[Told],
    share: impl Fn(&[Case]) -> Vec<Told>,
) -> Vec<Told> {
    let next: Vec<Case> = cases.iter().zip(first).map(|(case, told)| case.after(told)).collect();
    let second = share(&next);
    let cooperative = |(case, (first, second)): (&Case, (&Told, Told))| match case.assignor {
        Assignor::CooperativeSticky => second,
        _ => first.clone(),
    };
    cases.iter().zip(first.iter().zip(second)).map(cooperative).collect()
}

fn hold_against_kafka(cases: &[Case], theirs: &[Told]) {
    let ours: Vec<Told> = cases.iter().map(Case::share).collect();
    cases.iter().zip(&ours).for_each(|(case, ours)| case.check(ours));
    let ours = after_both_rounds(cases, &ours, |cases| cases.iter().map(Case::share).collect());
    let theirs = after_both_rounds(cases, theirs, ask);
    let (mut slower, mut less_even, mut moves_more) = (0, 0, 0);
    for ((case, ours), theirs) in cases.iter().zip(&ours).zip(&theirs) {
        if matches!(case.assignor, Assignor::Range | Assignor::RoundRobin) {
            assert_eq!(ours, theirs, "{}", case.line());
            continue;
        }
        let (our, their) = (case.judge(ours), case.judge(theirs));
        assert_eq!(our.given, case.read(), "some are nobody's: {}", case.line());
        if their.given < our.given {
            // Kafka's takes partitions back for members that are nearer, and needs a third round.
            slower += 1;
            continue;
        }
        assert!(our.uneven <= their.uneven, "less even than {theirs:?}: {}", case.line());
        let as_even = our.uneven == their.uneven;
        assert!(
            !as_even || our.kept >= their.kept,
            "{} stay, with Kafka {}: {ours:?} {theirs:?}: {}",
            our.kept,
            their.kept,
            case.line()
        );
        less_even += usize::from(!as_even);
        moves_more += usize::from(as_even && our.kept > their.kept);
    }
    println!(
        "of {} groups, Kafka's are less even in {less_even}, move more in {moves_more}, and need more rounds in {slower}",
        cases.len()
    );
}

#[test]
fn range_and_roundrobin_are_kafkas_and_sticky_ones_are_as_even_and_move_no_more() {
    let mut random = random();
    let cases: Vec<Case> = (0..how_many(2_000)).map(|_| random_case(&mut random)).collect();
    let theirs = ask(&cases);
    hold_against_kafka(&cases, &theirs);
    // And so it is where Kafka led before.
    let next: Vec<Case> = cases
        .iter()
        .zip(&theirs)
        .map(|(before, told)| {
            let mut next = before.after(told);
            next.disturb(before, &mut random);
            next
        })
        .collect();
    hold_against_kafka(&next, &ask(&next));
}
