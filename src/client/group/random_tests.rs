//! Members and the coordinator's own machine, with answers that are late or lost, members that crash, programs that do not poll: no
//! two members are ever told of the same partition, and once all is calm every partition has its reader.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use super::super::config::GroupConfig;
use super::super::consumer::Key;
use super::assignor::{Assignor, Member as Told, Members, TopicInfo, Topics};
use super::member::{Event, Manners, Member, Step};
use super::requests::{self, Identity, Joining};
use crate::base::{ErrorCode, TopicName};
use crate::group::protocol::{Assignment, CONSUMER, NEWEST, Subscription};
use crate::group::{
    Effect, Group, GroupConfig as Bounds, Join, Joined, Leaving, Now, Sync, Synced, Ticket,
};

const PARTITIONS: i32 = 7;
const SESSION: Duration = Duration::from_secs(5);
const MAX_POLL: Duration = Duration::from_secs(8);

/// A member, what it waits for, and what its program believes to have.
struct Client {
    name: u64,
    member: Member,
    waits: Option<(Ticket, bool)>,
    has: BTreeSet<Key>,
}

struct World {
    group: Group,
    clients: Vec<Client>,
    joined: BTreeMap<Ticket, Joined>,
    synced: BTreeMap<Ticket, Synced>,
    assignor: Assignor,
    topic: TopicName,
    begun: Instant,
    at_ms: i64,
    next: u64,
    chance: StdRng,
}

impl World {
    fn new(assignor: Assignor, seed: u64) -> World {
        let bounds = Bounds {
            min_session_timeout_ms: 100,
            initial_rebalance_delay_ms: 0,
            ..Bounds::default()
        };
        let now = Now { steady_ms: 0, wall_ms: 0 };
        World {
            group: Group::new("g".into(), bounds, now),
            clients: Vec::new(),
            joined: BTreeMap::new(),
            synced: BTreeMap::new(),
            assignor,
            topic: TopicName::new("t").unwrap(),
            begun: Instant::now(),
            at_ms: 0,
            next: 0,
            chance: StdRng::seed_from_u64(seed),
        }
    }

    fn now(&self) -> Now {
        Now { steady_ms: self.at_ms, wall_ms: self.at_ms }
    }

    fn instant(&self) -> Instant {
        self.begun + Duration::from_millis(self.at_ms as u64)
    }

    fn chosen(&mut self, one_in: u32) -> bool {
        self.chance.random_range(0..one_in) == 0
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn add(&mut self) {
        let manners = Manners {
            cooperative: self.assignor.is_cooperative(),
            is_static: false,
            heartbeat_interval: Duration::from_secs(1),
            max_poll_interval: MAX_POLL,
        };
        let (name, member) = (self.number(), Member::new(manners, self.instant()));
        self.clients.push(Client { name, member, waits: None, has: BTreeSet::new() });
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Joined(ticket, joined) => drop(self.joined.insert(ticket, joined)),
                Effect::Synced(ticket, synced) => drop(self.synced.insert(ticket, synced)),
                Effect::Store => {
                    let mut more = Vec::new();
                    self.group.stored(Ok(()), self.now(), &mut more);
                    self.take(more);
                }
            }
        }
    }

    /// Time goes on, and the coordinator does what is due.
    fn pass(&mut self, ms: i64) {
        self.at_ms += ms;
        while self.group.next_deadline().is_some_and(|at| at <= self.at_ms) {
            let mut out = Vec::new();
            self.group.on_time(self.now(), &mut out);
            self.take(out);
        }
    }

    fn identity(&self, at: usize) -> Identity {
        let member = &self.clients[at].member;
        Identity {
            group_id: "g".into(),
            member_id: member.id.clone(),
            instance_id: None,
            generation: member.generation,
        }
    }

    /// What a member's task does next; `lossy` answers and requests get lost.
    fn drive(&mut self, at: usize, lossy: bool) {
        for key in self.clients[at].member.unplaced() {
            self.clients[at].member.on_committed(&key, None);
        }
        if let Some((ticket, is_join)) = self.clients[at].waits {
            if lossy && self.chosen(12) {
                self.clients[at].waits = None;
                let retry_at = self.instant();
                return self.clients[at].member.on_silence(retry_at);
            }
            return if is_join { self.on_join(at, ticket) } else { self.on_sync(at, ticket) };
        }
        let now = self.instant();
        match self.clients[at].member.step(now) {
            Step::Join => self.join(at),
            Step::Heartbeat if lossy && self.chosen(8) => self.clients[at].member.on_silence(now),
            Step::Heartbeat => {
                let who = self.identity(at);
                match self.group.heartbeat(&who.member_id, None, who.generation, self.now()) {
                    Ok(()) => self.clients[at].member.on_heartbeat(),
                    Err(code) => self.clients[at].member.on_refused(code, now),
                }
            }
            Step::Leave => {
                self.leave(at);
                self.clients[at].member.on_left();
            }
            Step::Wait(_) | Step::Done => {}
        }
    }

    fn leave(&mut self, at: usize) {
        let who = Leaving { member_id: self.identity(at).member_id, instance_id: None };
        let mut out = Vec::new();
        let _ = self.group.leave(&who, self.now(), &mut out); // It may be out already.
        self.take(out);
    }

    fn join(&mut self, at: usize) {
        let (ticket, fresh) = (Ticket(self.number()), self.number());
        let owned = self.clients[at].member.on_join().expect("it was about to");
        let topics = BTreeSet::from([self.topic.clone()]);
        let last_share = &self.clients[at].member.last_share;
        let joining = Joining { topics: &topics, owned: &owned, last_share, rack: "" };
        let config = GroupConfig {
            assignors: vec![self.assignor],
            session_timeout: SESSION,
            max_poll_interval: MAX_POLL,
            ..GroupConfig::default()
        };
        let request = requests::join(&self.identity(at), &config, &joining);
        let join = Join {
            member_id: request.member_id,
            fresh_id: format!("m{fresh}").into(),
            instance_id: None,
            client_id: "c".into(),
            host: "h".into(),
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            session_timeout_ms: request.session_timeout_ms,
            protocol_type: CONSUMER.into(),
            protocols: request.protocols.into_iter().map(|p| (p.name, p.metadata)).collect(),
            must_know_id: true,
            may_skip: true,
        };
        let mut out = Vec::new();
        self.group.join(join, ticket, self.now(), &mut out);
        self.clients[at].waits = Some((ticket, true));
        self.take(out);
    }

    fn on_join(&mut self, at: usize, ticket: Ticket) {
        let Some(joined) = self.joined.remove(&ticket) else { return };
        self.clients[at].waits = None;
        let now = self.instant();
        let member = &mut self.clients[at].member;
        match joined.error {
            ErrorCode::None => member.on_joined(joined.member_id.clone(), joined.generation),
            ErrorCode::MemberIdRequired => return member.on_named(joined.member_id),
            code => return member.on_refused(code, now),
        }
        let leads = joined.leader == joined.member_id && !joined.skip_assignment;
        let assignments = if leads { self.share_out(&joined) } else { Vec::new() };
        let ticket = Ticket(self.number());
        let sync = Sync {
            member_id: joined.member_id,
            instance_id: None,
            generation: joined.generation,
            protocol_type: Some(CONSUMER.into()),
            protocol: joined.protocol,
            assignments: assignments.into_iter().collect(),
        };
        let mut out = Vec::new();
        self.group.sync(sync, ticket, self.now(), &mut out);
        self.clients[at].waits = Some((ticket, false));
        self.take(out);
    }

    fn share_out(&self, joined: &Joined) -> Vec<(bytestring::ByteString, bytes::Bytes)> {
        let told = joined.members.iter().map(|member| {
            let subscription = Subscription::read(member.metadata.clone()).unwrap();
            (member.id.clone(), Told { instance_id: None, subscription })
        });
        let members: Members = told.collect();
        let info = TopicInfo { partitions: PARTITIONS, racks: Vec::new() };
        let topics = Topics::from([(self.topic.as_str().into(), info)]);
        let shares = self.assignor.assign(&members, &topics);
        let written = shares.into_iter().map(|(id, partitions)| {
            (id, Assignment { partitions, ..Assignment::default() }.write(NEWEST))
        });
        written.collect()
    }

    fn on_sync(&mut self, at: usize, ticket: Ticket) {
        let Some(synced) = self.synced.remove(&ticket) else { return };
        self.clients[at].waits = None;
        let now = self.instant();
        let member = &mut self.clients[at].member;
        match synced.error {
            ErrorCode::None => member.on_synced(requests::share(synced.assignment).unwrap(), now),
            code => member.on_refused(code, now),
        }
    }

    /// The program asks for what happened.
    fn poll(&mut self, at: usize) {
        let now = self.instant();
        let client = &mut self.clients[at];
        let given_up = client.member.on_poll();
        client.has.retain(|key| !given_up.contains(key));
        match client.member.next_event() {
            Some(Event::Assigned(added)) => {
                for (key, _) in added {
                    assert!(client.has.insert(key.clone()), "{key:?} is told twice");
                }
            }
            Some(Event::Lost(gone)) => client.has.retain(|key| !gone.contains(key)),
            Some(Event::Revoked(gone)) => assert!(gone.is_subset(&client.has)),
            None => {}
        }
        client.member.on_polled(now);
        let told = client.has.iter().filter(|key| client.member.has(key)).count();
        let lost = client.member.next_event_is_loss();
        assert!(lost || told == client.has.len(), "the program has what it was not told of");
    }

    /// Members that the coordinator counts as such share no partition.
    fn check(&self) {
        let members = self.group.describe().members;
        let mut readers: BTreeMap<&Key, u64> = BTreeMap::new();
        for client in &self.clients {
            let member = &client.member;
            if member.generation < 0 || !members.iter().any(|m| m.id == member.id) {
                continue; // What it commits is refused.
            }
            for key in client.has.iter().filter(|key| member.has(key)) {
                let other = readers.insert(key, client.name);
                assert_eq!(other, None, "{key:?} is also read by {}", client.name);
            }
        }
    }

    fn stir(&mut self) {
        let ms = [0, 1, 20, 300, 1_500][self.chance.random_range(0..5)];
        self.pass(ms);
        if self.clients.len() < 2 || (self.clients.len() < 5 && self.chosen(25)) {
            self.add();
        }
        let at = self.chance.random_range(0..self.clients.len());
        match self.chance.random_range(0..40) {
            0 => drop(self.clients.swap_remove(at)), // It crashes.
            1 => {
                self.leave(at);
                self.clients.swap_remove(at);
            }
            2 => self.clients[at].member.wants_rebalance(),
            3..15 => self.poll(at),
            _ => self.drive(at, true),
        }
    }

    /// Everybody polls, nothing gets lost, until every partition is read.
    fn calm_down(&mut self) {
        for _ in 0..400 {
            self.pass(100);
            for at in 0..self.clients.len() {
                self.drive(at, false);
                self.poll(at);
                self.check();
            }
        }
        let counts: Vec<usize> = self.clients.iter().map(|client| client.has.len()).collect();
        let all: usize = counts.iter().sum();
        assert_eq!(all, PARTITIONS as usize, "not every partition has a reader: {counts:?}");
    }
}

#[test]
fn whatever_is_late_or_lost_no_two_members_have_one_partition_and_in_the_end_all_are_read() {
    let long = std::env::var_os("KLOG_LONG").is_some_and(|value| value == "1");
    let given = std::env::var("KLOG_SEED").ok().and_then(|seed| seed.parse().ok());
    let first: u64 = given.unwrap_or_else(rand::random);
    for seed in first..first.saturating_add(if long { 20_000 } else { 150 }) {
        let assignor = Assignor::ALL[(seed % 4) as usize];
        println!("KLOG_SEED={seed}, {}", assignor.name());
        let mut world = World::new(assignor, seed);
        for _ in 0..600 {
            world.stir();
            world.check();
        }
        world.calm_down();
    }
}
