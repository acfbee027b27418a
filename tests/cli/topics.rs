//! `klog topics`

use crate::server::{fresh, stderr};
use crate::signal::{self, Signal};

#[test]
fn topics_are_created_listed_described_and_deleted() {
    let (server, _data) = fresh();
    assert_eq!(server.output_of(["topics", "list", "--format", "plain"]), "");
    server.output_of(["topics", "create", "a", "b", "-p", "2", "-c", "retention.ms=60000"]);
    let list = server.output_of(["topics", "list", "--format", "json"]);
    assert_eq!(list.lines().count(), 2);
    assert!(list.starts_with(r#"{"name":"a","id":""#), "{list}");
    assert!(list.contains(r#""partitions":2,"replication_factor":1,"internal":false}"#), "{list}");

    server.klog(["produce", "a", "-p", "1"]).write_stdin("x\ny\n").assert().success();
    let described = server.output_of(["topics", "describe", "a", "--format", "json"]);
    let second = described.lines().nth(1).expect("a line per partition");
    assert!(second.starts_with(r#"{"topic":"a","topic_id":""#), "{second}");
    for part in [
        r#""partition":1,"leader":"#,
        r#""isr":["#,
        r#""offline":[],"earliest":0,"latest":2,"size_bytes":"#,
    ] {
        assert!(second.contains(part), "{part}: {second}");
    }
    assert_eq!(
        server.output_of(["topics", "describe", "--under-replicated", "--format", "json"]),
        ""
    );

    server.output_of(["topics", "delete", "a", "--yes"]);
    let list = server.output_of(["topics", "list", "--format", "plain"]);
    assert!(list.starts_with("b\t") && list.lines().count() == 1, "{list}");
}

#[test]
fn a_list_is_a_table_without_borders_in_a_pipe() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "orders", "-p", "3"]);
    let list = server.output_of(["topics", "list"]);
    let mut lines = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        lines.next().expect("a header"),
        ["NAME", "ID", "PARTITIONS", "REPLICATION_FACTOR", "INTERNAL"]
    );
    let row = lines.next().expect("a row");
    assert_eq!((row[0], row[2], row[3], row[4]), ("orders", "3", "1", "false"));
    assert_eq!(
        server.output_of(["topics", "list", "or.*s", "--format", "plain"]).lines().count(),
        1
    );
    assert_eq!(server.output_of(["topics", "list", "or", "--format", "plain"]), "");
}

#[test]
fn creating_twice_fails_unless_told_otherwise() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "t"]);
    let said = stderr(&server.klog(["topics", "create", "t"]).assert().code(1));
    assert!(said.contains("klog: topic t exists already"), "{said}");
    assert!(said.contains("--if-not-exists"), "{said}");
    server.output_of(["topics", "create", "t", "--if-not-exists"]);
}

#[test]
fn what_the_broker_refuses_is_told_with_a_hint() {
    let (server, _data) = fresh();
    let said =
        stderr(&server.klog(["topics", "create", "t", "-c", "retention.mss=1"]).assert().code(1));
    assert!(said.contains("retention.mss"), "{said}");
    let said = stderr(&server.klog(["topics", "create", "t", "-r", "3"]).assert().code(1));
    assert!(said.contains("klog: "), "{said}");
}

#[test]
fn configs_are_listed_changed_and_unset() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "t", "-c", "retention.ms=60000"]);
    let own = server.output_of(["topics", "configs", "t", "--format", "json"]);
    assert_eq!(own.lines().count(), 1, "{own}");
    assert!(own.starts_with(r#"{"topic":"t","key":"retention.ms","value":"60000","source":"topic","documentation":""#), "{own}");

    server.output_of([
        "topics",
        "alter",
        "t",
        "-c",
        "segment.bytes=1048576",
        "--unset",
        "retention.ms",
    ]);
    let own = server.output_of(["topics", "configs", "t", "--format", "plain"]);
    assert!(
        own.starts_with("t\tsegment.bytes\t1048576\ttopic\t") && own.lines().count() == 1,
        "{own}"
    );
    let all = server.output_of(["topics", "configs", "t", "--all", "--format", "json"]);
    assert!(
        all.contains(r#""key":"retention.ms","value":"604800000","source":"default""#),
        "{all}"
    );
}

#[test]
fn partitions_are_added() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "t", "-p", "1"]);
    server.output_of(["topics", "alter", "t", "--partitions", "3"]);
    assert_eq!(
        server.output_of(["topics", "describe", "t", "--format", "json"]).lines().count(),
        3
    );
    server.klog(["topics", "alter", "t", "--partitions", "2"]).assert().code(1);
}

#[test]
fn offsets_are_told_at_the_ends_and_at_times() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "t", "-p", "1"]);
    let input = "{\"value\":\"a\",\"timestamp\":1000}\n{\"value\":\"b\",\"timestamp\":2000}\n";
    server.klog(["produce", "t", "--input", "json"]).write_stdin(input).assert().success();
    let at = |at| server.output_of(["topics", "offsets", "t", "--at", at, "--format", "json"]);
    assert!(
        at("latest").starts_with(r#"{"topic":"t","partition":0,"offset":2,"timestamp":"#),
        "{}",
        at("latest")
    );
    assert!(at("earliest").contains(r#""offset":0,"#), "{}", at("earliest"));
    assert!(at("@1500").contains(r#""offset":1,"timestamp":2000,"#), "{}", at("@1500"));
    assert!(at("@9000").contains(r#""offset":null,"timestamp":null,"#), "{}", at("@9000"));
}

#[test]
fn trimming_deletes_what_lies_before() {
    let (server, _data) = fresh();
    server.produce("t", "a\nb\nc\n");
    let said = server.output_of(["topics", "trim", "t", "--before", "2", "--dry-run"]);
    assert!(said.contains("would"), "{said}");
    assert_eq!(server.output_of(["consume", "t", "-e"]), "a\nb\nc\n");
    server.output_of(["topics", "trim", "t", "--before", "2", "--yes"]);
    assert_eq!(server.output_of(["consume", "t", "-e"]), "c\n");
}

#[test]
fn what_destroys_wants_a_yes_where_nobody_can_be_asked() {
    let (server, _data) = fresh();
    server.produce("t", "a\n");
    for args in [&["topics", "delete", "t"][..], &["topics", "trim", "t", "--before", "latest"]] {
        let said = stderr(&server.klog(args.iter().copied()).write_stdin("y\n").assert().code(2));
        assert!(said.contains("--yes"), "{said}");
    }
    assert_eq!(server.output_of(["consume", "t", "-e"]), "a\n");
}

#[test]
fn a_dry_run_changes_nothing_and_says_what_it_would_do() {
    let (server, _data) = fresh();
    let said = server.output_of(["topics", "create", "t", "-p", "3", "--dry-run"]);
    assert!(said.contains("would create topic t"), "{said}");
    assert_eq!(server.output_of(["topics", "list", "--format", "plain"]), "");
    server.output_of(["topics", "create", "t"]);
    let said = server.output_of(["topics", "delete", "t", "--dry-run"]);
    assert!(said.contains("would delete topic t"), "{said}");
    let said = server.output_of([
        "topics",
        "alter",
        "t",
        "--partitions",
        "5",
        "-c",
        "retention.ms=1000",
        "--dry-run",
    ]);
    assert!(said.contains("would"), "{said}");
    assert_eq!(
        server.output_of(["topics", "describe", "t", "--format", "json"]).lines().count(),
        1
    );
    assert_eq!(server.output_of(["topics", "configs", "t", "--format", "plain"]), "");
}

#[test]
fn deleting_what_is_not_there_fails_unless_told_otherwise() {
    let (server, _data) = fresh();
    let said = stderr(&server.klog(["topics", "delete", "t", "--yes"]).assert().code(1));
    assert!(said.contains("topic t does not exist"), "{said}");
    server.output_of(["topics", "delete", "t", "--yes", "--if-exists"]);
}

#[test]
fn a_change_is_told_in_json_too() {
    let (server, _data) = fresh();
    let told = |args: &[&str]| server.output_of(args.iter().copied().chain(["--format", "json"]));
    assert_eq!(
        told(&["topics", "create", "t", "--dry-run"]),
        "{\"topic\":\"t\",\"partition\":null,\"change\":\"create\",\"key\":null,\"value\":null,\"dry_run\":true}\n"
    );
    told(&["topics", "create", "t"]);
    let lines = told(&[
        "topics",
        "alter",
        "t",
        "-c",
        "flush.ms=5",
        "--unset",
        "segment.ms",
        "--partitions",
        "2",
    ]);
    let lines: Vec<&str> = lines.lines().collect();
    for (line, part) in lines.iter().zip([
        r#""change":"set","key":"flush.ms","value":"5""#,
        r#""change":"unset","key":"segment.ms","value":null"#,
        r#""change":"partitions","key":null,"value":"2""#,
    ]) {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_eq!(lines.len(), 3);
    server.klog(["produce", "t", "-p", "0"]).write_stdin("a\nb\n").assert().success();
    let trimmed = told(&["topics", "trim", "t", "--before", "1", "--yes"]);
    assert!(
        trimmed.contains(r#""partition":0,"change":"trim","key":null,"value":"1""#),
        "{trimmed}"
    );
    assert!(told(&["topics", "delete", "t", "--yes"]).contains(r#""change":"delete""#));
}

#[test]
fn ctrl_c_ends_the_question_whether_to_delete() {
    use std::io::Read as _;
    use std::os::fd::OwnedFd;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let (server, _data) = fresh();
    server.output_of(["topics", "create", "t"]);
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("it opens");
    let path = ptsname(&terminal, Vec::new()).expect("it has a name").into_string().expect("UTF-8");
    let end = || -> OwnedFd {
        let file = std::fs::File::options().read(true).write(true).open(&path);
        file.expect("it can be opened").into()
    };
    let mut command = server.process(["topics", "delete", "t"]);
    let mut child = command.stdin(end()).stderr(end()).spawn().expect("klog runs");
    drop(command);
    let (mut screen, mut shown) = (std::fs::File::from(terminal), Vec::new());
    while !shown.ends_with(b"[y/N] ") {
        let mut byte = [0];
        screen.read_exact(&mut byte).expect("the question comes");
        shown.push(byte[0]);
    }
    signal::send(&child, Signal::INT);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(server.output_of(["topics", "list", "--format", "plain"]).starts_with("t\t"));
}
