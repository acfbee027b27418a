//! kill -9 of members of `klog consume -g` and of the broker, while they write to files: every record is written at least once, in
//! order, nothing is committed that was not written, and no commit goes back.
//!
//! The seed is printed; `KLOG_SEED` sets it. `KLOG_LONG=1` strikes 50 times in place of 4.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;

use crate::broker::Broker;
use crate::load::{IDEMPOTENT, Load, Target};
use crate::raw::Raw;
use crate::seed::{self, rounds};
use crate::signal::{self, Signal};

const DEADLINE: Duration = Duration::from_secs(90);
const PARTITIONS: i32 = 6;

#[test]
fn whoever_is_killed_a_cooperative_group_writes_every_record_and_commits_only_what_it_wrote() {
    campaign(["cooperative-sticky", "cooperative-sticky"]);
}

#[test]
fn whoever_is_killed_an_eager_group_writes_every_record_and_commits_only_what_it_wrote() {
    campaign(["range", "sticky"]);
}

fn campaign(assignors: [&'static str; 2]) {
    let mut chance = seed::chance();
    let mut broker = Broker::with(&[
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "100"),
    ]);
    let target = Target {
        topic: "t".into(),
        partitions: PARTITIONS,
        configs: vec![("segment.bytes", "1048576".into())],
        codec: "none",
    };
    target.create(broker.address());
    let load = Load::start(broker.address(), &target, IDEMPOTENT.0);
    let assignor = assignors[chance.random_range(0..2)];
    let commit = ["auto", "sync", "async"][chance.random_range(0..3)];
    println!("--assignor {assignor} --commit {commit}");
    let mut group = Group::new(broker.address(), assignor, commit);
    (0..3).for_each(|_| group.start_member());
    group.wait_for_progress();
    let strikes = rounds(50, 4);
    for strike in 0..strikes {
        group.strike(&mut broker, &mut chance);
        group.wait_for_progress();
        println!(
            "strike {strike}: {:?} written, {:?} committed",
            group.frontiers(),
            group.committed
        );
    }
    let (acked, failed) = load.finish();
    assert_eq!(failed, 0);
    let mut ends = vec![0; PARTITIONS as usize];
    for place in &acked {
        let end = &mut ends[place.partition as usize];
        *end = place.offset.max(*end - 1) + 1;
    }
    group.wait_until("all is written and committed", |group| group.committed == ends);
    assert_eq!(group.frontiers(), ends, "what is committed is what was written");
    group.end();
    let (written, repeated) = group.counts();
    println!("{assignor}: {strikes} strikes, {written} records written, {repeated} of them again");
}

/// `klog consume -g g`, several times, each into a file of its own.
struct Group {
    address: String,
    assignor: &'static str,
    commit: &'static str,
    home: tempfile::TempDir,
    members: Vec<(Child, PathBuf)>,
    started: usize,
    files: Vec<Tail>,
    written: Vec<Written>,
    /// Per partition, as it was seen last.
    committed: Vec<i64>,
}

/// What all members together wrote of a partition.
#[derive(Default)]
struct Written {
    /// Every offset below was written.
    frontier: i64,
    /// Offsets above that were.
    ahead: BTreeSet<i64>,
    /// Where members began, or began again: all before that was written by then, if perhaps to a file that is read later.
    begun: Vec<i64>,
    lines: usize,
}

impl Group {
    fn new(address: &str, assignor: &'static str, commit: &'static str) -> Group {
        Group {
            address: address.to_owned(),
            assignor,
            commit,
            home: tempfile::tempdir().expect("a folder"),
            members: Vec::new(),
            started: 0,
            files: Vec::new(),
            written: (0..PARTITIONS).map(|_| Written::default()).collect(),
            committed: vec![0; PARTITIONS as usize],
        }
    }

    fn start_member(&mut self) {
        let path = self.home.path().join(format!("{}.out", self.started));
        self.started += 1;
        let settings = [
            "session.timeout.ms=1000",
            "heartbeat.interval.ms=100",
            "auto.commit.interval.ms=100",
            "reconnect.backoff.max.ms=100",
        ];
        let mut command = Command::new(env!("CARGO_BIN_EXE_klog"));
        command.args(["consume", "t", "-g", "g", "--template", r"%p %o\n", "-v"]);
        command.args(["-b", &self.address, "--assignor", self.assignor, "--commit", self.commit]);
        settings.iter().for_each(|setting| {
            command.args(["-X", setting]);
        });
        let out = File::create(&path).expect("a file for its output");
        let log = File::create(path.with_extension("log")).expect("a file for its log");
        command.stdin(Stdio::null()).stdout(out).stderr(log);
        self.members.push((command.spawn().expect("klog starts"), path.clone()));
        self.files.push(Tail::of(path));
    }

    fn strike(&mut self, broker: &mut Broker, chance: &mut StdRng) {
        for (child, path) in &mut self.members {
            let ended = child.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "a member ended by itself:\n{}", log_of(path));
        }
        let victim = chance.random_range(0..self.members.len());
        match chance.random_range(0..4) {
            0 => {
                broker.kill();
                broker.restart();
            }
            1 => {
                let (member, path) = self.members.swap_remove(victim);
                stop(member, &path);
                self.start_member();
            }
            2 if self.members.len() < 5 => self.start_member(),
            _ => {
                let (mut member, _) = self.members.swap_remove(victim);
                member.kill().expect("a member can be killed");
                member.wait().expect("a killed member ends");
                self.start_member();
            }
        }
    }

    /// What is committed, then what was written: the former must be part of the latter, and never less than it was.
    fn look(&mut self) {
        let mut raw = Raw::connect(&self.address);
        let committed: Vec<Option<i64>> =
            (0..PARTITIONS).map(|partition| Some(raw.committed("g", partition).ok()?.0)).collect();
        let begun: Vec<Vec<i64>> =
            self.written.iter_mut().map(|written| std::mem::take(&mut written.begun)).collect();
        for file in &mut self.files {
            file.read(&mut self.written);
        }
        for (partition, (begun, written)) in begun.iter().zip(&self.written).enumerate() {
            let skipped = begun.iter().find(|offset| **offset > written.frontier);
            assert_eq!(skipped, None, "partition {partition}: records before that were skipped");
        }
        for (partition, now) in committed.into_iter().enumerate() {
            let Some(now) = now.filter(|offset| *offset >= 0) else { continue };
            let (before, frontier) = (self.committed[partition], self.written[partition].frontier);
            assert!(now >= before, "partition {partition}: {before} was committed, then {now}");
            assert!(now <= frontier, "partition {partition}: {now} committed, {frontier} written");
            self.committed[partition] = now;
        }
    }

    fn frontiers(&self) -> Vec<i64> {
        self.written.iter().map(|written| written.frontier).collect()
    }

    fn wait_until(&mut self, what: &str, done: impl Fn(&Group) -> bool) {
        let end = Instant::now() + DEADLINE;
        self.look();
        while !done(self) {
            if Instant::now() > end {
                let logs: String = self.members.iter().map(|(_, path)| log_of(path)).collect();
                panic!(
                    "not yet: {what}; {:?} written, {:?} committed\n{logs}",
                    self.frontiers(),
                    self.committed
                );
            }
            thread::sleep(Duration::from_millis(20));
            self.look();
        }
    }

    /// Waits until every partition was written and committed further.
    fn wait_for_progress(&mut self) {
        let before = self.frontiers();
        let more = |now: &[i64]| now.iter().zip(&before).all(|(now, before)| now > before);
        self.wait_until("every partition goes on", |group| {
            more(&group.frontiers()) && more(&group.committed)
        });
    }

    fn end(&mut self) {
        for (member, path) in self.members.drain(..) {
            stop(member, &path);
            let log = log_of(&path);
            assert!(!log.contains("position reset"), "a member lost its place:\n{log}");
        }
        self.look();
    }

    fn counts(&self) -> (usize, usize) {
        let lines: usize = self.written.iter().map(|written| written.lines).sum();
        let distinct: i64 = self.written.iter().map(|written| written.frontier).sum();
        (lines, lines - distinct as usize)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for (member, _) in &mut self.members {
            member.kill().ok();
            member.wait().ok();
        }
    }
}

fn log_of(path: &Path) -> String {
    fs::read_to_string(path.with_extension("log")).unwrap_or_default()
}

/// SIGTERM: a member commits, leaves and ends as one that was told to. One that was only just started, and has said nothing
/// yet, may end as any program does that has not taken over its signals.
fn stop(mut member: Child, path: &Path) {
    signal::send(&member, Signal::TERM);
    let status = member.wait().expect("a member ends");
    let log = log_of(path);
    let too_early = log.is_empty() && status.signal() == Some(15);
    assert!(too_early || status.code() == Some(143), "{status}\n{log}");
}

/// A file that grows.
struct Tail {
    path: PathBuf,
    read: u64,
    /// The last offset of each partition in this file.
    last: Vec<i64>,
}

impl Tail {
    fn of(path: PathBuf) -> Tail {
        Tail { path, read: 0, last: vec![-1; PARTITIONS as usize] }
    }

    /// Takes the whole lines that were added.
    fn read(&mut self, written: &mut [Written]) {
        let mut file = File::open(&self.path).expect("the output is there");
        file.seek(SeekFrom::Start(self.read)).expect("a file can be sought in");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("the output is text");
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        for line in text[..whole].lines() {
            let numbers = line.split_once(' ').expect("a partition and an offset");
            let partition: usize = numbers.0.parse().expect("a partition");
            let offset: i64 = numbers.1.parse().expect("an offset");
            let (last, written) = (&mut self.last[partition], &mut written[partition]);
            if offset != *last + 1 {
                written.begun.push(offset);
            }
            *last = offset;
            written.lines += 1;
            written.ahead.insert(offset);
            while written.ahead.remove(&written.frontier) {
                written.frontier += 1;
            }
            written.ahead = written.ahead.split_off(&written.frontier);
        }
    }
}
