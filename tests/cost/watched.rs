//! A `klog serve` under callgrind, which is told by requests when to write down what it counted.
//!
//! Between two such marks so many requests are made. What one costs is what was counted, less what the mark costs and what the
//! background did meanwhile, by how many there were: so neither the start nor the time that it took comes into it. What
//! is otherwise than elsewhere is that every request outlasts its turn, which costs one `epoll_wait` more.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use klog::wire::api_versions::ApiVersionsRequest;
use tempfile::TempDir;

use crate::connection::Raw;
use crate::counts::Counts;
use crate::listening::{self, Listening};
use crate::profile::Profile;

/// Entering it ends a part of the profile: a request that no case sends.
const MARK: &str = "klog::broker::handlers::api_versions::handle";
/// The version of ApiVersions that marks.
const VERSION: i16 = 3;
/// How often each is counted: the least has the least of what else goes on in it.
const ROUNDS: usize = 3;
/// Long enough for ten turns of the background.
const IDLE: Duration = Duration::from_secs(1);

/// The broker, killed when dropped.
pub struct Watched {
    broker: Listening,
    _folder: TempDir,
    profile: PathBuf,
    parts: usize,
    marker: Raw,
    /// What is counted between two marks, if nothing is asked and the background gets no turn.
    mark: Counts,
    /// What one turn of the background costs.
    tick: Counts,
}

impl Watched {
    /// Starts it, and has done what comes before all that is counted: what the background does is to be the same from then on.
    pub fn start(prepare: impl FnOnce(Raw)) -> Watched {
        let folder = tempfile::tempdir().expect("a folder");
        let profile = folder.path().join("profile");
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--quiet", "--dump-line=no", "--collect-systime=nsec"])
            .arg(format!("--dump-before={MARK}"))
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg(env!("CARGO_BIN_EXE_klog"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path().join("data"))
            // What is made durable now and then is no request's.
            .args(["--set", "log.flush.interval.ms=9223372036854775807"])
            .args(["--set", "log.flush.offset.checkpoint.interval.ms=2147483647"])
            // Which of two threads takes up a task is chance.
            .env("TOKIO_WORKER_THREADS", "1");
        let log = folder.path().join("log");
        command.stderr(File::create(&log).expect("a file for the log"));
        let broker =
            listening::start(&mut command, || fs::read_to_string(&log).unwrap_or_default());
        let marker = Raw::connect(&broker.address);
        let (mark, tick) = Default::default();
        let mut watched =
            Watched { broker, _folder: folder, profile, parts: 0, marker, mark, tick };
        let start = watched.part().counts;
        assert!(
            start.allocations > 0.0 && start.syscall("futex") > 0.0,
            "names have changed: {start:?}"
        );
        prepare(watched.connect());
        watched.part();
        watched.count_background();
        watched
    }

    /// Tells a mark and the background apart by a short and by a long time in which nothing is asked.
    fn count_background(&mut self) {
        let short = self.least(|| ());
        thread::sleep(IDLE);
        let long = self.part();
        let ticks = long.ticks - short.ticks;
        assert!(ticks >= 3.0, "the background got {ticks} turns in {IDLE:?}: has it another name?");
        self.tick = long.counts.less(&short.counts, 1.0).over(ticks);
        self.mark = short.counts.less(&self.tick, short.ticks);
    }

    pub fn connect(&self) -> Raw {
        Raw::connect(&self.broker.address)
    }

    /// What each of `requests` costs that `ask` makes.
    pub fn cost_of(&mut self, requests: usize, mut ask: impl FnMut()) -> Counts {
        // Files are opened and buffers grown before anything is counted.
        ask();
        self.part();
        let Profile { counts, ticks } = self.least(ask);
        counts.less(&self.mark, 1.0).less(&self.tick, ticks).over(requests as f64)
    }

    fn least(&mut self, mut ask: impl FnMut()) -> Profile {
        let rounds = (0..ROUNDS).map(|_| {
            ask();
            self.part()
        });
        rounds
            .min_by(|a, b| a.counts.instructions.total_cmp(&b.counts.instructions))
            .expect("there is a round")
    }

    /// What was counted since the last mark.
    fn part(&mut self) -> Profile {
        self.marker.call(VERSION, &ApiVersionsRequest::default());
        self.parts += 1;
        let part = self.profile.with_extension(self.parts.to_string());
        let text = fs::read_to_string(&part);
        let text = text.unwrap_or_else(|error| panic!("entering {MARK} made no part: {error}"));
        Profile::parse(&text)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.broker.child.kill().ok();
        self.broker.child.wait().ok();
    }
}
