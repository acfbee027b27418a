//! Workers that move records from one topic to another, exactly once, each a process of some client: see
//! `tests/peers/java/Transformer.java`.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::peers::{fetched, java, source};
use crate::signal::{self, Signal};
use crate::transactor::Client;

/// The exit code of a worker that found another one in its place.
pub const FENCED: i32 = 3;
/// The exit code of a worker whose client wants to be closed and opened again.
pub const GAVE_UP: i32 = 4;

/// What workers share: each record of partition n of the source goes to partition n + 1 of the target.
#[derive(Clone, Debug)]
pub struct Stage {
    pub group: String,
    pub source: String,
    pub target: String,
    pub partitions: i32,
}

/// Who a worker is.
#[derive(Clone, Debug)]
pub struct Identity {
    pub client: Client,
    pub transactional_id: String,
    /// Its `group.instance.id`, if any.
    pub instance: Option<String>,
}

/// A worker's process, killed when dropped. What it says is printed if the test fails.
pub struct Worker {
    pub identity: Identity,
    child: Child,
    log: NamedTempFile,
}

impl Worker {
    pub fn start(identity: Identity, address: &str, stage: &Stage) -> Worker {
        let mut command = match identity.client {
            Client::Java => java(),
            Client::FranzGo => Command::new(fetched("golang")),
            _ => Command::new(fetched("python/bin/python")),
        };
        match identity.client {
            Client::Java => command.arg("Transformer"),
            Client::FranzGo => command.args(["franz-go", "transform"]),
            Client::ConfluentKafka => {
                command.arg(source("python/transformer.py")).arg("confluent-kafka")
            }
            Client::Aiokafka => command.arg(source("python/transformer.py")).arg("aiokafka"),
            Client::Librdkafka | Client::Kafkajs => unreachable!("not a program of its own"),
        };
        command.args([address, &stage.group, &stage.source, &stage.target]);
        command.arg(stage.partitions.to_string()).arg(&identity.transactional_id);
        command.arg(identity.instance.as_deref().unwrap_or_default());
        let log = NamedTempFile::new().expect("a temporary file can be made");
        command.stdin(Stdio::null());
        let output = log.reopen().expect("can be opened");
        command.stdout(output.try_clone().expect("can be cloned")).stderr(output);
        let child = command.spawn().unwrap_or_else(|e| {
            panic!("{command:?}: {e}; tests/peers/get fetches what is missing")
        });
        Worker { identity, child, log }
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().expect("a worker can be killed");
        self.child.wait().expect("a killed worker ends");
    }

    /// SIGSTOP.
    pub fn freeze(&self) {
        signal::send(&self.child, Signal::STOP);
    }

    /// SIGCONT.
    pub fn wake(&self) {
        signal::send(&self.child, Signal::CONT);
    }

    /// SIGTERM, and no more: it may take its time.
    pub fn terminate(&self) {
        signal::send(&self.child, Signal::TERM);
    }

    /// The code that it ended with, if it did by itself.
    pub fn ended(&mut self) -> Option<i32> {
        let status = self.child.try_wait().expect("a child can be waited for")?;
        Some(status.code().expect("nobody else kills it"))
    }

    /// Whether it has its transactional id, its share of the partitions, and records of them.
    pub fn is_at_work(&self) -> bool {
        self.log().lines().any(|line| line == "at work")
    }

    /// Waits until it has ended, and gives its code.
    pub fn wait(&mut self, deadline: Duration) -> i32 {
        let end = Instant::now() + deadline;
        loop {
            if let Some(code) = self.ended() {
                return code;
            }
            assert!(Instant::now() < end, "{:?} still runs\n{}", self.identity, self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// All that it said.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- {:?} said\n{}", self.identity, self.log());
        }
    }
}
