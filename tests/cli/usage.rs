//! What a user sees who typed something wrong, or has no broker.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{fresh, klog_assert, stderr};

/// What a command line that is refused prints.
fn refused(args: &[&str]) -> String {
    let assert = klog_assert(args).assert().code(2);
    assert!(assert.get_output().stdout.is_empty());
    stderr(&assert)
}

#[test]
fn a_mistyped_option_or_command_names_the_nearest() {
    let said = refused(&["produce", "t", "--partitio", "1"]);
    assert!(said.starts_with("klog: unexpected argument '--partitio'"), "{said}");
    assert!(said.contains("hint: "), "{said}");
    assert!(said.contains("--partition"), "{said}");
    let said = refused(&["comsume", "t"]);
    assert!(said.contains("consume"), "{said}");
}

#[test]
fn a_value_that_needs_a_unit_is_refused_without_one() {
    assert!(
        refused(&["produce", "t", "--linger", "5"])
            .contains("it needs a unit, for example 5ms or 5s")
    );
    assert!(refused(&["topics", "list", "--timeout", "30"]).contains("30s"));
}

#[test]
fn no_arguments_print_the_help_and_fail() {
    let assert = klog_assert::<&str>([]).assert().code(2);
    assert!(stderr(&assert).contains("Usage: klog"));
}

#[test]
fn an_unknown_property_names_the_nearest_and_a_known_one_says_why_not() {
    let said = refused(&["topics", "list", "-X", "request.timeout=5"]);
    assert!(said.contains("request.timeout.ms"), "{said}");
    let said = refused(&["topics", "list", "-X", "sasl.mechanism=PLAIN"]);
    assert!(said.contains("SASL"), "{said}");
    let said = refused(&["produce", "t", "-X", "lingerms=5", "-X", "acks=7"]);
    assert!(said.contains("linger.ms") && said.contains("acks"), "both are named: {said}");
}

#[test]
fn a_server_without_a_port_is_told_how_one_looks() {
    assert!(refused(&["topics", "list", "-b", "localhost"]).contains("localhost:9092"));
}

#[test]
fn a_topic_name_that_kafka_refuses_is_refused_at_once() {
    let said = refused(&["produce", "sp ace"]);
    assert!(said.contains("a topic name has only"), "{said}");
}

#[test]
fn without_a_broker_the_hint_is_to_start_one() {
    // Nobody listens on port 1.
    for args in [
        &["topics", "list", "-b", "127.0.0.1:1", "--timeout", "1s"][..],
        &["consume", "t", "-e", "-b", "127.0.0.1:1", "--timeout", "1s"],
        &["produce", "t", "-b", "127.0.0.1:1", "--timeout", "1s"],
    ] {
        let assert = klog_assert(args).write_stdin("a line\n").assert().code(1);
        let said = stderr(&assert);
        assert!(said.starts_with("klog: no broker answers at 127.0.0.1:1"), "{said}");
        assert!(said.contains("hint: start one with `klog serve`"), "{said}");
    }
}

#[test]
fn the_servers_of_the_environment_are_used_and_options_go_before() {
    let (server, _data) = fresh();
    server.klog(["topics", "list"]).assert().success();
    server.klog(["topics", "list", "-b", "127.0.0.1:1", "--timeout", "1s"]).assert().code(1);
}

#[test]
fn a_missing_topic_is_named_with_a_way_to_make_it() {
    let (server, _data) = fresh();
    let said = stderr(&server.klog(["consume", "nope", "-e"]).assert().code(1));
    assert!(said.contains("klog: topic nope does not exist"), "{said}");
    assert!(said.contains("klog topics"), "{said}");
}

#[test]
fn a_link_named_after_a_command_runs_it() {
    use std::os::unix::fs::symlink;
    let (server, folder) = fresh();
    server.produce("t", "a line\n");
    let link = folder.path().join("klog-consume");
    symlink(env!("CARGO_BIN_EXE_klog"), &link).expect("a link can be made");
    let output = std::process::Command::new(&link)
        .args(["t", "-e", "-b", &server.address])
        .output()
        .expect("the link runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a line\n");
}

#[test]
fn errors_are_coloured_only_on_demand() {
    let plain = refused(&["--nope"]);
    assert!(!plain.contains('\x1b'), "{plain:?}");
    let coloured = klog_assert([
        "topics",
        "list",
        "-b",
        "127.0.0.1:1",
        "--timeout",
        "1s",
        "--color",
        "always",
    ])
    .assert()
    .code(1);
    assert!(stderr(&coloured).contains('\x1b'));
}

#[test]
fn a_wrong_pattern_is_told_in_one_line() {
    for args in [
        &["consume", "a[", "-r"][..],
        &["consume", "t", "--value-regex", "a["],
        &["topics", "list", "a["],
    ] {
        let said = refused(args);
        let first = said.lines().next().expect("a line");
        assert!(first.contains("not a regular expression: unclosed character class"), "{said}");
        assert!(!said.contains("error:"), "{said}");
    }
}

/// An address where every connection is met by `work`.
fn listening(work: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("a bound socket has an address").to_string();
    thread::spawn(move || listener.incoming().flatten().for_each(work));
    address
}

#[test]
fn a_port_where_no_kafka_listens_is_told_apart_at_once() {
    let answers: [(&[u8], &str, &str); 3] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it answers in HTTP", "name a broker's listener"),
        (&[0x15, 3, 3, 0, 2, 2, 70], "it answers in TLS", "klog speaks no TLS yet"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "it answers in SSH", "name a broker's listener"),
    ];
    for (answer, told, hint) in answers {
        let address = listening(move |mut stream| {
            // One that is closed with bytes unread is reset.
            drop(stream.read(&mut [0; 1024]));
            drop(stream.write_all(answer));
        });
        let begun = Instant::now();
        let said = stderr(&klog_assert(["topics", "list", "-b", &address]).assert().code(1));
        assert!(said.contains(told) && said.contains(hint), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(20), "it tried on, in vain");
    }
}

#[test]
fn a_port_that_takes_connections_and_says_nothing_is_told_apart_from_one_that_is_not_there() {
    let held = Mutex::new(Vec::new());
    let address =
        listening(move |stream| held.lock().unwrap_or_else(PoisonError::into_inner).push(stream));
    let setup = "socket.connection.setup.timeout.ms=500";
    let args = ["topics", "list", "-b", &address, "--timeout", "1s", "-X", setup];
    let said = stderr(&klog_assert(args).assert().code(1));
    assert!(said.contains("took the connection, but did not answer within 500ms"), "{said}");
}

#[test]
fn a_wrong_server_of_the_environment_is_told_to_stand_there() {
    for wrong in ["", "localhost"] {
        let mut command = klog_assert(["topics", "list"]);
        let said = stderr(&command.env("KLOG_BOOTSTRAP_SERVERS", wrong).assert().code(2));
        assert!(said.contains("localhost:9092"), "{said}");
        assert!(said.contains("environment: KLOG_BOOTSTRAP_SERVERS"), "{said}");
    }
    let mut command = klog_assert(["topics", "list", "-b", "other"]);
    let said = stderr(&command.env("KLOG_BOOTSTRAP_SERVERS", "localhost:1").assert().code(2));
    assert!(!said.contains("environment"), "{said}");
}

#[test]
fn an_option_that_would_do_nothing_is_refused() {
    assert!(refused(&["produce", "t", "--input", "json", "-K", ":"]).contains("--input json"));
    assert!(refused(&["produce", "t", "--ignore-partition"]).contains("--input json"));
    assert!(refused(&["produce", "t", "--format", "json"]).contains("--print-offsets"));
}

#[test]
fn help_that_cannot_be_written_fails_with_the_reason() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full is there");
    let output = crate::server::klog().arg("--help").stdout(full).output().expect("klog runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot write to stdout") && said.contains("No space left"), "{said}");
}
