//! `klog produce --transactional-id`, `klog consume --isolation` and `klog transactions`, against klog, or with
//! `KLOG_TEST_BROKER=kafka` against Apache Kafka 4.3.1.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use klog::record::{BatchBuilder, BatchOptions, BatchProducer};
use klog::wire::Records;
use klog::wire::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use tempfile::TempDir;

use crate::connection::Raw;
use crate::kafka;
use crate::server::{Server, klog, klog_assert, stderr};
use crate::signal::{self, Signal};

const PATIENCE: Duration = Duration::from_secs(60);

thread_local! {
    /// Each test's own, which ends with it. What clients announce it believes until it is told otherwise.
    static SERVER: (Server, TempDir) = {
        let data = tempfile::tempdir().expect("a folder");
        let verify = ["--set", "transaction.partition.verification.enable=false"];
        (Server::start_with(data.path(), &verify), data)
    };
}

fn on_kafka() -> bool {
    std::env::var("KLOG_TEST_BROKER").as_deref() == Ok("kafka")
}

/// Where the broker listens that the tests ask.
fn address() -> String {
    if on_kafka() {
        return kafka::shared().address.clone();
    }
    SERVER.with(|(server, _)| server.address.clone())
}

/// A klog command that is told of the node.
fn command(line: &str) -> assert_cmd::Command {
    let mut command = klog_assert(line.split_whitespace());
    command.env("KLOG_BOOTSTRAP_SERVERS", address());
    command
}

/// What a command prints that must succeed.
fn output_of(line: &str) -> String {
    let output = command(line).assert().success().get_output().stdout.clone();
    String::from_utf8(output).expect("it prints UTF-8")
}

/// The same, as JSON lines.
fn json(line: &str) -> Vec<serde_json::Value> {
    let printed = output_of(&format!("{line} --format json"));
    printed.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// Waits until `seen` says so.
fn until(what: &str, mut seen: impl FnMut() -> bool) {
    let give_up_at = Instant::now() + PATIENCE;
    while !seen() {
        assert!(Instant::now() < give_up_at, "{what} is not so in time");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A `klog produce` whose input a test holds open.
struct Producing {
    child: Child,
}

impl Producing {
    fn start(topic: &str, id: &str, options: &[&str]) -> Producing {
        let mut command: Command = klog();
        command.args(["produce", topic, "-p", "0", "--transactional-id", id, "--print-offsets"]);
        command.args(options);
        command.env("KLOG_BOOTSTRAP_SERVERS", address());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Producing { child: command.spawn().expect("klog can be started") }
    }

    /// Writes a line to its stdin.
    fn type_in(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("its stdin is a pipe");
        writeln!(stdin, "{line}").expect("it reads");
        stdin.flush().expect("it reads");
    }

    /// The same, and waits until the broker has the value.
    fn write(&mut self, topic: &str, line: &str, value: &str) {
        self.type_in(line);
        let all = format!("consume {topic} -e --isolation read_uncommitted");
        until("the line is written", || output_of(&all).lines().any(|seen| seen == value));
    }

    /// Closes stdin; the exit code, and what was printed on stdout and stderr.
    fn end(mut self) -> (Option<i32>, String, String) {
        drop(self.child.stdin.take());
        let (mut out, mut said) = (String::new(), String::new());
        self.child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("UTF-8");
        self.child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("UTF-8");
        (self.child.wait().expect("it ends").code(), out, said)
    }
}

impl Drop for Producing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn topic(name: &str) {
    output_of(&format!("topics create {name} -p 2"));
    let known = || command(&format!("topics describe {name}")).ok().is_ok();
    until("the topic is known", known);
}

#[test]
fn all_of_the_input_is_committed_or_nothing() {
    topic("whole");
    let produce = "produce whole -K : -p 0 --print-offsets --transactional-id whole";
    let printed = command(produce).write_stdin("a:1\nb:2\nc:3\n").assert().success();
    assert_eq!(printed.get_output().stdout, b"whole[0]@0\nwhole[0]@1\nwhole[0]@2\n");
    // The next one is not whole: what was written of it is not there either, and no offset is told.
    let mut half = Producing::start("whole", "whole", &["-K", ":"]);
    half.write("whole", "d:4", "4");
    half.type_in("no key");
    let (code, printed, said) = half.end();
    assert_eq!((code, printed.as_str()), (Some(1), ""), "{said}");
    assert!(said.contains("nothing is committed"), "{said}");
    assert!(said.contains("klog: line 2 is no record"), "{said}");
    // The last offsets are of aborted records and markers: the end is reached all the same.
    assert_eq!(output_of("consume whole -e"), "1\n2\n3\n");
    assert_eq!(output_of("consume whole -e --isolation read_committed"), "1\n2\n3\n");
    let group = output_of("consume whole -e -g whole --reset earliest");
    assert_eq!(group, "1\n2\n3\n");
    let printed = command(produce).write_stdin("f:6").assert().success();
    assert!(printed.get_output().stdout.starts_with(b"whole[0]@"));
    assert_eq!(output_of("consume whole -e"), "1\n2\n3\n6\n");
    assert_eq!(output_of("consume whole -e -o -2"), "6\n", "the last offset is a marker's");
    // An empty input is an empty transaction.
    command(produce).write_stdin("").assert().success();
}

#[test]
fn a_long_transaction_tells_all_of_its_offsets_in_order() {
    const RECORDS: usize = 100_000;
    topic("long");
    let produce = "produce long -p 0 --print-offsets --transactional-id long";
    let printed = command(produce).write_stdin("x\n".repeat(RECORDS)).assert().success();
    let told: String = (0..RECORDS).map(|at| format!("long[0]@{at}\n")).collect();
    assert!(told.len() > 1 << 20, "more than is held in memory");
    assert_eq!(String::from_utf8_lossy(&printed.get_output().stdout), told);
}

#[test]
fn what_contradicts_a_transaction_is_refused() {
    for options in ["-a 1", "--idempotent false"] {
        let produce = format!("produce whole --transactional-id no {options}");
        let refused = command(&produce).write_stdin("x\n").assert().code(2);
        let said = stderr(&refused);
        assert!(said.contains("idempotence"), "{said}");
    }
    let produce = "produce whole --transactional-id no -X transaction.timeout.ms=2000000000";
    let said = stderr(&command(produce).write_stdin("x\n").assert().code(1));
    assert!(said.contains("INVALID_TRANSACTION_TIMEOUT") && said.contains("hint: "), "{said}");
}

#[test]
fn ctrl_c_aborts_and_exits_130() {
    topic("interrupted");
    let mut producing = Producing::start("interrupted", "interrupted", &[]);
    producing.write("interrupted", "half", "half");
    // While it is open, readers of committed records stop before it.
    assert_eq!(output_of("consume interrupted -e"), "");
    signal::send(&producing.child, Signal::INT);
    let code = producing.child.wait().expect("it ends").code();
    let (_, printed, said) = producing.end();
    assert_eq!((code, printed.as_str()), (Some(130), ""), "{said}");
    assert!(said.contains("nothing is committed: the transaction is aborted"), "{said}");
    // It is aborted at once, not after its timeout.
    let state = || json("transactions describe interrupted")[0]["state"].clone();
    until("the transaction is aborted", || state() == "CompleteAbort");
    assert_eq!(output_of("consume interrupted -e"), "");
    assert_eq!(output_of("consume interrupted -e --isolation read_uncommitted"), "half\n");
}

#[test]
fn a_second_producer_of_an_id_fences_the_first() {
    topic("twice");
    let mut first = Producing::start("twice", "twice", &[]);
    first.write("twice", "first", "first");
    let second = "produce twice -p 0 --transactional-id twice";
    command(second).write_stdin("second\n").assert().success();
    let (code, printed, said) = first.end();
    assert_eq!((code, printed.as_str()), (Some(1), ""), "{said}");
    assert!(said.contains("klog: nothing is committed"), "{said}");
    assert!(said.contains("hint: -X transaction.timeout.ms"), "{said}");
    assert_eq!(output_of("consume twice -e"), "second\n");
}

#[test]
fn transactions_are_listed_described_and_aborted_by_their_id() {
    topic("listed");
    let mut producing = Producing::start("listed", "listed-1", &[]);
    producing.write("listed", "open", "open");
    command("produce listed -p 1 --transactional-id listed-2")
        .write_stdin("x\n")
        .assert()
        .success();

    let listed = json("transactions list listed-.*");
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["transactional_id"], "listed-1");
    assert_eq!((&listed[0]["state"], &listed[0]["coordinator"]), (&"Ongoing".into(), &1.into()));
    let producer_id = listed[0]["producer_id"].as_i64().expect("a number");
    let only = |line: &str| -> Vec<String> {
        let id = |row: &serde_json::Value| row["transactional_id"].as_str().unwrap().to_owned();
        json(&format!("transactions list listed-.* {line}")).iter().map(id).collect()
    };
    assert_eq!(only("--state ongoing"), ["listed-1"]);
    until("the other is complete", || only("--state CompleteCommit") == ["listed-2"]);
    assert_eq!(only(&format!("--producer-id {producer_id}")), ["listed-1"]);
    assert_eq!(only("--older-than 1h"), [""; 0]);
    assert_eq!(only("--older-than 1ms --state Ongoing"), ["listed-1"]);
    let table = output_of("transactions list listed-1");
    assert!(table.starts_with("TRANSACTIONAL_ID  COORDINATOR  PRODUCER_ID  STATE\n"), "{table}");
    command("transactions list --state Dreaming").assert().code(2);
    let said = stderr(&command("transactions list (").assert().code(1));
    assert!(said.contains("INVALID_REGULAR_EXPRESSION"), "{said}");

    let described = &json("transactions describe listed-1")[0];
    assert_eq!(
        (&described["producer_id"], &described["timeout_ms"]),
        (&producer_id.into(), &60000.into())
    );
    assert_eq!(described["partitions"].to_string(), r#"[{"partitions":[0],"topic":"listed"}]"#);
    assert!(described["duration_ms"].as_i64().expect("a number") > 0);
    let plain = output_of("transactions describe listed-1 --format plain");
    assert!(plain.trim_end().ends_with("\tlisted:0"), "{plain}");
    let missing = command("transactions describe listed-2 listed-3").assert().code(1);
    assert!(stderr(&missing).contains("transactional id listed-3 does not exist"));
    assert!(String::from_utf8_lossy(&missing.get_output().stdout).contains("listed-2"));

    let dry = output_of("transactions abort listed-1 --dry-run");
    assert_eq!(dry, "would abort what listed-1 has open, and fence its producer\n");
    command("transactions abort listed-1").assert().code(2);
    assert_eq!(only("--state Ongoing"), ["listed-1"], "nobody confirmed it");
    command("transactions abort listed-3 --yes").assert().code(1);
    let done = json("transactions abort listed-1 --yes");
    assert_eq!(
        (&done[0]["change"], &done[0]["producer_id"]),
        (&"abort".into(), &producer_id.into())
    );
    until("it is aborted", || only("--state Ongoing").is_empty());
    let (code, printed, said) = producing.end();
    assert_eq!((code, printed.as_str()), (Some(1), ""), "{said}");
    assert_eq!(output_of("consume listed -p 0 -e"), "");
}

/// Whether the node asks coordinators for what clients say that they announced.
fn verify(on: bool) {
    if !on_kafka() {
        return; // It was started so.
    }
    use klog::client::{Admin, Client, ClientConfig, ConfigChange, ConfigOp, ConfigResource};
    let name = "transaction.partition.verification.enable".to_owned();
    let change = ConfigChange { name, op: ConfigOp::Set, value: Some(on.to_string()) };
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let bootstrap = vec![address()];
        let config = ClientConfig { bootstrap, ..ClientConfig::default() };
        let client = Client::connect(config).await.expect("it answers");
        let changes = [(ConfigResource::Broker(Some(1)), vec![change])];
        let done = Admin::new(&client).alter_configs(&changes, false).await.expect("it answers");
        done[0].1.clone().expect("it is changed");
    });
}

/// Writes a transactional record of a producer that no coordinator knows, as of an hour ago; false if it is not taken.
fn leave_hanging(topic: &str, producer_id: i64) -> bool {
    let an_hour_ago = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_millis()
        as i64
        - 3_600_000;
    let mut batch = BatchBuilder::new(BatchOptions {
        transactional: true,
        producer: BatchProducer { id: producer_id, epoch: 0, base_sequence: 0 },
        ..BatchOptions::default()
    });
    batch.append(an_hour_ago, None, Some(b"hangs"), []).expect("it fits");
    let data = PartitionProduceData {
        records: Some(Records::Bytes(batch.build().expect("it is built"))),
        ..PartitionProduceData::default()
    };
    let request = ProduceRequest {
        transactional_id: Some("nobody".into()),
        acks: -1,
        timeout_ms: 10_000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data: vec![data],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    // The last version in which brokers take a client's word for what it has announced, as far as they do not verify it.
    let answer = Raw::connect(&address()).call(11, &request);
    answer.responses[0].partition_responses[0].error_code == 0
}

#[test]
fn a_transaction_that_hangs_is_found_and_aborted() {
    topic("hangs");
    verify(false);
    until("the record is taken", || leave_hanging("hangs", 4_000_007));
    verify(true);
    command("produce hangs -p 0").write_stdin("behind\n").assert().success();
    assert_eq!(output_of("consume hangs -e"), "", "readers do not get past it");

    // One that is under way is none that hangs, however old its records are.
    let mut producing = Producing::start("hangs", "under-way", &[]);
    producing.write("hangs", "under way", "under way");
    let found = json("transactions hanging --topic hangs --max-timeout 0ms");
    assert_eq!(found.len(), 1, "{found:?}");
    let row = &found[0];
    assert_eq!((&row["topic"], &row["partition"]), (&"hangs".into(), &0.into()));
    assert_eq!((&row["producer_id"], &row["start_offset"]), (&4_000_007.into(), &0.into()));
    assert!(row["idle_ms"].as_i64().expect("a number") >= 3_600_000);
    for scope in ["", "--broker 1", "--topic hangs", "--max-timeout 30m"] {
        let again = json(&format!("transactions hanging {scope}"));
        let ids: Vec<_> = again.iter().map(|row| &row["producer_id"]).collect();
        assert_eq!(ids, [&row["producer_id"]], "{scope}");
    }
    assert!(json("transactions hanging --max-timeout 2h").is_empty());
    let table = command("transactions hanging --topic hangs").assert().success();
    let wanted = "klog transactions abort --topic hangs --partition 0 --producer-id 4000007";
    assert!(stderr(&table).contains(wanted), "{}", stderr(&table));
    assert_eq!(row["abort"], wanted);

    // What its coordinator knows of is not aborted behind its back.
    let owner = json("transactions list under-way")[0]["producer_id"].clone();
    let abort = "transactions abort --topic hangs --partition 0 --producer-id";
    let refused = command(&format!("{abort} {owner} --yes")).assert().code(1);
    assert!(stderr(&refused).contains("klog transactions abort under-way"), "{}", stderr(&refused));
    command(&format!("{abort} 99 --yes")).assert().code(1);
    command("transactions abort --topic hangs --yes").assert().code(2);
    command("transactions abort --topic hangs --partition 9 --producer-id 1 --yes")
        .assert()
        .code(1);

    let dry = output_of(&format!("{abort} 4000007 --dry-run"));
    assert_eq!(dry, "would abort the transaction of producer 4000007 in hangs[0]\n");
    assert_eq!(output_of("consume hangs -e"), "");
    output_of(&format!("{abort} 4000007 --yes"));
    assert_eq!(output_of("consume hangs -e"), "behind\n");
    assert!(json("transactions hanging --topic hangs").is_empty());
    let (code, _, said) = producing.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(output_of("consume hangs -e"), "behind\nunder way\n");
}

#[test]
fn offsets_that_are_pending_are_shown_as_such() {
    use klog::client::{
        Client, ClientConfig, CommittedOffset, GroupMetadata, GroupOffsets, ProducerConfig,
        TransactionalProducer,
    };
    topic("pending");
    output_of("groups reset pending --topic pending:0,1 --to 0");
    let pending = || -> Vec<bool> {
        let row = |row: &serde_json::Value| row["pending"].as_bool().expect("a boolean");
        json("groups describe pending").iter().map(row).collect()
    };
    assert_eq!(pending(), [false, false]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let producer = runtime.block_on(async {
        let bootstrap = vec![address()];
        let config = ClientConfig { bootstrap, ..ClientConfig::default() };
        let client = Client::connect(config).await.expect("it answers");
        let config = ProducerConfig {
            transactional_id: Some("pending".into()),
            ..ProducerConfig::default()
        };
        let producer = TransactionalProducer::init(&client, config).await.expect("it is taken");
        producer.begin().expect("it begins");
        let partition = (klog::base::TopicName::new("pending").expect("a name"), 1);
        let offsets = GroupOffsets::from([(partition, CommittedOffset::at(0))]);
        producer.send_offsets(offsets, &GroupMetadata::of("pending")).await.expect("taken");
        producer
    });
    assert_eq!(pending(), [false, true]);
    let table = output_of("groups describe pending");
    assert!(table.lines().nth(2).is_some_and(|line| line.trim_end().ends_with("yes")), "{table}");
    runtime.block_on(async { producer.commit().await.expect("it is committed") });
    until("nothing is pending", || pending() == [false, false]);
}
