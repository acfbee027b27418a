//! Members of consumer groups, each a process of some client, and what they say: what they were given, what was taken, what they read.

use std::io::{BufRead, BufReader, PipeReader};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

use crate::peers::{fetched, java, source};
use crate::signal::{self, Signal};

/// Each client is a `client.id` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    Klog,
    Java,
    /// librdkafka, an old one.
    Kcat,
    /// librdkafka, a new one.
    ConfluentKafka,
    FranzGo,
    Sarama,
    KafkaPython,
    Aiokafka,
    /// Has an assignor of its own, under the name of another.
    Kafkajs,
}

/// What a member said.
#[derive(Debug, PartialEq)]
pub enum Said {
    Assigned(Vec<i32>),
    Revoked(Vec<i32>),
    Record {
        partition: i32,
        offset: i64,
        value: String,
    },
    /// Something for people.
    Else,
}

/// A member's process, killed when dropped.
pub struct Member {
    pub client: Client,
    child: Child,
    reader: Option<JoinHandle<()>>,
}

impl Client {
    pub fn id(self) -> &'static str {
        match self {
            Client::Klog => "klog",
            Client::Java => "java",
            Client::Kcat => "kcat",
            Client::ConfluentKafka => "confluent-kafka",
            Client::FranzGo => "franz-go",
            Client::Sarama => "sarama",
            Client::KafkaPython => "kafka-python",
            Client::Aiokafka => "aiokafka",
            Client::Kafkajs => "kafkajs",
        }
    }

    /// A member of group `g`, reading topic `t` from the start, as all the peers' programs are with their clients.
    fn command(self, address: &str, assignor: &str) -> Command {
        let mut command = match self {
            Client::Klog => return klog(address, assignor),
            Client::Kcat => return kcat(address, assignor),
            Client::Java => java(),
            Client::FranzGo | Client::Sarama => Command::new(fetched("golang")),
            Client::Kafkajs => Command::new("node"),
            _ => Command::new(fetched("python/bin/python")),
        };
        match self {
            Client::Java => command.arg("Member"),
            Client::FranzGo | Client::Sarama => command.args([self.id(), "member"]),
            Client::Kafkajs => {
                command.env("NODE_PATH", fetched("node/node_modules")).arg(source("node/member.js"))
            }
            _ => command.arg(source("python/member.py")).arg(self.id()),
        };
        command.args([address, "g", "t", assignor]);
        command
    }
}

/// Settings of librdkafka's as the peers' programs have them.
const SETTINGS: [&str; 3] =
    ["session.timeout.ms=3000", "heartbeat.interval.ms=100", "auto.offset.reset=earliest"];

fn klog(address: &str, assignor: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_klog"));
    command.args(["consume", "t", "-g", "g", "-v", "-b", address, "--assignor", assignor]);
    command.args(["--template", r"record %p %o %v\n", "-X", "client.id=klog"]);
    for setting in SETTINGS {
        command.args(["-X", setting]);
    }
    command
}

fn kcat(address: &str, assignor: &str) -> Command {
    let mut command = Command::new("kcat");
    // See kcat.rs.
    command.env_remove("LD_LIBRARY_PATH");
    command.args(["-b", address, "-G", "g", "-u", "-f", r"record %p %o %s\n"]);
    command.args(["-X", "client.id=kcat", "-X"]);
    command.arg(format!("partition.assignment.strategy={assignor}"));
    for setting in SETTINGS {
        command.args(["-X", setting]);
    }
    command.arg("t");
    command
}

impl Member {
    /// Starts a member, which tells `hear` what it says, line by line and with its client.
    pub fn start(
        client: Client,
        address: &str,
        assignor: &str,
        hear: Sender<(Client, String)>,
    ) -> Member {
        // Both its outputs are one, so that what it says keeps its order.
        let (output, both) = std::io::pipe().expect("a pipe can be made");
        let mut command = client.command(address, assignor);
        command.stdin(std::process::Stdio::null());
        command.stdout(both.try_clone().expect("a pipe's end can be cloned")).stderr(both);
        let child = command
            .spawn()
            .unwrap_or_else(|e| panic!("{client:?}: {e}; tests/peers/get fetches what is missing"));
        let reader = thread::spawn(move || forward(output, client, &hear));
        Member { client, child, reader: Some(reader) }
    }

    /// SIGTERM, and no more: the member may take its time.
    pub fn terminate(&self) {
        signal::send(&self.child, Signal::TERM);
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().expect("a member can be killed");
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits until all that it said was told; it has ended.
    pub fn finish(mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn forward(output: PipeReader, client: Client, hear: &Sender<(Client, String)>) {
    for line in BufReader::new(output).lines() {
        let Ok(line) = line else { return };
        if hear.send((client, line)).is_err() {
            return;
        }
    }
}

/// Reads a line of any client's.
pub fn said(client: Client, line: &str) -> Said {
    let words: Vec<&str> = line.split_whitespace().collect();
    if let ["record", partition, offset, value] = words[..]
        && let (Ok(partition), Ok(offset)) = (partition.parse(), offset.parse())
    {
        return Said::Record { partition, offset, value: value.to_owned() };
    }
    match client {
        // INFO klog::…: assigned t[0] t[1]
        Client::Klog => partitions(line, " assigned t", " revoked t"),
        // % Group g rebalanced (memberid …): assigned: t [0], t [1]
        // % Group g rebalanced: incremental assign of 2 partition(s) (memberid …, COOPERATIVE rebalance protocol): t [0], t [1]
        Client::Kcat => partitions(line, "assign", "revoke"),
        _ => match words.split_first() {
            Some((&"assigned", numbers)) => Said::Assigned(parse(numbers)),
            Some((&"revoked", numbers)) => Said::Revoked(parse(numbers)),
            _ => Said::Else,
        },
    }
}

/// Partitions as `t[0]` or `t [0]`, after a word that tells what becomes of them.
fn partitions(line: &str, assigned: &str, revoked: &str) -> Said {
    let bracketed = || -> Vec<i32> {
        let pieces = line.split('[').skip(1);
        pieces.filter_map(|piece| piece.split_once(']')?.0.parse().ok()).collect()
    };
    match () {
        () if line.contains(assigned) => Said::Assigned(bracketed()),
        () if line.contains(revoked) => Said::Revoked(bracketed()),
        () => Said::Else,
    }
}

fn parse(numbers: &[&str]) -> Vec<i32> {
    let parse =
        |number: &&str| number.parse().unwrap_or_else(|_| panic!("no partition: {numbers:?}"));
    numbers.iter().map(parse).collect()
}
