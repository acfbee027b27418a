//! A `klog serve` of a test's own, and klog commands that talk to it.

use std::path::Path;
use std::process::{Command, ExitStatus};

use tempfile::TempDir;

use crate::listening::{self, Listening};
use crate::ports::free_address;
use crate::signal::{self, Signal};

/// The program under test.
pub fn klog() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_klog"));
    // What the developer has set must not reach the tests.
    command.env_remove("KLOG_BOOTSTRAP_SERVERS").env_remove("NO_COLOR").env_remove("NOTIFY_SOCKET");
    command
}

/// [`klog`] with assertions on what it prints.
pub fn klog_assert<S: AsRef<std::ffi::OsStr>>(
    args: impl IntoIterator<Item = S>,
) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::from_std(klog());
    command.args(args).timeout(std::time::Duration::from_secs(120));
    command
}

/// A broker that ends with the test.
pub struct Server {
    broker: Listening,
    /// `127.0.0.1:PORT`
    pub address: String,
}

impl Server {
    /// Starts a broker over `data` on a free port, and waits until it says that it listens.
    pub fn start(data: &Path) -> Server {
        Server::start_with(data, &[])
    }

    /// [`Self::start`] with more options.
    pub fn start_with(data: &Path, options: &[&str]) -> Server {
        Server::spawn(&free_address(), klog().args(["serve", "--data-dir"]).arg(data).args(options))
    }

    /// [`Self::start`] where one was before.
    pub fn start_at(data: &Path, address: &str) -> Server {
        Server::spawn(address, klog().args(["serve", "--data-dir"]).arg(data))
    }

    /// [`Self::start`], with its log in a file.
    pub fn start_logging(data: &Path, log: &Path) -> Server {
        let log = std::fs::File::create(log).expect("a file for the log");
        let mut command = klog();
        command.args(["serve", "--data-dir"]).arg(data).stderr(log);
        Server::spawn(&free_address(), &mut command)
    }

    fn spawn(address: &str, command: &mut Command) -> Server {
        let broker = listening::start(command.args(["--listen", address]), String::new);
        let address = broker.address.clone();
        Server { broker, address }
    }

    /// A klog command that is told of this broker.
    pub fn klog<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> assert_cmd::Command {
        let mut command = klog_assert(args);
        command.env("KLOG_BOOTSTRAP_SERVERS", &self.address);
        command
    }

    /// The same as a plain process, for tests that hold its pipes.
    pub fn process<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = klog();
        command.args(args).env("KLOG_BOOTSTRAP_SERVERS", &self.address);
        command
    }

    /// What a command prints that must succeed.
    pub fn output_of<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> String {
        let output = self.klog(args).assert().success().get_output().stdout.clone();
        String::from_utf8(output).expect("it prints UTF-8")
    }

    /// Writes lines to a topic.
    pub fn produce(&self, topic: &str, lines: &str) {
        self.klog(["produce", topic]).write_stdin(lines).assert().success();
    }

    /// The broker's process id.
    pub fn pid(&self) -> u32 {
        self.broker.child.id()
    }

    /// Sends SIGTERM and waits for the end.
    pub fn stop(mut self) -> ExitStatus {
        signal::send(&self.broker.child, Signal::TERM);
        self.broker.child.wait().expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.broker.child.kill();
        let _ = self.broker.child.wait();
    }
}

/// A broker over a folder of its own, for tests that need no second start.
pub fn fresh() -> (Server, TempDir) {
    let data = tempfile::tempdir().expect("a folder");
    (Server::start(data.path()), data)
}

/// What a command said on stderr.
pub fn stderr(assert: &assert_cmd::assert::Assert) -> String {
    String::from_utf8_lossy(&assert.get_output().stderr).into_owned()
}
