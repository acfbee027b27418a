//! A broker to be measured: klog from this build, or Apache Kafka from its jars with its own start script's JVM settings.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::cgroup::Cgroup;
use crate::ports::free_address;
use crate::raw::Raw;
use crate::usage;

/// What bin/kafka-server-start.sh and kafka-run-class.sh pass to Java.
const KAFKA_JVM: &str = "-Xmx1G -Xms1G -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 \
    -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -XX:MaxInlineLevel=15 \
    -Djava.awt.headless=true";
/// A start after a crash may have much to check.
const START_DEADLINE: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, PartialEq, Debug, clap::ValueEnum)]
pub enum Kind {
    Klog,
    Kafka,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Klog => "klog",
            Kind::Kafka => "Kafka",
        })
    }
}

/// What is measured: a broker, and what is set beyond its defaults, as `KEY=VALUE`.
#[derive(Clone, PartialEq, Debug)]
pub struct Subject {
    pub kind: Kind,
    pub settings: Vec<String>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        self.settings.iter().try_for_each(|setting| write!(f, " {setting}"))
    }
}

/// A broker; killed and its data removed when dropped.
pub struct Broker {
    subject: Subject,
    home: TempDir,
    address: String,
    child: Option<Child>,
    cgroup: Option<Cgroup>,
}

impl Broker {
    /// A fresh data directory on a free port; nothing runs yet.
    pub fn prepare(subject: &Subject, dir: &Path) -> anyhow::Result<Broker> {
        let home = TempDir::new_in(dir)?;
        let address = free_address();
        if subject.kind == Kind::Kafka {
            format_kafka(home.path(), &address, &subject.settings)?;
        }
        Ok(Broker { subject: subject.clone(), home, address, child: None, cgroup: None })
    }

    /// Leaves its data directory where it is, for whoever made the folder around it to remove.
    pub fn keep_data(&mut self) {
        self.home.disable_cleanup(true);
    }

    /// A fresh broker that answers requests.
    pub fn start(subject: &Subject, dir: &Path) -> anyhow::Result<Broker> {
        Broker::start_with(subject, dir, &[])
    }

    /// The same with settings that the case needs, by Kafka's names; those of the subject count for more.
    pub fn start_with(
        subject: &Subject,
        dir: &Path,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Broker> {
        let mut all: Vec<String> =
            settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        all.extend_from_slice(&subject.settings);
        Broker::prepare(&Subject { settings: all, ..subject.clone() }, dir)?.started()
    }

    /// The same within a cgroup, where Kafka gets half of its usual heap.
    pub fn start_in(cgroup: Cgroup, subject: &Subject, dir: &Path) -> anyhow::Result<Broker> {
        let mut broker = Broker::prepare(subject, dir)?;
        broker.cgroup = Some(cgroup);
        broker.started()
    }

    fn started(mut self) -> anyhow::Result<Broker> {
        self.launch()?;
        self.wait_until(|address| Raw::connect(address)?.api_versions())?;
        Ok(self)
    }

    /// Starts the process, and does not wait for anything.
    pub fn launch(&mut self) -> anyhow::Result<()> {
        let home = self.home.path();
        let mut command = match self.subject.kind {
            Kind::Klog => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_klog"));
                command.args(["serve", "--listen", &self.address, "--data-dir"]).arg(self.data());
                for setting in &self.subject.settings {
                    command.args(["--set", setting]);
                }
                command
            }
            Kind::Kafka => {
                let mut command = java()?;
                let heap = ["-Xms512m", "-Xmx512m"];
                command.args(heap.iter().filter(|_| self.cgroup.is_some()));
                command.arg("kafka.Kafka").arg(home.join("server.properties"));
                command
            }
        };
        if let Some(cgroup) = &self.cgroup {
            command = cgroup.within(&command);
        }
        let log = File::options().create(true).append(true).open(home.join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// Tries until `serves` succeeds, once a millisecond. Returns what it gave.
    pub fn wait_until<T>(
        &mut self,
        serves: impl Fn(&str) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let end = Instant::now() + START_DEADLINE;
        loop {
            let error = match serves(&self.address) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let child = self.child.as_mut().context("the broker was launched")?;
            let alive = child.try_wait()?.is_none() && Instant::now() < end;
            ensure!(alive, "{error:#}; the broker's log:\n{}", self.log()?);
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// The folder with the partitions' folders.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn log(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.home.path().join("log"))?)
    }

    /// kill -9.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("the broker runs")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// SIGTERM, and the wait for its end.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("the broker runs")?;
        kill_process(Pid::from_child(&child), Signal::TERM)?;
        child.wait()?;
        Ok(())
    }

    /// User and system time of the broker's process so far.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        usage::cpu_seconds(&format!("/proc/{}/stat", self.id()?))
    }

    /// What the broker holds in memory, in MB (10⁶ bytes).
    pub fn rss_mb(&self) -> anyhow::Result<f64> {
        usage::memory_mb(self.id()?, "VmRSS")
    }

    /// The most that it has held since its start, in MB.
    pub fn peak_mb(&self) -> anyhow::Result<f64> {
        usage::memory_mb(self.id()?, "VmHWM")
    }

    fn id(&self) -> anyhow::Result<u32> {
        Ok(self.child.as_ref().context("the broker runs")?.id())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill().ok();
        }
    }
}

fn format_kafka(home: &Path, address: &str, settings: &[String]) -> anyhow::Result<()> {
    let controller = free_address();
    let config = home.join("server.properties");
    let more = settings.join("\n");
    fs::write(
        &config,
        format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://{address},CONTROLLER://{controller}\n\
             controller.quorum.bootstrap.servers={controller}\nlog.dirs={}\n\
             offsets.topic.replication.factor=1\n{more}\n",
            home.join("data").display()
        ),
    )?;
    let format = java()?
        .args(["kafka.tools.StorageTool", "format", "--standalone"])
        .args(["--cluster-id", "a2xvZy1iZW5jaC10ZXN0MQ", "--config"])
        .arg(&config)
        .output()?;
    ensure!(format.status.success(), "{}", String::from_utf8_lossy(&format.stderr));
    Ok(())
}

/// Kafka's JVM, with its jars.
pub fn java() -> anyhow::Result<Command> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fetched = || root.join("target/peers/kafka-4.3.1/libs");
    let libs = std::env::var_os("KLOG_KAFKA_LIBS").map_or_else(fetched, PathBuf::from);
    ensure!(libs.exists(), "{} is missing; tests/peers/get fetches it", libs.display());
    let mut command = Command::new("java");
    command.args(KAFKA_JVM.split_whitespace());
    let logging = root.join("tests/peers/java/log4j2.xml");
    command.arg(format!("-Dlog4j2.configurationFile={}", logging.display()));
    command.arg("-cp").arg(format!("{}/*", libs.display()));
    Ok(command)
}
