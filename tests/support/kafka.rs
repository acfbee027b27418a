//! An Apache Kafka node for a test binary: started once, killed at the end, also after a panic.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, Once, OnceLock};
use std::time::{Duration, Instant};

use crate::ports::free_address;

/// A running node.
pub struct Kafka {
    /// `127.0.0.1:PORT` of its listener.
    pub address: String,
    _folder: tempfile::TempDir,
}

static CHILDREN: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// The test binary's one node, started by whoever asks first.
pub fn shared() -> &'static Kafka {
    static NODE: OnceLock<Kafka> = OnceLock::new();
    NODE.get_or_init(|| start(&[]))
}

unsafe extern "C" {
    #[link_name = "atexit"]
    fn libc_atexit(function: extern "C" fn()) -> i32;
}

extern "C" fn kill_at_exit() {
    for mut child in CHILDREN.lock().unwrap_or_else(|e| e.into_inner()).drain(..) {
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn jars() -> PathBuf {
    let folder = std::env::var_os("KLOG_KAFKA_LIBS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/kafka-4.3.1/libs"),
        PathBuf::from,
    );
    assert!(
        folder.join("kafka-clients-4.3.1.jar").exists(),
        "no Apache Kafka in {}: `tests/run` fetches it, or set KLOG_KAFKA_LIBS",
        folder.display()
    );
    folder.join("*")
}

/// A node of its own, of a cluster that was formatted with these further options.
pub fn start(format_options: &[&str]) -> Kafka {
    static AT_EXIT: Once = Once::new();
    // SAFETY: the function only kills processes that we started.
    AT_EXIT.call_once(|| assert_eq!(unsafe { libc_atexit(kill_at_exit) }, 0));
    let folder = tempfile::tempdir().unwrap();
    let (address, controller) = (free_address(), free_address());
    let properties = folder.path().join("server.properties");
    let text = format!(
        "process.roles=broker,controller\nnode.id=1\n\
         controller.quorum.bootstrap.servers={controller}\n\
         listeners=PLAINTEXT://{address},CONTROLLER://{controller}\n\
         advertised.listeners=PLAINTEXT://{address}\n\
         controller.listener.names=CONTROLLER\ninter.broker.listener.name=PLAINTEXT\n\
         log.dirs={}\nmessage.max.bytes=8388608\ndelete.topic.enable=true\n\
         offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\ntransaction.state.log.num.partitions=1\n\
         transaction.abort.timed.out.transaction.cleanup.interval.ms=500\n",
        folder.path().join("data").display()
    );
    std::fs::write(&properties, text).unwrap();
    let java = |class: &str, arguments: &[&str]| {
        let mut command = Command::new("java");
        command.arg("-Xmx512m").arg("-cp").arg(jars()).arg(class).args(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
        command
    };
    let config = properties.to_str().unwrap();
    let format = ["format", "--standalone", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c", config];
    let formatted = java("kafka.tools.StorageTool", &[&format, format_options].concat())
        .status()
        .expect("java runs");
    assert!(formatted.success(), "StorageTool format failed");
    let mut child = java("kafka.Kafka", &[config]).spawn().unwrap();
    let give_up_at = Instant::now() + Duration::from_secs(90);
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(Instant::now() < give_up_at, "Apache Kafka did not start");
        assert!(child.try_wait().unwrap().is_none(), "Apache Kafka ended at once");
        std::thread::sleep(Duration::from_millis(100));
    }
    CHILDREN.lock().unwrap().push(child);
    Kafka { address, _folder: folder }
}
