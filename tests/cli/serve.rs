//! `klog serve`

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;

use crate::server::{Server, klog_assert, stderr};
use crate::signal::{self, Signal};

#[test]
fn a_data_directory_in_use_is_refused_with_the_pid_that_holds_it() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path());
    let path = data.path().to_str().expect("it is UTF-8");
    let assert =
        klog_assert(["serve", "--listen", "127.0.0.1:0", "--data-dir", path]).assert().code(1);
    let said = stderr(&assert);
    assert!(said.contains(&server.pid().to_string()), "{said}");
    assert!(said.contains(path), "{said}");
}

#[test]
fn a_relative_data_directory_is_named_as_whoever_reads_the_log_finds_it() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("data");
    let _server = Server::start(&data);
    let mut again = klog_assert(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"]);
    let said = stderr(&again.current_dir(home.path()).assert().code(1));
    assert!(said.contains(&data.display().to_string()), "{said}");
}

#[test]
fn a_broker_at_rest_takes_little_memory() {
    let (server, _data) = crate::server::fresh();
    server.produce("t", "one\n");
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let own = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a line");
    let kib: usize = own.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(kib < 10 << 10, "{kib} KiB besides the program itself");
}

#[test]
fn readiness_is_told_to_the_one_who_asked() {
    let data = tempfile::tempdir().expect("a folder");
    let path = data.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let mut child = crate::server::klog()
        .args(["serve", "--listen", "127.0.0.1:0", "-q", "--data-dir"])
        .arg(data.path().join("data"))
        .env("NOTIFY_SOCKET", &path)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("klog runs");
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer).expect("a message");
    assert_eq!(&buffer[..length], b"READY=1");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn a_wrong_config_file_is_refused_with_every_line_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("klog.yaml");
    fs::write(&file, "node.id: 1\nlog.segment.byte: 5\nnum.partitions: none\n")
        .expect("it can be written");
    let path = file.to_str().expect("it is UTF-8");
    let said = stderr(&klog_assert(["serve", "--config", path, "--check"]).assert().code(1));
    for part in ["log.segment.byte", "log.segment.bytes", "num.partitions", "2", "3"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_sound_config_file_passes_the_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("server.properties");
    fs::write(&file, "num.partitions=3\nlog.segment.bytes=1048576\n").expect("it can be written");
    let path = file.to_str().expect("it is UTF-8");
    klog_assert(["serve", "--config", path, "--check"]).assert().success();
    let output =
        klog_assert(["serve", "--config", path, "--set", "num.partitions=5", "--print-config"])
            .assert()
            .success()
            .get_output()
            .stdout
            .clone();
    let printed = String::from_utf8(output).expect("it is UTF-8");
    let line = |key: &str| {
        let found = printed.lines().find(|line| line.split_whitespace().next() == Some(key));
        found.unwrap_or_else(|| panic!("{key} is missing:\n{printed}"))
    };
    assert!(
        line("num.partitions").contains(" 5 ") && line("num.partitions").contains("command line"),
        "{printed}"
    );
    assert!(line("log.segment.bytes").contains("line 2"), "{printed}");
    assert!(
        line("log.retention.ms").contains("default")
            || line("log.retention.hours").contains("default")
    );
}

#[test]
fn a_start_that_is_refused_says_how_to_go_on_and_leaves_what_was_closed_cleanly() {
    let data = tempfile::tempdir().expect("a folder");
    let path = data.path().to_str().expect("it is UTF-8");
    assert!(Server::start(data.path()).stop().success());
    let mark = fs::read(data.path().join(".kafka_cleanshutdown")).expect("it was stopped cleanly");
    let properties = data.path().join("meta.properties");
    let sound = fs::read(&properties).expect("it is there");
    let look = format!("klog dump-segment --verify {path}");
    for (options, told, properties_hold) in
        [(&["--node-id", "7"][..], "--node-id", &sound[..]), (&[], &look, b"rubbish")]
    {
        fs::write(&properties, properties_hold).expect("it can be written");
        let all = [&["serve", "--listen", "127.0.0.1:0", "--data-dir", path][..], options].concat();
        let said = stderr(&klog_assert(all).assert().code(1));
        assert!(said.contains(told), "{said}");
        let left = fs::read(data.path().join(".kafka_cleanshutdown"));
        assert_eq!(left.ok().as_ref(), Some(&mark), "{said}");
    }
}

#[test]
fn a_listener_open_to_others_needs_a_word() {
    let data = tempfile::tempdir().expect("a folder");
    let path = data.path().to_str().expect("it is UTF-8");
    let said = stderr(
        &klog_assert(["serve", "--listen", "0.0.0.0:0", "--data-dir", path, "--check"])
            .assert()
            .code(1),
    );
    assert!(said.contains("klog.allow.anonymous.listeners"), "{said}");
}

#[test]
fn the_server_properties_of_a_single_kafka_node_are_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("server.properties");
    // As Kafka ships it, but for the folder.
    let text = "process.roles=broker,controller\nnode.id=1\n\
        controller.quorum.bootstrap.servers=localhost:9093\n\
        listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n\
        inter.broker.listener.name=PLAINTEXT\n\
        advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n\
        controller.listener.names=CONTROLLER\n\
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT\n\
        num.network.threads=3\nnum.io.threads=8\nsocket.send.buffer.bytes=102400\n\
        socket.receive.buffer.bytes=102400\nsocket.request.max.bytes=104857600\nlog.dirs=data\n\
        num.partitions=1\nnum.recovery.threads.per.data.dir=1\noffsets.topic.replication.factor=1\n\
        share.coordinator.state.topic.replication.factor=1\nshare.coordinator.state.topic.min.isr=1\n\
        transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
        log.retention.hours=168\nlog.segment.bytes=1073741824\nlog.retention.check.interval.ms=300000\n";
    fs::write(&file, text).expect("it can be written");
    let path = file.to_str().expect("it is UTF-8");
    let said = stderr(&klog_assert(["serve", "--config", path, "--check"]).assert().success());
    let warned = said.lines().filter(|line| line.contains("WARN")).count();
    assert_eq!(warned, 1, "one warning for all keys without effect: {said}");
    assert!(said.contains("controller.listener.names") && said.contains("process.roles"), "{said}");
}

#[test]
fn clients_that_come_and_go_leave_no_line_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let server = Server::start_logging(&folder.path().join("data"), &log);
    server.output_of(["topics", "create", "t"]);
    server.produce("t", "a\nb\n");
    assert_eq!(server.output_of(["consume", "t", "-e"]), "a\nb\n");
    // One that waits for more, and is killed.
    for how in [Signal::INT, Signal::KILL] {
        let mut waiting = server.process(["consume", "t"]);
        let mut waiting = waiting.stdout(std::process::Stdio::piped()).spawn().expect("klog runs");
        let mut lines = BufReader::new(waiting.stdout.take().expect("a pipe")).lines();
        assert_eq!(lines.nth(1).expect("two lines").expect("UTF-8"), "b");
        signal::send(&waiting, how);
        waiting.wait().expect("it ends");
        // What its fetch waited for: the answer finds nobody.
        server.produce("t", "a\nb\n");
    }
    assert!(server.stop().success());
    let log = fs::read_to_string(&log).expect("it can be read");
    let lines: Vec<&str> = log.lines().collect();
    let is_told = |line: &&&str| !line.contains("created topic") && !line.contains("stopping");
    assert_eq!(lines.iter().find(is_told), None, "only the topic and the stop: {log}");
    assert_eq!(lines.len(), 2, "{log}");
}
