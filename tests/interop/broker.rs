//! The broker under test, as a child process on a free port.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::listening;
use crate::peers;
use crate::ports::free_address;
use crate::signal::{self, Signal};

const START_DEADLINE: Duration = Duration::from_secs(60);

/// Which broker it is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Klog,
    Kafka,
}

impl Kind {
    /// What the tests are about: klog, unless `KLOG_TEST_BROKER=kafka`.
    fn under_test() -> Kind {
        match std::env::var("KLOG_TEST_BROKER").as_deref() {
            Ok("kafka") => Kind::Kafka,
            _ => Kind::Klog,
        }
    }
}

/// A broker, killed when dropped. Its log is printed if the test fails.
pub struct Broker {
    kind: Kind,
    home: TempDir,
    data: PathBuf,
    settings: Vec<(String, String)>,
    address: String,
    child: Child,
}

impl Broker {
    pub fn start() -> Broker {
        Broker::with(&[])
    }

    /// Starts a broker with further settings, by Kafka's names.
    pub fn with(settings: &[(&str, &str)]) -> Broker {
        Broker::of(Kind::under_test(), None, settings)
    }

    /// Starts klog with `descriptors` file descriptors at most.
    pub fn with_descriptors(descriptors: usize) -> Broker {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -n {descriptors}; exec \"$0\" \"$@\""));
        command.arg(env!("CARGO_BIN_EXE_klog"));
        let home = TempDir::new().expect("a temporary folder can be made");
        let (data, settings) = (home.path().join("data"), Vec::new());
        let address = free_address();
        let command = klog_command_by(command, home.path(), &data, &address, &settings);
        let child = wait_for_klog(command, home.path(), &address);
        Broker { kind: Kind::Klog, home, data, settings, address, child }
    }

    /// The most bytes that it had in memory while `work` was done, beyond what it had before.
    pub fn memory_for(&self, work: impl FnOnce()) -> usize {
        let before = self.memory("VmRSS:");
        let clear = format!("/proc/{}/clear_refs", self.child.id());
        // 5 sets the peak back to what is there now.
        fs::write(clear, "5").expect("a child's peak can be set back");
        work();
        self.memory("VmHWM:").saturating_sub(before)
    }

    fn memory(&self, which: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a running broker has a status");
        let line = status.lines().find_map(|line| line.strip_prefix(which));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
        kib.expect("its status has the line") << 10
    }

    /// The lines of its log that contain `part`, once there is one.
    pub fn log_lines(&self, part: &str) -> Vec<String> {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let log = fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
            let found: Vec<String> =
                log.lines().filter(|line| line.contains(part)).map(str::to_owned).collect();
            if !found.is_empty() {
                return found;
            }
            assert!(Instant::now() < end, "no line of the log says {part:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Apache Kafka, whatever is under test.
    pub fn kafka() -> Broker {
        Broker::of(Kind::Kafka, None, &[])
    }

    /// [`Self::kafka`] with further settings.
    pub fn kafka_with(settings: &[(&str, &str)]) -> Broker {
        Broker::of(Kind::Kafka, None, settings)
    }

    /// Ended, it lets the other one start on its data: klog on Kafka's, Kafka on klog's.
    pub fn hand_over(&mut self) {
        self.kind = match self.kind {
            Kind::Klog => Kind::Kafka,
            Kind::Kafka => Kind::Klog,
        };
        self.restart();
    }

    /// klog, whatever is under test, on its own data directory or on one that outlives it: see [`crate::klogs_own`].
    pub fn klog(data: Option<&Path>, settings: &[(&str, &str)]) -> Broker {
        Broker::of(Kind::Klog, data, settings)
    }

    /// Whether it is klog that runs, where a test asks of it more than of Kafka.
    pub fn is_klog(&self) -> bool {
        self.kind == Kind::Klog
    }

    fn of(kind: Kind, data: Option<&Path>, settings: &[(&str, &str)]) -> Broker {
        let home = TempDir::new().expect("a temporary folder can be made");
        let data = data.map_or_else(|| home.path().join("data"), Path::to_path_buf);
        let settings: Vec<(String, String)> =
            settings.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let address = free_address();
        let child = launch(kind, home.path(), &data, &address, &settings);
        Broker { kind, home, data, settings, address, child }
    }

    /// `host:port`, for `bootstrap.servers`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The folder with the partitions' folders.
    pub fn data_dir(&self) -> PathBuf {
        self.data.clone()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it logged so far, over all its starts.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).expect("the log can be read")
    }

    /// Fails with the lines of klog's log that an operator would have to look into.
    pub fn assert_no_complaint(&self) {
        let log = self.log();
        let is_complaint = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
        let complaints: Vec<&str> = log.lines().filter(is_complaint).collect();
        let none = complaints.is_empty() || self.kind == Kind::Kafka;
        assert!(none, "the broker complained:\n{}", complaints.join("\n"));
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().expect("the broker can be killed");
        self.child.wait().expect("a killed broker ends");
    }

    /// SIGSTOP: the broker does nothing more, but its sockets still take what is sent.
    pub fn freeze(&mut self) {
        signal::send(&self.child, Signal::STOP);
    }

    /// SIGTERM; the broker must end by itself, with exit code 0 (Kafka: 143).
    pub fn stop(&mut self) {
        signal::send(&self.child, Signal::TERM);
        let end = Instant::now() + Duration::from_secs(30);
        while self.child.try_wait().expect("a child can be waited for").is_none() {
            assert!(Instant::now() < end, "the broker did not stop within 30 s of SIGTERM");
            thread::sleep(Duration::from_millis(10));
        }
        let status = self.child.wait().expect("a stopped broker has a status");
        assert!(status.success() || self.kind == Kind::Kafka, "SIGTERM ended in {status}");
    }

    /// Starts the broker again, on the same data and the same port.
    pub fn restart(&mut self) {
        let (home, data) = (self.home.path(), &self.data);
        self.child = launch(self.kind, home, data, &self.address, &self.settings);
    }

    /// Starts the broker again and kills it (-9) soon after, ready or not.
    pub fn restart_and_kill_after(&mut self, delay: Duration) {
        let (home, data) = (self.home.path(), &self.data);
        let mut command = match self.kind {
            Kind::Klog => klog_command(home, data, &self.address, &self.settings),
            Kind::Kafka => kafka_command(home),
        };
        self.child = command.stdout(log_file(home)).spawn().expect("the broker starts");
        thread::sleep(delay);
        self.kill();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if thread::panicking() {
            let log = fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(60)..];
            eprintln!("--- the broker's log ends with\n{}", tail.join("\n"));
        }
    }
}

type Settings = [(String, String)];

fn launch(kind: Kind, home: &Path, data: &Path, address: &str, settings: &Settings) -> Child {
    match kind {
        Kind::Klog => wait_for_klog(klog_command(home, data, address, settings), home, address),
        Kind::Kafka => launch_kafka(home, data, address, settings),
    }
}

fn log_file(home: &Path) -> File {
    let path = home.join("log");
    File::options().create(true).append(true).open(path).expect("the log file can be opened")
}

fn klog_command(home: &Path, data: &Path, listen: &str, settings: &Settings) -> Command {
    klog_command_by(Command::new(env!("CARGO_BIN_EXE_klog")), home, data, listen, settings)
}

fn klog_command_by(
    mut command: Command,
    home: &Path,
    data: &Path,
    listen: &str,
    settings: &Settings,
) -> Command {
    command.args(["serve", "--listen", listen, "--data-dir"]).arg(data);
    for (key, value) in settings {
        command.args(["--set", &format!("{key}={value}")]);
    }
    command.stderr(log_file(home));
    command
}

fn wait_for_klog(mut command: Command, home: &Path, address: &str) -> Child {
    let log = || fs::read_to_string(home.join("log")).unwrap_or_default();
    let broker = listening::start(&mut command, log);
    assert_eq!(broker.address, address);
    broker.child
}

fn kafka_command(home: &Path) -> Command {
    let mut command = peers::java();
    command.arg("kafka.Kafka").arg(home.join("server.properties")).stdin(Stdio::null());
    command.stdout(log_file(home)).stderr(log_file(home));
    command
}

fn launch_kafka(home: &Path, data: &Path, address: &str, settings: &Settings) -> Child {
    let config = home.join("server.properties");
    if !config.exists() {
        fs::write(&config, kafka_properties(data, address, settings)).expect("can be written");
        let mut format = peers::java();
        format.args(["kafka.tools.StorageTool", "format", "--standalone"]);
        format.args(["--cluster-id", "a2xvZy1pbnRlcm9wLXRlc3", "--config"]).arg(&config);
        let format = format.output().expect("java runs");
        assert!(format.status.success(), "{}", String::from_utf8_lossy(&format.stderr));
    }
    let mut child = kafka_command(home).spawn().expect("java runs");
    let end = Instant::now() + START_DEADLINE;
    while TcpStream::connect(address).is_err() {
        let ended = child.try_wait().expect("a child can be waited for");
        assert!(ended.is_none(), "{}", fs::read_to_string(home.join("log")).unwrap_or_default());
        assert!(Instant::now() < end, "Apache Kafka did not listen within {START_DEADLINE:?}");
        thread::sleep(Duration::from_millis(50));
    }
    child
}

fn kafka_properties(data: &Path, address: &str, settings: &Settings) -> String {
    let controller = free_address();
    let mut text = format!(
        "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://{address},CONTROLLER://{controller}\n\
         controller.listener.names=CONTROLLER\nadvertised.listeners=PLAINTEXT://{address}\n\
         controller.quorum.bootstrap.servers={controller}\nlog.dirs={}\n\
         log.initial.task.delay.ms=100\noffsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n",
        data.display()
    );
    for (key, value) in settings {
        text.push_str(&format!("{key}={value}\n"));
    }
    text
}
