//! A group that is watched from all sides: what is written for it, what its members say, what it tells of itself, and what is stored
//! of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use klog::group::protocol::Assignment;
use klog::group::{Entry, GroupRecord};
use klog::wire::describe_groups::{DescribeGroupsRequest, DescribedGroup};
use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::ThreadedProducer;

use crate::broker::Broker;
use crate::librdkafka::{self, Admin, MustDeliver, config};
use crate::members::{Client, Member, Said, said};
use crate::raw::Raw;
use crate::records::Record;

const DEADLINE: Duration = Duration::from_secs(60);
const PARTITIONS: i32 = 20;

/// Group `g` on topic `t`, all that was written to it, and all that its members said.
pub struct Group {
    broker: Broker,
    assignor: &'static str,
    producer: ThreadedProducer<MustDeliver>,
    stored: Stored,
    said: Receiver<(Client, String)>,
    hear: Sender<(Client, String)>,
    pub members: Vec<Member>,
    /// What each member has, and the offset that it reads next where it has begun.
    shares: BTreeMap<Client, BTreeMap<i32, Option<i64>>>,
    /// How often shares changed.
    changes: usize,
    /// Who read each value.
    read: HashMap<String, Vec<Client>>,
    written: Vec<(i32, String)>,
    started: Instant,
}

impl Group {
    pub fn of(assignor: &'static str) -> Group {
        let broker = Broker::with(&[
            ("group.initial.rebalance.delay.ms", "0"),
            ("group.min.session.timeout.ms", "100"),
            ("offsets.topic.num.partitions", "1"),
        ]);
        Admin::new(broker.address()).create("t", PARTITIONS, &[]);
        let (hear, said) = mpsc::channel();
        Group {
            assignor,
            producer: librdkafka::producer(broker.address(), "none"),
            stored: Stored::default(),
            said,
            hear,
            members: Vec::new(),
            shares: BTreeMap::new(),
            changes: 0,
            read: HashMap::new(),
            written: Vec::new(),
            started: Instant::now(),
            broker,
        }
    }

    pub fn start(&mut self, client: Client) {
        let hear = self.hear.clone();
        let member = Member::start(client, self.broker.address(), self.assignor, hear);
        self.note(&format!("{client:?} starts"));
        self.members.push(member);
        self.shares.insert(client, BTreeMap::new());
    }

    pub fn kill(&mut self, client: Client) {
        let mut member = self.take(client);
        self.note(&format!("{client:?} is killed"));
        member.kill();
        self.see_off(member);
    }

    pub fn terminate(&mut self, client: Client) {
        let member = self.take(client);
        self.note(&format!("{client:?} is to go"));
        member.terminate();
        self.see_off(member);
    }

    fn take(&mut self, client: Client) -> Member {
        let at = self.members.iter().position(|member| member.client == client);
        self.members.remove(at.expect("it is a member"))
    }

    /// Hears to the end what a member says that is on its way out.
    fn see_off(&mut self, mut member: Member) {
        let client = member.client;
        self.wait_for(&format!("{client:?} ends"), |group| {
            member.ended().map(|status| group.note(&format!("{client:?} ended: {status}")))
        });
        member.finish();
        self.listen(Duration::ZERO);
        self.shares.remove(&client);
    }

    /// Writes while the members rebalance, and waits until they share evenly, as the group says too, and all was read. Then what is
    /// written is read exactly once, by the one that has the partition. Tells who leads.
    pub fn settle(&mut self) -> Client {
        let meanwhile = self.write();
        let described = self.wait_for("the members share evenly", |group| {
            group.shares_are_even().then(|| group.describe()).flatten()
        });
        self.wait_until_read(&meanwhile);
        let (changes, once) = (self.changes, self.write());
        self.wait_until_read(&once);
        for (partition, value) in &once {
            let readers = &self.read[value];
            assert_eq!(readers.len(), 1, "{value} was read by {readers:?}");
            assert!(self.shares[&readers[0]].contains_key(partition), "{value}: {readers:?}");
        }
        assert_eq!(self.changes, changes, "nobody came or went");
        self.leader(&described)
    }
}

/// What is done on the way.
impl Group {
    /// Printed if the test fails.
    pub fn note(&self, what: &str) {
        println!("{:>6} ms: {what}", self.started.elapsed().as_millis());
    }

    fn wait_for<T>(&mut self, what: &str, mut done: impl FnMut(&mut Group) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        loop {
            self.listen(Duration::from_millis(20));
            if let Some(found) = done(self) {
                return found;
            }
            let ended = self.members.iter_mut().find_map(|m| Some((m.client, m.ended()?)));
            assert_eq!(ended, None, "a member ended by itself");
            assert!(Instant::now() < end, "not yet: {what}; {:?}", self.shares);
        }
    }

    /// Takes in what was said, and what more is said within `patience`.
    fn listen(&mut self, patience: Duration) {
        let mut next = self.said.recv_timeout(patience);
        while let Ok((client, line)) = next {
            self.hear(client, &line);
            next = self.said.recv_timeout(Duration::ZERO);
        }
    }

    fn hear(&mut self, client: Client, line: &str) {
        self.note(&format!("{client:?}: {line}"));
        let share = self.shares.get_mut(&client).expect("who speaks is a member");
        match said(client, line) {
            Said::Assigned(added) => {
                self.changes += usize::from(!added.is_empty());
                share.extend(added.into_iter().map(|partition| (partition, None)));
            }
            Said::Revoked(gone) => {
                self.changes += usize::from(!gone.is_empty());
                share.retain(|partition, _| !gone.contains(partition));
            }
            Said::Record { partition, offset, value } => {
                let next = share.get_mut(&partition);
                let next = next.unwrap_or_else(|| panic!("{client:?} has not, but reads: {line}"));
                let in_order = next.is_none_or(|next| next == offset);
                assert!(in_order, "{client:?} was to read {next:?} next: {line}");
                *next = Some(offset + 1);
                self.read.entry(value).or_default().push(client);
            }
            Said::Else => {}
        }
    }

    /// Writes a record to each partition, of a value that is there only once.
    fn write(&mut self) -> Vec<(i32, String)> {
        let batch = (0..PARTITIONS).map(|p| (p, format!("{p}-{}", self.written.len())));
        let batch: Vec<(i32, String)> = batch.collect();
        for (partition, value) in &batch {
            let record = Record {
                partition: *partition,
                offset: 0,
                timestamp: 0,
                key: None,
                value: Some(value.clone().into_bytes()),
                headers: Vec::new(),
            };
            librdkafka::send(&self.producer, "t", &record);
        }
        librdkafka::flush(&self.producer);
        self.written.extend_from_slice(&batch);
        self.note(&format!("{} records are written", self.written.len()));
        batch
    }

    fn wait_until_read(&mut self, batch: &[(i32, String)]) {
        self.wait_for("all is read", |group| {
            batch.iter().all(|(_, value)| group.read.contains_key(value)).then_some(())
        });
    }

    /// Whether each partition has one reader, and no member has two more than another.
    fn shares_are_even(&self) -> bool {
        let sizes = || self.shares.values().map(BTreeMap::len);
        let all: BTreeSet<&i32> = self.shares.values().flat_map(BTreeMap::keys).collect();
        let (least, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
        all.len() == PARTITIONS as usize && sizes().sum::<usize>() == all.len() && most <= least + 1
    }

    /// The group as it tells of itself, if it is stable and agrees with its members about what each has.
    fn describe(&self) -> Option<DescribedGroup> {
        let request = DescribeGroupsRequest { groups: vec!["g".into()], ..Default::default() };
        let mut answer = Raw::connect(self.broker.address()).call(5, &request);
        let group = answer.groups.remove(0);
        let share = |assignment| {
            let places = Assignment::read(assignment).expect("an assignment").partitions;
            places.into_values().flatten().collect::<BTreeSet<i32>>()
        };
        let told: BTreeMap<&str, BTreeSet<i32>> = match &*group.group_state {
            "Stable" => group.members.iter(),
            _ => return None,
        }
        .map(|member| (&*member.client_id, share(member.member_assignment.clone())))
        .collect();
        let said = self.shares.iter();
        let said: BTreeMap<&str, BTreeSet<i32>> =
            said.map(|(client, share)| (client.id(), share.keys().copied().collect())).collect();
        (told == said && *group.protocol_data == *self.assignor).then_some(group)
    }

    /// Who leads, as it is stored.
    fn leader(&mut self, described: &DescribedGroup) -> Client {
        let end = Instant::now() + DEADLINE;
        loop {
            let newest = self.stored.newest(self.broker.address());
            let of_now = newest.filter(|group| group.members.len() == described.members.len());
            let leader = of_now.and_then(|group| group.leader.clone());
            let member = described.members.iter().find(|m| Some(&m.member_id) == leader.as_ref());
            if let Some(member) = member {
                let named = |m: &&Member| m.client.id() == &*member.client_id;
                return self.members.iter().find(named).expect("it is a member").client;
            }
            assert!(Instant::now() < end, "it is not stored who leads");
        }
    }

    /// The last one goes, and everything was read and is committed.
    pub fn end(mut self) {
        let last = self.members[0].client;
        self.terminate(last);
        let missing = self.written.iter().find(|(_, value)| !self.read.contains_key(value));
        assert_eq!(missing, None, "is lost");
        let each = self.written.len() as i64 / i64::from(PARTITIONS);
        let mut raw = Raw::connect(self.broker.address());
        for partition in 0..PARTITIONS {
            assert_eq!(raw.committed("g", partition).map(|(offset, _)| offset), Ok(each));
        }
        let again = self.read.values().map(Vec::len).sum::<usize>() - self.written.len();
        self.note(&format!("{} records were read, {again} of them again", self.written.len()));
        self.broker.assert_no_complaint();
    }
}

/// Reads `__consumer_offsets`.
#[derive(Default)]
struct Stored {
    reader: Option<BaseConsumer>,
    newest: Option<GroupRecord>,
}

impl Stored {
    /// The newest that is stored of the group, or has come by now.
    fn newest(&mut self, address: &str) -> Option<&GroupRecord> {
        let reader = self
            .reader
            .get_or_insert_with(|| librdkafka::consumer(&config(address), "__consumer_offsets", 1));
        while let Some(record) = librdkafka::next(reader, Duration::from_millis(20)) {
            let key = record.key.expect("a key").into();
            match Entry::decode(key, record.value.map(Into::into)).expect("a group's record") {
                Entry::Group(_, group) => self.newest = group.or(self.newest.take()),
                Entry::Offset(..) | Entry::Consumer(..) | Entry::Unknown(_) => {}
            }
        }
        self.newest.as_ref()
    }
}
