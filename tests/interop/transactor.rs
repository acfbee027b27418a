//! Clients that carry out transactions one step at a time: see `tests/peers/java/Transactor.java` for what is said to them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::librdkafka_transactor::InProcess;
use crate::peers::{fetched, java, source};

/// How long a step may take.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    Java,
    Librdkafka,
    ConfluentKafka,
    FranzGo,
    Aiokafka,
    /// Writes only.
    Kafkajs,
}

pub const CLIENTS: [Client; 6] = [
    Client::Java,
    Client::Librdkafka,
    Client::ConfluentKafka,
    Client::FranzGo,
    Client::Aiokafka,
    Client::Kafkajs,
];

/// What consumers are to see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Isolation {
    Committed,
    Uncommitted,
}

impl Isolation {
    pub fn name(self) -> &'static str {
        match self {
            Isolation::Committed => "committed",
            Isolation::Uncommitted => "uncommitted",
        }
    }
}

/// Something read: its place and its value.
pub type Found = (i32, i64, String);

/// What is printed, or the client's name for the error.
pub type Answer = Result<Vec<Found>, String>;

/// A client with any number of named producers.
pub struct Transactor {
    pub client: Client,
    place: Place,
}

enum Place {
    InProcess(InProcess),
    Process(Process),
}

impl Transactor {
    pub fn start(client: Client, address: &str) -> Transactor {
        let place = match client.command(address) {
            None => Place::InProcess(InProcess::new(address)),
            Some(command) => Place::Process(Process::start(command)),
        };
        Transactor { client, place }
    }

    /// Tries a step.
    pub fn attempt(&mut self, step: &str) -> Answer {
        match &mut self.place {
            Place::InProcess(client) => client.carry_out(step),
            Place::Process(process) => process.carry_out(step),
        }
    }

    /// Takes steps, separated by `;`, which must succeed.
    pub fn steps(&mut self, steps: &str) {
        for step in steps.split("; ") {
            let answer = self.attempt(step);
            assert!(answer.is_ok(), "{:?}: {step}: {answer:?}", self.client);
        }
    }

    /// Tries a step that must fail; gives the client's name for the error.
    pub fn refused(&mut self, step: &str) -> String {
        let answer = self.attempt(step);
        answer.expect_err(&format!("{:?}: {step}: must fail", self.client))
    }

    /// All that is there to be read, in order of partition and offset; the end of each partition must be reached.
    pub fn read(&mut self, isolation: Isolation, topic: &str, partitions: i32) -> Vec<Found> {
        let step = format!("read {} {topic} {partitions}", isolation.name());
        let answer = self.attempt(&step);
        let mut found = answer.unwrap_or_else(|e| panic!("{:?}: {step}: {e}", self.client));
        // Not sorted by offset: that the order is kept is part of what is asked.
        found.sort_by_key(|(partition, ..)| *partition);
        found
    }

    /// kill -9; only of a client with a process of its own.
    pub fn kill(&mut self) {
        let Place::Process(process) = &mut self.place else { unreachable!("in this process") };
        process.child.kill().expect("a client can be killed");
        process.child.wait().expect("a killed client ends");
    }
}

impl Client {
    /// None is in this process.
    fn command(self, address: &str) -> Option<Command> {
        let mut command = match self {
            Client::Librdkafka => return None,
            Client::Java => java(),
            Client::FranzGo => Command::new(fetched("golang")),
            Client::Kafkajs => Command::new("node"),
            Client::ConfluentKafka | Client::Aiokafka => Command::new(fetched("python/bin/python")),
        };
        match self {
            Client::Java => command.arg("Transactor"),
            Client::FranzGo => command.args(["franz-go", "transact"]),
            Client::Kafkajs => command
                .env("NODE_PATH", fetched("node/node_modules"))
                .arg(source("node/transactor.js")),
            Client::ConfluentKafka => {
                command.arg(source("python/transactor.py")).arg("confluent-kafka")
            }
            _ => command.arg(source("python/transactor.py")).arg("aiokafka"),
        };
        command.arg(address);
        Some(command)
    }

    /// Whether it tells when a partition is at its end.
    pub fn reads(self) -> bool {
        self != Client::Kafkajs
    }

    /// What it calls being fenced by another one with its transactional id.
    pub fn fenced(self) -> &'static [&'static str] {
        match self {
            Client::Java => &["ProducerFencedException", "InvalidProducerEpochException"],
            Client::Librdkafka => &["Fenced"],
            Client::ConfluentKafka => &["_FENCED"],
            Client::FranzGo => &["PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH"],
            Client::Aiokafka => &["ProducerFenced"],
            Client::Kafkajs => &["PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH"],
        }
    }
}

/// A client's process, killed when dropped. What it says for people is printed if the test fails.
struct Process {
    log: NamedTempFile,
    child: Child,
    commands: ChildStdin,
    lines: Receiver<String>,
}

impl Process {
    fn start(mut command: Command) -> Process {
        let log = NamedTempFile::new().expect("a temporary file can be made");
        let stderr = log.reopen().expect("it can be opened");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().unwrap_or_else(|e| {
            panic!("{command:?}: {e}; tests/peers/get fetches what is missing")
        });
        let commands = child.stdin.take().expect("stdin is piped");
        let lines = lines_of(child.stdout.take().expect("stdout is piped"));
        Process { log, child, commands, lines }
    }

    fn carry_out(&mut self, step: &str) -> Answer {
        writeln!(self.commands, "{step}").expect("a client takes commands");
        let mut found = Vec::new();
        loop {
            let line = self.lines.recv_timeout(DEADLINE);
            let line = line.unwrap_or_else(|e| panic!("no answer to {step}: {e}; {found:?}"));
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["record", partition, offset, value] => found.push((
                    partition.parse().expect("a partition"),
                    offset.parse().expect("an offset"),
                    value.to_owned(),
                )),
                ["ok"] => return Ok(found),
                ["failed", name] => return Err(name.to_owned()),
                _ => panic!("{step} was answered by {line:?}"),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if thread::panicking() {
            eprintln!("--- a client said\n{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

/// Its lines as they come, so that one can be waited for with a deadline.
fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (tell, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output).lines();
        while let Some(Ok(line)) = output.next() {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
