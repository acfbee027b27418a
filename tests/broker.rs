//! The broker through real sockets.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use klog::broker::{Broker, Loggers};
use klog::config::{BrokerConfig, Listener};
use klog::os::Os;

async fn start(folder: &Path) -> Broker {
    let config = BrokerConfig {
        listeners: vec![Listener::plaintext("127.0.0.1", 0)],
        log_dirs: vec![folder.into()],
        ..BrokerConfig::default()
    };
    Broker::start(config, Os::real(), Loggers::default()).await.unwrap()
}

fn kcat(broker: &Broker, args: &[&str], input: &str) -> String {
    let address = broker.local_addrs()[0].to_string();
    let mut child = Command::new("kcat")
        .env_remove("LD_LIBRARY_PATH")
        .args(["-b", &address])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kcat is installed by tests/run");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kcat_writes_it_reads_again_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let lines: String = (0..1000).map(|line| format!("line {line}\n")).collect();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("events-{codec}");
        kcat(&broker, &["-P", "-t", &topic, "-z", codec], &lines);
        assert_eq!(kcat(&broker, &["-C", "-t", &topic, "-e", "-q"], ""), lines, "{codec}");
    }
    broker.shutdown().await.unwrap();
    assert!(folder.path().join(".kafka_cleanshutdown").exists());
    let broker = start(folder.path()).await;
    assert_eq!(kcat(&broker, &["-C", "-t", "events-zstd", "-e", "-q"], ""), lines);
    broker.shutdown().await.unwrap();
}
