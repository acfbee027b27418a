//! `klog perf-test`: what it says is true, and others can read it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::broker::Broker;
use crate::peers::java;
use crate::process::{Running, run};
use crate::proxy::Proxy;

const DEADLINE: Duration = Duration::from_secs(60);
/// Records a second.
const RATE: u64 = 1000;
const SECONDS: u64 = 3;
const STALL: Duration = Duration::from_millis(500);

/// Every record that is due in the stall waits for its end: of 3000 records 500, evenly from 500 ms down to none. So a thousandth of
/// all waits longer than 497 ms, a hundredth longer than 470 ms, and a tenth longer than 200 ms; the half knows nothing of it. A closed loop
/// would have had one record in flight, and p99.9 of a millisecond. The buffer holds less than half of what is due, so those that wait for
/// room in it have to count as well.
#[test]
fn a_stall_shows_in_the_latency_of_all_records_that_were_due_in_it() {
    for test in ["produce", "end-to-end"] {
        let network = Proxy::start();
        let advertised = format!("PLAINTEXT://{}", network.address());
        let broker = Broker::with(&[("advertised.listeners", &advertised)]);
        network.lead_to(broker.address());
        let home = TempDir::new().expect("a temporary folder can be made");
        let log = home.path().join("load.hlog");
        let mut command = perf_test(&broker, test);
        command.args(["--rate", &RATE.to_string(), "--duration", &format!("{SECONDS}s")]);
        command.args(["--linger", "0ms", "--batch-size", "4KiB", "-X", "buffer.memory=32768"]);
        command.args(["--record-size", "100", "--hdr"]).arg(&log);
        let running = Running::start(&mut command, b"");
        network.wait_until_sent(50_000);
        network.stall(STALL);
        let printed = running.finish(DEADLINE).text();
        let report: Value = serde_json::from_str(&printed).expect("one object");
        assert_eq!((&report["records"], &report["errors"]), (&(RATE * SECONDS).into(), &0.into()));

        let at = |name: &str| report["latency_ms"][name].as_f64().expect("a latency");
        let calculated = [("p90", 200.0), ("p99", 470.0), ("p99_9", 497.0), ("max", 499.0)];
        for (name, ms) in calculated {
            // A busy machine adds to a stall; nothing takes away from it.
            assert!((ms - 5.0..ms + 200.0).contains(&at(name)), "{name} is to be {ms}: {report}");
        }
        assert!(at("p50") < 100.0, "{report}");
        assert_eq!(total_of(&log), RATE * SECONDS, "HdrHistogram counts other records");
    }
}

fn perf_test(broker: &Broker, test: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_klog"));
    command.args(["perf-test", test, "--topic", "load", "--partitions", "1", "--format", "json"]);
    command.args(["-b", broker.address()]).env_remove("KLOG_BOOTSTRAP_SERVERS");
    command
}

/// How many values HdrHistogram's own tool finds in a log.
fn total_of(log: &Path) -> u64 {
    let mut command = java();
    command.args(["org.HdrHistogram.HistogramLogProcessor", "-i"]).arg(log);
    let printed = run(&mut command, b"", DEADLINE).text();
    let total = printed.lines().find_map(|line| line.split_once("Total count")).map(|it| it.1);
    let digits = total.unwrap_or_default().chars().filter(char::is_ascii_digit);
    digits.collect::<String>().parse().unwrap_or_else(|_| panic!("no total:\n{printed}"))
}
