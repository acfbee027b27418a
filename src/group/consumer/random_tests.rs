use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::tests::{Run, at, classic_join, join};
use super::*;
use crate::group::protocol::Assignment;
use crate::group::{GroupConfig, Join, Leaving, Sync};

/// A client as it knows itself.
#[derive(Clone, Debug, Default)]
struct Client {
    id: String,
    instance: Option<&'static str>,
    epoch: i32,
    /// What it reads from.
    owned: BTreeSet<i32>,
    /// What it was told that it may have, until it has given up the rest.
    told: Option<BTreeSet<i32>>,
    is_classic: bool,
}

struct World {
    run: Run,
    clients: Vec<Client>,
    epoch: i32,
    next_id: u32,
    seed: u64,
}

/// Members that join, read, give up, leave, fall silent, lose answers and come back in any order, while the topic grows: nobody is given a
/// partition that another still reads; epochs never go back; what was stored is what a restart finds; in the end all is shared evenly.
#[test]
fn whatever_members_do_a_partition_has_one_reader_at_a_time() {
    let seed = std::env::var("KLOG_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("KLOG_SEED={seed}");
    let rounds = if std::env::var_os("KLOG_LONG").is_some() { 2_000 } else { 150 };
    for round in 0..rounds {
        random_run(seed.wrapping_add(round));
    }
}

fn random_run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let partitions = random.random_range(1..8);
    let run = Run::new(&[("t", partitions)]);
    let mut world = World { run, clients: Vec::new(), epoch: 0, next_id: 0, seed };
    for _ in 0..150 {
        let which = random.random_range(0..world.clients.len().max(1));
        match random.random_range(0..14) {
            0 => world.come(None, random.random_range(0..3) == 0),
            1 => world.come([Some("s1"), Some("s2")][random.random_range(0..2)], false),
            2..8 if !world.clients.is_empty() => world.beat(which, random.random_range(0..6) == 0),
            8..11 => world.settle_one(which),
            11 if !world.clients.is_empty() => world.go(which, random.random()),
            12 => world.pass(random.random_range(0..4_000)),
            13 if random.random_range(0..6) == 0 => {
                let count = world.run.cluster.topics["t"].1 + 1;
                world.run.cluster.set("t", count);
            }
            _ => {}
        }
        world.check();
        if random.random_range(0..20) == 0 {
            // The coordinator was killed, and started again.
            world.check_restart();
            world.run.group = world.run.again();
        }
    }
    world.converge();
}

impl World {
    fn come(&mut self, instance: Option<&'static str>, is_classic: bool) {
        self.next_id += 1;
        let id = format!("m{}", self.next_id);
        let mut client = Client { id, instance, is_classic, ..Client::default() };
        if self.join(&mut client) {
            self.clients.push(client);
        }
    }

    fn join(&mut self, client: &mut Client) -> bool {
        client.owned.clear();
        if client.is_classic {
            return self.join_classic(client);
        }
        let beat = super::Beat {
            instance_id: client.instance.map(Into::into),
            ..join(&client.id, &["t"])
        };
        match self.run.beat(beat) {
            Ok(answer) => {
                client.hear(answer);
                true
            }
            Err(refused) => {
                assert_eq!(refused.code, ErrorCode::UnreleasedInstanceId, "seed {}", self.seed);
                false
            }
        }
    }

    fn join_classic(&mut self, client: &mut Client) -> bool {
        let owned: Vec<i32> = client.owned.iter().copied().collect();
        let wish = Join { fresh_id: client.id.clone().into(), ..classic_join(&client.id, &owned) };
        let bounds = GroupConfig::default();
        let (topics, now) = (&self.run.cluster, at(self.run.now));
        let joined = self.run.group.join(wish, &bounds, topics, now, &mut self.run.stored);
        assert_eq!(joined.error, ErrorCode::None, "seed {}", self.seed);
        client.epoch = joined.generation;
        let sync = Sync {
            member_id: client.id.clone().into(),
            instance_id: None,
            generation: joined.generation,
            protocol_type: None,
            protocol: None,
            assignments: Default::default(),
        };
        let synced = self.run.group.sync(&sync, topics, now);
        if synced.error == ErrorCode::None {
            let share = Assignment::read(synced.assignment).expect("it is a share").partitions;
            client.told = Some(share.into_values().flatten().collect());
        }
        true
    }

    fn beat(&mut self, which: usize, answer_is_lost: bool) {
        let mut client = self.clients[which].clone();
        if client.is_classic {
            let (id, topics, now) = (client.id.clone().into(), &self.run.cluster, at(self.run.now));
            let stored = &mut self.run.stored;
            match self.run.group.classic_heartbeat(&id, None, client.epoch, topics, now, stored) {
                Ok(()) => {}
                Err(ErrorCode::RebalanceInProgress) if client.told.is_none() => {
                    self.join_classic(&mut client);
                }
                Err(ErrorCode::RebalanceInProgress) => {}
                Err(_) => {
                    client.owned.clear();
                    self.join_classic(&mut client);
                }
            }
            self.clients[which] = client;
            return;
        }
        let owned: Vec<i32> = client.owned.iter().copied().collect();
        let full = super::Beat {
            instance_id: client.instance.map(Into::into),
            epoch: client.epoch,
            // What it has is not settled until it has given up what it is to: it says nothing of it meanwhile.
            owned: client.told.is_none().then(|| self.run.of_t(&owned)),
            ..join(&client.id, &["t"])
        };
        match self.run.beat(full) {
            Ok(_) if answer_is_lost => return,
            Ok(answer) => {
                assert!(answer.epoch >= client.epoch, "an epoch went back; seed {}", self.seed);
                client.hear(answer);
            }
            Err(refused) => match refused.code {
                ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId => {
                    if !self.join(&mut client) {
                        self.clients.swap_remove(which);
                        return;
                    }
                }
                ErrorCode::FencedInstanceId => {
                    self.clients.swap_remove(which);
                    return;
                }
                other => panic!("{other:?}; seed {}", self.seed),
            },
        }
        self.clients[which] = client;
    }

    /// A client gives up what it was not told to keep, and begins to read what it was told to.
    fn settle_one(&mut self, which: usize) {
        if let Some(client) = self.clients.get_mut(which)
            && let Some(told) = client.told.take()
        {
            client.owned = told;
        }
    }

    fn go(&mut self, which: usize, politely: bool) {
        let client = self.clients.swap_remove(which);
        if !politely {
            return;
        }
        let id: ByteString = client.id.clone().into();
        if client.is_classic {
            let who = Leaving { member_id: id, instance_id: None };
            let _ = self.run.group.classic_leave(&who, &mut self.run.stored);
            return;
        }
        let epoch = if client.instance.is_some() { -2 } else { -1 };
        let instance_id = client.instance.map(Into::into);
        let _ =
            self.run.beat(super::Beat { member_id: id, epoch, instance_id, ..Default::default() });
    }

    fn pass(&mut self, ms: i64) {
        self.run.pass(ms);
    }

    /// What a client reads that the coordinator still takes for a member, nobody else reads.
    fn check(&mut self) {
        let seed = self.seed;
        let group = &self.run.group;
        assert!(group.epoch() >= self.epoch, "the group's epoch went back; seed {seed}");
        self.epoch = group.epoch();
        assert!(group.facts.target_epoch <= group.facts.epoch);
        let mut readers: BTreeMap<i32, &str> = BTreeMap::new();
        for client in &self.clients {
            let known = group.facts.members.get(&*client.id);
            // One that was taken for dead learns it by its next heartbeat.
            let is_known = known.is_some_and(|known| {
                known.has.epoch == client.epoch || known.has.previous_epoch == client.epoch
            });
            if !is_known {
                continue;
            }
            for partition in &client.owned {
                let other = readers.insert(*partition, &client.id);
                assert_eq!(other, None, "two read partition {partition}; seed {seed}");
            }
        }
        let mut owned = BTreeMap::new();
        for (id, member) in &group.facts.members {
            for place in member.has.assigned.keys().chain(member.has.revoking.keys()) {
                assert_eq!(
                    owned.insert(*place, id.clone()),
                    None,
                    "two own {place:?}; seed {seed}"
                );
            }
        }
        let owners: BTreeMap<_, _> = group.owners.clone().into_iter().collect();
        assert_eq!(owners, owned, "seed {seed}");
        assert_eq!(
            self.run.again().facts,
            group.facts,
            "a restart finds another group; seed {seed}"
        );
    }

    fn check_restart(&self) {
        let (again, seed) = (self.run.again(), self.seed);
        assert_eq!(again.facts, self.run.group.facts, "a restart finds another group; seed {seed}");
        let again = self.run.again_compacted();
        assert_eq!(again.facts, self.run.group.facts, "compaction lost something; seed {seed}");
    }

    fn converge(&mut self) {
        self.check_restart();
        self.run.pass(50_000);
        self.clients.clear();
        for _ in 0..3 {
            self.come(None, false);
        }
        for _ in 0..8 {
            for which in 0..self.clients.len() {
                self.beat(which, false);
                self.settle_one(which);
            }
        }
        let seed = self.seed;
        assert_eq!(self.run.group.state(), ConsumerState::Stable, "seed {seed}");
        let mut loads: Vec<usize> = self.clients.iter().map(|client| client.owned.len()).collect();
        loads.sort_unstable();
        let count = self.run.cluster.topics["t"].1 as usize;
        assert_eq!(loads.iter().sum::<usize>(), count, "seed {seed}");
        assert!(loads[2] - loads[0] <= 1, "{loads:?}; seed {seed}");
    }
}

impl Client {
    fn hear(&mut self, answer: Beaten) {
        self.epoch = answer.epoch;
        if let Some(assignment) = answer.assignment {
            self.told = Some(assignment.into_values().flatten().collect());
        }
    }
}
