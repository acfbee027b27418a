//! A broker to be measured: klog from this build, or Apache Kafka from its jars with its own start script's JVM settings.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;

/// What bin/kafka-server-start.sh and kafka-run-class.sh pass to Java.
const KAFKA_JVM: &str = "-Xmx1G -Xms1G -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 \
    -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -XX:MaxInlineLevel=15 \
    -Djava.awt.headless=true";

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Kind {
    Klog,
    Kafka,
}

/// A running broker, killed and its data removed when dropped.
pub struct Broker {
    child: Child,
    address: String,
    _home: TempDir,
}

impl Broker {
    pub fn start(kind: Kind, dir: &Path) -> anyhow::Result<Broker> {
        let home = TempDir::new_in(dir)?;
        let (child, address) = match kind {
            Kind::Klog => start_klog(home.path())?,
            Kind::Kafka => start_kafka(home.path())?,
        };
        Ok(Broker { child, address, _home: home })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// User and system time of the broker's process so far.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, in brackets, may hold spaces; utime and stime are the 12th and 13th fields after it.
        let fields = stat.rsplit(')').next().context("/proc/PID/stat has a name")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|field| field.parse::<u64>().unwrap_or_default()).sum();
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn start_klog(home: &Path) -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_klog"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(home.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(home.join("log"))?)
        .spawn()?;
    let mut line = String::new();
    let stdout = child.stdout.take().context("stdout is piped")?;
    BufReader::new(stdout).read_line(&mut line)?;
    match line.trim_end().strip_prefix("listening on ") {
        Some(address) => Ok((child, address.to_owned())),
        None => bail!("klog did not start: {}", fs::read_to_string(home.join("log"))?),
    }
}

fn start_kafka(home: &Path) -> anyhow::Result<(Child, String)> {
    let (address, controller) = (free_address()?, free_address()?);
    let config = home.join("server.properties");
    fs::write(
        &config,
        format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://{address},CONTROLLER://{controller}\n\
             controller.quorum.bootstrap.servers={controller}\nlog.dirs={}\n\
             offsets.topic.replication.factor=1\n",
            home.join("data").display()
        ),
    )?;
    let format = java()?
        .args(["kafka.tools.StorageTool", "format", "--standalone"])
        .args(["--cluster-id", "a2xvZy1iZW5jaC10ZXN0MQ", "--config"])
        .arg(&config)
        .output()?;
    ensure!(format.status.success(), "{}", String::from_utf8_lossy(&format.stderr));
    let log = File::create(home.join("log"))?;
    let child = java()?
        .arg("kafka.Kafka")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let end = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(&address).is_err() {
        ensure!(Instant::now() < end, "{}", fs::read_to_string(home.join("log"))?);
        thread::sleep(Duration::from_millis(50));
    }
    Ok((child, address))
}

fn java() -> anyhow::Result<Command> {
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

fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
